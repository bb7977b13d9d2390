"""Workbooks (xlsx) of others: opened only if what they unpack to is bounded, read sheet by sheet, row by row.

What stands in a sheet is not known here.
"""

import io
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from eucaim_pipelines.errors import Refusal

MOST_BYTES = 1024**3
"""All parts of a workbook unpacked: a million rows of twenty short cells take about as much."""

MOST_RATIO, UNPACKED_FREELY = 100, 10 * 1024**2
"""Unpacked against packed size, and the bytes up to which it does not matter.

Tables pack to a tenth or a thirtieth; Apache POI, which reads workbooks in most programs, stops at 100 too.
"""

MOST_LINES = 1_048_576
"""Lines of a sheet: Excel's own limit."""

Rows = Iterator[Sequence[object]]
Read = TypeVar("Read")
_UNREADABLE = "TABLE_ENCODING"

# What openpyxl raises on a damaged or encrypted workbook; SyntaxError is the base of XML parse errors.
_BAD = (
    zipfile.BadZipFile, zlib.error, SyntaxError, EOFError, OSError, RuntimeError,
    ValueError, TypeError, LookupError, AttributeError,
)  # fmt: skip


def sheets(data: bytes) -> Mapping[str, Rows]:
    """The worksheets of a workbook by title, in order; rows are read when they are asked for.

    Raises
    ------
    Refusal
        TABLE_ENCODING, also while rows are read: this is no workbook, or it is larger than any table is.
    """
    # late: a third of a second that sites with CSV need not pay
    from openpyxl import load_workbook  # type: ignore[import-untyped]
    from openpyxl.utils import exceptions  # type: ignore[import-untyped]

    bad = (*_BAD, exceptions.CellCoordinatesException, exceptions.InvalidFileException)

    def opened() -> dict[str, Rows]:
        _bounded(data)
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        for sheet in book.worksheets:
            sheet.reset_dimensions()  # programs write wrong ones, and rows would be cut
        return {sheet.title: sheet.iter_rows(values_only=True) for sheet in book.worksheets}

    found = _guarded(opened, bad)
    return {title: _rows(rows, bad) for title, rows in found.items()}


def _bounded(data: bytes) -> None:
    """Sizes are those of the archive's directory: more than it says is never unpacked."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        unpacked = sum(part.file_size for part in archive.infolist())
    if unpacked > MOST_BYTES or unpacked > max(UNPACKED_FREELY, MOST_RATIO * len(data)):
        raise Refusal(_UNREADABLE)


def _rows(rows: Rows, bad: tuple[type[BaseException], ...]) -> Rows:
    """The rows of a sheet, which openpyxl reads one by one, so that damage may show late."""
    line = 0
    while (row := _guarded(lambda: next(rows, None), bad)) is not None:
        line += 1
        if line > MOST_LINES:
            raise Refusal(_UNREADABLE)
        yield row


def _guarded(read: Callable[[], Read], bad: tuple[type[BaseException], ...]) -> Read:
    """What is read, without openpyxl's warnings and errors: they can quote cells."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return read()
        except bad:
            pass
    raise Refusal(_UNREADABLE)  # outside of the handler: the error would hang on it
