"""The private search index of a node: what federated search asks for, one row per patient and series.

It may hold true calendar years, so it stays in the restricted zone; answering queries is not done here.
"""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

# Column, type, search criterion of the EUCAIM Explorer (federated_search_criteria.json), description.
_COLUMNS: tuple[tuple[str, pa.DataType, str, str], ...] = (
    ("patient_id", pa.string(), "", "Pseudonym of the patient."),
    ("birth_sex", pa.string(), "SNOMEDCT263495000", "Sex at birth, code."),
    ("age_at_diagnosis_years", pa.float64(), "SNOMEDCT423493009", "Age at diagnosis, pooled at 90."),
    ("diagnosis", pa.string(), "SNOMEDCT439401001", "Cancer condition, code."),
    ("year_of_diagnosis", pa.int64(), "SNOMEDCT432213005", "True year of the diagnosis; restricted."),
    ("study_uid", pa.string(), "", "StudyInstanceUID, mapped."),
    ("series_uid", pa.string(), "", "SeriesInstanceUID, mapped; empty for a patient without images."),
    ("modality", pa.string(), "RID10311", "Modality of the series, code."),
    ("body_part", pa.string(), "SNOMEDCT123037004", "Body part of the series, code."),
    ("manufacturer", pa.string(), "C25392", "Manufacturer of the series, code."),
)  # fmt: skip

SCHEMA = pa.schema(
    [
        pa.field(name, kind, metadata={"description": text} | ({"criterion": key} if key else {}))
        for name, kind, key, text in _COLUMNS
    ]
)


def build(
    patient: pa.Table,
    cancer_condition: pa.Table,
    image_study: pa.Table,
    image_series: pa.Table,
    true_years: Mapping[str, int] | None = None,
) -> pa.Table:
    """One row per patient, diagnosis and image series, sorted; patients without either keep one row.

    Modality, body part and manufacturer stand on the same row because a query means one series that has
    them all.

    Parameters
    ----------
    true_years
        True calendar year of the (first) diagnosis by pseudonym; restricted knowledge, absent years stay
        empty. Dates of `cancer_condition` are shifted and never used for it.
    """
    people = _renamed(patient, {"patient_id": "patient_id", "patient_birth_sex": "birth_sex"})
    diagnoses = _renamed(
        cancer_condition,
        {
            "patient_id": "patient_id",
            "cancer_condition_code": "diagnosis",
            "cancer_condition_age_at_diagnosis": "age_at_diagnosis_years",
        },
    )
    studies = _renamed(image_study, {"study_uid": "study_uid", "patient_id": "patient_id"})
    series = _renamed(
        image_series,
        {
            "series_uid": "series_uid",
            "study_uid": "study_uid",
            "patient_id": "patient_id",
            "series_modality": "modality",
            "series_body_site": "body_part",
            "series_manufacturer_name": "manufacturer",
        },
    )
    images = series.join(studies, ["study_uid", "patient_id"], join_type="inner")
    rows = people.join(diagnoses, "patient_id").join(images, "patient_id")
    years = [(true_years or {}).get(person) for person in rows["patient_id"].to_pylist()]
    rows = rows.append_column("year_of_diagnosis", pa.array(years, pa.int64()))
    order = [(name, "ascending") for name in ("patient_id", "diagnosis", "study_uid", "series_uid")]
    rows = rows.take(pc.sort_indices(rows, sort_keys=[*order, ("age_at_diagnosis_years", "ascending")]))
    return rows.select(SCHEMA.names).cast(SCHEMA).combine_chunks()


def _renamed(table: pa.Table, names: Mapping[str, str]) -> pa.Table:
    return pa.table({new: table[old] for old, new in names.items()})
