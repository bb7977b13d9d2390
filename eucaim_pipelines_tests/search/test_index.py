"""The private index: one row per person and per series, in the columns that the criteria name."""

import json
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
import yaml

from eucaim_pipelines.contracts import folder
from eucaim_pipelines.errors import ContractError
from eucaim_pipelines.search.criteria import load_criteria
from eucaim_pipelines.search.index import build, schema
from eucaim_pipelines.search.index import tables as needed
from eucaim_pipelines_tests.search.population import CONTRACTS, CRITERIA
from eucaim_pipelines_tests.search.population import tables as invented


def tables() -> dict[str, pa.Table]:
    rows = {
        "patient": [
            {"patient_id": p, "dataset_id": "d", "patient_source": "both", "patient_birth_sex": sex}
            for p, sex in (("p1", "COM1001366"), ("p2", "COM1001370"), ("p3", None))
        ],
        "cancer_condition": [
            {"cancer_condition_id": "c1", "patient_id": "p1", "cancer_condition_code": "CLIN1000065",
             "cancer_condition_age_at_diagnosis": 61.5, "cancer_condition_asserted_date": date(2009, 5, 1)},
            {"cancer_condition_id": "c2", "patient_id": "p1", "cancer_condition_code": "CLIN1000060"},
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
    return {
        name: pa.Table.from_pylist(rows.get(name, []), schema=CONTRACTS[name].schema)
        for name in needed(CRITERIA)
    }


def made(years: dict[str, int] | None = None, **other: pa.Table) -> list[dict]:
    return build(tables() | other, CRITERIA, years).to_pylist()


def test_a_row_of_the_person_then_one_per_series() -> None:
    rows = made()
    assert [(row["patient_id"], row["series_uid"]) for row in rows] == [
        ("p1", None), ("p1", "se0"), ("p1", "se1"), ("p2", None), ("p2", "se2"), ("p3", None),
    ]  # fmt: skip
    assert rows[0]["diagnosis"] == ["CLIN1000060", "CLIN1000065"]
    assert rows[0]["age_at_diagnosis_years"] == [61.5] and rows[0]["modality"] is None
    assert not rows[3]["diagnosis"] and rows[3]["birth_sex"] == ["COM1001370"]
    assert {row["modality"] for row in rows if row["series_uid"] == "se1"} == {"IMG1000062"}


def test_a_study_under_two_patients_gives_each_only_their_own_series() -> None:
    both = tables()
    twice = pa.Table.from_pylist(
        [{"study_uid": "st1", "patient_id": "p2"}], schema=both["image_study"].schema
    )
    own = {"series_uid": "se9", "study_uid": "st1", "patient_id": "p2"}
    other = pa.Table.from_pylist([own], schema=both["image_series"].schema)
    rows = made(
        image_study=pa.concat_tables([both["image_study"], twice]),
        image_series=pa.concat_tables([both["image_series"], other]),
    )
    assert [row["series_uid"] for row in rows if row["patient_id"] == "p2"] == [None, "se9", "se2"]
    assert [row["series_uid"] for row in rows if row["patient_id"] == "p1"] == [None, "se0", "se1"]


def test_the_year_is_the_true_one_or_none() -> None:
    assert not any(row["year_of_diagnosis"] for row in made())
    assert made({"p1": 2019})[0]["year_of_diagnosis"] == [2019.0]


def test_the_order_of_the_input_does_not_matter() -> None:
    one, years = invented(40, seed=2)
    reversed_ = {name: each.take(list(reversed(range(each.num_rows)))) for name, each in one.items()}
    assert build(reversed_, CRITERIA, years).equals(build(one, CRITERIA, years))


def test_empty_tables_give_an_empty_index() -> None:
    empty = {name: CONTRACTS[name].empty() for name in needed(CRITERIA)}
    assert build(empty, CRITERIA).num_rows == 0


def test_every_key_and_value_of_the_explorer_can_be_asked_for(shared: Path) -> None:
    groups = json.loads((shared / "eucaim" / "federated_search_criteria.json").read_text(encoding="utf-8"))
    for wanted in (each for group in groups for each in group["childCategories"]):
        meant = CRITERIA.keyed(wanted["key"])
        assert meant, wanted["key"]
        assert meant[0].coded == (wanted["fieldType"] != "number")
        for value in wanted.get("criteria", []):
            assert any(CRITERIA.codes(each, value["key"]) for each in meant), value["key"]


def test_every_parameter_and_value_of_the_agent_can_be_asked_for(shared: Path) -> None:
    agent = json.loads((shared / "eucaim" / "focus_api_codes.json").read_text(encoding="utf-8"))
    for key, parameter in agent["parameters"].items():
        criterion = CRITERIA.of_parameter(parameter)
        assert criterion is not None and key in criterion.keys
    named = [each for each in CRITERIA.by_name.values() if each.parameter]
    for code, word in agent["values"].items():
        meant = [(CRITERIA.codes(each, code), CRITERIA.codes(each, word)) for each in named]
        found = [pair for pair in meant if pair[0]]
        assert len(found) == 1 and found[0][0] == found[0][1], (code, word)


def test_columns_say_what_they_are() -> None:
    fields = [schema(CRITERIA).field(name) for name in CRITERIA.by_name]
    assert all(field.metadata[b"criterion"] and field.metadata[b"description"] for field in fields)


def test_a_code_that_no_vocabulary_has_is_an_error_with_its_place(tmp_path: Path) -> None:
    text = (folder(None) / "search" / "criteria.yaml").read_text(encoding="utf-8")
    data = yaml.safe_load(text)
    data["criteria"][0]["aliases"]["x"] = ["COM0"]
    (tmp_path / "search").mkdir()
    (tmp_path / "vocabularies").symlink_to(folder(None) / "vocabularies")
    for each in folder(None).iterdir():
        if not (tmp_path / each.name).exists():
            (tmp_path / each.name).symlink_to(each)
    (tmp_path / "search" / "criteria.yaml").write_text(yaml.safe_dump(data), encoding="utf-8")
    with pytest.raises(ContractError, match=r"criteria\.yaml:\d+: 'birth_sex' names a code"):
        load_criteria(tmp_path)
