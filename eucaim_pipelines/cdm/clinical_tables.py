"""Tables of the common data model that come from clinical records: people, diagnoses, procedures, treatments.

What a record's cells mean was decided in `coding`; which record fills which field is in the source contract.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pyarrow.compute as pc

from eucaim_pipelines.cdm.imaging_tables import imaging_procedures
from eucaim_pipelines.cdm.inputs import DAY, YEAR, CdmInputs, Row, grouped, unit_of
from eucaim_pipelines.contracts.source_model import GIVEN_SUFFIX, OFFSET_SUFFIX, Constant

PROCEDURE = "GEN1000021"
BOTH, IMAGES, TABLE = "both", "images", "table"


def patient(inputs: CdmInputs) -> list[Row]:
    """Everybody: of the images, the clinical tables or both.

    Where records of one patient differ, the most frequent value counts (of equals the smallest). The sex of
    people known from images only is DICOM Patient Sex.
    """
    imaged = set(pc.unique(inputs.instances.column("PatientID")).to_pylist())
    listed = {row["patient_id"] for rows in inputs.record_rows.values() for row in rows}
    sexes = {
        row["PatientID"]: row["PatientSex"]
        for row in grouped(inputs.instances, ["PatientID"], [("PatientSex", "min")])
    }
    values: dict[str, dict[str, Counter[Any]]] = {}
    for row in mapped_rows("patient", inputs):
        for field, value in row["fields"].items():
            if value is not None:
                values.setdefault(row["patient_id"], {}).setdefault(field, Counter())[value] += 1
    rows = []
    for person in imaged | listed:
        chosen = {field: _usual(counts) for field, counts in values.get(person, {}).items()}
        if person not in listed:
            chosen["patient_birth_sex"] = inputs.vocabularies["birth_sex"].code(sexes.get(person))
        source = IMAGES if person not in listed else BOTH if person in imaged else TABLE
        rows.append(
            {"patient_id": person, "dataset_id": inputs.source.dataset_id, **chosen, "patient_source": source}
        )
    return rows


def cancer_condition(inputs: CdmInputs) -> list[Row]:
    """One row per diagnosis; rows of one patient and file that say the same are one diagnosis."""
    evidence = first_evidence(inputs)
    rows: dict[tuple[Any, ...], Row] = {}
    for row in mapped_rows("cancer_condition", inputs):
        fields = row["fields"]
        age = fields.get("cancer_condition_age_at_diagnosis")
        condition = {
            "cancer_condition_id": row["id"],
            "patient_id": row["patient_id"],
            "procedure_id": evidence.get(row["patient_id"]),
            "cancer_condition_age_unit": unit_of(age, YEAR),
            **fields,
        }
        said = sorted((k, str(v)) for k, v in (*fields.items(), *row["offsets"].items()))
        rows.setdefault((row["patient_id"], row["file"], *said), condition)
    return list(rows.values())


def first_conditions(inputs: CdmInputs) -> dict[str, str]:
    """Patient to the key of the first diagnosis (undated ones last)."""
    ordered = sorted(
        cancer_condition(inputs),
        key=lambda row: (str(row.get("cancer_condition_asserted_date") or "9"), row["cancer_condition_id"]),
    )
    return {row["patient_id"]: row["cancer_condition_id"] for row in reversed(ordered)}


def source_procedures(inputs: CdmInputs) -> list[Row]:
    """Procedures of the clinical records, such as the biopsy that confirms a diagnosis."""
    rows = []
    for row in mapped_rows("procedure", inputs):
        offset = row["offsets"].get("procedure_date", row["fields"].get("procedure_offset_from_diagnosis"))
        rows.append(
            {
                "procedure_id": row["id"],
                "patient_id": row["patient_id"],
                "procedure_category": PROCEDURE,
                "procedure_offset_from_diagnosis": offset,
                "procedure_offset_unit": unit_of(offset, DAY),
                **row["fields"],
            }
        )
    return rows


def first_evidence(inputs: CdmInputs) -> dict[str, str]:
    """Patient to the key of the first procedure of the clinical records (undated ones last)."""
    ordered = sorted(
        source_procedures(inputs),
        key=lambda row: (str(row.get("procedure_date") or "9"), row["procedure_id"]),
    )
    return {row["patient_id"]: row["procedure_id"] for row in reversed(ordered)}


def procedure(inputs: CdmInputs) -> list[Row]:
    """Imaging procedures and those of the clinical records, each with the patient's first diagnosis."""
    conditions = first_conditions(inputs)
    found = [*imaging_procedures(inputs), *source_procedures(inputs)]
    return [row | {"cancer_condition_id": conditions.get(row["patient_id"])} for row in found]


def treatment(inputs: CdmInputs) -> list[Row]:
    """One row per treatment record, with its days from diagnosis."""
    rows = []
    for row in mapped_rows("treatment", inputs):
        offset = row["offsets"].get(
            "treatment_start_date", row["fields"].get("treatment_offset_from_diagnosis")
        )
        rows.append(
            {
                "treatment_id": row["id"],
                "patient_id": row["patient_id"],
                "treatment_offset_from_diagnosis": offset,
                "treatment_offset_unit": unit_of(offset, DAY),
                **row["fields"],
            }
        )
    return rows


def mapped_rows(table: str, inputs: CdmInputs) -> Iterator[Row]:
    """Records that become rows of `table`: id, patient_id, record_id, file, fields, and offsets of dates.

    A record gives no row where the field of `when` is empty, or where all its mapped fields are. The id is
    the record's keyed token, numbered where one file maps to the table more than once.
    """
    for spec in inputs.source.clinical:
        mappings = [mapping for mapping in spec.tables if mapping.table == table]
        for number, mapping in enumerate(mappings, start=1):
            named = {target: field for target, field in mapping.fields.items() if isinstance(field, str)}
            fixed = {target: c.constant for target, c in mapping.fields.items() if isinstance(c, Constant)}
            for record in inputs.record_rows.get(spec.name, []):
                values = {target: record[field] for target, field in named.items()}
                absent = not all(c.holds(record[c.field], _given(record, c.field)) for c in mapping.when)
                if absent or (named and not any(_given(record, field) for field in named.values())):
                    continue
                suffix = "" if number == 1 else f"-{number}"
                yield {
                    "id": f"{table}-{record['record_id']}{suffix}",
                    "patient_id": record["patient_id"],
                    "record_id": record["record_id"],
                    "file": spec.name,
                    "fields": values | fixed,
                    "offsets": {
                        target: record[f"{field}{OFFSET_SUFFIX}"]
                        for target, field in named.items()
                        if spec.fields[field].kind == "date"
                    },
                }


def _given(record: Row, field: str) -> bool:
    """Whether the record had a value; where dates are removed, their place is empty in any case."""
    return record[field] is not None or bool(record.get(f"{field}{GIVEN_SUFFIX}"))


def _usual(counts: Counter[Any]) -> Any:
    return min(counts.items(), key=lambda item: (-item[1], str(item[0])))[0]
