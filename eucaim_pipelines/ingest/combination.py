"""The rows of many deliveries of one clinical file: which of them count, and what became of the others.

How a file is read lies in `clinical_files`; what a cell means in `cdm.coding`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pyarrow as pa

from eucaim_pipelines.contracts.sources import ClinicalFile

LINE = "line"
REASON = "reason"
CURRENT, REPLACED, REMOVED, DUPLICATE_KEY = "ROW_CURRENT", "ROW_REPLACED", "ROW_REMOVED", "ROW_DUPLICATE_KEY"
DISPOSITIONS = pa.schema(
    [
        ("file", pa.string()),
        ("export", pa.string()),
        ("name", pa.string()),
        (LINE, pa.int64()),
        (REASON, pa.string()),
    ]
)


@dataclass(frozen=True)
class Reception:
    """One delivered file of a clinical file spec: its export, its name, its rows as read."""

    export: str
    name: str
    table: pa.Table


@dataclass(frozen=True)
class Combined:
    """The rows of one clinical file spec that count, and what became of all others.

    Attributes
    ----------
    rows
        Current rows: `export`, `line`, then one text column per column of the contract, sorted by key.
    dispositions
        One row per row received: file (spec), export, name, line, reason (a code of reasons.csv).
    removed
        Keys that an earlier snapshot held and the newest one does not.
    duplicate_keys
        Rows whose key occurs again further down in the same export.
    """

    rows: pa.Table
    dispositions: pa.Table
    removed: int
    duplicate_keys: int

    def counts(self) -> dict[str, int]:
        """Rows by reason code; their sum is the number of rows received."""
        counted = self.dispositions.column(REASON).value_counts().to_pylist()
        return {entry["values"]: entry["counts"] for entry in sorted(counted, key=lambda e: str(e["values"]))}


@dataclass
class _Seen:
    """One received row; `reason` becomes its fate. `order` numbers exports, not files."""

    reception: Reception
    order: int
    number: int
    line: int
    key: tuple[str, ...]
    reason: str | None


def combine(receptions: Iterable[Reception], spec: ClinicalFile) -> Combined:
    """The rows that count after all receptions of one clinical file, given in the order of their exports.

    A snapshot replaces what earlier exports brought (all its files of one export together); an increment
    adds rows and replaces those of equal key. Of equal keys the row read last counts.
    """
    ordered = list(receptions)
    exports = list(dict.fromkeys(reception.export for reception in ordered))
    seen = [row for reception in ordered for row in _seen(reception, exports.index(reception.export), spec)]
    good = [row for row in seen if row.reason is None]
    newest = {row.key: row for row in good}
    counting = {
        key: row
        for key, row in newest.items()
        if spec.delivery == "increment" or row.order == len(exports) - 1
    }
    last_of_export = {(row.order, row.key): row for row in good}
    for row in good:
        if counting.get(row.key) is row:
            row.reason = CURRENT
        elif last_of_export[row.order, row.key] is not row:
            row.reason = DUPLICATE_KEY
        else:
            last_word = newest[row.key] is row and row.key not in counting
            row.reason = REMOVED if last_word else REPLACED
    return Combined(
        rows=_rows([counting[key] for key in sorted(counting)], spec),
        dispositions=_dispositions(seen, spec),
        removed=len(newest) - len(counting),
        duplicate_keys=sum(row.reason == DUPLICATE_KEY for row in good),
    )


def _seen(reception: Reception, order: int, spec: ClinicalFile) -> Iterator[_Seen]:
    table = reception.table
    keys = zip(*(table.column(spec.declared[field]).to_pylist() for field in spec.key), strict=True)
    lines, reasons = table.column(LINE).to_pylist(), table.column(REASON).to_pylist()
    for number, (key, line, reason) in enumerate(zip(keys, lines, reasons, strict=True)):
        yield _Seen(reception, order, number, line, key, reason)


def _rows(current: list[_Seen], spec: ClinicalFile) -> pa.Table:
    texts = ((name, pa.string()) for name in spec.columns)
    shape = pa.schema([("export", pa.string()), (LINE, pa.int64()), *texts])
    cells: dict[str, list[str | None]] = {name: [] for name in spec.columns}
    known: dict[int, dict[str, list[str | None]]] = {}
    for row in current:
        table = row.reception.table
        if id(table) not in known:
            known[id(table)] = {name: table.column(name).to_pylist() for name in spec.columns}
        for name, column in cells.items():
            column.append(known[id(table)][name][row.number])
    heads = [[row.reception.export for row in current], [row.line for row in current]]
    return pa.table([*heads, *cells.values()], schema=shape)


def _dispositions(seen: list[_Seen], spec: ClinicalFile) -> pa.Table:
    columns = [
        [spec.name] * len(seen),
        [row.reception.export for row in seen],
        [row.reception.name for row in seen],
        [row.line for row in seen],
        [row.reason for row in seen],
    ]
    return pa.table(columns, schema=DISPOSITIONS)
