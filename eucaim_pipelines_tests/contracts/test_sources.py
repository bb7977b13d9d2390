"""What a source contract may say, and that each mistake is told with file and line."""

import pickle

import pytest

from eucaim_pipelines.contracts import folder
from eucaim_pipelines.contracts.sources import load_source, load_sources
from eucaim_pipelines.errors import ContractError
from eucaim_pipelines_tests.cdm.examples import SOURCE, write_source

SHIPPED = sorted((folder() / "sources").glob("*.yaml"))


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_shipped_contracts_are_right(path):
    assert load_source(path).dataset_id == path.stem


def test_a_contract_is_read(tmp_path):
    source = load_source(write_source(tmp_path))
    patients = source.file("patients")
    assert patients.patient_column == "NHC"
    assert patients.identity_columns == ("NHC", "Nombre")
    assert list(patients.fields) == [
        "sex", "diagnosis_date", "age_at_diagnosis", "diagnosis", "biopsy_date", "psa", "smoker",
    ]  # fmt: skip
    assert len(source.digest) == 64
    assert pickle.loads(pickle.dumps(source)) == source  # noqa: S301 - our own bytes


def test_local_codes_stay_text_whatever_yaml_1_1_would_make_of_them(tmp_path):
    source = load_source(write_source(tmp_path))
    assert dict(source.file("patients").columns["Fuma"].values) == {"SI": True, "NO": False}
    text = SOURCE.replace('missing: ["", NA]', "missing: [NO, -1, 099]")
    assert load_source(write_source(tmp_path, text)).file("patients").missing[:2] == ("NO", "-1")


def test_codes_are_stored_bare(tmp_path):
    text = SOURCE.replace("V: COM1001366", "V: EUCAIM:COM1001366")
    column = load_source(write_source(tmp_path, text)).file("patients").columns["Sexo"]
    assert column.values["V"] == "COM1001366"


@pytest.mark.parametrize(
    ("name", "spec"),
    [
        ("pacientes_2024.csv", "patients"),
        ("PACIENTES.CSV", "patients"),
        ("tratamientos.csv", "treatments"),
        ("notes.csv", None),
    ],
)
def test_files_are_recognised_by_their_name(tmp_path, name, spec):
    found = load_source(write_source(tmp_path)).file_for(name)
    assert (None if found is None else found.name) == spec


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("tier: 3", "tier: 4", "Input should be 1, 2 or 3"),
        ("dataset_id: example", "dataset_id: an example", "match pattern"),
        ('delimiter: ";"', 'delimeter: ";"', "Unknown key 'delimeter'"),
        ("delivery: increment", "delivery: sometimes", "'snapshot' or 'increment'"),
        ("vocabulary: birth_sex", "vocabulary: sexes", "no vocabulary 'sexes'"),
        ("V: COM1001366", "V: COM1", "'COM1' is not a code of the vocabulary 'birth_sex'"),
        ("when: diagnosis_date", "when: dx_date", "'dx_date' is not declared"),
        ("table: treatment", "table: treatments", "no clinical table 'treatments'"),
        ("table: treatment", "table: image_study", "no clinical table 'image_study'"),
        ("treatment_type: type", "treatment_kind: type", "no field 'treatment_kind'"),
        ("treatment_type: type", "treatment_id: type", "no field 'treatment_id'"),
        ("treatment_type: type", "treatment_type: kind", "'kind' is not declared"),
        ("treatment_type: type", "treatment_type: patient", "'patient' never passes"),
        ("treatment_type: type", "treatment_type: start", "does not fit"),
        (
            "patient_birth_sex: sex",
            "patient_birth_sex: diagnosis",
            "not a code of the vocabulary 'birth_sex'",
        ),
        ("key: [patient]", "key: [person]", "'person' is not declared"),
        ("{is: free_text}", "{is: text}", "Input should be"),
        ("{field: psa, is: number, unit: ng/mL}", "{is: number}", "needs a field"),
        ("{field: psa, is: number, unit: ng/mL}", "{field: sex, is: number}", "'sex' occurs twice"),
        ("{field: psa, is: number, unit: ng/mL}", "{field: record_id, is: number}", "reserved"),
        ("{field: patient, is: patient_id}", "{field: patient, is: identity}", "Exactly one column"),
        ("{constant: CLIN1001712}", "{constant: CLIN1}", "not a code of the vocabulary 'procedure'"),
        ("{constant: CLIN1001712}", "{constant: 5}", "constant does not fit"),
        ('TORAX": BP1000067', 'TORAX": BP1', "not a code of the vocabulary 'body_part'"),
        ("diagnosis_date: patients.diagnosis_date", "diagnosis_date: patients.sex", "not a declared date"),
        ("tier: 3", "tier: 3\nchecks: {patient.nothing.complete: {at_least: 0.5, why: x}}", "no such field"),
        ("tier: 3", "tier: 3\ntier: 2", "occurs twice"),
        ("tier: 3", "tier: 3\ncatalogue: {condition: CLIN1}", "vocabulary 'cancer_condition'"),
    ],
)
def test_a_mistake_is_told_with_file_and_line(tmp_path, before, after, words):
    text = SOURCE.replace(before, after, 1)
    assert text != SOURCE
    path = write_source(tmp_path, text)
    with pytest.raises(ContractError, match=words) as caught:
        load_source(path)
    assert caught.value.file == str(path)
    expected = text[: text.index(after.splitlines()[-1])].count("\n") + 1
    assert caught.value.line == expected or words.startswith(("Exactly", "'sex' occurs"))


