"""EUCAIM's ETL bundle: `<dataset>__<table>.csv` of every table with rows, beside a manifest and a report.

A reader looks at the manifest first, and takes the bundle only if it says `complete`: it says `in_progress`
before anything else is written, `complete` after everything else is. Form: EUCAIM's ETL toolset, CDM v4.
"""

import csv
import io
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from eucaim_pipelines.contracts.tables import TableContract
from eucaim_pipelines.errors import DataError, MachineError
from eucaim_pipelines.quality.disclosure import shown, shown_part
from eucaim_pipelines.release.file_structure import cdm_csv
from eucaim_pipelines.release.manifest import Manifest
from eucaim_pipelines.release.store import ObjectStore
from eucaim_pipelines.release.tree import whole

COLUMNS = ("dataset_id", "exported_at", "status", "cdm_table", "row_count")
IN_PROGRESS, COMPLETE = "in_progress", "complete"
_UNMAPPED = "unmapped_fields.csv"
_PARTIAL = ".partial"
_OWN = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\.(csv|md)(\.partial)?")
"""What follows `<dataset>__` in files of a bundle; another dataset's name may begin in the same way."""


@dataclass(frozen=True)
class Bundle:
    """One release's tables as they are exported; `unmapped`: what it tells of columns without codes."""

    manifest: Manifest
    tables: Mapping[str, pa.Table]
    contracts: Mapping[str, TableContract]
    unmapped: bytes | None = None

    def rows(self) -> dict[str, int]:
        """Rows of each table that is exported: those with rows."""
        return {name: table.num_rows for name, table in sorted(self.tables.items()) if table.num_rows}


def read(store: ObjectStore, manifest: Manifest, contracts: Mapping[str, TableContract]) -> Bundle:
    """Read and verify the tables of a release.

    Raises
    ------
    DataError
        If one is gone or altered, or lacks columns that its contract has now.
    """
    tables = {item.name: pq.read_table(BytesIO(whole(store, item))) for item in manifest.tables}
    for name, table in tables.items():
        if name not in contracts or not set(contracts[name].cdm_columns) <= set(table.column_names):
            raise DataError(
                f"The release's table '{name}' was made by another contract than the one that holds now. "
                "Run the dataset, so that a release by this contract comes, and call again."
            )
    files = {item.name: item for item in manifest.files}
    unmapped = whole(store, files[_UNMAPPED]) if _UNMAPPED in files else None
    return Bundle(manifest, tables, contracts, unmapped)


def write(bundle: Bundle, folder: Path) -> list[Path]:
    """Write the bundle into a folder, each file at once, the manifest first and last.

    Files of an earlier bundle of the dataset are replaced, or removed where their table has no rows now.

    Raises
    ------
    MachineError
        If the folder cannot be written; the manifest then does not say `complete`.
    """
    prefix = f"{bundle.manifest.dataset_id}__"
    manifest = folder / f"{prefix}manifest.csv"
    files = {f"{prefix}{name}.csv": data for name, data in _exports(bundle)}
    files[f"{prefix}report.md"] = report(bundle).encode()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _put(manifest, manifest_csv(bundle, IN_PROGRESS))
        for old in folder.glob(f"{prefix}*"):
            own = _OWN.fullmatch(old.name.removeprefix(prefix))
            if own and old.name not in files and old != manifest:
                old.unlink()
        for name, data in files.items():
            _put(folder / name, data)
        _put(manifest, manifest_csv(bundle, COMPLETE))
    except OSError as error:
        raise MachineError(f"The bundle cannot be written: {error.strerror}.") from None
    return [*(folder / name for name in files), manifest]


def manifest_csv(bundle: Bundle, status: str) -> bytes:
    """One line per exported table; `exported_at` is the date of the release, never the clock's."""
    made = bundle.manifest
    lines = [(made.dataset_id, made.issued, status, name, rows) for name, rows in bundle.rows().items()]
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([COLUMNS, *lines])
    return text.getvalue().encode()


def report(bundle: Bundle) -> str:
    """The report in Markdown: numbers under disclosure control, no identifier and no value of a source."""
    made, rows = bundle.manifest, bundle.rows()
    empty = sorted(set(bundle.tables) - set(rows))
    lines = [
        f"# Export of {made.dataset_id}",
        "",
        f"Release {made.version} of tier {made.tier}, {made.issued}, by {made.software}. Numbers are under",
        "disclosure control: 1 to 9 is `<10`, others are rounded down to tens, and a part that would give",
        "the rest of a whole away is not shown.",
        "",
        *_section("Rows per table", ("table", "rows"), ((n, shown(count)) for n, count in rows.items())),
        "## Integrity",
        "",
        "- The manifest names every file, and says `complete` once all of them are there.",
        "- The header of every file is the table's columns in the common data model.",
        f"- Tables without rows are not exported: {', '.join(empty) or 'none'}.",
        "",
        *_section("Coded cells", ("table", "column", "rows with a code"), _coded(bundle)),
        *_unmapped(bundle.unmapped),
        *_section(
            "Coverage of the common data model", ("table", "columns with values", "of"), _coverage(bundle)
        ),
    ]
    return "\n".join(lines)


def _exports(bundle: Bundle) -> Iterator[tuple[str, bytes]]:
    for name in bundle.rows():
        yield name, cdm_csv(bundle.tables[name], bundle.contracts[name])


def _coded(bundle: Bundle) -> Iterator[tuple[str, str, str]]:
    for name, rows in bundle.rows().items():
        columns = bundle.contracts[name].cdm_columns
        for column in (each for each in columns if each in bundle.contracts[name].value_sets):
            yield name, column, shown_part(rows - bundle.tables[name][column].null_count, rows)


def _coverage(bundle: Bundle) -> Iterator[tuple[str, str, str]]:
    for name, rows in bundle.rows().items():
        columns = bundle.contracts[name].cdm_columns
        filled = sum(bundle.tables[name][column].null_count < rows for column in columns)
        yield name, str(filled), str(len(columns))


def _unmapped(told: bytes | None) -> list[str]:
    """What the release itself tells of columns whose values have no code: numbers already controlled."""
    found = list(csv.reader(io.StringIO(told.decode()))) if told else []
    if len(found) < 2:
        return ["## Values without a code", "", "The release tells of none.", ""]
    return _section("Values without a code", found[0], found[1:])


def _section(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A heading and a table."""
    body = [f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows]
    return [f"## {title}", "", f"| {' | '.join(header)} |", f"|{'---|' * len(header)}", *body, ""]


def _put(path: Path, data: bytes) -> None:
    """Write beside the name, flush to disk, then rename."""
    partial = path.with_name(f"{path.name}{_PARTIAL}")
    with partial.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    partial.rename(path)
