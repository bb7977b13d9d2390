"""How images and clinical rows relate: days from diagnosis, timepoints, episodes, ages; before the crossing.

Restricted zone, true dates. After the crossing none of this may be recoverable, so it is computed here.
"""

from collections.abc import Mapping
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from eucaim_pipelines.cdm.coding import PATIENT
from eucaim_pipelines.cdm.columns import by_value, days_between, joined, lookup, place_in_group, whole
from eucaim_pipelines.cdm.imaging_codes import IMAGE, of_kind
from eucaim_pipelines.cdm.link_file import link_file
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
DAYS_FROM_DIAGNOSIS = "diagnosis"
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
LISTED = "listed"
"""PatientID under which the clinical rows know the person of a study; null where they are not known to."""
_STUDY = ["PatientID", "IssuerOfPatientID", "StudyInstanceUID"]


def first_dates(coded: Mapping[str, pa.Table], reference: str | None) -> dict[str, date]:
    """PatientID to the earliest date of the field that `file.field` names; empty when there is none."""
    firsts = _firsts(coded, reference, pa.date32())
    return dict(zip(*(column.to_pylist() for column in firsts.columns), strict=True))


def _firsts(coded: Mapping[str, pa.Table], reference: str | None, kind: pa.DataType) -> pa.Table:
    """PatientID, and the smallest value (`first`) of the field that `file.field` names."""
    name, _, field = (reference or "").partition(".")
    if name not in coded:
        return pa.schema([(PATIENT, pa.string()), ("first", kind)]).empty_table()
    table = coded[name].select([PATIENT, field]).drop_null()
    firsts = table.group_by(PATIENT, use_threads=False).aggregate([(field, "min")])
    return firsts.rename_columns([PATIENT, "first"])


