"""Lines of clinical files as delivered, CSV or XLSX: where a line starts, and its cells as text.

Which line is the header and what a cell means is not known here, but for the form of dates in workbooks.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime

from eucaim_pipelines.contracts.sources import ClinicalFile
from eucaim_pipelines.errors import Refusal
from eucaim_pipelines.ingest import workbooks

Line = tuple[int, Sequence[str]]
"""Number of the line in its file (from 1) and its cells."""
Formats = Mapping[int, str]
"""Place of a column (from 0) to the form in which a workbook's dates are written as text."""

_SINGLE_BYTE = ("cp1252", "iso-8859-1")


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

    def __reduce__(self) -> tuple[object, ...]:
        return Refusal, (self.reason,)


def csv_lines(data: bytes, spec: ClinicalFile) -> Iterator[Line]:
    """Lines of a delimited text; a line starts where its first cell does, quoted line breaks included.

    Raises
    ------
    TableRefusal
        TABLE_ENCODING: encoding or quoting are not as the contract says.
    """
    reader = csv.reader(
        _text(data, spec),
        delimiter=spec.delimiter,
        quoting=csv.QUOTE_MINIMAL if spec.quotes else csv.QUOTE_NONE,
        strict=True,
    )
    start = 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error:
            raise TableRefusal("TABLE_ENCODING", spec) from None
        if cells is None:
            return
        yield start, cells
        start = reader.line_num + 1


def xlsx_lines(data: bytes, spec: ClinicalFile, dates: Formats | None = None) -> Iterator[Line]:
    """Lines of one sheet of a workbook, each cell as a CSV file of the same contract would hold it.

    Raises
    ------
    TableRefusal
        NO_COLUMNS: there is no such sheet. TABLE_ENCODING: see `workbooks`.
    """
    formats = dates or {}
    try:
        sheets = workbooks.sheets(data)
        rows = sheets.get(spec.sheet) if spec.sheet is not None else next(iter(sheets.values()), None)
        for line, cells in enumerate(rows if rows is not None else (), start=1):
            yield line, [_xlsx_text(cell, formats.get(place), spec) for place, cell in enumerate(cells)]
    except Refusal as refusal:
        raise TableRefusal(refusal.reason, spec) from None
    if rows is None:
        raise TableRefusal("NO_COLUMNS", spec)


def _xlsx_text(cell: object, date_format: str | None, spec: ClinicalFile) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, datetime | date):
        return cell.strftime(date_format or "%Y-%m-%d")
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell).replace(".", spec.decimal)
    return str(cell)


def _text(data: bytes, spec: ClinicalFile) -> io.TextIOBase:
    """The text of a file, decoded as it is read: as one copied string it would take four times the room."""
    encoding = "utf-8-sig" if spec.encoding.startswith("utf-8") else spec.encoding
    try:
        broken = "\x00" in data.decode(encoding)
    except UnicodeDecodeError:
        broken = True
    if broken or (
        spec.encoding in _SINGLE_BYTE and _is_utf_8_beyond_ascii(data)
    ):  # the latter to wrong letters
        raise TableRefusal("TABLE_ENCODING", spec)
    return io.TextIOWrapper(io.BytesIO(data), encoding, newline="")


def _is_utf_8_beyond_ascii(data: bytes) -> bool:
    try:
        return not data.decode("utf-8").isascii()
    except UnicodeDecodeError:
        return False
