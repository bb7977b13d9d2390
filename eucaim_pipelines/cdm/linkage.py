"""How images and clinical rows relate: days from diagnosis, timepoints, episodes, ages; before the crossing.

Restricted zone, true dates. After the crossing none of this may be recoverable, so it is computed here.
"""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from eucaim_pipelines.cdm.coding import PATIENT
from eucaim_pipelines.cdm.imaging_codes import IMAGE, of_kind
from eucaim_pipelines.contracts.source_model import OFFSET_SUFFIX
from eucaim_pipelines.contracts.sources import SourceContract
from eucaim_pipelines.dicom.lifetimes import (
    DAYS_PER_YEAR,
    OLDEST_AGE_YEARS,
    STUDY_DATES,
    age_string_years,
    dicom_date,
)

DIAGNOSIS, TREATMENT = "GEN1000008", "GEN1000007"
STUDY_LINKS = pa.schema(
    [
        ("PatientID", pa.string()),
        ("IssuerOfPatientID", pa.string()),
        ("StudyInstanceUID", pa.string()),
        ("StudyDate", pa.date32()),
        ("days_from_diagnosis", pa.int64()),
        ("imaging_timepoint", pa.int64()),
        ("episode_type_code", pa.string()),
        ("age_at_study_years", pa.float64()),
    ]
)
_STUDY = ["PatientID", "IssuerOfPatientID", "StudyInstanceUID"]


def first_dates(coded: Mapping[str, pa.Table], reference: str | None) -> dict[str, date]:
    """PatientID to the earliest date of the field that `file.field` names; empty when there is none."""
    name, _, field = (reference or "").partition(".")
    if name not in coded:
        return {}
    table = coded[name].select([PATIENT, field]).drop_null()
    firsts = table.group_by(PATIENT, use_threads=False).aggregate([(field, "min")])
    return dict(zip(firsts[PATIENT].to_pylist(), firsts[f"{field}_min"].to_pylist(), strict=True))


def add_offsets(coded: Mapping[str, pa.Table], source: SourceContract) -> dict[str, pa.Table]:
    """The coded tables with `<date>_offset_days` after their fields, for each of their dates.

    Whole days from the patient's diagnosis (`linkage.diagnosis_date`, the earliest), negative before it;
    null where either date is missing.
    """
    diagnosis = first_dates(coded, source.linkage.diagnosis_date)
    tables = {}
    for name, table in coded.items():
        starts = [diagnosis.get(patient) for patient in table.column(PATIENT).to_pylist()]
        for field, column in source.file(name).fields.items():
            if column.kind == "date":
                days = [
                    _days(start, day)
                    for start, day in zip(starts, table.column(field).to_pylist(), strict=True)
                ]
                table = table.append_column(f"{field}{OFFSET_SUFFIX}", pa.array(days, pa.int64()))
        tables[name] = table
    return tables


def with_issuers(instances: pa.Table) -> pa.Table:
    """The inventory where an image without an issuer has that of its PatientID, if all others name one.

    One scanner or viewer writes IssuerOfPatientID and another does not; the person is the same. With two
    issuers a PatientID says nothing of whose the others are, and they stay without.
    """
    names = {patient: min(found) for patient, found in _issuers(instances).items() if len(found) == 1}
    at = pc.index_in(instances.column("PatientID"), pa.array(list(names), pa.string()))
    told = instances.column("IssuerOfPatientID")
    issuer = pc.coalesce(
        pc.if_else(pc.equal(told, ""), None, told), pa.array(list(names.values()), pa.string()).take(at)
    )
    where = instances.column_names.index("IssuerOfPatientID")
    return instances.set_column(where, "IssuerOfPatientID", issuer)


def contested_patients(instances: pa.Table) -> frozenset[str]:
    """PatientIDs that the images know under several issuers; their clinical rows belong to none of these."""
    return frozenset(patient for patient, found in _issuers(instances).items() if len(found) > 1)


