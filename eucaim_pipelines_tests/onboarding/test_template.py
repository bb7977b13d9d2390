"""EUCAIM's template becomes a contract: names of both models, codes checked cell by cell, examples unseen."""

import csv
from pathlib import Path

import pytest
from openpyxl import Workbook

from eucaim_pipelines.contracts.ontology import known_codes
from eucaim_pipelines.contracts.sources import load_source
from eucaim_pipelines.contracts.tables import load_tables
from eucaim_pipelines.errors import SettingsError
from eucaim_pipelines.onboarding.lists import load_lists
from eucaim_pipelines.onboarding.meanings import Meanings
from eucaim_pipelines.onboarding.template import letters, read_template
from eucaim_pipelines.onboarding.template_names import Names
from eucaim_pipelines.onboarding.values import Speller
from eucaim_pipelines.onboarding.writing import written

TITLES = ["Source variable", "Entity", "Element", "Standard", "Example"]
OVERARCHING = [
    ["Num", "Patient", "Patient ID", "custom", "HOSP-0042"],
    ["Sexo", "Patient", "patient_birth_sex", "SNOMEDCT", "V", "V,COM1001366", "M,EUCAIM:COM1001370"],
    ["Nacimiento", "Patient", "patient_birth_date", "date", "11/12/1950"],
    ["Fecha dx", "CancerCondition", "Asserted date", "DD/MM/YYYY", "01/02/2020"],
    ["Histo", "cancer_condition", "cancer_condition_histology_morphology", "ICDO3", "x",
     "ADC,Adenocarcinoma, NOS", "a, b,CLIN1049630"],
    ["PSA", "tumor_marker_test", "tumor_marker_test_as_number", "LOINC", "4.2"],
    ["ECOG", "health_status_assessment", "assesment_value_as_number", "custom", "1"],
    ["Raro", "Patient", "patient_shoe_size", "custom", "shoe 4711"],
]  # fmt: skip
TREATMENT = [
    ["Num", "Patient", "Patient ID", "custom", "HOSP-0042"],
    ["Tto", "Treatment", "treatment_type", "SNOMEDCT", "QT", "QT,CLIN1024528", "Sexo,COM1001366", "sin coma"],
    ["Inicio", "Treatment", "treatment_start_date", "custom", "03/04/2020"],
]


def lines(variables, titled=True):
    columns = ([[*TITLES]] if titled else []) + variables
    depth = max(len(column) for column in columns)
    return [[column[n] if n < len(column) else "" for column in columns] for n in range(depth)]


def workbook(path: Path, **sheets) -> Path:
    book = Workbook()
    book.remove(book.active)
    for title, variables in sheets.items():
        sheet = book.create_sheet(title.replace("_", " "))
        for line in lines(variables):
            sheet.append([cell or None for cell in line])
    book.save(path)
    return path


def csv_file(path: Path, variables, titled=True) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(lines(variables, titled))
    return path


@pytest.fixture
def names(matcher):
    lists = load_lists()
    return Names(Meanings(load_tables(), lists, Speller(matcher, None)), lists.template_names, known_codes())


@pytest.fixture
def text(names, tmp_path):
    path = workbook(tmp_path / "template.xlsx", Overarching=OVERARCHING, Treatment_1=TREATMENT)
    return written(names.source(read_template(path), "new"))


def columns(draft, number=0):
    return {each.header: each for each in draft.files[number].columns}


def test_sheets_variables_and_targets(names, tmp_path):
    path = workbook(tmp_path / "template.xlsx", Overarching=OVERARCHING, Treatment_1=TREATMENT)
    draft = names.source(read_template(path))
    assert [each.name for each in draft.files] == ["overarching", "treatment_1"]
    found = columns(draft)
    assert (found["Num"].kind, found["Nacimiento"].kind, found["Raro"].kind) == (
        "patient_id",
        "identity",
        "TODO",
    )
    targets = {name: each.targets[0].field for name, each in found.items() if each.targets}
    assert targets == {
        "Sexo": "patient_birth_sex",
        "Fecha dx": "cancer_condition_asserted_date",
        "Histo": "cancer_condition_histology_morphology_behavior",
        "PSA": "tumor_marker_test_value_as_number",
        "ECOG": "health_status_assessment_value_as_number",
    }
    assert found["PSA"].targets[0].constants == {"tumor_marker_test_code": "CLIN1033410"}
    assert found["Fecha dx"].formats == ("%d/%m/%Y",) and columns(draft, 1)["Inicio"].formats == ("TODO",)
    assert draft.linkage == {
        "diagnosis_date": "overarching.fecha_dx",
        "treatment_date": "treatment_1.inicio",
    }