def test_a_missing_key_is_told_where_its_block_begins(tmp_path):
    path = write_source(tmp_path, SOURCE.replace("    delivery: increment\n", ""))
    with pytest.raises(ContractError, match="The key 'delivery' is missing") as caught:
        load_source(path)
    assert "name: treatments" in path.read_text(encoding="utf-8").splitlines()[caught.value.line - 1]


def test_no_error_repeats_the_spelling_of_a_local_value(tmp_path):
    path = write_source(tmp_path, SOURCE.replace("V: COM1001366", "PEREZ: 5"))
    with pytest.raises(ContractError) as caught:
        load_source(path)
    assert "PEREZ" not in str(caught.value)


def test_a_file_is_named_after_its_dataset(tmp_path):
    write_source(tmp_path).rename(tmp_path / "other.yaml")
    with pytest.raises(ContractError, match="describes the dataset 'example'"):
        load_sources(tmp_path)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a: [", b""])
def test_a_file_that_is_no_contract_is_refused(tmp_path, content):
    path = tmp_path / "x.yaml"
    path.write_bytes(content)
    with pytest.raises(ContractError):
        load_source(path)


def test_what_happens_to_dates_can_be_chosen(tmp_path):
    assert load_source(write_source(tmp_path)).deidentification.dates == "shift"
    for dates in ("shift", "day_one", "remove"):
        text = SOURCE + f"deidentification: {{dates: {dates}}}\n"
        assert load_source(write_source(tmp_path, text)).deidentification.dates == dates


@pytest.mark.parametrize(
    ("section", "what"),
    [
        ("{dates: keep}", "'shift', 'day_one' or 'remove'"),
        ("{date: shift}", "Unknown key 'date'"),
        ("{pixels: mask}", "'quarantine' or 'clean'"),
        ("{pseudonyms: md5}", "'hmac' or 'lethe'"),
        ("{descriptors: some}", "valid boolean"),
    ],
)
def test_another_choice_is_told_with_its_line(tmp_path, section, what):
    text = SOURCE + f"deidentification: {section}\n"
    with pytest.raises(ContractError) as told:
        load_source(write_source(tmp_path, text))
    assert what in str(told.value)
    assert told.value.line == text.count("\n")


@pytest.mark.parametrize("value", ["0.5", "1.01", "yes", ".nan"])
def test_how_alike_near_duplicates_are_is_a_part_of_one(tmp_path, value):
    assert load_source(write_source(tmp_path)).imaging.near_duplicates is None
    given = SOURCE.replace("imaging:\n", "imaging:\n  near_duplicates: 0.95\n", 1)
    assert load_source(write_source(tmp_path, given)).imaging.near_duplicates == 0.95
    with pytest.raises(ContractError) as told:
        load_source(write_source(tmp_path, given.replace("0.95", value)))
    assert told.value.line == given[: given.index("near_duplicates")].count("\n") + 1


def test_a_field_cannot_take_the_name_that_says_where_a_mapping_applies(tmp_path):
    with pytest.raises(ContractError, match="reserved"):
        load_source(write_source(tmp_path, SOURCE.replace("field: smoker", "field: smoker_applies")))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("V: COM1001366", '"V\\u0001": COM1001366'),
        ("field: smoker", 'field: "smo\\x7f\\u0008ker"'),
        ("dataset_id: ", 'imaging: {series_descriptions: {Axial: "Loc\\u0001"}}\ndataset_id: '),
        ("dataset_id: ", 'imaging: {series_descriptions: {Axial: "Loc\\ufffe"}}\ndataset_id: '),
    ],
)
def test_a_text_that_no_record_or_drawing_could_hold_is_refused_where_it_stands(tmp_path, before, after):
    text = SOURCE.replace(before, after, 1)
    assert text != SOURCE
    line = next(n for n, each in enumerate(text.splitlines(), 1) if "\\u" in each)
    with pytest.raises(ContractError) as caught:
        load_source(write_source(tmp_path, text))
    assert caught.value.line == line
    assert "cannot be printed" in str(caught.value)
