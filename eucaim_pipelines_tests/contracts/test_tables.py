"""Laws of the table contracts that the project ships, and what a wrong one is told."""

import json
import shutil

import jsonschema
import pytest
from open_data_contract_standard.model import OpenDataContractStandard

from eucaim_pipelines.contracts import folder, vocabularies
from eucaim_pipelines.contracts.positions import Document
from eucaim_pipelines.contracts.rules import NOT_NULL
from eucaim_pipelines.contracts.tables import load_tables
from eucaim_pipelines.errors import ContractError
from eucaim_pipelines.quality.plan import planned

TABLES = load_tables()
MANDATORY = {
    "patient",
    "cancer_condition",
    "procedure",
    "episode",
    "episode_event",
    "image_study",
    "image_series",
}


def test_every_table_of_the_common_data_model_has_a_contract(shared):
    seen = json.loads((shared / "eucaim" / "cdm_v4_columns_seen.json").read_text(encoding="utf-8"))["tables"]
    assert TABLES.keys() == set(seen)
    assert {name for name, table in TABLES.items() if table.mandatory} == MANDATORY


@pytest.mark.parametrize("name", TABLES)
def test_a_contract_is_valid_by_the_schema_of_the_standard(name):
    document = Document(folder() / "cdm" / f"{name}.odcs.yaml")
    jsonschema.validate(document.data, json.loads(OpenDataContractStandard.json_schema()))


@pytest.mark.parametrize("name", TABLES)
def test_the_schema_describes_itself(name):
    table = TABLES[name]
    assert table.schema.metadata == {
        b"contract": name.encode(),
        b"contract_version": table.version.encode(),
        b"contract_digest": table.digest.encode(),
    }
    assert all(field.metadata[b"description"] for field in table.schema)


@pytest.mark.parametrize("name", TABLES)
def test_keys_are_complete_and_references_and_value_sets_exist(name):
    table = TABLES[name]
    assert table.primary_key
    assert not any(table.schema.field(key).nullable for key in table.primary_key)
    assert all(r.to_field in TABLES[r.to_table].schema.names for r in table.relationships)
    assert set(table.value_sets.values()) <= set(vocabularies.load_all())


@pytest.mark.parametrize("name", TABLES)
def test_every_check_says_what_is_wrong_and_what_to_do(name):
    for check in TABLES[name].rules:
        assert check.id == ".".join(part for part in (name, check.field, check.name) if part)
        assert check.sentence.endswith(".") and check.remedy.endswith(".")


def test_minimum_metadata_is_required():
    complete = {rule.id: rule for rule in planned(TABLES) if rule.expectation == NOT_NULL}
    errors = {name for name, rule in complete.items() if rule.severity == "error"}
    assert {
        "patient.patient_birth_sex.complete",
        "patient.patient_diagnostic_category.complete",
        "cancer_condition.cancer_condition_code.complete",
        "cancer_condition.cancer_condition_age_at_diagnosis.complete",
        "image_study.patient_age_at_study_years.complete",
        "image_series.series_modality.complete",
        "image_series.series_body_site.complete",
        "image_series.series_manufacturer_name.complete",
        "image_series.series_acquisition_date.complete",
    } <= errors
    of_sex = complete["patient.patient_birth_sex.complete"]
    assert of_sex.row_condition == "patient_source != 'images'"


@pytest.mark.parametrize("name", TABLES)
def test_what_is_asked_for_derives_its_check_and_its_severity(name):
    rules = {rule.id: rule for rule in planned(TABLES)}
    for field in TABLES[name].fields.values():
        rule = rules.get(f"{name}.{field.name}.complete")
        made_here = field.filled_by is not None or field.name in TABLES[name].primary_key
        if field.requirement == "optional" and (field.nullable or made_here):  # nobody can leave it out
            assert rule is None or rule.id in {declared.id for declared in TABLES[name].rules}  # it says more
        else:
            asked = not field.nullable or field.requirement == "always"
            assert rule is not None and rule.severity == ("error" if asked else "warning")
            assert field.remedy is None or rule.remedy == field.remedy


APRIL_NAMES = {
    "assessment": "health_status_assessment",
    "tumor_marker_offset": "tumor_marker_test_offset",
    "family_member_condition": "family_member_history_condition",
}
"""How names of the April 2026 tables begin, and how v4 writes them."""


