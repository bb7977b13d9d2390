"""Laws of the vocabularies: codes exist in the ontology, spellings lead to one code."""

import csv
import json
import pickle
import shutil

import pytest

from eucaim_pipelines.contracts import folder, vocabularies
from eucaim_pipelines.contracts.tables import load_tables
from eucaim_pipelines.errors import ContractError

ALL = vocabularies.load_all()
NOT_OF_THE_ONTOLOGY = {"data_use_condition"}
HEADER = "code,label,aliases,kind,origin\n"


@pytest.mark.parametrize("name", sorted(ALL.keys() - NOT_OF_THE_ONTOLOGY))
def test_every_code_exists_in_the_hyper_ontology(name, shared):
    with (shared / "eucaim" / "hyperontology_concepts.csv").open(encoding="utf-8", newline="") as file:
        known = {row["concept_code"] for row in csv.DictReader(file)}
    assert set(ALL[name].labels) <= known


@pytest.mark.parametrize("name", ALL)
def test_every_row_says_where_it_is_from_and_under_which_licence(name):
    with (folder() / "vocabularies" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        assert all("CC BY 4.0" in row["origin"] for row in csv.DictReader(file))


@pytest.mark.parametrize("name", ALL)
def test_a_code_its_prefixed_form_and_its_label_are_the_same(name):
    vocabulary = ALL[name]
    for code in vocabulary.codes:
        assert vocabulary.code(code) == code
        assert vocabulary.code(f"EUCAIM:{code}") == code
        assert vocabulary.code(vocabulary.labels[code].upper()) == code


def test_a_root_is_labelled_but_is_no_value():
    modality = ALL["modality"]
    assert modality.root == "IMG1000009" and modality.root in modality.labels
    assert modality.root not in modality and modality.code("IMG1000009") is None


@pytest.mark.parametrize(
    ("name", "spelling", "code"),
    [
        ("modality", "CT", "IMG1000042"),
        ("imaging_procedure", "CT", "IMG1000026"),
        ("body_part", " breast ", "CLIN1063727"),
        ("body_part", "ABDOMENPELVIS", "BP1000211"),
        ("birth_sex", "f", "COM1001370"),
        ("units", "ng/mL", "COM1000156"),
        ("modality", "", None),
        ("modality", None, None),
    ],
)
def test_spellings(name, spelling, code):
    assert ALL[name].code(spelling) == code


@pytest.mark.parametrize(
    ("spelling", "label"),
    [
        ("SIEMENS", "Siemens"),
        ("Siemens Healthineers", "Siemens"),
        ("GE MEDICAL SYSTEMS", "General Electric"),
        ("Philips Medical Systems", "Philips"),
        ("TOSHIBA_MEC", "Toshiba"),
        ("Canon Medical Systems", "Canon"),
        ("FUJIFILM Corporation", "Fujifilm"),
        ("HOLOGIC, Inc.", "Hologic"),
        ("Somebody", None),
    ],
)
def test_manufacturers_are_found_within_longer_names(spelling, label):
    vocabulary = ALL["manufacturer"]
    code = vocabulary.code_within(spelling)
    assert (None if code is None else vocabulary.labels[code]) == label


def test_every_modality_of_images_has_a_procedure():
    assert ALL["imaging_procedure"].codes <= ALL["procedure"].codes
    for modality in ("CT", "MR", "PT", "MG", "DX", "CR", "US", "NM", "XA", "RF", "SM"):
        assert ALL["imaging_procedure"].code(modality) and ALL["modality"].code(modality)


@pytest.mark.parametrize(
    ("rows", "line", "words"),
    [
        ("A,one,,value,x\nA,two,,value,x\n", 3, "code occurs twice"),
        ("A,one,same,value,x\nB,two,SAME,value,x\n", 3, "another code"),
        ("A,one,,value\n", 2, "must be filled"),
        ("A,one,,leaf,x\n", 2, "must be filled"),
        ("CLIN1000060,breast,,value,EUCAIM hyper-ontology v2.0\n" * 2, 3, "occurs twice"),
        ("CLIN1000185,rectum,,value,EUCAIM hyper-ontology v2.0\n", 2, "has no such code"),
    ],
)
def test_a_wrong_vocabulary_is_refused_with_file_and_line(tmp_path, rows, line, words):
    path = tmp_path / "vocabularies" / "letters.csv"
    path.parent.mkdir()
    shutil.copytree(folder() / "onboarding", tmp_path / "onboarding")
    path.write_text(HEADER + rows, encoding="utf-8")
    with pytest.raises(ContractError, match=words) as caught:
        vocabularies.load("letters", tmp_path)
    assert (caught.value.file, caught.value.line) == (str(path), line)


def test_a_vocabulary_that_does_not_exist_is_an_error(tmp_path):
    with pytest.raises(ContractError, match="no such vocabulary"):
        vocabularies.load("absent", tmp_path)


def test_vocabularies_go_to_workers():
    assert pickle.loads(pickle.dumps(ALL["modality"])) == ALL["modality"]  # noqa: S301 - our own bytes


@pytest.mark.parametrize("name", [name for name, vocabulary in ALL.items() if vocabulary.categories])
def test_every_code_with_a_category_has_one_that_its_field_may_hold(name):
    assert ALL[name].categories.keys() == ALL[name].codes
    for table in load_tables().values():
        for field in table.fields.values():
            coded = table.fields.get(field.category_of or "")
            if coded is not None and coded.value_set == name:
                assert set(ALL[name].categories.values()) <= ALL[field.value_set].codes


def test_a_category_is_missing_nowhere_and_stands_beside_no_root(tmp_path):
    path = tmp_path / "vocabularies" / "letters.csv"
    path.parent.mkdir()
    head = HEADER.strip() + ",category\n"
    for rows, line in (("A,one,,value,x,\n", 2), ("A,one,,value,x,C\nB,all,,root,x,C\n", 3)):
        path.write_text(head + rows, encoding="utf-8")
        with pytest.raises(ContractError, match="category") as caught:
            vocabularies.load("letters", tmp_path)
        assert caught.value.line == line
    path.write_text(head + "A,one,,value,x,C\nB,all,,root,x,\n", encoding="utf-8")
    assert vocabularies.load("letters", tmp_path).categories == {"A": "C"}


def test_codes_are_written_in_the_form_that_is_asked_for():
    marker = ALL["tumor_marker"]
    assert marker.form("CLIN1045815", "bare") == "CLIN1045815"
    assert marker.form("CLIN1045815", "prefixed") == "EUCAIM:CLIN1045815"
    with pytest.raises(KeyError):
        marker.form("CLIN1", "bare")


def _asked(entry):
    if isinstance(entry, list):
        return set().union(*map(_asked, entry))
    inner = _asked([*entry.get("childCategories", []), *entry.get("criteria", [])]) if entry else set()
    key = entry.get("key", "")
    return inner | ({key.rpartition(".")[2]} if key.startswith("EUCAIM_") else set())


def test_every_code_that_the_federated_search_asks_for_can_be_held(shared):
    path = shared / "eucaim" / "federated_search_criteria.json"
    asked = _asked(json.loads(path.read_text(encoding="utf-8")))
    held = {field.value_set for table in load_tables().values() for field in table.fields.values()} - {None}
    assert len(asked) > 60
    assert asked <= set().union(*(ALL[name].codes for name in held))


@pytest.mark.parametrize("table", load_tables().values(), ids=lambda table: table.name)
def test_units_are_ucum_and_stand_beside_the_code_of_the_same_unit(table):
    from ucumvert import PintUcumRegistry

    registry = PintUcumRegistry()
    for field in table.fields.values():
        if field.unit is not None:
            assert registry.from_ucum(field.unit)
        if field.unit_of is not None:
            assert field.unit_code in ALL["units"].codes
            beside = table.fields[field.unit_of].unit
            assert ALL["units"].code(beside) == field.unit_code
