"""NIfTI label maps on the grids of `drawings`, written by nibabel, and the DICOM JSON beside them."""

import gzip
import json
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import nibabel
import numpy as np
from nibabel.nifti1 import Nifti1Extension
from pydicom import Dataset, dcmread

from eucaim_pipelines.annotations import conversion
from eucaim_pipelines.dicom.examination import examine
from eucaim_pipelines.dicom.label_maps import join
from eucaim_pipelines_tests.annotations.drawings import (
    LABELS,
    PATIENT,
    SERIES,
    STUDY,
    Grid,
    new_uid,
)
from eucaim_pipelines_tests.deidentification.objects import to_bytes

LIMIT = 2**28
TEXTS = {"descrip": "Quintanilla T2", "aux_file": "HOSP-00417733", "intent_name": "Nunez-Uberfl"}
OF_NIFTI_1 = {"db_name": "Vallehermoso"}
EXTENSION, FILE_NAME, WRITTEN = "Dr. Hoelderlin drew this", "Quintanilla_mask.nii", 1559606400
"""Where identities can stand in a NIfTI file: header texts, extensions, name and time of gzip."""


def affine(grid: Grid) -> np.ndarray:
    """From (column, row, slice) to NIfTI's space, whose first two axes are opposed to those of DICOM."""
    found = np.eye(4)
    found[:3, 0] = np.asarray(grid.axes[0]) * grid.spacing[1]
    found[:3, 1] = np.asarray(grid.axes[1]) * grid.spacing[0]
    found[:3, 2] = grid.normal * grid.apart
    found[:3, 3] = grid.position(0)
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ found


def voxels(grid: Grid, values: int = 3, seed: int = 5) -> np.ndarray:
    """Numbers from 0 to `values` at random places: column × row × slice."""
    shape = (grid.shape[1], grid.shape[0], grid.slices)
    return np.random.default_rng(seed).integers(0, values + 1, shape).astype(np.uint8)


def nifti(
    numbers: np.ndarray,
    where: np.ndarray,
    *,
    version: int = 1,
    order: str = "<",
    packed: bool = False,
    qform: bool = False,
    planted: bool = False,
    **header: Any,
) -> bytes:
    """A file as nibabel writes it; `header` are fields set at last."""
    kind = {1: nibabel.Nifti1Image, 2: nibabel.Nifti2Image}[version]
    made = kind(np.asarray(numbers), where, kind.header_class(endianness=order), dtype=numbers.dtype)
    made.set_sform(where, code=0 if qform else 1)
    made.set_qform(where if qform else None, code=1 if qform else 0)
    if planted:
        for name, text in (TEXTS | (OF_NIFTI_1 if version == 1 else {})).items():
            made.header[name] = text
        made.header.extensions.append(Nifti1Extension("comment", EXTENSION.encode()))
    data = made.to_bytes()
    for name, value in header.items():
        data = changed(data, name, value)
    if not packed:
        return data
    buffer = BytesIO()
    name = FILE_NAME if planted else ""
    with gzip.GzipFile(name, "wb", fileobj=buffer, mtime=WRITTEN if planted else 0) as stream:
        stream.write(data)
    return buffer.getvalue()


def changed(data: bytes, name: str, value: Any) -> bytes:
    """A plain little-endian NIfTI-1 file with another value in one field of its header."""
    header = nibabel.Nifti1Header(data[:348], check=False)
    header[name] = value
    return header.binaryblock + data[348:]


def segment(number: int, label: str = "Lung", **changes: Any) -> Dataset:
    """One item of the Segment Sequence, drawn by hand."""
    item = Dataset()
    item.SegmentNumber, item.SegmentLabel, item.SegmentDescription = number, label, f"{label} structure"
    item.SegmentAlgorithmType = "MANUAL"
    for keyword, value in changes.items():
        setattr(item, keyword, value)
        if value is None:
            delattr(item, keyword)
    return item


def described(segments: list[Dataset], **changes: Any) -> Dataset:
    """What the JSON beside a label map says."""
    ds = Dataset()
    ds.SOPInstanceUID, ds.SeriesInstanceUID, ds.StudyInstanceUID = "2.25.30", "2.25.31", STUDY
    ds.PatientID = ds.PatientName = PATIENT
    ds.Modality, ds.SeriesNumber, ds.StudyDate = "SEG", 8, "20200103"
    ds.ContentDate, ds.ContentTime = "20200105", "113000"
    series = Dataset()
    series.SeriesInstanceUID = SERIES
    ds.ReferencedSeriesSequence, ds.SegmentSequence = [series], segments
    for keyword, value in changes.items():
        setattr(ds, keyword, value)
    return ds


def as_json(ds: Dataset) -> bytes:
    return json.dumps(ds.to_json_dict()).encode()


@dataclass
class Mapped:
    """A grid of images, a label map and its JSON, and the conversion of all."""

    grid: Grid = field(default_factory=Grid)
    segments: list[Dataset] = field(default_factory=lambda: [segment(n) for n in (1, 2, 3)])
    file: bytes | None = None

    def __post_init__(self) -> None:
        self.images = {str(ds.SOPInstanceUID): ds for ds in self.grid.images()}
        self.file = self.file or nifti(voxels(self.grid), affine(self.grid))
        self.json = described(self.segments)

    def convert(self) -> bytes:
        joined = join(self.file or b"", as_json(self.json), LIMIT)
        return conversion.from_label_map(
            dcmread(BytesIO(joined.data)),
            examine(joined.data).row["segments"],
            {uid: examine(to_bytes(ds)).row for uid, ds in self.images.items()},
            self.images.__getitem__,
            new_uid,
            LABELS,
        )
