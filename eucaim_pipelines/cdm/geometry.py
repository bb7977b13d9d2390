"""How the slices of each series lie in space: orientation, spacing, gaps, and how many are missing.

Where a frame lies comes from `frames`; which rows form a series is said by who calls.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa

from eucaim_pipelines.cdm.frames import frames
from eucaim_pipelines.cdm.grouping import Groups

SAME_PLACE_MM = 0.01
"""Positions along the normal that differ by less are one slice; scanners round to 0.001 mm or finer."""
SAME_DIRECTION = 0.01
"""By how much a component of the normal may vary within one orientation; about half a degree."""
WIDER = 1.1
"""A distance of more than this many spacings is a gap."""
HALF = 0.501
"""Distances are rounded to whole spacings; one and a half is one, however a scanner rounded it."""
OBLIQUE_BELOW = 0.8
"""Cosine to the nearest axis of the patient under which a plane is oblique, as in D. Clunie's dicom3tools."""
PLANES = ("sagittal", "coronal", "axial")
"""Plane on which each axis of the patient (PS3.3 C.7.6.2.1.1: left, posterior, head) stands."""
OBLIQUE = "oblique"


def slice_geometry(series: Groups) -> pa.Table:
    """Geometry of every series, one row per group, in their order.

    A frame's height is its position projected on the normal of its orientation (PS3.3 C.7.6.2.1.1). Frames
    of one height are repetitions: phases, b-values, echoes, acquisitions; the k-th ones of all heights are
    the k-th volume, and slices are missed within each volume. The spacing is the lower median of the
    distances between neighbouring heights, so that a hole does not widen it. Volumes with fewer than half of
    the heights are single repetitions; nothing is missed in them.

    Left empty: everything for projections, localizers and series whose frames have several orientations,
    unless each stack (PS3.3 C.7.6.16.2.2) has one; all but the orientation and the counts of positions where
    there is one height, or no regular spacing. What lies before the first or behind the last slice cannot
    be missed.

    Returns
    -------
    pa.Table
        `slice_orientation` (axial, coronal, sagittal, oblique), `slice_spacing_mm`, `slice_gaps` (distances
        wider than the spacing), `missing_slices` (slices that would fill them), `slice_positions` (different
        heights), `repeated_positions` (frames of incomplete volumes).
    """
    found = frames(series.table)
    stack_of = series.of_row[found.row] * (found.stack.max(initial=0) + 1) + found.stack
    stacks, of_frame = np.unique(stack_of, return_inverse=True)
    series_of = stacks // (found.stack.max(initial=0) + 1)

    low = _extremes(np.minimum, found.normal, of_frame, len(stacks))
    high = _extremes(np.maximum, found.normal, of_frame, len(stacks))
    normals = low / np.linalg.norm(low, axis=1, keepdims=True)  # one for the stack, whatever the order
    slices = _slices(of_frame, (found.position * normals[of_frame]).sum(axis=1), len(stacks))

    def of_series(function: np.ufunc, values: np.ndarray, start: float) -> np.ndarray:
        whole = np.full(len(series), start)
        function.at(whole, series_of, values)
        return whole

    turned = of_series(np.maximum, (high - low).max(axis=1, initial=0), 0) > SAME_DIRECTION
    placed = (of_series(np.add, np.ones(len(stacks)), 0) > 0) & ~turned
    spacing = of_series(np.fmin, slices.spacing, np.inf)
    regular = placed & np.isfinite(spacing) & ~(of_series(np.maximum, slices.irregular, 0) > 0)
    planes = _planes(normals)
    first, last = of_series(np.minimum, planes, len(PLANES)), of_series(np.maximum, planes, -1)
    names = pa.array([*PLANES, OBLIQUE])
    return pa.table(
        {
            "slice_orientation": names.take(
                pa.array(np.maximum(first, 0).astype(np.int64), mask=~placed | (first != last))
            ),
            "slice_spacing_mm": pa.array(np.round(spacing, 4), mask=~regular),
            "slice_gaps": _counts(of_series(np.add, slices.gaps, 0), regular),
            "missing_slices": _counts(of_series(np.add, slices.missing, 0), regular),
            "slice_positions": _counts(of_series(np.add, slices.heights, 0), placed),
            "repeated_positions": _counts(of_series(np.add, slices.repeated, 0), placed),
        }
    )


