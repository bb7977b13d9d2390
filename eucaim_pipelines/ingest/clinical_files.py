"""Clinical files as delivered: cells read as text, and the rows of many deliveries combined into those that count.

What a cell means (codes, dates, numbers) is decided later, in `cdm.coding`.
"""

import csv
import io
import unicodedata
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from eucaim_pipelines.contracts.sources import ClinicalFile
from eucaim_pipelines.errors import Refusal

LINE = "line"
REASON = "reason"
WRONG_LENGTH, WITHOUT_KEY = "ROW_LENGTH", "ROW_WITHOUT_KEY"
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

Row = tuple[int, list[str | None], str | None]  # line, cells in the contract's order, reason of a refused row


class TableRefusal(Refusal):
    """A clinical file cannot be read as its source contract says; it is quarantined.

    The message names the pattern of the file and columns of the contract, never a file's own name or cell.
    """

    def __init__(self, reason: str, spec: ClinicalFile, missing: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.pattern, self.missing = spec.files, tuple(missing)
        which = f" Missing columns: {', '.join(self.missing)}." if self.missing else ""
        self.args = (f"A file of '{spec.files}' is refused: {reason}.{which}",)

    def __reduce__(self) -> tuple[Any, ...]:
        return Refusal, (self.reason,)


@dataclass(frozen=True)
class Reception:
    """One delivered file of a clinical file spec: export, a name without meaning for others, rows as read."""

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
        Distinct keys that an earlier snapshot held and the newest one does not.
    duplicate_keys
        Distinct keys that occur more than once within one delivered file.
    """

    rows: pa.Table
    dispositions: pa.Table
    removed: int
    duplicate_keys: int

    def counts(self) -> dict[str, int]:
        """Rows by reason code; their sum is the number of rows received."""
        counted = self.dispositions.column(REASON).value_counts().to_pylist()
        return {entry["values"]: entry["counts"] for entry in sorted(counted, key=lambda e: str(e["values"]))}


def schema(spec: ClinicalFile) -> pa.Schema:
    """Columns of a file as read: its line, why a row is refused (else null), then its columns as text."""
    return pa.schema(
        [(LINE, pa.int64()), (REASON, pa.string()), *((name, pa.string()) for name in spec.columns)]
    )


def read(content: Path | bytes, spec: ClinicalFile) -> pa.Table:
    """The rows of one delivered file, every cell as trimmed text, null where `missing` says so.

    Returns
    -------
    pa.Table
        `schema(spec)`; `line` is where the row starts (header = 1). Rows that are wholly empty are left
        out. A row with another number of cells, or without a key cell, has a `reason` and no cells.

    Raises
    ------
    TableRefusal
        NO_COLUMNS: there is no header. TABLE_COLUMNS: the columns are not those of the contract; columns
        that the contract does not list are refused too, since nothing passes by default.
        TABLE_ENCODING: encoding, quoting or format are not as the contract says.
    """
    data = content if isinstance(content, bytes) else content.read_bytes()
    lines = _xlsx_lines(data, spec) if spec.format == "xlsx" else _csv_lines(data, spec)
    try:
        header = [cell.strip() for cell in next(lines, (1, []))[1]]
        order = _order(header, spec)
        rows = [
            _row(line, cells, order, spec) for line, cells in lines if any(cell.strip() for cell in cells)
        ]
    except csv.Error:
        raise TableRefusal("TABLE_ENCODING", spec) from None
    columns = [[row[1][number] for row in rows] for number in range(len(spec.columns))]
    return pa.table([[row[0] for row in rows], [row[2] for row in rows], *columns], schema=schema(spec))


def _order(header: list[str], spec: ClinicalFile) -> list[int]:
    """Position in the file of each column of the contract."""
    while header and not header[-1]:  # spreadsheets end their lines with empty cells
        header.pop()
    if not header:
        raise TableRefusal("NO_COLUMNS", spec)
    found = {_composed(name): position for position, name in enumerate(header)}
    wanted = [_composed(name) for name in spec.columns]
    missing = [name for name in spec.columns if _composed(name) not in found]
    if missing or len(found) != len(header) or len(header) != len(wanted):
        raise TableRefusal("TABLE_COLUMNS", spec, missing)
    return [found[name] for name in wanted]


def _row(line: int, cells: list[str], order: list[int], spec: ClinicalFile) -> Row:
    width = len(order)
    if len(cells) < width or any(cell.strip() for cell in cells[width:]):
        return line, [None] * width, WRONG_LENGTH
    values = [_value(cells[position], spec) for position in order]
    headers = list(spec.columns)
    needed = {spec.patient_column, *(spec.declared[field] for field in spec.key)}
    if any(values[headers.index(header)] is None for header in needed):
        return line, [None] * width, WITHOUT_KEY
    return line, values, None


def _value(cell: str, spec: ClinicalFile) -> str | None:
    text = cell.strip()
    return None if not text or text in spec.missing else text


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", " ".join(name.split()))


def _csv_lines(data: bytes, spec: ClinicalFile) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(_text(data, spec), newline=""), delimiter=spec.delimiter, strict=True)
    start = 1
    for cells in reader:
        yield start, cells
        start = reader.line_num + 1


def _text(data: bytes, spec: ClinicalFile) -> str:
    if b"\x00" in data:
        raise TableRefusal("TABLE_ENCODING", spec)
    try:
        text = data.decode("utf-8-sig" if spec.encoding.startswith("utf-8") else spec.encoding)
    except UnicodeDecodeError:
        raise TableRefusal("TABLE_ENCODING", spec) from None
    if spec.encoding == "cp1252" and _is_utf_8_beyond_ascii(data):  # it would decode, to the wrong letters
        raise TableRefusal("TABLE_ENCODING", spec)
    return text


def _is_utf_8_beyond_ascii(data: bytes) -> bool:
    try:
        return not data.decode("utf-8").isascii()
    except UnicodeDecodeError:
        return False


def _xlsx_lines(data: bytes, spec: ClinicalFile) -> Iterator[tuple[int, list[str]]]:
    from openpyxl import load_workbook  # late: a third of a second that CSV sites need not pay
    from openpyxl.utils.exceptions import InvalidFileException

    refusal: TableRefusal | None = None
    rows: list[tuple[object, ...]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl's warnings can quote cells
        try:
            book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
            if spec.sheet is not None and spec.sheet not in book.sheetnames:
                refusal = TableRefusal("NO_COLUMNS", spec)
            else:
                sheet = book[spec.sheet] if spec.sheet is not None else book.worksheets[0]
                rows = list(sheet.iter_rows(values_only=True))
            book.close()
        except (
            zipfile.BadZipFile,
            InvalidFileException,
            KeyError,
            ValueError,
            OSError,
            SyntaxError,
            EOFError,
        ):
            refusal = TableRefusal("TABLE_ENCODING", spec)  # SyntaxError: the base of XML parse errors
    if refusal is not None:
        raise refusal
    header = [_xlsx_text(cell, None, spec) for cell in rows[0]] if rows else []
    columns = {_composed(name): column for name, column in spec.columns.items()}
    formats = [columns[name].format if (name := _composed(text)) in columns else None for text in header]
    yield 1, header
    for line, cells in enumerate(rows[1:], start=2):
        yield line, [_xlsx_text(cell, form, spec) for cell, form in zip(cells, formats, strict=False)]


def _xlsx_text(cell: object, date_format: str | None, spec: ClinicalFile) -> str:
    """The cell as a CSV file of the same contract would hold it."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, datetime | date):
        return cell.strftime(date_format or "%Y-%m-%d")
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell).replace(".", spec.decimal)
    return str(cell)


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
    repeated = {(row.order, row.key) for row in good if last_of_export[row.order, row.key] is not row}
    for row in good:
        if counting.get(row.key) is row:
            row.reason = CURRENT
        elif last_of_export[row.order, row.key] is not row:
            row.reason = DUPLICATE_KEY
        else:
            row.reason = REPLACED if row.key in counting else REMOVED
    return Combined(
        rows=_rows([counting[key] for key in sorted(counting)], spec),
        dispositions=_dispositions(seen, spec),
        removed=len(newest) - len(counting),
        duplicate_keys=len(repeated),
    )


