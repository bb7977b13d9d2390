"""Laws of the vocabularies: codes exist in the ontology, spellings lead to one code."""

import csv
import pickle

import pytest

from eucaim_pipelines.contracts import folder, vocabularies
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
    ],
)
def test_a_wrong_vocabulary_is_refused_with_file_and_line(tmp_path, rows, line, words):
    path = tmp_path / "vocabularies" / "letters.csv"
    path.parent.mkdir()
    path.write_text(HEADER + rows, encoding="utf-8")
    with pytest.raises(ContractError, match=words) as caught:
        vocabularies.load("letters", tmp_path)
    assert (caught.value.file, caught.value.line) == (str(path), line)


def test_a_vocabulary_that_does_not_exist_is_an_error(tmp_path):
    with pytest.raises(ContractError, match="no such vocabulary"):
        vocabularies.load("absent", tmp_path)


def test_vocabularies_go_to_workers():
    assert pickle.loads(pickle.dumps(ALL["modality"])) == ALL["modality"]  # noqa: S301 - our own bytes
