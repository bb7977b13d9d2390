"""The private index has one row per patient, diagnosis and series, under the names that queries use."""

import json
from datetime import date
from pathlib import Path

import pyarrow as pa

from eucaim_pipelines.contracts.tables import load_tables
from eucaim_pipelines.search.index import SCHEMA, build

CONTRACTS = load_tables()


def tables() -> list[pa.Table]:
    rows = {
        "patient": [
            {"patient_id": p, "dataset_id": "d", "patient_source": "both", "patient_birth_sex": sex}
            for p, sex in (("p1", "COM1001366"), ("p2", "COM1001370"), ("p3", None))
        ],
        "cancer_condition": [
            {"cancer_condition_id": "c1", "patient_id": "p1", "cancer_condition_code": "CLIN1000065",
             "cancer_condition_age_at_diagnosis": 61.5, "cancer_condition_asserted_date": date(2009, 5, 1)},
        ],
        "image_study": [{"study_uid": "st1", "patient_id": "p1"}, {"study_uid": "st2", "patient_id": "p2"}],
        "image_series": [
            {"series_uid": f"se{i}", "study_uid": study, "patient_id": p, "series_modality": modality,
             "series_body_site": "BP1000192", "series_manufacturer_name": "IMG1000044"}
            for i, (study, p, modality) in enumerate(
                [("st1", "p1", "IMG1000042"), ("st1", "p1", "IMG1000062"), ("st2", "p2", "IMG1000042")]
            )
        ],
    }  # fmt: skip
    return [pa.Table.from_pylist(each, schema=CONTRACTS[name].schema) for name, each in rows.items()]


def test_one_row_per_series_and_one_for_people_without_any() -> None:
    index = build(*tables()).to_pylist()
    assert [(row["patient_id"], row["series_uid"]) for row in index] == [
        ("p1", "se0"), ("p1", "se1"), ("p2", "se2"), ("p3", None),
    ]  # fmt: skip
    assert index[0]["diagnosis"] == "CLIN1000065" and index[0]["age_at_diagnosis_years"] == 61.5
    assert index[2]["diagnosis"] is None and index[2]["birth_sex"] == "COM1001370"


def test_a_study_under_two_patients_gives_each_only_their_own_series() -> None:
    patient, condition, study, series = tables()
    twice = pa.Table.from_pylist([{"study_uid": "st1", "patient_id": "p2"}], schema=study.schema)
    own = {"series_uid": "se9", "study_uid": "st1", "patient_id": "p2"}
    other = pa.Table.from_pylist([own], schema=series.schema)
    both = [pa.concat_tables([study, twice]), pa.concat_tables([series, other])]
    index = build(patient, condition, *both).to_pylist()
    assert [(row["patient_id"], row["series_uid"]) for row in index] == [
        ("p1", "se0"), ("p1", "se1"), ("p2", "se9"), ("p2", "se2"), ("p3", None),
    ]  # fmt: skip


def test_series_criteria_stand_on_the_same_row() -> None:
    index = build(*tables()).to_pylist()
    assert {row["modality"] for row in index if row["series_uid"] == "se1"} == {"IMG1000062"}


def test_the_year_is_the_true_one_or_none() -> None:
    assert {row["year_of_diagnosis"] for row in build(*tables()).to_pylist()} == {None}
    true = build(*tables(), {"p1": 2019}).to_pylist()
    assert [row["year_of_diagnosis"] for row in true] == [2019, 2019, None, None]


def test_the_order_of_the_input_does_not_matter() -> None:
    reversed_ = [each.take(list(reversed(range(each.num_rows)))) for each in tables()]
    assert build(*reversed_).equals(build(*tables()))


def test_empty_tables_give_an_empty_index() -> None:
    names = ("patient", "cancer_condition", "image_study", "image_series")
    assert build(*(CONTRACTS[name].empty() for name in names)).num_rows == 0


def test_columns_carry_the_criteria_of_the_federated_search(shared: Path) -> None:
    criteria = json.loads((shared / "eucaim" / "federated_search_criteria.json").read_text(encoding="utf-8"))
    known = {each["key"] for group in criteria for each in group["childCategories"]}
    ours = {field.metadata[b"criterion"].decode() for field in SCHEMA if b"criterion" in field.metadata}
    assert len(ours) == 7 and ours - known == set()
