"""Clinical files as delivered: CSV and XLSX, every cell read as text.

Which rows count is decided in `combination`, what a cell means (codes, dates, numbers) in `cdm.coding`.
"""

import csv
import io
import unicodedata
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from eucaim_pipelines.contracts.sources import ClinicalFile
from eucaim_pipelines.errors import Refusal
from eucaim_pipelines.ingest.combination import LINE, REASON, Combined, Reception, combine

__all__ = ["Combined", "Reception", "TableRefusal", "combine", "read", "schema"]

WRONG_LENGTH, WITHOUT_KEY = "ROW_LENGTH", "ROW_WITHOUT_KEY"

# What openpyxl raises on a damaged or encrypted workbook; SyntaxError is the base of XML parse errors.
_BAD_WORKBOOK = (
    zipfile.BadZipFile, zlib.error, SyntaxError, EOFError, OSError, RuntimeError,
    ValueError, TypeError, LookupError, AttributeError,
)  # fmt: skip

Row = tuple[int, list[str | None], str | None]  # line, cells in the contract's order, reason of a refused row


class TableRefusal(Refusal):
    """A clinical file cannot be read as its source contract says; it is quarantined.

    The message names the pattern of the file and columns of the contract, never a file's own name or cell.
    """

    def __init__(
        self, reason: str, spec: ClinicalFile, missing: Sequence[str] = (), unlisted: int = 0
    ) -> None:
        super().__init__(reason)
        self.pattern, self.missing, self.unlisted = spec.files, tuple(missing), unlisted
        which = f" Missing columns: {', '.join(self.missing)}." if self.missing else ""
        more = f" Columns that the source contract does not list: {unlisted}." if unlisted else ""
        self.args = (f"A file of '{spec.files}' is refused: {reason}.{which}{more}",)

    def __reduce__(self) -> tuple[Any, ...]:
        return Refusal, (self.reason,)


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
        raise TableRefusal("TABLE_COLUMNS", spec, missing, len(header) - len(wanted) + len(missing))
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
    # late: a third of a second that sites with CSV need not pay
    from openpyxl import load_workbook  # type: ignore[import-untyped]
    from openpyxl.utils import exceptions  # type: ignore[import-untyped]

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
        except (*_BAD_WORKBOOK, exceptions.CellCoordinatesException, exceptions.InvalidFileException):
            refusal = TableRefusal("TABLE_ENCODING", spec)
    if refusal is not None:
        raise refusal
    header = [_xlsx_text(cell, None, spec) for cell in rows[0]] if rows else []
    columns = {_composed(name): column for name, column in spec.columns.items()}
    formats = [columns[name].formats[0] if (name := _composed(text)) in columns else None for text in header]
    yield 1, header
    for line, cells in enumerate(rows[1:], start=2):
        width = max(len(cells), len(header))  # read-only sheets cut lines short, and long ones are a finding
        padded = [*cells, *[None] * (width - len(cells))]
        forms = [*formats, *[None] * (width - len(formats))]
        yield line, [_xlsx_text(cell, form, spec) for cell, form in zip(padded, forms, strict=True)]


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
