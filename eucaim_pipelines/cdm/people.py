"""Who is in the dataset: in the images, in the clinical tables or in both, and who reaches 90 anywhere.

Restricted zone: identifiers as received. The pseudonyms are made by the caller.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pyarrow as pa

from eucaim_pipelines.cdm.coding import OLDEST_AGE_YEARS, PATIENT
from eucaim_pipelines.cdm.linkage import (
    DAYS_PER_YEAR,
    STUDY_DATES,
    age_string_years,
    ages_at_diagnosis,
    contested_patients,
    dicom_date,
    first_dates,
    with_issuers,
)
from eucaim_pipelines.contracts.sources import SourceContract

POOLED_FROM_YEARS = 90
UNDECIDED_ISSUER = "\\undecided"
"""Issuer of the clinical rows of a contested PatientID; the backslash keeps it apart from any in an image."""
PEOPLE = pa.schema(
    [
        ("PatientID", pa.string()),
        ("IssuerOfPatientID", pa.string()),
        ("StudyInstanceUID", pa.string()),
        ("in_images", pa.bool_()),
        ("in_tables", pa.bool_()),
    ]
)
Pseudonym = Callable[[str | None, str | None, str], str]
"""`Pseudonyms.patient`: PatientID, issuer and StudyInstanceUID to the pseudonym."""


def people(instances: pa.Table, coded: Mapping[str, pa.Table]) -> pa.Table:
    """One row per person (`PEOPLE`), sorted; each row makes one pseudonym.

    Somebody without a PatientID is one person per study, named by StudyInstanceUID (else null), because
    people are never merged. Images without an issuer belong to the one issuer that other images of their
    PatientID name (`linkage.with_issuers`). Clinical tables name no issuer: where the images know a
    PatientID under several, its rows are those of one more person, under `UNDECIDED_ISSUER`.
    """
    keys = ["PatientID", "IssuerOfPatientID", "StudyInstanceUID"]
    imaged: set[tuple[str, str, str]] = set()
    for row in with_issuers(instances).group_by(keys, use_threads=False).aggregate([]).to_pylist():
        patient, issuer = row["PatientID"] or "", row["IssuerOfPatientID"] or ""
        imaged.add((patient, issuer, "" if patient else row["StudyInstanceUID"]))
    contested, known = contested_patients(instances), {patient for patient, _, _ in imaged}
    listed = {patient for table in coded.values() for patient in table.column(PATIENT).to_pylist()}
    unseen = {(patient, "", "") for patient in listed - known}
    unseen |= {(patient, UNDECIDED_ISSUER, "") for patient in listed & contested}
    rows = [
        [
            person[0] or None,
            person[1] or None,
            person[2] or None,
            person in imaged,
            person in unseen or person[0] in listed - contested,
        ]
        for person in sorted(imaged | unseen)
    ]
    return pa.table([list(column) for column in zip(*rows, strict=True)] or [[]] * len(PEOPLE), schema=PEOPLE)


def issuers(found: pa.Table) -> dict[str, str]:
    """PatientID to the issuer of its clinical rows, where they have one: by this, rows and images meet.

    Contested PatientIDs have `UNDECIDED_ISSUER`, so that their rows meet nobody's images.

    Parameters
    ----------
    found
        `PEOPLE`, as `people` makes it.
    """
    rows = found.to_pylist()
    named = [row for row in rows if row["in_tables"] and row["PatientID"] and row["IssuerOfPatientID"]]
    return {row["PatientID"]: row["IssuerOfPatientID"] for row in named}


def image_issuers(found: pa.Table) -> dict[str, str]:
    """PatientID to the issuer of its images that name none, where the others name exactly one.

    Parameters
    ----------
    found
        `PEOPLE`, as `people` makes it.
    """
    known: dict[str, list[str | None]] = {}
    for row in found.to_pylist():
        if row["PatientID"] and row["in_images"]:
            known.setdefault(row["PatientID"], []).append(row["IssuerOfPatientID"])
    return {patient: name for patient, [name, *others] in known.items() if name and not others}


def ambiguous(found: pa.Table) -> int:
    """How many PatientIDs of the clinical tables the images know under several issuers.

    Parameters
    ----------
    found
        `PEOPLE`, as `people` makes it.
    """
    return found.column("IssuerOfPatientID").to_pylist().count(UNDECIDED_ISSUER)


def pooled(
    instances: pa.Table,
    coded: Mapping[str, pa.Table],
    links: pa.Table,
    source: SourceContract,
    pseudonym: Pseudonym,
) -> frozenset[str]:
    """Pseudonyms of everybody who reaches 90 years in any study, row or date; pooled as 90 everywhere.

    The intervals between a person's dates are released. So all that is said of the birth, anywhere, is held
    against the latest of all dates of this person, whether or not there is an age beside that date.

    Parameters
    ----------
    links
        Study links before the crossing (`linkage.link_studies`).
    """
    lives: dict[str, _Life] = defaultdict(_Life)
    for row in links.to_pylist():
        life = lives[pseudonym(row["PatientID"], row["IssuerOfPatientID"], row["StudyInstanceUID"])]
        life.has_age(row["age_at_study_years"])
    keys = ["PatientID", "IssuerOfPatientID", "StudyInstanceUID"]
    columns = [*keys, *STUDY_DATES, "PatientBirthDate", "PatientAge"]
    for row in with_issuers(instances).group_by(columns, use_threads=False).aggregate([]).to_pylist():
        _image_tells(lives[pseudonym(*(row[key] for key in keys))], row)
    names = issuers(people(instances, coded))
    _rows_tell(lambda patient: lives[pseudonym(patient, names.get(patient), "")], coded, source)
    return frozenset(person for person, life in lives.items() if life.reaches_old_age())


@dataclass
class _Life:
    """What is known of one person: first and last possible day of birth by each source, latest date."""

    births: list[tuple[date, date]] = field(default_factory=list)
    latest: date = date.min
    old: bool = False

    def has_age(self, years: float | None, day: date | None = None) -> None:
        """An age in years; with its day it tells of the birth, to the year (ages may be rounded down)."""
        self.old |= years is not None and round(years, 1) >= POOLED_FROM_YEARS
        if years is not None and day is not None:
            first = _years_before(day, int(years) + 1) + timedelta(days=1)
            self.births.append((first, _years_before(day, int(years))))

    def has_date(self, day: date) -> None:
        """A date at which something of this person is recorded."""
        self.latest = max(self.latest, day)

    def reaches_old_age(self) -> bool:
        """Whether 90 is reached, by the earliest birth that the sources allow.

        Where they agree this is the earliest that all of them allow, else the earliest that any of them does.
        """
        if self.old or not self.births:
            return self.old
        firsts, lasts = zip(*self.births, strict=True)
        earliest = max(firsts) if max(firsts) <= min(lasts) else min(firsts)
        return bool(earliest <= _years_before(self.latest, POOLED_FROM_YEARS))


def _image_tells(life: _Life, row: Mapping[str, Any]) -> None:
    days = [day for name in STUDY_DATES if (day := dicom_date(row[name])) is not None]
    for day in days:
        life.has_date(day)
    day = next(iter(days), None)
    life.has_age(age_string_years(row["PatientAge"]), day)
    born = dicom_date(row["PatientBirthDate"])
    if born is not None and (day is None or 0 <= (day - born).days / DAYS_PER_YEAR <= OLDEST_AGE_YEARS):
        life.births.append((born, born))


def _rows_tell(
    life_of: Callable[[str], _Life], coded: Mapping[str, pa.Table], source: SourceContract
) -> None:
    diagnosis = first_dates(coded, source.linkage.diagnosis_date)
    for patient, age in ages_at_diagnosis(coded, source).items():
        life_of(patient).has_age(age, diagnosis.get(patient))
    for name, table in coded.items():
        patients = table.column(PATIENT).to_pylist()
        for column, declared in source.file(name).fields.items():
            for patient, value in zip(patients, table.column(column).to_pylist(), strict=True):
                if value is not None and declared.kind == "age":
                    life_of(patient).has_age(value)
                elif value is not None and declared.kind == "date":
                    life_of(patient).has_date(value)


def _years_before(day: date, years: int) -> date:
    """The same day of another year; the 29 February falls on the 28th, no date is earlier than the first."""
    if day.year <= years:
        return date.min
    leap = day.month == 2 and day.day == 29
    return date(day.year - years, day.month, 28 if leap else day.day)
