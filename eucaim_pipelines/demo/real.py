"""Real DICOM objects as one dataset: their folder as an export, and a clinical table made for their patients.

The objects are linked, not copied; the table is invented.
"""

import csv
from datetime import date, timedelta
from pathlib import Path

from pydicom import dcmread
from pydicom.errors import InvalidDicomError

from eucaim_pipelines.errors import SettingsError

DATASET = "real_dicom"
IMAGES, TABLES = "2026-01-objects", "2026-02-tables"
_COMPLETED = {IMAGES: "2026-01-31T20:00:00+00:00", TABLES: "2026-02-28T20:00:00+00:00"}
_HEADER = ("patient", "sex", "group", "diagnosed", "age", "diagnosis")


def write_exports(landing: Path, dicom: Path) -> None:
    """Lay out the two exports below landing, unless they are there.

    Raises
    ------
    SettingsError
        If `dicom` is not a folder.
    """
    if not dicom.is_dir():
        raise SettingsError(f"'{dicom}' is not a folder of DICOM files. Name one: make real DICOM=FOLDER")
    folder = landing / DATASET
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / IMAGES).exists():
        (folder / IMAGES).symlink_to(dicom.resolve())
    if not (folder / TABLES).exists():
        (folder / TABLES).mkdir()
        _write_table(folder / TABLES / "patients.csv", _first_studies(dicom))
    for name, time in _COMPLETED.items():
        marker = folder / f"{name}._COMPLETE"
        if not marker.exists():
            marker.write_text(time + "\n", encoding="utf-8")


def _first_studies(dicom: Path) -> dict[str, date]:
    """Day of the first study of every patient that has an identifier."""
    firsts: dict[str, date] = {}
    for path in sorted(p for p in dicom.rglob("*") if p.is_file() and not p.is_symlink()):
        try:
            header = dcmread(path, specific_tags=["PatientID", "StudyDate"], stop_before_pixels=True)
        except (InvalidDicomError, OSError):
            continue
        patient = str(header.get("PatientID") or "").strip()
        day = _day(str(header.get("StudyDate") or ""))
        if patient:
            firsts[patient] = min(firsts.get(patient, day), day)
    return firsts


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return date(2010, 1, 1)


def _write_table(path: Path, firsts: dict[str, date]) -> None:
    """One invented row per patient: a diagnosis two weeks before the first study."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(_HEADER)
        for number, (patient, first) in enumerate(sorted(firsts.items())):
            diagnosed = first - timedelta(days=14)
            writer.writerow((patient, "F", "cancer", diagnosed.isoformat(), f"{45 + 3 * number}.5", "brain"))
