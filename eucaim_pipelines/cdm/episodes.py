"""Episodes of the disease and what happened in them: the diagnosis, and the treatment from its first day.

The episode of a study was decided before the crossing (`linkage`); here it only gets its key.
"""

import pyarrow as pa
import pyarrow.compute as pc

from eucaim_pipelines.cdm.columns import firsts, joined, key, lookup, ordered, place_in_group, whole
from eucaim_pipelines.cdm.imaging_tables import imaging_procedures
from eucaim_pipelines.cdm.inputs import DAY, CdmInputs
from eucaim_pipelines.cdm.linkage import DAYS_FROM_DIAGNOSIS, DIAGNOSIS, TREATMENT
from eucaim_pipelines.cdm.record_tables import LINE, rows
from eucaim_pipelines.contracts.source_model import OFFSET_SUFFIX

_STARTS = pa.schema(
    [
        ("patient_id", pa.string()),
        ("episode_id", pa.string()),
        ("episode_type_code", pa.string()),
        ("episode_start_date", pa.date32()),
        ("start_offset_from_diagnosis", pa.int64()),
    ]
)


def episode(inputs: CdmInputs) -> pa.Table:
    """At most one episode of each kind per patient, numbered by their first day; each ends with the next.

    Diagnosis and treatment begin with the records that the source contract's linkage names; without a
    diagnosis neither is known. A source that counts days from the diagnosis need not date it. Every other
    episode that a study is in begins with its first study.
    """
    linkage = inputs.source.linkage
    diagnosed = _first_records(inputs, linkage.diagnosis_date, DIAGNOSIS, "diagnosis")
    if linkage.diagnosis_date is None and linkage.days_from == DAYS_FROM_DIAGNOSIS:
        diagnosed = _undated_diagnoses(inputs)
    treated = _first_records(inputs, linkage.treatment_date, TREATMENT, "treatment")
    treated = treated.filter(pc.is_in(treated["patient_id"], whole(diagnosed["patient_id"])))
    known = pa.concat_tables([diagnosed, treated, _first_studies(inputs)])
    named = joined(known["patient_id"], known["episode_type_code"])
    found = firsts(known.append_column("_episode", named), "_episode")
    # Days from diagnosis order them, because dates may be removed; of one day, the diagnosis comes first.
    later = pc.not_equal(found["episode_type_code"], DIAGNOSIS)
    order = ("patient_id", "start_offset_from_diagnosis", "_later", "episode_type_code")
    found = ordered(found.append_column("_later", later), [(name, "ascending") for name in order])
    number = place_in_group(found["patient_id"])
    before = joined(found["patient_id"], pc.subtract(number, 1))
    end = lookup(joined(found["patient_id"], number), before, found["episode_start_date"])
    unit = pc.if_else(pc.is_valid(found["start_offset_from_diagnosis"]), DAY, pa.scalar(None, pa.string()))
    return (
        found.append_column("episode_number", number)
        .append_column("episode_end_date", end)
        .append_column("start_offset_unit", unit)
    )


def episode_ids(inputs: CdmInputs) -> dict[tuple[str, str], str]:
    """(patient_id, kind of episode) to its key."""
    names = ("patient_id", "episode_type_code", "episode_id")
    cells = [episode(inputs)[name].to_pylist() for name in names]
    return {(patient, kind): found for patient, kind, found in zip(*cells, strict=True)}


