"""Tables of a hospital as they are found: how they are written is sniffed, every cell is read as text.

What a column means is decided in `profiles` and `meanings`; known sources are read by `ingest`.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path

from eucaim_pipelines.errors import SettingsError
from eucaim_pipelines.onboarding.found_lines import csv_lines, xlsx_lines

ENCODINGS = ("utf-8", "cp1252", "iso-8859-1")
DELIMITERS = (",", ";", "\t", "|")
_LOOKED_AT, _HEADER_WITHIN = 200, 8
_FILLED, _MOSTLY, _HALF = 0.8, 0.9, 0.5
_LONG_HEADER = 120
_LEGEND = re.compile(
    r"([\w.+-]{1,4})\s*=\s*([^\d\s=,;{}][^=,;{}\n]*?)(?=\s*(?:[,;}\n]|$|\s[\w.+-]{1,4}\s*=))"
)
_NUMBER = re.compile(r"[+-]?\d{1,15}([.,]\d{1,15})?")
Cells = tuple[str, ...]


@dataclass(frozen=True)
class Sheet:
    """One table and how it is written.

    Attributes
    ----------
    file, sheet
        Name of the file, without folders; name of the worksheet, for xlsx.
    header
        Line of the header, 1-based; `skip_lines` are lines after it that are no data.
    columns, rows
        Headers as written, trimmed; cells as trimmed text, as many in each row as there are columns.
    dates
        Positions of columns whose cells are dates by type (xlsx); they are written `YYYY-MM-DD`.
    explained
        Cells of `skip_lines`.
    """

    file: str
    format: str
    columns: Cells
    rows: tuple[Cells, ...]
    sheet: str | None = None
    encoding: str = "utf-8"
    delimiter: str = ","
    header: int = 1
    skip_lines: tuple[int, ...] = ()
    dates: frozenset[int] = frozenset()
    explained: tuple[Cells, ...] = ()

    def column(self, number: int) -> list[str]:
        """Cells of one column that are not empty."""
        return [row[number] for row in self.rows if row[number]]

    def legend(self, number: int) -> dict[str, str]:
        """What the skipped lines say of a column's spellings, where they say `{0 = neg, 1 = pos}`."""
        told = [pair for row in self.explained for pair in _LEGEND.findall(row[number])]
        found = {spelling: " ".join(text.split()) for spelling, text in told}
        return found if len(found) == len(told) else {}


def read_file(path: Path) -> list[Sheet]:
    """The tables of one file: one of a CSV or TSV file, one for each worksheet that holds a table of an xlsx.

    Raises
    ------
    SettingsError
        The file is missing, of another kind, or holds no table; the message names the file, never a cell.
    """
    if not path.is_file():
        raise SettingsError(f"There is no file '{path}'.")
    if path.suffix.lower() == ".xlsx":
        sheets = [_typed_table(path.name, title, cells) for title, cells in xlsx_lines(path).items()]
    elif path.suffix.lower() in (".csv", ".tsv", ".txt"):
        sheets = [_csv(path)]
    else:
        raise SettingsError(f"'{path.name}' is neither .csv, .tsv, .txt nor .xlsx: save it as one of them.")
    found = [sheet for sheet in sheets if sheet is not None]
    if not found:
        raise SettingsError(
            f"'{path.name}' holds no table: no line of it looks like a header with rows below."
        )
    return found


def _csv(path: Path) -> Sheet | None:
    data = path.read_bytes()
    encoding, text = _decoded(data)
    delimiter = _delimiter(text)
    lines = csv_lines(path, text, delimiter)
    return _table(path.name, "csv", lines, {}, encoding=encoding, delimiter=delimiter)


def _decoded(data: bytes) -> tuple[str, str]:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16", data.decode("utf-16", errors="replace")
    if data.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig", data.decode("utf-8-sig", errors="replace")
    for encoding in ENCODINGS[:-1]:
        try:
            return encoding, data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return ENCODINGS[-1], data.decode(ENCODINGS[-1])


def _delimiter(text: str) -> str:
    """The one that cuts most lines into equally many cells, and into more than one."""
    head = "\n".join(text.splitlines()[:_LOOKED_AT])

    def merit(delimiter: str) -> tuple[float, int]:
        widths: list[int] = []
        with suppress(csv.Error):  # what comes before tells enough; `csv_lines` names the line
            widths.extend(len(row) for row in csv.reader(io.StringIO(head), delimiter=delimiter) if row)
        if not widths:
            return 0, 0
        width, lines = Counter(widths).most_common(1)[0]
        return (lines / len(widths), width) if width > 1 else (0, 0)

    return max(DELIMITERS, key=merit)