def add_offsets(coded: Mapping[str, pa.Table], source: SourceContract) -> dict[str, pa.Table]:
    """The coded tables with `<date>_offset_days` after their fields, for each of their dates.

    Whole days from the patient's diagnosis (`linkage.diagnosis_date`, the earliest), negative before it;
    null where either date is missing. Fields that are days already are counted from the diagnosis too,
    whatever the source counts them from (`linkage.days_from`).
    """
    diagnosis = _firsts(coded, source.linkage.diagnosis_date, pa.date32())
    shifts = None
    if source.linkage.days_from != DAYS_FROM_DIAGNOSIS:
        counted = _firsts(coded, source.linkage.days_from, pa.date32())
        start = lookup(counted[PATIENT], diagnosis[PATIENT], diagnosis["first"])
        shifts = counted.append_column("days", days_between(start, counted["first"]))
    tables = {}
    for name, table in coded.items():
        start = lookup(table[PATIENT], diagnosis[PATIENT], diagnosis["first"])
        for field, column in source.file(name).fields.items():
            if column.kind == "date":
                days = days_between(start, table[field])
                table = table.append_column(f"{field}{OFFSET_SUFFIX}", days)
            elif column.kind == "days" and shifts is not None:
                shift = lookup(table[PATIENT], shifts[PATIENT], shifts["days"])
                place = table.column_names.index(field)
                table = table.set_column(place, field, pc.add(table[field], shift))
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

    What the link file says of a study (`link_file`) counts, its date only where the images have none. Where
    it is silent: the days are those between the first diagnosis and the study; a study on or after the first
    treatment belongs to the treatment episode, any other one to the diagnosis episode, and without a
    diagnosis there is neither; and `imaging_timepoint` numbers the studies with images of one patient from 1
    by date, then UID, unless the link file numbers any of them. It is null for studies without images. The
    age comes from the birth date, else from the age at diagnosis, else from PatientAge; years, one decimal.

    `coded` are coded records with their offsets (`add_offsets`). Issuers are those of `with_issuers`.
    Clinical tables name none, so their rows say nothing of the studies of a contested PatientID
    (`contested_patients`). Objects that de-identification refuses later have been counted here: a study of
    which nothing is released leaves a gap in the timepoints.
    """
    told = link_file(coded, source)
    studies = _studies(with_issuers(instances), contested_patients(instances), told)
    place = joined(studies[LISTED], studies["StudyInstanceUID"])
    of_file = {name: lookup(place, told["place"], told[name]) for name in ("timepoint", "episode", "days")}
    diagnosis = _firsts(coded, source.linkage.diagnosis_date, pa.date32())
    start = lookup(studies[LISTED], diagnosis[PATIENT], diagnosis["first"])
    days = pc.coalesce(of_file["days"], days_between(start, studies["StudyDate"]))
    episodes = pc.coalesce(of_file["episode"], _episodes(studies, days, coded, source))
    return pa.table(
        {
            **{name: studies[name] for name in STUDY_LINKS.names[:4]},
            "days_from_diagnosis": days,
            "imaging_timepoint": _timepoints(studies, of_file["timepoint"], instances),
            "episode_type_code": episodes,
            "age_at_study_years": _ages(studies, days, ages_at_diagnosis(coded, source)),
        },
        schema=STUDY_LINKS,
    )


def ages_at_diagnosis(coded: Mapping[str, pa.Table], source: SourceContract) -> dict[str, float]:
    """PatientID to age at diagnosis in years (the lowest), of the fields mapped to cancer_condition."""
    found = [pa.schema([(PATIENT, pa.string()), ("age", pa.float64())]).empty_table()]
    for spec in source.clinical:
        for mapping in spec.tables:
            field = mapping.fields.get("cancer_condition_age_at_diagnosis")
            if isinstance(field, str) and spec.name in coded:
                found.append(coded[spec.name].select([PATIENT, field]).rename_columns([PATIENT, "age"]))
    lowest = (
        pa.concat_tables(found).drop_null().group_by(PATIENT, use_threads=False).aggregate([("age", "min")])
    )
    return dict(zip(*(column.to_pylist() for column in lowest.columns), strict=True))


def _issuers(instances: pa.Table) -> dict[str, set[str]]:
    """PatientID to the issuers that its images name."""
    pairs = instances.group_by(["PatientID", "IssuerOfPatientID"], use_threads=False).aggregate([])
    found: dict[str, set[str]] = {}
    for row in pairs.to_pylist():
        if row["PatientID"] and row["IssuerOfPatientID"]:
            found.setdefault(row["PatientID"], set()).add(row["IssuerOfPatientID"])
    return found


def _studies(instances: pa.Table, contested: frozenset[str], told: pa.Table) -> pa.Table:
    """Studies in the order of patient, issuer and time, with what the clinical rows know the patient as."""
    columns = [*STUDY_DATES, "PatientBirthDate", "PatientAge"]
    grouped = instances.group_by(_STUDY, use_threads=False).aggregate([(name, "min") for name in columns])
    days = [by_value(grouped[f"{name}_min"], dicom_date, pa.date32()) for name in STUDY_DATES]
    empty = pa.scalar(None, pa.string())
    names = [pc.if_else(pc.equal(grouped[name], ""), empty, grouped[name]) for name in _STUDY]
    listed = pc.if_else(pc.is_in(names[0], pa.array(sorted(contested), pa.string())), empty, names[0])
    days.append(lookup(joined(listed, names[2]), told["place"], told["date"]))
    found = pa.table(
        [*names, pc.coalesce(*days), listed, grouped["PatientBirthDate_min"], grouped["PatientAge_min"]],
        names=[*_STUDY, "StudyDate", LISTED, "PatientBirthDate", "PatientAge"],
    )
    order = pa.table(
        [
            pc.fill_null(names[0], ""),
            pc.fill_null(names[1], ""),
            found["StudyDate"],
            pc.fill_null(names[2], ""),
        ],
        names=["patient", "issuer", "day", "uid"],
    )
    return found.take(pc.sort_indices(order, sort_keys=[(name, "ascending") for name in order.column_names]))


def _episodes(
    studies: pa.Table, days: pa.Array, coded: Mapping[str, pa.Table], source: SourceContract
) -> pa.Array:
    """Treatment from its first day on, else diagnosis; null without days from the diagnosis."""
    reference = source.linkage.treatment_date or ""
    name, _, field = reference.partition(".")
    dated = name in coded and source.file(name).fields[field].kind == "date"
    treated = _firsts(coded, reference + OFFSET_SUFFIX if dated else reference, pa.int64())
    from_day = lookup(studies[LISTED], treated[PATIENT], treated["first"])
    kinds = pc.if_else(pc.fill_null(pc.greater_equal(days, from_day), False), TREATMENT, DIAGNOSIS)
    return pc.if_else(pc.is_valid(days), kinds, pa.scalar(None, pa.string()))


def _timepoints(studies: pa.Table, told: pa.Array, instances: pa.Table) -> pa.Array:
    """The link file's number where it numbers any study of the person, else the place in time; of images."""
    imaged = pc.unique(of_kind(instances, IMAGE)["StudyInstanceUID"])
    with_images = pc.is_in(studies["StudyInstanceUID"], value_set=whole(imaged))
    issuer, alone = pc.fill_null(studies["IssuerOfPatientID"], ""), pc.is_null(studies[PATIENT])
    nobody = joined(pa.nulls(len(alone), pa.string()), studies["StudyInstanceUID"])
    person = pc.if_else(alone, nobody, joined(studies[PATIENT], issuer))
    numbered = pc.is_in(person, value_set=whole(pc.filter(person, pc.and_(with_images, pc.is_valid(told)))))
    counted = pc.filter(pa.array(range(len(person)), pa.int64()), with_images)
    in_time = lookup(
        pa.array(range(len(person)), pa.int64()), counted, place_in_group(pc.filter(person, with_images))
    )
    nothing = pa.scalar(None, pa.int64())
    return pc.if_else(with_images, pc.if_else(numbered, told, in_time), nothing)


def _ages(studies: pa.Table, days: pa.Array, at_diagnosis: Mapping[str, float]) -> pa.Array:
    born = by_value(studies["PatientBirthDate"], dicom_date, pa.date32())
    by_birth = pc.divide(pc.cast(days_between(born, studies["StudyDate"]), pa.float64()), DAYS_PER_YEAR)
    diagnosed = lookup(
        studies[LISTED], pa.array(at_diagnosis, pa.string()), pa.array(at_diagnosis.values(), pa.float64())
    )
    by_diagnosis = pc.add(diagnosed, pc.divide(pc.cast(days, pa.float64()), DAYS_PER_YEAR))
    found = pc.coalesce(by_birth, by_diagnosis)
    rounded = by_value(found, _plausible, pa.float64())
    told = by_value(studies["PatientAge"], age_string_years, pa.float64())
    return pc.if_else(pc.is_valid(found), rounded, told)


def _plausible(years: float) -> float | None:
    return round(years, 1) if 0 <= years <= OLDEST_AGE_YEARS else None
