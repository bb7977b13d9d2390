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
    """Of every row of a table sorted by group its number within the group, from 1."""
    keys = whole(groups)
    first = pc.index_in(keys, keys).to_numpy(zero_copy_only=False).astype(np.int64)
    return pa.array(np.arange(len(keys), dtype=np.int64) - first + 1)


def by_value(column: Any, change: Callable[[Any], Any], kind: pa.DataType) -> pa.Array:
    """What `change` makes of every cell, called once for each distinct value; null where it gives None."""
    cells = whole(column)
    distinct = pc.unique(cells)
    changed = pa.array([None if cell is None else change(cell) for cell in distinct.to_pylist()], kind)
    return changed.take(pc.index_in(cells, distinct))


def ordered(table: pa.Table, order: Sequence[tuple[str, str]]) -> pa.Table:
    """The table sorted by these columns and directions, nulls last."""
    return table.take(pc.sort_indices(table, sort_keys=list(order)))