def _typed_table(file: str, title: str, cells: Sequence[Sequence[object]]) -> Sheet | None:
    typed = {
        (line, position): isinstance(cell, date)
        for line, row in enumerate(cells)
        for position, cell in enumerate(row)
        if cell is not None
    }
    return _table(file, "xlsx", [[_text(cell) for cell in row] for row in cells], typed, sheet=title)


def _text(cell: object) -> str:
    if cell is None or isinstance(cell, bool):
        return "" if cell is None else str(cell).lower()
    if isinstance(cell, datetime):
        return f"{cell:%Y-%m-%d}"
    if isinstance(cell, date | time):
        return cell.isoformat()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    return str(cell).strip()


def _table(
    file: str,
    kind: str,
    lines: list[list[str]],
    typed: dict[tuple[int, int], bool],
    *,
    sheet: str | None = None,
    encoding: str = "utf-8",
    delimiter: str = ",",
) -> Sheet | None:
    width = Counter(_width(line) for line in lines[:_LOOKED_AT] if _width(line)).most_common(1)
    header = _header(lines, max((w for w, _ in width), default=0))
    if header is None:
        return None
    columns = tuple(" ".join(cell.split()) for cell in lines[header][: _width(lines[header])])
    body = [
        (number, _padded(line, len(columns)))
        for number, line in enumerate(lines[header + 1 :], start=header + 1)
    ]
    body = [(number, row) for number, row in body if any(row)]
    skipped = _no_data([row for _, row in body])
    dated = {position for (line, position), is_date in typed.items() if is_date and line > header}
    texts = {position for (line, position), is_date in typed.items() if not is_date and line > header}
    return Sheet(
        file=file,
        format=kind,
        columns=columns,
        rows=tuple(row for _, row in body[skipped:]),
        sheet=sheet,
        encoding=encoding,
        delimiter=delimiter,
        header=header + 1,
        skip_lines=tuple(number + 1 for number, _ in body[:skipped]),
        dates=frozenset(dated - texts),
        explained=tuple(row for _, row in body[:skipped]),
    )


def _width(line: Sequence[str]) -> int:
    return max((position + 1 for position, cell in enumerate(line) if cell), default=0)


def _padded(line: Sequence[str], width: int) -> Cells:
    return (*line[:width], *[""] * (width - len(line)))


def _header(lines: Sequence[Sequence[str]], width: int) -> int | None:
    """The first line that is full of different short texts: titles above it are sparse, data hold numbers."""
    for number, line in enumerate(lines[:_HEADER_WITHIN]):
        cells = [cell for cell in line if cell]
        texts = [cell for cell in cells if not _NUMBER.fullmatch(cell) and len(cell) <= _LONG_HEADER]
        full = width > 1 and len(cells) >= _FILLED * width and len(set(cells)) == len(cells)
        if full and len(texts) == len(cells) and number + 1 < len(lines):
            return number
    return None


def _no_data(rows: Sequence[Cells]) -> int:
    """How many rows below the header explain the columns: texts where all rows after them hold numbers."""
    for skipped in range(min(3, max(len(rows) - 3, 0)), 0, -1):
        numbers = _number_columns(rows[skipped:])
        told = [rows[number][position] for number in range(skipped) for position in numbers]
        texts = [cell for cell in told if cell and not _NUMBER.fullmatch(cell)]
        each = all(any(_says(row[p]) for p in numbers) for row in rows[:skipped])
        if numbers and each and len(texts) >= _HALF * len([cell for cell in told if cell]):
            return skipped
    return 0


def _says(cell: str) -> bool:
    return bool(cell) and _NUMBER.fullmatch(cell) is None


def _number_columns(rows: Sequence[Cells]) -> list[int]:
    found = []
    for position in range(len(rows[0])):
        cells = [row[position] for row in rows[:_LOOKED_AT] if row[position]]
        if cells and sum(bool(_NUMBER.fullmatch(cell)) for cell in cells) >= _MOSTLY * len(cells):
            found.append(position)
    return found