def in_the_manner_of_v4(column):
    start = next((old for old in APRIL_NAMES if column.startswith(old)), None)
    return APRIL_NAMES[start] + column.removeprefix(start) if start else column


@pytest.mark.parametrize("name", TABLES)
def test_columns_are_those_of_the_common_data_model_or_marked_as_ours(name, shared):
    def tables(file):
        return json.loads((shared / "eucaim" / file).read_text(encoding="utf-8"))["tables"]

    seen = {c.split(" ")[0] for c in tables("cdm_v4_columns_seen.json")[name] if not c.startswith("(")}
    april = {in_the_manner_of_v4(c["name"]) for c in tables("cdm_output_ddl_2026-04.json").get(name, [])}
    ours = set(TABLES[name].cdm_columns)
    assert seen <= ours
    assert ours - seen <= april | {"patient_id"}


@pytest.mark.parametrize(
    ("before", "after", "line_of", "words"),
    [
        ("primaryKey: true", "primarykey: true", "primarykey: true", "Unknown key 'primarykey'"),
        ("value: birth_sex", "value: sexes", "name: patient_birth_sex", "no vocabulary 'sexes'"),
        ("logicalType: boolean", "logicalType: flag", "name: patient_deceased", "logical types"),
        ("property: origin", "property: orgin", "property: orgin", "custom property 'orgin'"),
        ("severity: error", "severity: fatal", "name: complete", "Severity is one of error, warning"),
        ("property: level", "property: origin", "property: origin", "Known here: level, mandatory"),
        ("value: people", "value: persons", "name: patient", "filledFrom one of"),
        ("property: mandatory", "property: level", "property: level, value: patient", "said twice"),
        (
            "value: ethnicity}",
            "value: ethnicity}\n          - {property: requirement, value: must}",
            "name: patient_ethnicity",
            "'requirement' is not one",
        ),
        (
            "value: birth_sex}",
            "value: birth_sex}\n          - {property: offsetOf, value: patient_deceased}",
            "        customProperties:",
            "offsetOf 'patient_deceased' is no date",
        ),
        (
            "value: birth_sex}",
            "value: birth_sex}\n          - {property: unitOf, value: patient_deceased}",
            "        customProperties:",
            "unitOf 'patient_deceased'",
        ),
        (
            "value: birth_sex}",
            "value: birth_sex}\n          - {property: categoryOf, value: patient_deceased}",
            "        customProperties:",
            "categoryOf 'patient_deceased'",
        ),
        ("name: patient_ethnicity", "name: patient_birth_sex", "name: patient_birth_sex", "occurs twice"),
        ("value: COM1001396", "value: COM1", "name: patient_birth_sex", "'concept' is not one"),
        ("filledBy, value: nobody", "filledBy, value: somebody", "name: patient_birth_date", "'filledBy' is"),
        (
            "value: ethnicity}",
            "value: ethnicity}\n          - {property: unit, value: m m}",
            "name: patient_ethnicity",
            "'unit' is not one",
        ),
        ("apiVersion: v3.1.0", "apiVersion: v2.0.0", "apiVersion", "apiVersion v3.1.0"),
        ("metric: nullValues", "metric: nulls", "name: complete", "metric nullValues"),
        ("    properties:", "    properties:\n\t", "\t", "not valid YAML"),
    ],
)
def test_a_wrong_contract_is_refused_with_file_and_line(tmp_path, before, after, line_of, words):
    copy = tmp_path / "contracts"
    shutil.copytree(folder(), copy)
    path = copy / "cdm" / "patient.odcs.yaml"
    text = path.read_text(encoding="utf-8").replace(before, after, 1)
    path.write_text(text, encoding="utf-8")
    lines = [n for n, content in enumerate(text.splitlines(), 1) if line_of in content]
    with pytest.raises(ContractError, match=words) as caught:
        load_tables(copy)
    assert caught.value.file == str(path)
    assert caught.value.line in lines or line_of == "apiVersion"


def test_a_reference_to_a_field_that_does_not_exist_is_refused(tmp_path):
    copy = tmp_path / "contracts"
    shutil.copytree(folder(), copy)
    path = copy / "cdm" / "treatment.odcs.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("to: patient.patient_id", "to: patient.id"))
    with pytest.raises(ContractError, match="refers to a field that does not exist") as caught:
        load_tables(copy)
    assert caught.value.file == str(path)
    assert "to: patient.id" in path.read_text().splitlines()[caught.value.line]