class _Slices(NamedTuple):
    """Per stack: spacing (not-a-number for one height), gaps, slices missed, heights, repetitions."""

    spacing: np.ndarray
    gaps: np.ndarray
    missing: np.ndarray
    heights: np.ndarray
    repeated: np.ndarray
    irregular: np.ndarray


def _slices(stack: np.ndarray, height: np.ndarray, count: int) -> _Slices:
    """Slices of every stack, from stack and height of each frame."""
    order = np.lexsort((height, stack))
    stack, height = stack[order], height[order]
    begins = np.diff(stack, prepend=-1) != 0
    new = begins | (np.diff(height, prepend=0) > SAME_PLACE_MM)
    first = np.flatnonzero(new)
    heights = np.bincount(stack[first], minlength=count)
    between = ~begins[first]
    spacing = _lower_median(np.diff(height[first], prepend=0)[between], stack[first][between], count)
    volume = np.arange(len(stack)) - first[np.cumsum(new) - 1]
    complete = 2 * _frames_of_volume(stack, volume) >= heights[stack]

    volumes = np.lexsort((height[complete], volume[complete], stack[complete]))
    of_stack, of_volume = stack[complete][volumes], volume[complete][volumes]
    follows = (np.diff(of_stack, prepend=-1) == 0) & (np.diff(of_volume, prepend=-1) == 0)
    distance, of_stack = np.diff(height[complete][volumes], prepend=0)[follows], of_stack[follows]
    ratio = distance / spacing[of_stack]
    gaps = np.bincount(of_stack[ratio > WIDER], minlength=count)
    missing = np.bincount(of_stack, np.maximum(np.ceil(ratio - HALF), 1) - 1, minlength=count)
    # A jitter between volumes looks like a tiny spacing with a hole at every other height.
    often = (gaps > 0) & (3 * gaps >= np.bincount(of_stack, minlength=count))
    return _Slices(
        spacing,
        gaps,
        missing,
        heights,
        repeated=np.bincount(stack[~complete], minlength=count),
        irregular=often & (missing > heights),
    )


def _frames_of_volume(stack: np.ndarray, volume: np.ndarray) -> np.ndarray:
    """Frames in the volume of each frame."""
    keys = stack * (volume.max(initial=0) + 1) + volume
    _, of_frame, sizes = np.unique(keys, return_inverse=True, return_counts=True)
    return np.asarray(sizes[of_frame])


def _lower_median(values: np.ndarray, group: np.ndarray, count: int) -> np.ndarray:
    """Per group the middle value, of two the lower; not-a-number without values."""
    sizes = np.bincount(group, minlength=count)
    found = np.full(count, np.nan)
    middle = np.cumsum(sizes) - sizes + (sizes - 1) // 2
    found[sizes > 0] = values[np.lexsort((values, group))][middle[sizes > 0]]
    return found


def _extremes(function: np.ufunc, values: np.ndarray, group: np.ndarray, count: int) -> np.ndarray:
    """Smallest or largest components of the vectors of each group."""
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(count))
    return np.asarray(function.reduceat(values[order], starts)) if count else values[:0]


def _planes(normals: np.ndarray) -> np.ndarray:
    nearest = np.abs(normals).argmax(axis=1) if len(normals) else np.zeros(0, np.int64)
    cosine = np.abs(normals).max(axis=1, initial=0)
    return np.where(cosine < OBLIQUE_BELOW, len(PLANES), nearest)


def _counts(values: np.ndarray, known: np.ndarray) -> pa.Array:
    return pa.array(values.astype(np.int64), mask=~known)
