"""Arrow columns by key: look up, join keys, number within groups; nothing here knows what a column means.

Every function keeps the order of its rows, so that equal input gives equal output.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

_SEPARATOR, _NOTHING = "\x1f", "\x00"


def whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The column as one array."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def lookup(wanted: Any, keys: Any, values: Any) -> pa.Array:
    """Of every wanted key the value beside its first occurrence among `keys`; null where there is none."""
    at = pc.index_in(whole(wanted), whole(keys))
    return whole(values).take(pc.if_else(pc.is_null(whole(wanted)), None, at))


def nearest(groups: Any, days: Any, known: Any, known_days: Any, values: Any) -> pa.Array:
    """Of every row the value beside the latest known day of its group that is not after its own day.

    Of equal days the first counts; where there is none, or the row has no day, the first of the group; null
    where the group is unknown.
    """
    dated = pc.is_valid(whole(known_days))
    at, own = whole(known_days).filter(dated).to_numpy(), pc.is_valid(whole(days)).to_numpy(False)
    until = pc.fill_null(whole(days), 0).to_numpy()
    distinct, ranks = np.unique(np.concatenate([at, until]), return_inverse=True)
    of_known = pc.index_in(whole(known).filter(dated), whole(known)).to_numpy(False)
    of_rows = pc.fill_null(pc.index_in(whole(groups), whole(known)), -1).to_numpy()
    places = of_known.astype(np.int64) * len(distinct) + ranks[: len(at)]
    order = np.argsort(places, kind="stable")
    places = places[order]
    wanted = of_rows.astype(np.int64) * len(distinct) + ranks[len(at) :]
    last = np.searchsorted(places, wanted, side="right") - 1
    there = own & (of_rows >= 0) & (last >= 0)
    there[there] = places[last[there]] // len(distinct) == of_rows[there]
    chosen = np.zeros(len(until), np.int64)
    chosen[there] = order[np.searchsorted(places, places[last[there]])]
    found = whole(values).filter(dated).take(pa.array(chosen, mask=~there))
    return pc.coalesce(found, lookup(groups, known, values))


def joined(*columns: Any) -> pa.Array:
    """The columns of every row as one text; two rows have equal texts if they are equal, nulls included."""
    texts = [pc.cast(whole(column), pa.string()) for column in columns]
    return pc.binary_join_element_wise(*texts, _SEPARATOR, null_handling="replace", null_replacement=_NOTHING)


def key(prefix: str, ids: Any, suffix: str = "") -> pa.Array:
    """`prefix-id` and the suffix, for every id."""
    return pc.binary_join_element_wise(f"{prefix}-", whole(ids), suffix, "")


def firsts(table: pa.Table, column: str) -> pa.Table:
    """The first row of each value of the column, in the order of the table."""
    keys = whole(table[column])
    return table.take(pc.unique(pc.index_in(keys, keys)))


def place_in_group(groups: Any) -> pa.Array:
    """Of every row its number among the rows of its group, in the order of the table, from 1."""
    codes = whole(whole(groups).dictionary_encode(null_encoding="encode").indices).to_numpy()
    order = np.argsort(codes, kind="stable")
    first = np.searchsorted(codes[order], codes[order])
    places = np.empty(len(codes), np.int64)
    places[order] = np.arange(len(codes)) - first + 1
    return pa.array(places)


def by_value(column: Any, change: Callable[[Any], Any], kind: pa.DataType) -> pa.Array:
    """What `change` makes of every cell, called once for each distinct value; null where it gives None."""
    cells = whole(column)
    distinct = pc.unique(cells)
    changed = pa.array([None if cell is None else change(cell) for cell in distinct.to_pylist()], kind)
    return changed.take(pc.index_in(cells, distinct))


def days_between(start: Any, end: Any) -> pa.Array:
    """Whole days from one date to another, negative where it is earlier; null where either is missing."""
    first, last = (pc.cast(pc.cast(whole(day), pa.int32()), pa.int64()) for day in (start, end))
    return pc.subtract(last, first)


def ordered(table: pa.Table, order: Sequence[tuple[str, str]]) -> pa.Table:
    """The table sorted by these columns and directions, nulls last."""
    return table.take(pc.sort_indices(table, sort_keys=list(order)))
