"""Episodes of the disease and what happened in them: the diagnosis, and the treatment from its first day.

The episode of a study was decided before the crossing (`linkage`); here it only gets its key.
"""

from typing import Any

from eucaim_pipelines.cdm.clinical_tables import cancer_condition, source_procedures, treatment
from eucaim_pipelines.cdm.imaging_tables import image_study, imaging_procedures
from eucaim_pipelines.cdm.inputs import DAY, CdmInputs, Row, unit_of
from eucaim_pipelines.cdm.linkage import DIAGNOSIS, TREATMENT
from eucaim_pipelines.contracts.source_model import OFFSET_SUFFIX


def episode(inputs: CdmInputs) -> list[Row]:
    """At most one diagnosis and one treatment episode per patient, numbered by their first day.

    They begin with the records that the source contract's linkage names; without a diagnosis there is none.
    """
    diagnosed = _first_records(inputs, inputs.source.linkage.diagnosis_date)
    treated = _first_records(inputs, inputs.source.linkage.treatment_date)
    rows = []
    for person, start in diagnosed.items():
        own = [_episode(DIAGNOSIS, "diagnosis", start)]
        if person in treated:
            own.append(_episode(TREATMENT, "treatment", treated[person]))
        # Days from diagnosis order them, because dates may be removed; of one day, the diagnosis comes first.
        own.sort(key=lambda row: row["start_offset_from_diagnosis"])
        for number, row in enumerate(own, start=1):
            end = own[number]["episode_start_date"] if number < len(own) else None
            rows.append(row | {"patient_id": person, "episode_number": number, "episode_end_date": end})
    return rows


def episode_ids(inputs: CdmInputs) -> dict[tuple[str, str], str]:
    """(patient_id, kind of episode) to its key."""
    return {(row["patient_id"], row["episode_type_code"]): row["episode_id"] for row in episode(inputs)}


def episode_event(inputs: CdmInputs) -> list[Row]:
    """Diagnoses, their procedures, studies, imaging procedures and treatments of every episode."""
    ids = episode_ids(inputs)
    studies = image_study(inputs, ids)
    kind_of_study = {(row["patient_id"], row["study_uid"]): row["episode_type_code"] for row in studies}
    events: list[tuple[str, str | None, str, str]] = [
        *((row["patient_id"], row["episode_type_code"], "image_study", row["study_uid"]) for row in studies),
        *(
            (
                row["patient_id"],
                kind_of_study[row["patient_id"], row["study_uid"]],
                "procedure",
                row["procedure_id"],
            )
            for row in imaging_procedures(inputs)
        ),
        *(
            (row["patient_id"], DIAGNOSIS, "procedure", row["procedure_id"])
            for row in source_procedures(inputs)
        ),
        *(
            (row["patient_id"], DIAGNOSIS, "cancer_condition", row["cancer_condition_id"])
            for row in cancer_condition(inputs)
        ),
        *((row["patient_id"], TREATMENT, "treatment", row["treatment_id"]) for row in treatment(inputs)),
    ]
    return [
        {"episode_id": ids[person, kind], "event_table_name": table, "event_table_id": key}
        for person, kind, table, key in events
        if kind is not None and (person, kind) in ids
    ]


def _episode(kind: str, word: str, start: dict[str, Any]) -> Row:
    return {
        "episode_id": f"episode-{start['record_id']}-{word}",
        "episode_type_code": kind,
        "episode_start_date": start["date"],
        "start_offset_from_diagnosis": start["offset"],
        "start_offset_unit": unit_of(start["offset"], DAY),
    }


def _first_records(inputs: CdmInputs, reference: str | None) -> dict[str, dict[str, Any]]:
    """Patient to record_id, date and offset of the record with the earliest date of `file.field`.

    Patients without a date of diagnosis have no offsets, and no episodes.
    """
    name, _, field = (reference or "").partition(".")
    found: dict[str, dict[str, Any]] = {}
    for row in inputs.record_rows.get(name, []):
        known, offset = found.get(row["patient_id"]), row[f"{field}{OFFSET_SUFFIX}"]
        if offset is not None and (known is None or offset < known["offset"]):
            found[row["patient_id"]] = {"record_id": row["record_id"], "date": row[field], "offset": offset}
    return found
