"""A label map on the images that it was drawn on: the same voxels in their order, or what stands in the way.

It comes as a DICOM object on its own grid (`dicom.label_maps`), de-identified. Nothing is resampled: the two
grids are one but for the order and direction of their axes, or nothing is converted.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
from pydicom import Dataset
from pydicom.sr.coding import Code

from eucaim_pipelines.annotations.planes import Plane
from eucaim_pipelines.annotations.problems import NotConvertibleError, Problem
from eucaim_pipelines.annotations.segments import Meaning, segment
from eucaim_pipelines.annotations.structure_sets import MOST_PIXELS
from eucaim_pipelines.contracts.vocabularies import Vocabulary

if TYPE_CHECKING:
    from highdicom.seg import SegmentDescription

TOLERANCE_MM, TOLERANCE_VOXELS = 0.1, 0.1
"""How far a voxel's centre may lie off that of the image: the smaller one, in mm and in the shortest edge.
Headers hold single precision, rotated by quaternions."""


@dataclass(frozen=True)
class Grid:
    """Voxels along three axes.

    Attributes
    ----------
    steps
        3 × 3, the step in mm along each axis as a column.
    origins
        Centre of the first voxel of each slice along the last axis, slices × 3, in mm.
    shape
        Number of voxels along each axis.
    """

    steps: np.ndarray
    origins: np.ndarray
    shape: tuple[int, int, int]

    @classmethod
    def of_label_map(cls, ds: Dataset) -> "Grid":
        """The grid of a label map object; axes are column, row, frame."""
        shared = ds.SharedFunctionalGroupsSequence[0]
        cosines = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, float).reshape(2, 3)
        spacing = np.array(shared.PixelMeasuresSequence[0].PixelSpacing, float)[::-1]
        frames = [each.PlanePositionSequence[0] for each in ds.PerFrameFunctionalGroupsSequence]
        origins = np.array([frame.ImagePositionPatient for frame in frames], float)
        return cls(*_steps(cosines * spacing[:, None], origins), (ds.Columns, ds.Rows, len(origins)))

    @classmethod
    def of_images(cls, planes: Sequence[Plane]) -> "Grid":
        """The grid of images in the order of their stack."""
        first = planes[0]
        along = np.stack((first.along_row * first.spacing[1], first.along_column * first.spacing[0]))
        origins = np.stack([plane.origin for plane in planes])
        return cls(*_steps(along, origins), (first.shape[1], first.shape[0], len(planes)))


def _steps(in_plane: np.ndarray, origins: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All three steps; a single slice has none across, so that its normal stands there."""
    across = np.cross(*in_plane)
    step = origins[1] - origins[0] if len(origins) > 1 else across / np.linalg.norm(across)
    return np.stack((*in_plane, step), 1), origins


def images_of(ds: Dataset) -> set[str]:
    """SOPInstanceUIDs of the images that a label map names; none, where it names a series only."""
    return {
        str(item.get("ReferencedSOPInstanceUID") or "")
        for series in ds.get("ReferencedSeriesSequence") or ()
        for item in series.get("ReferencedInstanceSequence") or ()
    }


def labels_of(ds: Dataset) -> np.ndarray:
    """The numbers of a label map object: frames × rows × columns."""
    numbers = np.frombuffer(ds.PixelData, "<u1" if ds.BitsAllocated == 8 else "<u2")
    shape = int(ds.NumberOfFrames), int(ds.Rows), int(ds.Columns)
    return numbers[: shape[0] * shape[1] * shape[2]].reshape(shape)


def values_of(labels: np.ndarray) -> list[int]:
    """Numbers that occur in a label map, but 0, in ascending order.

    Raises
    ------
    NotConvertibleError
        `NOTHING_DRAWN`; `TOO_LARGE` where the frames of all segments have more than `MOST_PIXELS` together.
    """
    by_slice = [np.unique(each[each > 0]) for each in labels]
    values = np.unique(np.concatenate(by_slice))
    if not len(values):
        raise NotConvertibleError.of(Problem.NOTHING_DRAWN)
    if sum(map(len, by_slice)) * labels[0].size > MOST_PIXELS:
        raise NotConvertibleError.of(Problem.TOO_LARGE)
    return [int(value) for value in values]


def on_images(labels: np.ndarray, own: Grid, images: Grid) -> np.ndarray:
    """The label map's numbers in the order of the images: slices × rows × columns.

    Parameters
    ----------
    labels
        Frames × rows × columns of the label map.

    Raises
    ------
    NotConvertibleError
        `OTHER_GRID`.
    """
    axes, backwards = _turn(own, images)
    volume = labels.transpose(2, 1, 0).transpose(axes)
    edges = np.linalg.norm(images.steps, axis=0)[[size > 1 for size in images.shape]]
    allowed = min(TOLERANCE_MM, TOLERANCE_VOXELS * float(edges.min(initial=np.inf)))
    if volume.shape != images.shape or not _off(own, images, axes, backwards) <= allowed:
        raise NotConvertibleError.of(Problem.OTHER_GRID)
    flipped = volume[tuple(slice(None, None, -1 if each else 1) for each in backwards)]
    return np.ascontiguousarray(flipped.transpose(2, 1, 0))


