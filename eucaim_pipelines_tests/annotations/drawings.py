"""Images on a grid of any orientation, and structure sets drawn on them, as released objects look."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import numpy as np
import shapely
from pydicom import Dataset, dcmread

from eucaim_pipelines.annotations import conversion
from eucaim_pipelines.contracts import vocabularies
from eucaim_pipelines.dicom.examination import examine
from eucaim_pipelines_tests.deidentification.objects import planted_object, to_bytes

AXIAL = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
PATIENT, STUDY, FRAME, SERIES = "EUCAIM-1", "2.25.10", "2.25.11", "2.25.12"
CT, RTSTRUCT = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.481.3"
LABELS = vocabularies.load("segment_label")


@dataclass(frozen=True)
class Grid:
    """Where a stack of single-frame images lies: directions of row and column, spacings in mm, size."""

    axes: tuple[tuple[float, float, float], tuple[float, float, float]] = AXIAL
    origin: tuple[float, float, float] = (-20.0, -30.0, 40.0)
    spacing: tuple[float, float] = (1.0, 1.0)
    apart: float = 3.0
    slices: int = 3
    shape: tuple[int, int] = (24, 32)

    @property
    def normal(self) -> np.ndarray:
        return np.cross(*self.axes)

    def position(self, number: int) -> np.ndarray:
        """Centre of the first pixel of a slice."""
        return np.asarray(self.origin) + number * self.apart * self.normal

    def space(self, number: int, points: Any) -> np.ndarray:
        """(column, row) of a slice as points of the patient's space."""
        points, (row, column) = np.asarray(points, float), self.spacing
        along = np.outer(points[:, 0] * column, self.axes[0]) + np.outer(points[:, 1] * row, self.axes[1])
        return np.asarray(self.position(number) + along)

    def images(self) -> list[Dataset]:
        """One image of each slice."""
        found = []
        for number in range(self.slices):
            ds = planted_object(
                SOPInstanceUID=f"{SERIES}.{number}", SOPClassUID=CT, SeriesInstanceUID=SERIES,
                StudyInstanceUID=STUDY, FrameOfReferenceUID=FRAME, PatientID=PATIENT, PatientName=PATIENT,
                Modality="CT", Rows=self.shape[0], Columns=self.shape[1], StudyDate="20200103",
                PixelSpacing=[f"{each:.8g}" for each in self.spacing], SliceThickness="3",
                ImagePositionPatient=[f"{each:.8f}"[:16] for each in self.position(number)],
                ImageOrientationPatient=[f"{each:.10f}"[:16] for axis in self.axes for each in axis],
                PixelData=bytes(2 * self.shape[0] * self.shape[1]), BitsAllocated=16,
            )  # fmt: skip
            found.append(dcmread(BytesIO(to_bytes(ds))))
        return found


@dataclass
class Roi:
    """One region: contours as (slice, (column, row) points), and what is said of it."""

    contours: Sequence[tuple[int, Any]]
    name: str = "Lung"
    method: str = "MANUAL"
    kind: str = "CLOSED_PLANAR"
    named: bool = True
    software: str = ""


@dataclass
class Drawn:
    """A grid and a structure set on it, and the conversion of both."""

    rois: Sequence[Roi]
    grid: Grid = field(default_factory=Grid)

    def __post_init__(self) -> None:
        self.images = {str(ds.SOPInstanceUID): ds for ds in self.grid.images()}
        self.source = structure_set(self.grid, self.rois)

    def rows(self) -> dict[str, dict[str, Any]]:
        return {uid: examine(to_bytes(ds)).row for uid, ds in self.images.items()}

    def convert(self) -> bytes:
        return conversion.from_structure_set(
            self.source, self.rows(), self.images.__getitem__, new_uid, LABELS
        )


def new_uid(purpose: str, uid: str) -> str:
    """Stands for the holder's key."""
    return f"2.25.{int(hashlib.sha256(f'{purpose} {uid}'.encode()).hexdigest()[:28], 16)}"


def structure_set(grid: Grid, rois: Sequence[Roi]) -> Dataset:
    """A structure set as a planning system writes it, in plain words."""
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = RTSTRUCT, "2.25.20"
    ds.SeriesInstanceUID, ds.StudyInstanceUID, ds.SeriesNumber = "2.25.21", STUDY, 7
    ds.PatientID = ds.PatientName = PATIENT
    ds.Modality, ds.StudyDate, ds.StructureSetDate, ds.StructureSetTime = (
        *("RTSTRUCT", "20200103"),
        *("20200104", "101500"),
    )
    ds.PatientIdentityRemoved, ds.DeidentificationMethod = "YES", "eucaim"
    listed, study, frame = Dataset(), Dataset(), Dataset()
    listed.SeriesInstanceUID = SERIES
    listed.ContourImageSequence = [_reference(number) for number in range(grid.slices)]
    study.RTReferencedSeriesSequence = [listed]
    frame.FrameOfReferenceUID, frame.RTReferencedStudySequence = FRAME, [study]
    ds.ReferencedFrameOfReferenceSequence = [frame]
    ds.StructureSetROISequence, ds.ROIContourSequence = [], []
    for number, roi in enumerate(rois, start=1):
        ds.StructureSetROISequence.append(_described(number, roi))
        item = Dataset()
        item.ReferencedROINumber = number
        item.ContourSequence = [_contour(grid, roi, where, points) for where, points in roi.contours]
        ds.ROIContourSequence.append(item)
    return ds


def _described(number: int, roi: Roi) -> Dataset:
    item = Dataset()
    item.ROINumber, item.ReferencedFrameOfReferenceUID = number, FRAME
    item.ROIName, item.ROIGenerationAlgorithm = roi.name, roi.method
    if roi.software:
        algorithm = Dataset()
        algorithm.AlgorithmName, algorithm.AlgorithmVersion = roi.software, "2"
        item.ROIDerivationAlgorithmIdentificationSequence = [algorithm]
    return item


def _reference(number: int) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = CT, f"{SERIES}.{number}"
    return item


def _contour(grid: Grid, roi: Roi, number: int, points: Any) -> Dataset:
    item = Dataset()
    space = grid.space(number, points)
    item.ContourGeometricType, item.NumberOfContourPoints = roi.kind, len(space)
    item.ContourData = [f"{each:.6f}" for each in space.ravel()]
    if roi.named:
        item.ContourImageSequence = [_reference(number)]
    return item


def rasterised(polygons: Sequence[Any], shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Independent of the code under test: centres within the polygons (by shapely), and those on a path.

    Polygons within each other alternate between inside and outside (PS3.3 C.8.8.6.3).
    """
    y, x = np.mgrid[: shape[0], : shape[1]]
    inside, on_path = np.zeros(shape, bool), np.zeros(shape, bool)
    for points in polygons:
        polygon = shapely.Polygon(points)
        inside ^= shapely.contains_xy(polygon, x, y)
        on_path |= shapely.distance(polygon.exterior, shapely.points(x, y)) < 1e-4
    return inside, on_path


def dice(one: np.ndarray, other: np.ndarray) -> float:
    """Dice's coefficient of two regions; 1 where both are empty."""
    both = int(one.sum()) + int(other.sum())
    return 2.0 * int((one & other).sum()) / both if both else 1.0