def test_values_codes_and_labels_with_commas(names, tmp_path):
    path = workbook(tmp_path / "template.xlsx", Overarching=OVERARCHING, Treatment_1=TREATMENT)
    draft = names.source(read_template(path))
    assert {v.spelling: v.value for v in columns(draft)["Sexo"].values} == {
        "V": "COM1001366",
        "M": "COM1001370",
    }
    assert {v.spelling: v.value for v in columns(draft)["Histo"].values} == {
        "ADC": "CLIN1047138",
        "a, b": "CLIN1049630",
    }
    treated = columns(draft, 1)["Tto"]
    assert {v.spelling: v.value for v in treated.values} == {"QT": "CLIN1024528", "Sexo": "TODO"}
    assert "C8" in treated.comment


def test_examples_are_not_copied(text):
    for example in ("HOSP-0042", "11/12/1950", "01/02/2020", "4.2", "4711"):
        assert example not in text


def test_what_is_decided_loads(text, tmp_path):
    import re

    for key, value in {"tier": "1", "delivery": "snapshot", "title": "T", "description": "D"}.items():
        text = re.sub(rf"(?m)^(\s*{key}: )TODO.*$", rf"\g<1>{value}", text)
    text = re.sub(r"(?m)^(    files: )TODO$", r'\g<1>"a.csv"', text)
    text = re.sub(r"(?m)^.*\bis: TODO.*\n", "", text)
    text = re.sub(r"format: TODO", 'format: "%Y-%m-%d"', text)
    text = re.sub(r"(?m)^.*(: \[?TODO|constant: TODO).*\n", "", text)
    path = tmp_path / "new.yaml"
    path.write_text(text, encoding="utf-8")
    source = load_source(path)
    assert [each.name for each in source.clinical] == ["overarching", "treatment_1"]
    assert source.clinical[0].columns["Sexo"].values == {"V": "COM1001366", "M": "COM1001370"}


@pytest.mark.parametrize("titled", [True, False])
def test_one_sheet_as_csv_with_or_without_titles(names, tmp_path, titled):
    path = csv_file(tmp_path / "Treatment 1.csv", TREATMENT, titled)
    draft = names.source(read_template(path))
    assert draft.files[0].name == "treatment_1" and list(columns(draft)) == ["Num", "Tto", "Inicio"]


def test_codes_that_v2_lacks_are_refused_with_their_cells(names, tmp_path):
    wrong = [
        *TREATMENT[:1],
        ["Tto", "Treatment", "treatment_type", "x", "", "a,CLIN9999999", "b,SNOMED:1", "c,CLIN1024528"],
    ]
    path = workbook(tmp_path / "template.xlsx", Treatment_1=wrong)
    with pytest.raises(SettingsError) as told:
        names.source(read_template(path))
    assert "'template.xlsx' sheet 'Treatment 1' cell C6; 'template.xlsx' sheet 'Treatment 1' cell C7." in str(
        told.value
    )
    assert "CLIN9999999" not in str(told.value) and "SNOMED:1" not in str(told.value)


@pytest.mark.parametrize("name", ["none.xlsx", "a.txt", "a.csv", "b.xlsx"])
def test_what_is_no_template_is_told(tmp_path, name):
    if name != "none.xlsx":
        (tmp_path / name).write_text("a,b\n1,2\n3,4\n5,6\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=name):
        read_template(tmp_path / name)


@pytest.mark.parametrize(("position", "name"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")])
def test_names_of_columns(position, name):
    assert letters(position) == name
