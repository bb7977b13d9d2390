"""Every frame of the inventory that lies in space, single-frame and multi-frame objects alike, as arrays.

What a series of them looks like is computed in `geometry`.
"""

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from eucaim_pipelines.cdm.columns import whole
from eucaim_pipelines.cdm.grouping import Groups, having, numbers, vectors

_LOCALIZER = "LOCALIZER"
COLUMNS = (
    *("ImageType", "ImagePositionPatient", "ImageOrientationPatient", "NumberOfFrames", "frame_positions"),
    *("TemporalPositionIdentifier", "NumberOfTemporalPositions"),
)
"""Columns of the inventory that this module reads."""
_LENGTH_OFF_BY = 0.1
"""Direction cosines whose normal is not of length 1, within this, are none."""


class Frames(NamedTuple):
    """Frames that have a place and an orientation.

    Attributes
    ----------
    row
        Row of the instance in the inventory.
    stack
        Ordinal of the frame's stack within its instance; 0 where there is one.
    position
        Upper left corner of the frame in the patient's space, shape (frames, 3), mm.
    normal
        Unit vector that stands on the frame, shape (frames, 3).
    """

    row: np.ndarray
    stack: np.ndarray
    position: np.ndarray
    normal: np.ndarray


def frames(instances: pa.Table) -> Frames:
    """All frames in space but those of localizers (Image Type, PS3.3 C.8.2.1.1.1)."""
    chosen = np.flatnonzero(~having(instances.column("ImageType"), _LOCALIZER))
    many = whole(instances.column("frame_positions")).is_valid().to_numpy(zero_copy_only=False)[chosen]
    single = _single_frames(instances, chosen[~many])
    parts = zip(single, _multi_frames(instances, chosen[many]), strict=True)
    row, stack, position, orientation = (np.concatenate(both) for both in parts)
    normal = np.cross(orientation[:, :3], orientation[:, 3:])
    length = np.linalg.norm(normal, axis=1)
    sound = np.isfinite(position).all(axis=1) & (np.abs(length - 1) < _LENGTH_OFF_BY)
    return Frames(row[sound], stack[sound], position[sound], normal[sound] / length[sound, None])


def number_of_frames(instances: pa.Table) -> np.ndarray:
    """Frames of each instance; one where the header says nothing."""
    return np.asarray(pc.fill_null(whole(instances.column("NumberOfFrames")), 1))


def temporal_positions(series: Groups) -> pa.Array:
    """Different points in time per series, as images and frames number them; null where nothing does.

    Temporal Position Identifier and Index, Time Slot; else the Number of Temporal Positions.
    """
    single = numbers(series.table.column("TemporalPositionIdentifier"))
    nested = whole(series.table.column("frame_positions"))
    of_frames, lengths = _flattened(nested, "temporal")
    groups = np.concatenate((series.of_row, np.repeat(series.of_row, lengths)))
    places = np.concatenate((single, of_frames))
    given = np.isfinite(places)
    _, codes = np.unique(places[given], return_inverse=True)
    counted = series.count_distinct(groups[given], codes, int(codes.max(initial=0)) + 1)
    declared = series.smallest_number(numbers(series.table.column("NumberOfTemporalPositions")))
    found = np.where(counted > 0, counted, declared)
    return pa.array(np.nan_to_num(found).astype(np.int64), mask=np.isnan(found))


_Parts = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def _single_frames(instances: pa.Table, rows: np.ndarray) -> _Parts:
    """Of an object with several frames the one position that a header may hold is not that of all."""
    rows = rows[number_of_frames(instances)[rows] <= 1]
    columns = instances.select(["ImagePositionPatient", "ImageOrientationPatient"]).take(pa.array(rows))
    position, orientation = vectors(columns.column(0), 3), vectors(columns.column(1), 6)
    return rows, np.zeros(len(rows), np.int64), position, orientation


def _multi_frames(instances: pa.Table, rows: np.ndarray) -> _Parts:
    nested = whole(instances.column("frame_positions")).take(pa.array(rows))
    position, lengths = _flattened(nested, "position")
    count = lengths // 3
    first = np.cumsum(count) - count
    of_frame = np.repeat(np.arange(len(rows)), count)
    within = np.arange(len(of_frame)) - first[of_frame]

    orientation, lengths = _flattened(nested, "orientation")
    start = (np.cumsum(lengths) - lengths)[of_frame]
    each = np.where(lengths == 6, 0, 6)[of_frame]  # six numbers for all frames, or six for each
    given = (lengths >= 6)[of_frame]
    place = np.where(given, start + each * within, 0)[:, None] + np.arange(6)
    padded = np.append(orientation, np.full(6, np.nan))
    turned = np.where(given[:, None], padded[np.minimum(place, len(padded) - 1)], np.nan)

    stacks, lengths = _flattened(nested, "stack")
    start = (np.cumsum(lengths) - lengths)[of_frame]
    stacked = (lengths > 0)[of_frame]
    stack = np.append(stacks, 0)[np.where(stacked, start + within, len(stacks))].astype(np.int64)
    return rows[of_frame], stack, position.reshape(-1, 3), turned


def _flattened(nested: pa.StructArray, field: str) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of all lists in a row, and how many each list has."""
    lists = pc.struct_field(nested, field)
    lengths = pc.fill_null(pc.list_value_length(lists), 0).cast(pa.int64())
    return numbers(pc.list_flatten(lists)), lengths.to_numpy(zero_copy_only=False)
