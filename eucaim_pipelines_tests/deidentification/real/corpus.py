"""Every DICOM file beside the project and in pydicom's wheel, and what became of it.

What must hold of the outcome is said in the tests.
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pydicom

from eucaim_pipelines.deidentification.images import Deidentified, Deidentifier, Subject
from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms
from eucaim_pipelines.dicom.examination import examine
from eucaim_pipelines.errors import Refusal

_WHEEL = Path(pydicom.__file__).parent / "data"
_WHEEL_FOLDERS = ("test_files", "charset_files", "palettes")
_NO_DATA = frozenset({".py", ".pyc", ".txt", ".md", ".json", ".zip"})
PUBLISHED = "PUBLISHED"


class Case(NamedTuple):
    """One file and its outcome.

    Attributes
    ----------
    origin
        `shared` or `wheel`.
    data
        Its bytes.
    row
        Header row of the source; empty when it could not be read.
    disposition
        `PUBLISHED` or the reason of the refusal.
    result
        The released object, or None.
    """

    origin: str
    data: bytes
    row: dict[str, Any]
    disposition: str
    result: Deidentified | None


def files(shared: Path) -> Iterator[tuple[str, Path]]:
    """Origin and path of every file, in the same order on every machine."""
    for path in sorted((shared / "data" / "dicom").rglob("*")):
        if path.is_file():
            yield "shared", path
    for folder in _WHEEL_FOLDERS:
        for path in sorted((_WHEEL / folder).rglob("*")):
            if path.is_file() and path.suffix not in _NO_DATA:
                yield "wheel", path


def processed(origin: str, data: bytes, deidentifier: Deidentifier, pseudonyms: Pseudonyms) -> Case:
    """De-identify and verify one file."""
    try:
        row = examine(data).row
        person = pseudonyms.patient(row["PatientID"], row["IssuerOfPatientID"], row["StudyInstanceUID"])
        result = deidentifier.deidentify_verified(data, Subject(person))
    except Refusal as refusal:
        return Case(origin, data, dict(refusal.header or {}), refusal.reason, None)
    return Case(origin, data, row, PUBLISHED, result)


def table(name: str) -> list[dict[str, str]]:
    """Rows of a table of this folder; lines that start with # are comments."""
    with (Path(__file__).parent / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(line for line in file if not line.startswith("#")))
