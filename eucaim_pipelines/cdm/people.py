"""Who is in the dataset: in the images, in the clinical tables or in both, and who reaches 90 anywhere.

Restricted zone: identifiers as received. The pseudonyms are made by the caller.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import pyarrow as pa

from eucaim_pipelines.cdm.coding import PATIENT
from eucaim_pipelines.cdm.linkage import DAYS_PER_YEAR, age_string_years, ages_at_diagnosis, first_dates
from eucaim_pipelines.contracts.sources import SourceContract

POOLED_FROM_YEARS = 90.0
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
    """One row per person (`PEOPLE`), sorted.

    Somebody without a PatientID is one person per study, named by StudyInstanceUID (else null), because
    people are never merged. A row of a table belongs to every issuer's patient of that PatientID.
    """
    keys = ["PatientID", "IssuerOfPatientID", "StudyInstanceUID"]
    imaged: set[tuple[str, str, str]] = set()
    for row in instances.group_by(keys, use_threads=False).aggregate([]).to_pylist():
        patient, issuer = row["PatientID"] or "", row["IssuerOfPatientID"] or ""
        imaged.add((patient, issuer, "" if patient else row["StudyInstanceUID"]))
    listed = {patient for table in coded.values() for patient in table.column(PATIENT).to_pylist()}
    only_listed = listed - {patient for patient, _, _ in imaged}
    rows = [
        [
            patient or None,
            issuer or None,
            study or None,
            (patient, issuer, study) in imaged,
            patient in listed,
        ]
        for patient, issuer, study in sorted(imaged | {(patient, "", "") for patient in only_listed})
    ]
    return pa.table([list(column) for column in zip(*rows, strict=True)] or [[]] * len(PEOPLE), schema=PEOPLE)


def issuers(found: pa.Table) -> dict[str, str]:
    """PatientID to the issuer under which the images know it, where there is exactly one.

    Clinical tables name no issuer, and a pseudonym depends on it: rows and images meet by this.

    Parameters
    ----------
    found
        `PEOPLE`, as `people` makes it.
    """
    known: dict[str, set[str | None]] = {}
    for row in found.to_pylist():
        if row["PatientID"] and row["in_images"]:
            known.setdefault(row["PatientID"], set()).add(row["IssuerOfPatientID"])
    single = {patient: next(iter(names)) for patient, names in known.items() if len(names) == 1}
    return {patient: issuer for patient, issuer in sorted(single.items()) if issuer is not None}


def pooled(
    instances: pa.Table,
    coded: Mapping[str, pa.Table],
    links: pa.Table,
    source: SourceContract,
    pseudonym: Pseudonym,
) -> frozenset[str]:
    """Pseudonyms of everybody who reaches 90 years in any study, row or date; pooled as 90 everywhere.

    Parameters
    ----------
    links
        Study links before the crossing (`linkage.link_studies`).
    """
    old = {
        pseudonym(row["PatientID"], row["IssuerOfPatientID"], row["StudyInstanceUID"])
        for row in links.to_pylist()
        if _is_old(row["age_at_study_years"])
    }
    keys = ["PatientID", "IssuerOfPatientID", "StudyInstanceUID", "PatientAge"]
    for row in instances.group_by(keys, use_threads=False).aggregate([]).to_pylist():
        if _is_old(age_string_years(row["PatientAge"])):
            old.add(
                pseudonym(row["PatientID"] or None, row["IssuerOfPatientID"] or None, row["StudyInstanceUID"])
            )
    issuers: dict[str, set[str | None]] = {}
    for row in links.to_pylist():
        if row["PatientID"]:
            issuers.setdefault(row["PatientID"], set()).add(row["IssuerOfPatientID"])
    for patient in _old_in_tables(coded, source):
        old |= {pseudonym(patient, issuer, "") for issuer in {None, *issuers.get(patient, set())}}
    return frozenset(old)


def _old_in_tables(coded: Mapping[str, pa.Table], source: SourceContract) -> set[str]:
    diagnosis = first_dates(coded, source.linkage.diagnosis_date)
    ages = ages_at_diagnosis(coded, source)
    found: set[str] = set()
    for name, table in coded.items():
        patients = table.column(PATIENT).to_pylist()
        for field, column in source.file(name).fields.items():
            if column.kind not in ("age", "date"):
                continue
            for patient, value in zip(patients, table.column(field).to_pylist(), strict=True):
                if _is_old(
                    value
                    if column.kind == "age"
                    else _age_on(value, diagnosis.get(patient), ages.get(patient))
                ):
                    found.add(patient)
    return found


def _age_on(day: date | None, diagnosed: date | None, age_at_diagnosis: float | None) -> float | None:
    if day is None or diagnosed is None or age_at_diagnosis is None:
        return None
    return age_at_diagnosis + (day - diagnosed).days / DAYS_PER_YEAR


def _is_old(age: Any) -> bool:
    return age is not None and round(float(age), 1) >= POOLED_FROM_YEARS
