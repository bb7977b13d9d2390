"""The map of a trust office: which pseudonym it gave to which patient number.

The file is secret like the key. Messages name lines, never values.
"""

import csv
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

from eucaim_pipelines.deidentification.keys.secret_files import read_secret_file
from eucaim_pipelines.errors import SettingsError

_COLUMNS = (["patient_id", "pseudonym"], ["patient_id", "issuer", "pseudonym"])
_SAFE = re.compile(r"[A-Za-z0-9_-]{1,64}")
_LONG_ENOUGH = 6
"""Characters from which on a number within its own pseudonym is told; shorter ones stand there by chance."""

Overrides = dict[tuple[str, str], str]
"""Pseudonym by PatientID and issuer, as received and trimmed; an empty issuer holds for all of them."""


def read_map(path: Path, named: str = "Setting 'pseudonym_map'") -> Overrides:
    """Read a map: CSV, UTF-8, with the columns patient_id, pseudonym and, where wanted, issuer.

    Two numbers may share a pseudonym: then they are one person. `named` is where the user named the file.

    Raises
    ------
    SiteKeyError
        The file cannot be read, or others may read it.
    SettingsError
        With the line: other columns, an empty or repeated number, a pseudonym with other characters than
        letters, digits, `_` and `-` or of more than 64, or one that gives a number away.
    """
    try:
        return _checked(read_secret_file(path, "The pseudonym map"))
    except _MapError as error:
        raise SettingsError(
            f"{named}: line {error.line} of its file {error.what}. Correct the file."
        ) from None


class _MapError(Exception):
    """What is wrong with which line."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(line, what)
        self.line, self.what = line, what


def _checked(text: str) -> Overrides:
    found: Overrides = {}
    lines: dict[str, int] = {}
    for line, patient, issuer, pseudonym in _rows(text):
        if not patient:
            raise _MapError(line, "has no patient_id")
        if not _SAFE.fullmatch(pseudonym):
            raise _MapError(line, "has a pseudonym that is not 1 to 64 of A-Z, a-z, 0-9, _ and -")
        if len(patient) >= _LONG_ENOUGH and patient.casefold() in pseudonym.casefold():
            raise _MapError(line, "has a pseudonym that holds the patient_id")
        if (patient, issuer) in found:
            raise _MapError(line, "repeats a patient_id")
        found[patient, issuer] = pseudonym
        lines.setdefault(pseudonym.casefold(), line)
    given_away = {patient.casefold() for patient, _ in found} & set(lines)
    if given_away:
        raise _MapError(min(lines[name] for name in given_away), "has a pseudonym that is a patient_id")
    return found


def _rows(text: str) -> Iterator[tuple[int, str, str, str]]:
    """Line, patient_id, issuer and pseudonym of each row."""
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        if header not in _COLUMNS:
            raise _MapError(1, "must read patient_id,pseudonym or patient_id,issuer,pseudonym")
        for row in reader:
            if len(row) != len(header):
                raise _MapError(reader.line_num, "has another number of cells than the first line")
            cells = dict(zip(header, (cell.strip(" \0") for cell in row), strict=True))
            yield reader.line_num, cells["patient_id"], cells.get("issuer", ""), cells["pseudonym"]
    except csv.Error:
        raise _MapError(reader.line_num, "is not CSV") from None
