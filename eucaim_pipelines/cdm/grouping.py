"""Rows of a large table put together by key, a column at a time; no Python per row or per group.

What the groups stand for is said by who makes them.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

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
            codes, count = numbered(table.column(key))
            combined, _ = numbered(pa.array(combined * (count + 1) + codes + 1))
        self.of_row = combined
        self.sizes = np.bincount(combined)
        self._order = np.argsort(combined, kind="stable")
        self._starts = np.cumsum(self.sizes) - self.sizes

    def __len__(self) -> int:
        return len(self.sizes)

    def key(self, column: str) -> pa.Array:
        """Value of a key column per group."""
        return flat(self.table.column(column)).take(pa.array(self._order[self._starts]))

    def smallest(self, column: str) -> pa.Array:
        """Smallest value per group, nulls and empty texts aside: "the value", whatever the order of rows."""
        values = flat(self.table.column(column))
        codes, ordered = _ranked(values)
        absent = len(ordered)
        best = self.reduce(np.minimum, np.where(codes < 0, absent, codes))
        return ordered.take(pa.array(best, mask=best == absent))

    def distinct(self, column: str) -> np.ndarray:
        """Number of different values per group, nulls aside."""
        codes, count = numbered(self.table.column(column))
        given = codes >= 0
        pairs = np.unique(self.of_row[given] * (count + 1) + codes[given])
        return np.bincount(pairs // (count + 1), minlength=len(self))

    def reduce(self, function: np.ufunc, values: np.ndarray) -> np.ndarray:
        """`function` (np.minimum, np.add, …) over the rows of each group; `values` has one entry per row."""
        return np.asarray(function.reduceat(values[self._order], self._starts)) if len(self) else values[:0]


def numbered(values: Column) -> tuple[np.ndarray, int]:
    """Each value's number among the different ones (-1 for null), and how many of them there are."""
    encoded = flat(values).dictionary_encode()
    return _codes(encoded), len(encoded.dictionary)


def mapped(values: Column, function: Callable[[Any], Any], kind: pa.DataType) -> pa.Array:
    """`function` of every value, called once per different one; also of null, as None."""
    encoded = flat(values).dictionary_encode()
    results = [function(value) for value in (*encoded.dictionary.to_pylist(), None)]
    codes = _codes(encoded)
    return pa.array(results, kind).take(pa.array(np.where(codes < 0, len(results) - 1, codes)))


def flat(values: Column) -> pa.Array:
    """A column as one array."""
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def vectors(values: Column, length: int) -> np.ndarray:
    """Lists of numbers as an array of shape (rows, length); not-a-number where a list has another length."""
    lists = flat(values)
    found = np.full((len(lists), length), np.nan)
    sized = pc.fill_null(pc.equal(pc.list_value_length(lists), length), False)
    chosen = flat(pc.list_flatten(lists.filter(sized)))
    found[sized.to_numpy(zero_copy_only=False)] = chosen.to_numpy(zero_copy_only=False).reshape(-1, length)
    return found


def _codes(encoded: pa.DictionaryArray) -> np.ndarray:
    return np.asarray(pc.fill_null(encoded.indices, -1)).astype(np.int64)


def _ranked(values: pa.Array) -> tuple[np.ndarray, pa.Array]:
    """Each value's place among the sorted different ones (-1 for null and empty text), and those."""
    encoded = values.dictionary_encode()
    ordered = encoded.dictionary.take(pc.sort_indices(encoded.dictionary))
    if pa.types.is_string(ordered.type):
        ordered = ordered.filter(pc.not_equal(ordered, ""))
    places = np.asarray(pc.fill_null(pc.index_in(encoded.dictionary, ordered), -1)).astype(np.int64)
    return np.append(places, -1)[_codes(encoded)], ordered
