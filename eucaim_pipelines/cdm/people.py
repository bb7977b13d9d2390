"""Who is in the dataset: in the images, in the clinical tables or in both, and who reaches 90 anywhere.

Restricted zone: identifiers as received. The pseudonyms are made by the caller.
"""

import itertools
from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from math import ceil

import pyarrow as pa
import pyarrow.compute as pc

from eucaim_pipelines.cdm.coding import PATIENT, kinds
from eucaim_pipelines.cdm.link_file import without_link_file
from eucaim_pipelines.cdm.linkage import ages_at_diagnosis, contested_patients, first_dates, with_issuers
from eucaim_pipelines.contracts.source_files import Duration
from eucaim_pipelines.contracts.sources import SourceContract
from eucaim_pipelines.dicom.lifetimes import (
    DAYS_PER_YEAR,
    OLDEST_AGE_YEARS,
    STUDY_DATES,
    Life,
    image_tells,
)

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
_SOME_DAY = date(2000, 1, 1)
Pseudonym = Callable[[str | None, str | None, str], str]
"""`Pseudonyms.patient`: PatientID, issuer and StudyInstanceUID to the pseudonym."""


def people(instances: pa.Table, coded: Mapping[str, pa.Table]) -> pa.Table:
    """One row per person (`PEOPLE`), sorted; each row makes one pseudonym.

    Somebody without a PatientID is one person per study, named by StudyInstanceUID (else null), because
    people are never merged. Images without an issuer belong to the one issuer that other images of their
    PatientID name (`linkage.with_issuers`). Clinical tables name no issuer: where the images know a
    PatientID under several, its rows are those of one more person, under `UNDECIDED_ISSUER`.

    Parameters
    ----------
    coded
        Clinical tables that tell of patients (`link_file.without_link_file`).
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
    told = listed - contested
    rows = [
        [
            person[0] or None,
            person[1] or None,
            person[2] or None,
            person in imaged,
            person in unseen or person[0] in told,
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
    lives: dict[str, Life] = defaultdict(Life)
    keys = ["PatientID", "IssuerOfPatientID", "StudyInstanceUID"]
    alone = pc.if_else(pc.is_null(links["PatientID"]), links["StudyInstanceUID"], "")
    persons = links.select(["PatientID", "IssuerOfPatientID"]).append_column("StudyInstanceUID", alone)
    aged = persons.append_column("age", links["age_at_study_years"]).group_by(keys, use_threads=False)
    for row in aged.aggregate([("age", "max")]).to_pylist():
        lives[pseudonym(*(row[key] for key in keys))].has_age(row["age_max"])
    columns = [*keys, *STUDY_DATES, "PatientBirthDate", "PatientAge"]
    for row in with_issuers(instances).group_by(columns, use_threads=False).aggregate([]).to_pylist():
        image_tells(lives[pseudonym(*(row[key] for key in keys))], row)
    names = issuers(people(instances, without_link_file(coded, source)))
    _rows_tell(lambda patient: lives[pseudonym(patient, names.get(patient), "")], coded, source)
    return frozenset(person for person, life in lives.items() if life.reaches_old_age())


def _rows_tell(life_of: Callable[[str], Life], coded: Mapping[str, pa.Table], source: SourceContract) -> None:
    diagnosis, ages = first_dates(coded, source.linkage.diagnosis_date), ages_at_diagnosis(coded, source)
    for patient, age in ages.items():
        life_of(patient).has_age(age, diagnosis.get(patient))
    for name, table in coded.items():
        patients, spec = table.column(PATIENT).to_pylist(), source.file(name)
        told = kinds(spec)
        for column in spec.fields:
            kind, values = told[column], table.column(column).to_pylist()
            if column in spec.durations:
                kind, values = "days", _in_days(spec.durations[column], values, table)
            for patient, value in zip(patients, values, strict=True):
                if value is not None and kind == "age":
                    life_of(patient).has_age(value)
                elif value is not None and kind == "date":
                    life_of(patient).has_date(value)
                elif value is not None and kind == "days" and patient in diagnosis:
                    life_of(patient).has_date(_after(diagnosis[patient], value))
                elif value is not None and kind == "days" and patient in ages:
                    life_of(patient).old |= _old_after(ages[patient], value)


def _in_days(duration: Duration, numbers: list[float | None], table: pa.Table) -> list[int | None]:
    """Times as days, rounded up; none of them is longer than a life."""
    units = itertools.repeat(None) if duration.beside is None else table.column(duration.beside).to_pylist()
    found: list[int | None] = []
    for number, unit in zip(numbers, units, strict=False):
        years = duration.units.get(unit)
        if number is None or years is None:
            found.append(None)
        else:
            found.append(ceil(DAYS_PER_YEAR * max(-OLDEST_AGE_YEARS, min(OLDEST_AGE_YEARS, years(number)))))
    return found


def _after(day: date, days: int) -> date:
    return day + timedelta(days=days)


def _old_after(age_at_diagnosis: float, days: int) -> bool:
    """Whether days from an undated diagnosis reach 90, by the law of dated ones: on any day as diagnosis."""
    life = Life()
    life.has_age(age_at_diagnosis, _SOME_DAY)
    life.has_date(_after(_SOME_DAY, days))
    return life.reaches_old_age()