def link_studies(instances: pa.Table, coded: Mapping[str, pa.Table], source: SourceContract) -> pa.Table:
    """One row per patient and study of the inventory (`STUDY_LINKS`), sorted by patient and time.

    `imaging_timepoint` numbers the studies with images of one patient from 1 by date, then UID; it is null
    for studies without images. A study on or after the first treatment belongs to the treatment episode,
    any other one to the diagnosis episode; without a diagnosis there is no episode. The age comes from the
    birth date, else from the age at diagnosis, else from PatientAge; years, one decimal.

    Issuers are those of `with_issuers`. Clinical tables name none, so their rows say nothing of the studies
    of a contested PatientID (`contested_patients`). Objects that de-identification refuses later have been
    counted here: a study of which nothing is released leaves a gap in the timepoints.
    """
    instances, contested = with_issuers(instances), contested_patients(instances)
    diagnosis = first_dates(coded, source.linkage.diagnosis_date)
    treatment = first_dates(coded, source.linkage.treatment_date)
    ages = ages_at_diagnosis(coded, source)
    with_images = set(pc.unique(of_kind(instances, IMAGE).column("StudyInstanceUID")).to_pylist())
    rows = []
    timepoints: dict[tuple[str, ...], int] = {}
    for study in sorted(_studies(instances), key=_in_time):
        patient, uid, day = study["PatientID"] or None, study["StudyInstanceUID"], study["day"]
        listed = None if patient in contested else patient
        start = diagnosis.get(listed) if listed else None
        days = _days(start, day)
        timepoint = None
        if uid in with_images:
            person = (patient, study["IssuerOfPatientID"] or "") if patient else ("", "", uid)
            timepoint = timepoints[person] = timepoints.get(person, 0) + 1
        rows.append(
            {
                "PatientID": patient,
                "IssuerOfPatientID": study["IssuerOfPatientID"] or None,
                "StudyInstanceUID": uid,
                "StudyDate": day,
                "days_from_diagnosis": days,
                "imaging_timepoint": timepoint,
                "episode_type_code": _episode(day, start, treatment.get(listed) if listed else None),
                "age_at_study_years": _age(study, days, ages.get(listed) if listed else None),
            }
        )
    return pa.Table.from_pylist(rows, schema=STUDY_LINKS)


def ages_at_diagnosis(coded: Mapping[str, pa.Table], source: SourceContract) -> dict[str, float]:
    """PatientID to age at diagnosis in years, of the field mapped to cancer_condition."""
    ages: dict[str, float] = {}
    for spec in source.clinical:
        for mapping in spec.tables:
            field = mapping.fields.get("cancer_condition_age_at_diagnosis")
            if not isinstance(field, str) or spec.name not in coded:
                continue
            table = coded[spec.name].select([PATIENT, field]).drop_null()
            for patient, age in zip(*(column.to_pylist() for column in table.columns), strict=True):
                ages[patient] = min(age, ages.get(patient, age))
    return ages


def _issuers(instances: pa.Table) -> dict[str, set[str]]:
    """PatientID to the issuers that its images name."""
    pairs = instances.group_by(["PatientID", "IssuerOfPatientID"], use_threads=False).aggregate([])
    found: dict[str, set[str]] = {}
    for row in pairs.to_pylist():
        if row["PatientID"] and row["IssuerOfPatientID"]:
            found.setdefault(row["PatientID"], set()).add(row["IssuerOfPatientID"])
    return found


def _studies(instances: pa.Table) -> list[dict[str, Any]]:
    columns = [*STUDY_DATES, "PatientBirthDate", "PatientAge"]
    grouped = instances.group_by(_STUDY, use_threads=False).aggregate([(name, "min") for name in columns])
    studies: list[dict[str, Any]] = grouped.to_pylist()
    for study in studies:
        study["day"] = _first(dicom_date(study[f"{name}_min"]) for name in STUDY_DATES)
    return studies


def _in_time(study: Mapping[str, Any]) -> tuple[str, str, date, str]:
    day = study["day"] or date.max
    return (study["PatientID"] or "", study["IssuerOfPatientID"] or "", day, study["StudyInstanceUID"] or "")


def _first(values: Iterable[date | None]) -> date | None:
    return next((value for value in values if value is not None), None)


def _days(start: date | None, day: date | None) -> int | None:
    return None if start is None or day is None else (day - start).days


def _episode(day: date | None, diagnosed: date | None, treated: date | None) -> str | None:
    if day is None or diagnosed is None:
        return None
    return TREATMENT if treated is not None and day >= treated else DIAGNOSIS


def _age(study: Mapping[str, Any], days: int | None, age_at_diagnosis: float | None) -> float | None:
    born = dicom_date(study["PatientBirthDate_min"])
    if born is not None and study["day"] is not None:
        age = (study["day"] - born).days / DAYS_PER_YEAR
    elif age_at_diagnosis is not None and days is not None:
        age = age_at_diagnosis + days / DAYS_PER_YEAR
    else:
        return age_string_years(study["PatientAge_min"])
    return round(age, 1) if 0 <= age <= OLDEST_AGE_YEARS else None