def episode_event(inputs: CdmInputs) -> pa.Table:
    """Diagnoses, their procedures, studies, imaging procedures and treatments of every episode."""
    found = episode(inputs)
    procedures = imaging_procedures(inputs)
    study = ["PatientID", "StudyInstanceUID"]
    studies = (
        inputs.instances.group_by(study, use_threads=False)
        .aggregate([])
        .rename_columns(["patient_id", "study_uid"])
    )
    conditions, treatments = rows("cancer_condition", inputs), rows("treatment", inputs)
    confirming = rows("procedure", inputs)
    events = [
        _events("image_study", studies, "study_uid", _kinds(studies, inputs)),
        _events("procedure", procedures, "procedure_id", _kinds(procedures, inputs)),
        _events("procedure", confirming, "procedure_id", pa.repeat(DIAGNOSIS, confirming.num_rows)),
        _events(
            "cancer_condition", conditions, "cancer_condition_id", pa.repeat(DIAGNOSIS, conditions.num_rows)
        ),
        _events("treatment", treatments, "treatment_id", pa.repeat(TREATMENT, treatments.num_rows)),
    ]
    every = pa.concat_tables(events)
    places = joined(found["patient_id"], found["episode_type_code"])
    ids = lookup(every["_place"], places, found["episode_id"])
    return every.append_column("episode_id", ids).filter(pc.is_valid(ids))


def _events(table: str, found: pa.Table, name: str, kinds: pa.Array) -> pa.Table:
    return pa.table(
        {
            "event_table_name": pa.repeat(table, found.num_rows),
            "event_table_id": whole(found[name]),
            "_place": joined(found["patient_id"], kinds),
        }
    )


def _kinds(found: pa.Table, inputs: CdmInputs) -> pa.Array:
    """Kind of episode of the study of every row."""
    links = inputs.links
    studies = joined(links["patient_id"], links["study_uid"])
    return lookup(joined(found["patient_id"], found["study_uid"]), studies, links["episode_type_code"])


def _first_records(inputs: CdmInputs, reference: str | None, kind: str, word: str) -> pa.Table:
    """One row per patient (`_STARTS`): the record with the fewest days from diagnosis of `file.field`."""
    name, _, field = (reference or "").partition(".")
    records = inputs.sorted_records.get(name)
    if records is None:
        return _STARTS.empty_table()
    offset = f"{field}{OFFSET_SUFFIX}"
    dated = offset in records.column_names
    starts = records.select(["patient_id", "record_id"])
    starts = starts.append_column("date", records[field] if dated else pa.nulls(len(starts), pa.date32()))
    starts = starts.append_column("days", records[offset if dated else field])
    known = ordered(
        starts.filter(pc.is_valid(starts["days"])), [("days", "ascending"), ("record_id", "ascending")]
    )
    first = firsts(known, "patient_id")
    ids, kinds = key("episode", first["record_id"], f"-{word}"), pa.repeat(kind, first.num_rows)
    return pa.table([first["patient_id"], ids, kinds, first["date"], first["days"]], schema=_STARTS)


def _undated_diagnoses(inputs: CdmInputs) -> pa.Table:
    """One row per patient with a diagnosis (`_STARTS`), where days are counted from it: day 0."""
    counted = any(c.kind == "days" for spec in inputs.source.clinical for c in spec.fields.values())
    if not counted:
        return _STARTS.empty_table()
    first = firsts(rows("cancer_condition", inputs), "patient_id")
    count = first.num_rows
    ids, kinds = key("episode", first[LINE], "-diagnosis"), pa.repeat(DIAGNOSIS, count)
    days = pa.repeat(pa.scalar(0, pa.int64()), count)
    return pa.table([first["patient_id"], ids, kinds, pa.nulls(count, pa.date32()), days], schema=_STARTS)


def _first_studies(inputs: CdmInputs) -> pa.Table:
    """One row per patient and kind of episode that a study is in (`_STARTS`): its first study."""
    links = inputs.links.filter(pc.is_valid(inputs.links["episode_type_code"]))
    place = joined(links["patient_id"], links["episode_type_code"])
    order = [(name, "ascending") for name in ("days_from_diagnosis", "study_date", "study_uid")]
    first = firsts(ordered(links.append_column("_place", place), order), "_place")
    ids = pc.binary_join_element_wise("episode", first["patient_id"], first["episode_type_code"], "-")
    names = ("episode_type_code", "study_date", "days_from_diagnosis")
    return pa.table([first["patient_id"], ids, *(first[name] for name in names)], schema=_STARTS)
