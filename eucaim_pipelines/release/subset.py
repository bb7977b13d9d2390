"""The rows of chosen patients: of the tables of a release, and of the CSV files that were written from them.

A file of `clinical_data/` has one line per row of its table, in the same order; so the table, which names the
patient of each row, says which lines stay, and a line that stays is not read as anything but text.
"""

from collections.abc import Collection, Mapping
from io import BytesIO
from pathlib import PurePosixPath

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from eucaim_pipelines.errors import DataError
from eucaim_pipelines.release.parquet import decode, encode

THROUGH = {
    "episode_event": ("episode_id", "episode"),
    "segment": ("segmentation_series_uid", "segmentation_series"),
}
"""Tables without a patient of their own: the field that leads to one that has."""
_OF_EVERYBODY = frozenset({"dataset"})


def rows(tables: Mapping[str, pa.Table], patients: Collection[str]) -> dict[str, pa.ChunkedArray]:
    """For each table, which of its rows belong to these patients (booleans, in the order of the rows).

    Raises
    ------
    DataError
        If a table does not say whose its rows are: none of its rows may be taken to be anybody's.
    """
    chosen = pa.array(sorted(patients), pa.string())
    kept = {n: pc.is_in(t["patient_id"], chosen) for n, t in tables.items() if "patient_id" in t.schema.names}
    for name, table in tables.items():
        if name in _OF_EVERYBODY:
            kept[name] = pa.chunked_array([pa.array([True] * table.num_rows, pa.bool_())])
        elif name not in kept:
            kept[name] = _through(name, tables, kept)
    return kept


def part(name: str, data: bytes, rows: Mapping[str, pa.ChunkedArray], patients: Collection[str]) -> bytes:
    """The part of a file that belongs to these patients, in the file's own form."""
    path = PurePosixPath(name)
    if path.suffix == ".parquet":
        return encode(decode(data).filter(rows[path.stem]))
    lines = read_texts(data)
    whose = rows.get(path.stem) if path.parent.name else pc.is_in(lines["patient_id"], pa.array(patients))
    if whose is None or len(whose) != lines.num_rows:
        raise DataError(f"The release's {name} has other rows than its table: run the dataset again.")
    buffer = BytesIO()
    pacsv.write_csv(lines.filter(whose), buffer, pacsv.WriteOptions(quoting_style="needed"))
    return buffer.getvalue()


def read_texts(data: bytes) -> pa.Table:
    """A CSV file of ours with every cell as text; without a value is None, an empty text is `""`."""
    header = pacsv.open_csv(BytesIO(data), parse_options=_PARSE).schema.names
    convert = pacsv.ConvertOptions(
        column_types=dict.fromkeys(header, pa.string()),
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )
    return pacsv.read_csv(BytesIO(data), parse_options=_PARSE, convert_options=convert)


_PARSE = pacsv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False)


def _through(
    name: str, tables: Mapping[str, pa.Table], kept: Mapping[str, pa.ChunkedArray]
) -> pa.ChunkedArray:
    field, other = THROUGH.get(name, ("", ""))
    if other not in kept:
        raise DataError(
            f"Table '{name}' does not say whose its rows are, so that no part of it can be given."
        )
    mine = tables[other].filter(kept[other])[field].combine_chunks()
    return pc.is_in(tables[name][field], mine)
