"""An RT Structure Set (PS3.3 A.19) as regions, and where its contours lie on the images it was drawn on.

How a region is written as a segment is said in `segments`; which pixels a polygon encloses in `polygons`.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from pydicom import Dataset

from eucaim_pipelines.annotations import polygons
from eucaim_pipelines.annotations.planes import Plane
from eucaim_pipelines.annotations.problems import NotConvertibleError, Problem

PLANE_TOLERANCE_MM = 0.1
"""How far a contour's points may lie off the plane of their image: coordinates come rounded to decimals."""
MOST_PIXELS = 3_000_000_000
"""Pixels of all regions on all images; writing a segmentation takes about two bytes of memory for each."""
MOST_POINTS = 20_000
"""Points of one contour: whether it crosses itself is asked of every two of its edges."""
_CLOSED, _XOR = "CLOSED_PLANAR", "CLOSEDPLANAR_XOR"


@dataclass(frozen=True)
class Contour:
    """One contour: geometric type, points (n × 3, mm) and the image that it names, if any."""

    kind: str
    points: np.ndarray
    image: str | None


@dataclass(frozen=True)
class Region:
    """One ROI that has contours: its item of the Structure Set ROI Sequence, and the contours."""

    number: int
    described: Dataset
    contours: tuple[Contour, ...]

    @property
    def frame(self) -> str:
        """Frame of Reference UID of the region's points."""
        return str(self.described.get("ReferencedFrameOfReferenceUID") or "")


@dataclass(frozen=True)
class Drawing:
    """Regions on the images they lie on.

    Attributes
    ----------
    planes
        Images with a contour, ordered along their normal.
    masks
        Pixels of each region: images × rows × columns × regions, uint8 of 0 and 1.
    """

    regions: tuple[Region, ...]
    planes: tuple[Plane, ...]
    masks: np.ndarray


def images_of(ds: Dataset) -> set[str]:
    """SOPInstanceUIDs of the images that the structure set was drawn on, and that its contours name."""
    listed = [
        series
        for frame in ds.get("ReferencedFrameOfReferenceSequence") or ()
        for study in frame.get("RTReferencedStudySequence") or ()
        for series in study.get("RTReferencedSeriesSequence") or ()
    ]
    contours = [c for roi in ds.get("ROIContourSequence") or () for c in roi.get("ContourSequence") or ()]
    return {
        str(item.ReferencedSOPInstanceUID)
        for holder in (*listed, *contours)
        for item in holder.get("ContourImageSequence") or ()
    }


def read_regions(ds: Dataset) -> tuple[Region, ...]:
    """Regions with contours, ordered by ROI Number.

    Raises
    ------
    NotConvertibleError
        `UNREADABLE` (numbers missing or twice, points that are not triplets of finite numbers or fewer than
        three), `NOT_CLOSED`, `NOTHING_DRAWN`.
    """
    problems: Counter[tuple[int, Problem]] = Counter()
    described = {int(roi.ROINumber): roi for roi in ds.get("StructureSetROISequence") or ()}
    found: dict[int, Region] = {}
    for item in ds.get("ROIContourSequence") or ():
        number, drawn = int(item.ReferencedROINumber), item.get("ContourSequence") or ()
        if drawn and (number not in described or number in found):
            problems[number, Problem.UNREADABLE] += 1
        elif drawn:
            read = [_contour(contour) for contour in drawn]
            problems.update((number, each) for each in read if isinstance(each, Problem))
            found[number] = Region(
                number, described[number], tuple(each for each in read if isinstance(each, Contour))
            )
    if not found and not problems:
        problems[0, Problem.NOTHING_DRAWN] += 1
    if problems:
        raise NotConvertibleError(problems)
    return tuple(found[number] for number in sorted(found))


