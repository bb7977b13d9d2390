"""Rows of a large table put together by key, a column at a time; no Python per row or per group.

What the groups stand for is said by who makes them.
"""

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from eucaim_pipelines.cdm.columns import whole

Column: TypeAlias = pa.ChunkedArray | pa.Array


class Groups:
    """Which rows of a table share the values of its key columns; null is a value of a key like any other.

    Attributes
    ----------
    of_row
        Number of the group of each row, 0 to len(groups) - 1.
    sizes
        Rows of each group.
    """

    def __init__(self, table: pa.Table, keys: Sequence[str]) -> None:
        self.table = table
        combined = np.zeros(table.num_rows, np.int64)
        for key in keys:
            codes, distinct = _encoded(table.column(key))
            combined, _ = _encoded(pa.array(combined * (len(distinct) + 1) + codes + 1))
        self.of_row = combined
        self.sizes = np.bincount(combined)
        self._order = np.argsort(combined, kind="stable")
        self._starts = np.cumsum(self.sizes) - self.sizes

    def __len__(self) -> int:
        return len(self.sizes)

    def key(self, column: str) -> pa.Array:
        """Value of a key column per group."""
        return whole(self.table.column(column)).take(pa.array(self._order[self._starts]))

    def smallest(self, column: str) -> pa.Array:
        """Smallest value per group, nulls and empty texts aside: "the value", whatever the order of rows."""
        codes, distinct = _encoded(self.table.column(column))
        if pa.types.is_string(distinct.type):
            empty = pc.index(distinct, "").as_py()
            codes = np.where(codes == empty, -1, codes)
        absent = len(distinct)
        lowest = self.reduce(np.minimum, np.where(codes < 0, absent, codes))
        differs = (lowest < self.reduce(np.maximum, codes))[self.of_row] & (codes >= 0)
        if differs.any():  # only where a group has several values does their order count
            used = np.unique(codes[differs])
            used = used[pc.sort_indices(distinct.take(pa.array(used))).to_numpy()]
            place = np.full(absent + 1, absent)
            place[used] = np.arange(len(used))
            best = self.reduce(np.minimum, np.where(differs, place[codes], absent))
            lowest = np.where(best < absent, used[np.minimum(best, len(used) - 1)], lowest)
        return distinct.take(pa.array(lowest, mask=lowest == absent))

    def smallest_number(self, values: np.ndarray) -> np.ndarray:
        """Smallest number per group; not-a-number where no row has one."""
        return self.reduce(np.fmin, values)

    def distinct(self, column: str) -> np.ndarray:
        """Number of different values per group, nulls aside."""
        codes, distinct = _encoded(self.table.column(column))
        given = codes >= 0
        return self.count_distinct(self.of_row[given], codes[given], len(distinct))

    def count_distinct(self, groups: np.ndarray, codes: np.ndarray, limit: int) -> np.ndarray:
        """Number of different codes per group, codes being whole numbers from 0 to below `limit`."""
        pairs = np.unique(groups * max(limit, 1) + codes)
        return np.bincount(pairs // max(limit, 1), minlength=len(self))

    def reduce(self, function: np.ufunc, values: np.ndarray) -> np.ndarray:
        """`function` (np.minimum, np.add, …) over the rows of each group; `values` has one entry per row."""
        return np.asarray(function.reduceat(values[self._order], self._starts)) if len(self) else values[:0]


def numbers(column: Column) -> np.ndarray:
    """A column of numbers as an array; not-a-number for null."""
    return np.asarray(pc.cast(whole(column), pa.float64()).to_numpy(zero_copy_only=False))


def vectors(column: Column, length: int) -> np.ndarray:
    """Lists of numbers as an array of shape (rows, length); not-a-number where a list has another length."""
    lists = whole(column)
    found = np.full((len(lists), length), np.nan)
    sized = pc.fill_null(pc.equal(pc.list_value_length(lists), length), False)
    chosen = numbers(pc.list_flatten(lists.filter(sized)))
    found[sized.to_numpy(zero_copy_only=False)] = chosen.reshape(-1, length)
    return found


def having(column: Column, value: str) -> np.ndarray:
    """Whether the list of each row holds the value."""
    lists = whole(column)
    found = np.zeros(len(lists), bool)
    hits = pc.fill_null(pc.equal(pc.list_flatten(lists), value), False).to_numpy(zero_copy_only=False)
    found[pc.list_parent_indices(lists).to_numpy()[hits]] = True
    return found


def _encoded(column: Column) -> tuple[np.ndarray, pa.Array]:
    """Each value's number among the different ones (-1 for null), and those."""
    encoded = whole(column).dictionary_encode()
    return np.asarray(pc.fill_null(encoded.indices, -1)).astype(np.int64), encoded.dictionary
