"""The full ontology widens spellings, and never adds a code; wrong files are told with a remedy."""

from pathlib import Path

import pytest
from rdflib import RDFS, Graph, Literal, Namespace

from eucaim_pipelines.contracts import vocabularies
from eucaim_pipelines.contracts.codes import known_codes
from eucaim_pipelines.contracts.ontology import BASE, load_ontology, widened
from eucaim_pipelines.errors import ContractError

EUCAIM = Namespace(BASE)
HEADER = "concept_code,concept_uri,concept_name,omop_domain_id\n"
PROSTATE, LUNG = "CLIN1000075", "CLIN1000065"


@pytest.fixture
def owl(tmp_path) -> Path:
    """A small OWL: a code that v2.0 has, with its annotations, and one that it lacks."""
    graph = Graph()
    graph.add((EUCAIM[PROSTATE], RDFS.label, Literal("Malignant neoplasm\n of prostate")))
    for name, value in (("synonym", "Prostatic malignancy"), ("acronym", "PCa"), ("SNOMEDCT", "399068003")):
        graph.add((EUCAIM[PROSTATE], EUCAIM[name], Literal(value)))
    graph.add((EUCAIM["CLIN9999999"], RDFS.label, Literal("Invented")))
    graph.add((EUCAIM["N" + "0" * 32], RDFS.label, Literal("Anonymous")))
    path = tmp_path / "small.owl"
    graph.serialize(path, format="xml")
    return path


@pytest.fixture
def table(tmp_path) -> Path:
    path = tmp_path / "small.csv"
    rows = f"{PROSTATE},u,Prostate cancer,Condition\nCLIN9999999,u,Invented,\nN{'a' * 32},u,Anonymous,\n"
    path.write_text(HEADER + rows, encoding="utf-8")
    return path


def test_the_list_of_codes_is_that_of_the_published_ontology(shared):
    rows = (shared / "eucaim" / "hyperontology_concepts.csv").read_text(encoding="utf-8")
    assert all(f"{code}," in rows for code in known_codes())
    assert load_ontology(shared / "eucaim" / "hyperontology_concepts.csv").keys() == known_codes()


def test_every_code_of_the_vocabularies_is_one_of_the_ontology():
    for name, vocabulary in vocabularies.load_all().items():
        if name != "data_use_condition":
            assert set(vocabulary.labels) <= known_codes(), name


def test_codes_that_v2_lacks_are_never_read(owl, table):
    assert set(load_ontology(owl)) == set(load_ontology(table)) == {PROSTATE}


def test_annotations_of_the_owl_are_spellings(owl):
    concept = load_ontology(owl)[PROSTATE]
    assert concept.label == "Malignant neoplasm of prostate"
    assert concept.spellings == ("PCa", "Prostatic malignancy") and concept.notations == ("399068003",)


def test_a_wider_vocabulary_knows_more_spellings_and_no_more_codes(owl):
    narrow = vocabularies.load_all()
    wide = widened(narrow, load_ontology(owl))
    assert {name: each.codes for name, each in wide.items()} == {name: e.codes for name, e in narrow.items()}
    for spelling in ("pca", "399068003", "prostatic  MALIGNANCY"):
        assert narrow["cancer_condition"].code(spelling) is None
        assert wide["cancer_condition"].code(spelling) == PROSTATE
    assert wide["birth_sex"] == narrow["birth_sex"]


def test_a_spelling_keeps_its_meaning_and_one_of_two_meanings_is_none(tmp_path):
    narrow = vocabularies.load_all()
    graph = Graph()
    taken = narrow["cancer_condition"].labels[LUNG]
    for code in (PROSTATE, LUNG):
        graph.add((EUCAIM[code], RDFS.label, Literal(f"Concept {code}")))
        graph.add((EUCAIM[code], EUCAIM["acronym"], Literal("XYZ")))
    graph.add((EUCAIM[PROSTATE], EUCAIM["synonym"], Literal(taken)))
    graph.serialize(tmp_path / "two.owl", format="xml")
    wide = widened(narrow, load_ontology(tmp_path / "two.owl"))["cancer_condition"]
    assert wide.code("xyz") is None and wide.code(taken) == LUNG


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.owl", "no xml", "not an OWL file"),
        ("a.csv", "code,name\n", r"a\.csv:1: The columns are others"),
        ("a.csv", HEADER + "CLIN9999999,u,Invented,\n", "holds no concept"),
        ("a.csv", None, "no such file"),
    ],
)
def test_a_wrong_file_is_told(tmp_path, name, content, said):
    if content is not None:
        (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(ContractError, match=said):
        load_ontology(tmp_path / name)
