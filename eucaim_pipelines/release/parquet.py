"""Parquet bytes of a released table: typed, rebuilt, deterministic.

Which columns a table has is said by its contract, not here.
"""

from collections.abc import Sequence
from io import BytesIO

import pyarrow as pa
import pyarrow.parquet as pq

ROW_GROUP = 300_000


def encode(table: pa.Table) -> bytes:
    """Encode a table as zstd Parquet with row groups of about 300,000.

    A dictionary column would keep categories of rows that were filtered away, so none may be left; the
    schema's own metadata (contract, version, descriptions) stays.
    """
    if any(pa.types.is_dictionary(field.type) for field in table.schema):
        raise TypeError("A dictionary column keeps values of rows that are gone; cast it to its value type.")
    buffer = BytesIO()
    pq.write_table(
        table.combine_chunks(),
        buffer,
        compression="zstd",
        compression_level=3,
        row_group_size=ROW_GROUP,
        store_schema=True,
    )
    return buffer.getvalue()


def decode(data: bytes, columns: Sequence[str] | None = None) -> pa.Table:
    """Read what `encode` wrote, or some of its columns."""
    return pq.read_table(BytesIO(data), columns=columns)
