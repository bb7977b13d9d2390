"""Lines of files that somebody names on the command line: CSV cut into cells, workbooks with their sheets.

What the lines mean is decided in `sheets` and `template`.
"""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

from eucaim_pipelines.errors import Refusal, SettingsError
from eucaim_pipelines.ingest import workbooks


def csv_lines(path: Path, text: str, delimiter: str) -> list[list[str]]:
    """Every line as trimmed cells.

    Raises
    ------
    SettingsError
        A line cannot be cut into cells; the message says which, never what it holds.
    """
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        return [[cell.strip() for cell in row] for row in reader]
    except csv.Error:
        pass
    raise SettingsError(
        f"'{path.name}' line {reader.line_num}: it cannot be cut into cells. Look for a quotation mark that "
        f"is not closed, or a cell of more than {csv.field_size_limit():,} characters."
    )


def xlsx_lines(path: Path) -> dict[str, list[Sequence[object]]]:
    """The rows of every worksheet by its title.

    Raises
    ------
    SettingsError
        It is no workbook, or larger than any table is (limits in `ingest.workbooks`).
    """
    try:
        return {title: list(rows) for title, rows in workbooks.sheets(path.read_bytes()).items()}
    except Refusal:
        raise SettingsError(
            f"'{path.name}' is no readable xlsx workbook, or unpacks to more than a table: save it again."
        ) from None
