"""From a released annotation and its released images to a segmentation, or to what stands in the way.

Where objects lie and what was converted before is known to `release`.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydicom import Dataset

from eucaim_pipelines.annotations import label_maps, segments, structure_sets
from eucaim_pipelines.annotations.planes import Plane
from eucaim_pipelines.annotations.problems import NotConvertibleError, Problem
from eucaim_pipelines.annotations.segmentations import NewUid, write
from eucaim_pipelines.contracts.vocabularies import Vocabulary

Header = Callable[[str], Dataset]
"""Released header of an image, by its SOPInstanceUID."""


def from_structure_set(
    source: Dataset,
    rows: Mapping[str, Mapping[str, Any]],
    header: Header,
    new_uid: NewUid,
    vocabulary: Vocabulary,
) -> bytes:
    """The segmentation that a structure set stands for, as a file.

    Parameters
    ----------
    source
        The structure set, as released.
    rows
        Inventory rows of the released images, by SOPInstanceUID; at least those that it refers to.

    Raises
    ------
    NotConvertibleError
        With everything that stands in the way.
    """
    named = structure_sets.images_of(source)
    if not named or named - rows.keys():
        raise NotConvertibleError.of(Problem.IMAGES_MISSING)
    if {rows[uid]["PatientID"] for uid in named} != {str(source.PatientID)}:
        raise NotConvertibleError.of(Problem.OTHER_PATIENT)
    regions = structure_sets.read_regions(source)
    planes = _planes(rows[uid] for uid in sorted(named))
    described = segments.describe(regions, source, vocabulary)
    drawing = structure_sets.draw(regions, planes)
    return write(drawing.masks, [header(plane.uid) for plane in drawing.planes], described, source, new_uid)


def from_label_map(
    source: Dataset,
    received: Sequence[Mapping[str, Any]],
    rows: Mapping[str, Mapping[str, Any]],
    header: Header,
    new_uid: NewUid,
    vocabulary: Vocabulary,
) -> bytes:
    """The segmentation that a label map stands for, voxel for voxel, as a file.

    Parameters
    ----------
    source
        The label map, de-identified, on its own grid (`dicom.label_maps`).
    received
        Its segments as they were delivered.
    rows
        Inventory rows of the released images of the series that it names, by SOPInstanceUID.

    Raises
    ------
    NotConvertibleError
        With what stands in the way: of the images first, then of grid, then of segments.
    """
    series = {
        str(item.get("SeriesInstanceUID") or "") for item in source.get("ReferencedSeriesSequence") or ()
    }
    if len(series) > 1:
        raise NotConvertibleError.of(Problem.NO_COMMON_GRID)
    named = label_maps.images_of(source) or rows.keys()
    if not named or named - rows.keys():
        raise NotConvertibleError.of(Problem.IMAGES_MISSING)
    if {rows[uid]["PatientID"] for uid in named} != {str(source.PatientID)}:
        raise NotConvertibleError.of(Problem.OTHER_PATIENT)
    found = _planes(rows[uid] for uid in sorted(named)).values()
    planes = sorted(found, key=lambda plane: (plane.depth(), plane.uid))
    if not structure_sets.stackable(planes):
        raise NotConvertibleError.of(Problem.NO_COMMON_GRID)
    own, images = label_maps.Grid.of_label_map(source), label_maps.Grid.of_images(planes)
    labels = label_maps.on_images(label_maps.labels_of(source), own, images)
    described, numbers = label_maps.describe(source, received, label_maps.values_of(labels), vocabulary)
    return write(numbers[labels], [header(plane.uid) for plane in planes], described, source, new_uid)


def _planes(rows: Iterable[Mapping[str, Any]]) -> dict[str, Plane]:
    found = [Plane.of(row) for row in rows]
    planes = {plane.uid: plane for plane in found if plane is not None}
    if len(planes) < len(found):
        raise NotConvertibleError.of(Problem.NO_COMMON_GRID)
    return planes


@cache
def digest() -> str:
    """Names the code and the libraries that shape a segmentation; another digest converts anew."""
    found = hashlib.sha256()
    for path in sorted(Path(__file__).parent.glob("*.py")):
        found.update(path.name.encode() + b"\0" + path.read_bytes())
    for name in ("eucaim_pipelines", "highdicom", "nibabel", "numpy", "pydicom"):
        found.update(f"{name} {version(name)}".encode())
    return found.hexdigest()