def _seen(reception: Reception, order: int, spec: ClinicalFile) -> Iterator[_Seen]:
    table = reception.table
    keys = zip(*(table.column(spec.declared[field]).to_pylist() for field in spec.key), strict=True)
    lines, reasons = table.column(LINE).to_pylist(), table.column(REASON).to_pylist()
    for number, (key, line, reason) in enumerate(zip(keys, lines, reasons, strict=True)):
        yield _Seen(reception, order, number, line, key, reason)


def _rows(current: list[_Seen], spec: ClinicalFile) -> pa.Table:
    shape = pa.schema(
        [("export", pa.string()), (LINE, pa.int64()), *((name, pa.string()) for name in spec.columns)]
    )
    cells: dict[str, list[str | None]] = {name: [] for name in spec.columns}
    as_lists: dict[int, dict[str, list[str | None]]] = {}
    for row in current:
        table = row.reception.table
        if id(table) not in as_lists:
            as_lists[id(table)] = {name: table.column(name).to_pylist() for name in spec.columns}
        known = as_lists[id(table)]
        for name, column in cells.items():
            column.append(known[name][row.number])
    return pa.table(
        [[r.reception.export for r in current], [r.line for r in current], *cells.values()], schema=shape
    )


def _dispositions(seen: list[_Seen], spec: ClinicalFile) -> pa.Table:
    columns = [
        [spec.name] * len(seen),
        [row.reception.export for row in seen],
        [row.reception.name for row in seen],
        [row.line for row in seen],
        [row.reason for row in seen],
    ]
    return pa.table(columns, schema=DISPOSITIONS)
