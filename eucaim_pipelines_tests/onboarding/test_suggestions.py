"""What single headers and cells are taken for, and what a first contract leaves to be filled in."""

import yaml

from eucaim_pipelines.catalogue.problems import missing
from eucaim_pipelines.contracts.source_model import SourceContract
from eucaim_pipelines.onboarding.drafts import NO_FIELD, TODO
from eucaim_pipelines.onboarding.writing import written

PATIENTS = 24


def drafted(suggested, folder, header, *cells):
    """The draft of one column beside the patients; every cell in as many rows."""
    path = folder / "table.csv"
    rows = [f"P{n:02};{cells[n % len(cells)]}" for n in range(PATIENTS)]
    path.write_text("\n".join([f"patient id;{header}", *rows]) + "\n", encoding="utf-8")
    draft = suggested(path)
    return draft, draft.files[0].columns[1]


def test_a_diagnosis_does_not_hang_on_its_date(suggested, tmp_path):
    draft, _ = drafted(suggested, tmp_path, "date of diagnosis", "2020-02-28", "2021-03-30")
    [table] = [each for each in draft.files[0].tables if each.table == "cancer_condition"]
    assert table.when is None


def test_all_that_the_record_must_have_is_asked_for(suggested, tmp_path):
    draft, _ = drafted(suggested, tmp_path, "sex", "male", "female")
    text = written(draft).replace(f": {TODO}", ": D").replace(f"[{TODO}]", "[D]")
    text = text.replace("access_rights: D", "access_rights: PUBLIC")
    text = text.replace("access_conditions: [D]", "access_conditions: [DOWNLOAD]")
    text = text.replace("access_url: D", "access_url: https://hospital.example/access")
    said = {"dataset_id": "d", "tier": 1, "catalogue": yaml.safe_load(text)["catalogue"]}
    assert missing(SourceContract.model_validate(said)) == ()


def test_days_to_an_event_count_from_the_diagnosis(suggested, tmp_path):
    _, column = drafted(suggested, tmp_path, "days from diagnosis to surgery", "10", "20", "31")
    assert column.kind == "days"
    assert [(t.table, t.field) for t in column.targets] == [
        ("surgical_procedure", "surgical_procedure_offset_from_diagnosis")
    ]


def test_pack_years_are_a_number(suggested, tmp_path):
    draft, column = drafted(suggested, tmp_path, "Smoking (pack-years)", "20", "40", "35")
    assert column.kind == "number" and not column.values
    [table] = draft.files[0].tables
    assert table.constants["medical_history_code"] == "CLIN1056702"


def test_a_category_is_clinical_or_pathological_or_not_decided(suggested, tmp_path):
    _, column = drafted(suggested, tmp_path, "T stage", "T1", "T2")
    assert {value.value for value in column.values} == {TODO}
    assert "COM1000333 cT1" in column.values[0].comment and "COM1000741 pT1" in column.values[0].comment
    _, column = drafted(suggested, tmp_path, "Clinical T stage", "T1", "T2")
    assert [value.value for value in column.values] == ["COM1000333", "COM1000351"]


def test_radiotherapy_asks_for_its_kind(suggested, tmp_path):
    draft, _ = drafted(suggested, tmp_path, "Total dose (Gy)", "60.5", "66", "70")
    [table] = draft.files[0].tables
    assert table.table == "radiotherapy" and table.constants["radiotherapy_modality"] == TODO


def test_columns_without_a_field_are_marked_and_counted(suggested, tmp_path):
    draft, _ = drafted(suggested, tmp_path, "zzqx", "7", "8", "9")
    text = written(draft)
    assert f"# {NO_FIELD}" in text and text.endswith(f"# 1 column(s) say '{NO_FIELD}'.\n")
