"""Closed polygons in pixel coordinates: whether they cross, and which pixels lie within.

A point is (x, y) = (column, row); the centre of pixel (row 0, column 0) is (0, 0). Where a polygon lies in
space is known to `planes`.
"""

from collections.abc import Sequence

import numpy as np

TOLERANCE = 1e-3
"""Pixels by which edges may overshoot without crossing: what rounding to decimals leaves."""
_ON_PATH = 1e-9


def cleaned(points: np.ndarray) -> np.ndarray:
    """The polygon without repeated points that follow each other, its end repeated at its start included."""
    return points[np.any(points != np.roll(points, 1, axis=0), axis=1)]


def cross(polygons: Sequence[np.ndarray]) -> bool:
    """Whether any two edges of the polygons cross.

    Edges that only touch or run along each other do not cross: the channel of a "keyhole" is drawn there and
    back (PS3.3 C.8.8.6.3).
    """
    starts = np.concatenate(polygons)
    ends = np.concatenate([np.roll(each, -1, axis=0) for each in polygons])
    first, second = _overlapping(starts, ends)
    a, b, c, d = starts[first], ends[first], starts[second], ends[second]
    beside = (_distance(c, a, b), _distance(d, a, b), _distance(a, c, d), _distance(b, c, d))
    deep = np.min(np.abs(beside), axis=0) > TOLERANCE
    return bool(np.any(deep & (beside[0] * beside[1] < 0) & (beside[2] * beside[3] < 0)))


def _overlapping(starts: np.ndarray, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of edges (two arrays of indices) whose boxes overlap; found along y, so that few are compared."""
    low, high = np.minimum(starts, ends), np.maximum(starts, ends)
    order = np.argsort(low[:, 1], kind="stable")
    last = np.searchsorted(low[order, 1], high[order, 1], side="right")
    counts = last - np.arange(len(order)) - 1
    first = np.repeat(np.arange(len(order)), counts)
    offset = np.arange(len(first)) - np.repeat(np.cumsum(counts) - counts, counts)
    one, other = order[first], order[first + 1 + offset]
    near = (low[one, 0] <= high[other, 0]) & (low[other, 0] <= high[one, 0])
    return one[near], other[near]


def _distance(points: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Signed distance of each point from the line through `a` and `b`, in pixels."""
    along, to = b - a, points - a
    return (along[:, 0] * to[:, 1] - along[:, 1] * to[:, 0]) / np.hypot(along[:, 0], along[:, 1])


def inside(polygons: Sequence[np.ndarray], shape: tuple[int, int]) -> np.ndarray | None:
    """Pixels of `shape` (rows, columns) whose centre lies within the polygons or on their path; bool.

    Where polygons lie within each other the inner one is a hole, and so on inwards ("XOR"); a point of a
    path belongs to the region (PS3.3 C.8.8.6.3).

    Returns
    -------
    ndarray or None
        None where a polygon goes around a pixel twice or in both directions, so that it crosses itself.
    """
    low = np.maximum(np.floor(np.min([each.min(axis=0) for each in polygons], axis=0)), 0).astype(int)
    high = np.max([each.max(axis=0) for each in polygons], axis=0)
    high = np.minimum(np.ceil(high).astype(int) + 1, shape[::-1])
    box = (max(0, high[1] - low[1]), max(0, high[0] - low[0]))
    region, paths = np.zeros(box, bool), np.zeros(box, bool)
    for polygon in polygons:
        turns = _turns(polygon - low, box)
        if turns.min(initial=0) < 0 < turns.max(initial=0) or np.abs(turns).max(initial=0) > 1:
            return None
        region ^= turns != 0
        _draw(polygon - low, paths)
    whole = np.zeros(shape, bool)
    whole[low[1] : low[1] + box[0], low[0] : low[0] + box[1]] = region | paths
    return whole


def _turns(polygon: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """How often the polygon goes around each pixel's centre (rows × columns); negative: the other way."""
    (x0, y0), (x1, y1) = polygon.T, np.roll(polygon, -1, axis=0).T
    upward = y1 > y0
    edge, row = _rows_between(np.minimum(y0, y1), np.maximum(y0, y1), shape[0])
    x = x0[edge] + (row - y0[edge]) * (x1[edge] - x0[edge]) / (y1[edge] - y0[edge])
    column = np.clip(np.ceil(x), 0, shape[1]).astype(np.intp)
    steps = np.zeros((shape[0], shape[1] + 1), np.int8)
    np.add.at(steps, (row, column), np.where(upward[edge], 1, -1).astype(np.int8))
    return np.cumsum(steps[:, :-1], axis=1, dtype=np.int8)


def _rows_between(low: np.ndarray, high: np.ndarray, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Each edge (by index) with each row that lies in [low, high) of it."""
    first = np.clip(np.ceil(low), 0, rows).astype(np.intp)
    counts = np.clip(np.ceil(high), 0, rows).astype(np.intp) - first
    edge = np.repeat(np.arange(len(low)), counts)
    return edge, first[edge] + np.arange(len(edge)) - np.repeat(np.cumsum(counts) - counts, counts)


def _draw(polygon: np.ndarray, paths: np.ndarray) -> None:
    """Set the pixels whose centre lies on an edge."""
    rows, columns = paths.shape
    (x0, y0), (x1, y1) = polygon.T, np.roll(polygon, -1, axis=0).T
    edge, row = _rows_between(np.minimum(y0, y1), np.maximum(y0, y1), rows)
    x = x0[edge] + (row - y0[edge]) * (x1[edge] - x0[edge]) / (y1[edge] - y0[edge])
    near = np.abs(x - np.round(x)) < _ON_PATH
    near &= (x > -0.5) & (x < columns - 0.5)
    paths[row[near], np.round(x[near]).astype(np.intp)] = True
    corners = polygon[np.all(np.abs(polygon - np.round(polygon)) < _ON_PATH, axis=1)]
    corners = np.round(corners).astype(np.intp)
    corners = corners[np.all((corners >= 0) & (corners < (columns, rows)), axis=1)]
    paths[corners[:, 1], corners[:, 0]] = True
    for i in np.flatnonzero((y0 == y1) & (y0 == np.round(y0)) & (y0 >= 0) & (y0 < rows)):
        ends = sorted((x0[i], x1[i]))
        paths[int(y0[i]), max(0, int(np.ceil(ends[0]))) : max(0, int(np.floor(ends[1])) + 1)] = True