def _contour(item: Dataset) -> Contour | Problem:
    kind = str(item.get("ContourGeometricType") or "")
    if kind not in (_CLOSED, _XOR):
        return Problem.NOT_CLOSED
    numbers = np.array(item.get("ContourData") or (), float)
    if len(numbers) % 3 or len(numbers) < 9 or not np.all(np.isfinite(numbers)):
        return Problem.UNREADABLE
    images = [str(each.ReferencedSOPInstanceUID) for each in item.get("ContourImageSequence") or ()]
    if len(images) > 1:
        return Problem.UNREADABLE
    return Contour(kind, numbers.reshape(-1, 3), images[0] if images else None)


def draw(regions: Sequence[Region], planes: Mapping[str, Plane]) -> Drawing:
    """Regions as pixels of the images that they lie on.

    A contour lies on the image that it names, whatever frame of reference the region claims (writers differ
    there); without a name, on the only image of that frame within `PLANE_TOLERANCE_MM`.

    Raises
    ------
    NotConvertibleError
        `OFF_SLICE`, `CROSSING`, `UNREADABLE` (no area) by region; `NO_COMMON_GRID`, `TOO_LARGE`.
    """
    problems: Counter[tuple[int, Problem]] = Counter()
    placed: dict[tuple[str, int], list[Contour]] = defaultdict(list)
    for index, region in enumerate(regions):
        for contour in region.contours:
            plane = _plane(contour, region.frame, planes)
            if plane is None:
                problems[region.number, Problem.OFF_SLICE] += 1
            else:
                placed[plane.uid, index].append(contour)
    used = sorted((planes[uid] for uid in {uid for uid, _ in placed}), key=lambda p: (p.depth(), p.uid))
    if not stackable(used):
        problems[0, Problem.NO_COMMON_GRID] += 1
    elif _too_large(regions, used):
        problems[0, Problem.TOO_LARGE] += 1
    if problems:
        raise NotConvertibleError(problems)
    masks = np.zeros((len(regions), len(used), *used[0].shape), np.uint8)
    slices = {plane.uid: n for n, plane in enumerate(used)}
    for (uid, index), contours in placed.items():
        filled = _filled(contours, planes[uid])
        if isinstance(filled, Problem):
            problems[regions[index].number, filled] += 1
        else:
            masks[index, slices[uid]] = filled
    if problems:
        raise NotConvertibleError(problems)
    return Drawing(tuple(regions), tuple(used), np.moveaxis(masks, 0, -1))


def _too_large(regions: Sequence[Region], planes: Sequence[Plane]) -> bool:
    """Whether a conversion could take the memory or the night of all others."""
    pixels = len(regions) * sum(plane.shape[0] * plane.shape[1] for plane in planes)
    longest = max(len(contour.points) for region in regions for contour in region.contours)
    return pixels > MOST_PIXELS or longest > MOST_POINTS


def stackable(planes: Sequence[Plane]) -> bool:
    """Whether planes, ordered along their normal, are slices of one grid, no two at one place."""
    apart = all(b.off(a.origin[None]) > PLANE_TOLERANCE_MM for a, b in pairwise(planes))
    return apart and all(plane.on_grid_of(planes[0]) for plane in planes)


def _plane(contour: Contour, frame: str, planes: Mapping[str, Plane]) -> Plane | None:
    if contour.image is None:
        candidates = [plane for plane in planes.values() if plane.frame == frame]
    else:
        candidates = [planes[contour.image]]
    near = [plane for plane in candidates if plane.off(contour.points) <= PLANE_TOLERANCE_MM]
    return near[0] if len(near) == 1 else None


def _filled(contours: Sequence[Contour], plane: Plane) -> np.ndarray | Problem:
    """Pixels of one region on one image; contours of type CLOSEDPLANAR_XOR may cross each other."""
    drawn = [polygons.cleaned(plane.pixels(contour.points)) for contour in contours]
    if min(map(len, drawn)) < 3:
        return Problem.UNREADABLE
    together = [drawn] if any(contour.kind == _CLOSED for contour in contours) else [[each] for each in drawn]
    if any(polygons.cross(each) for each in together):
        return Problem.CROSSING
    filled = polygons.inside(drawn, plane.shape)
    return Problem.CROSSING if filled is None else filled
