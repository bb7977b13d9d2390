"""From a released structure set and its released images to a segmentation, or to what stands in the way.

Where objects lie and what was converted before is known to `release`.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydicom import Dataset

from eucaim_pipelines.annotations import segments, structure_sets
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
    for name in ("eucaim_pipelines", "highdicom", "pydicom", "numpy"):
        found.update(f"{name} {version(name)}".encode())
    return found.hexdigest()