def _off(own: Grid, images: Grid, axes: tuple[int, int, int], backwards: tuple[bool, ...]) -> float:
    """Largest distance in mm between both places of a voxel: the corners of every image tell of all."""
    columns, rows, slices = images.shape
    corners = np.array(list(product((0, columns - 1), (0, rows - 1), range(slices))))
    index = np.empty_like(corners)
    for at, axis, reverse in zip(corners.T, axes, backwards, strict=True):
        index[:, axis] = own.shape[axis] - 1 - at if reverse else at
    there = own.origins[0] + index @ own.steps.T
    here = images.origins[corners[:, 2]] + corners[:, :2] @ images.steps[:, :2].T
    return float(np.linalg.norm(there - here, axis=1).max())


def _turn(own: Grid, images: Grid) -> tuple[tuple[int, int, int], tuple[bool, ...]]:
    """For each axis of the images that of the label map which it lies along, and whether they are opposed."""
    cosines = [steps / np.linalg.norm(steps, axis=0) for steps in (own.steps, images.steps)]
    nearest = np.rint(cosines[0].T @ cosines[1])
    if not np.array_equal(np.abs(nearest) @ np.ones(3), np.ones(3)) or np.linalg.matrix_rank(nearest) < 3:
        raise NotConvertibleError.of(Problem.OTHER_GRID)
    axes = [int(axis) for axis in np.abs(nearest).argmax(axis=0)]
    return (axes[0], axes[1], axes[2]), tuple(
        bool(nearest[axis, number] < 0) for number, axis in enumerate(axes)
    )


def describe(
    source: Dataset, received: Sequence[Mapping[str, Any]], values: Sequence[int], vocabulary: Vocabulary
) -> "tuple[list[SegmentDescription], np.ndarray]":
    """The segments of a label map, and the number of each by its value.

    Numbers stay where they are 1, 2, 3 and so on, as a segmentation asks for (PS3.3 C.8.20.2.4); else they
    follow in the order of the values. A segment that has no voxel stays described.

    Parameters
    ----------
    source
        The label map, as released.
    received
        Its segments as they were delivered (`segments` of the header inventory): what was said is judged by
        them, because the profile may empty what it does not know.
    values
        Numbers that occur in it, but 0.

    Raises
    ------
    NotConvertibleError
        `NOT_DESCRIBED`, `NO_LABEL`, `NO_METHOD`, `NO_ALGORITHM`, by value.
    """
    problems: Counter[tuple[int, Problem]] = Counter()
    times = Counter(each["number"] or 0 for each in received)
    described = {number for number, often in times.items() if often == 1 and number}
    for value in {*values, *(number for number, often in times.items() if often > 1 and number)} - described:
        problems[value, Problem.NOT_DESCRIBED] += 1
    for each in received:
        if each["number"] and not (each["label"] and each["description"]):
            problems[each["number"], Problem.NO_LABEL] += 1
    released = {int(item.get("SegmentNumber") or 0): item for item in source.get("SegmentSequence") or ()}
    meanings = {number: _meaning(number, released[number]) for number in sorted(described)}
    for number, meaning in meanings.items():
        if meaning.problem is not None:
            problems[number, meaning.problem] += 1
    if problems:
        raise NotConvertibleError(problems)
    numbers = np.zeros(0x10000, np.uint16)
    numbers[list(meanings)] = np.arange(1, len(meanings) + 1)
    made = [segment(n, meaning, vocabulary) for n, meaning in enumerate(meanings.values(), start=1)]
    return made, numbers


def _meaning(number: int, item: Dataset) -> Meaning:
    label = str(item.get("SegmentLabel") or f"SEGMENT_{number}")
    version = ""
    for each in (item.get("SegmentationAlgorithmIdentificationSequence") or ())[:1]:
        version = str(each.get("AlgorithmVersion") or "")
    given = [_public(item, f"SegmentedProperty{name}CodeSequence") for name in ("Category", "Type")]
    tracking = str(item.get("TrackingUID") or ""), str(item.get("TrackingID") or "")
    return Meaning(
        label,
        str(item.get("SegmentDescription") or label),
        str(item.get("SegmentAlgorithmType") or ""),
        (str(item.get("SegmentAlgorithmName") or ""), version),
        (given[0], given[1]) if given[0] is not None and given[1] is not None else None,
        tracking if all(tracking) else None,
    )


def _public(item: Dataset, keyword: str) -> Code | None:
    """A released code but for those of one site only (their scheme begins with 99, PS3.16 §8)."""
    for each in (item.get(keyword) or ())[:1]:
        value, scheme = (str(each.get(name) or "") for name in ("CodeValue", "CodingSchemeDesignator"))
        if value and scheme and not scheme.startswith("99"):
            return Code(value, scheme, str(each.get("CodeMeaning") or ""))
    return None
