"""A local spelling finds its concept in every language; nearest is a suggestion with an honest score."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eucaim_pipelines.cdm.matching import LEAST, ONTOLOGY, Matcher
from eucaim_pipelines.contracts import vocabularies
from eucaim_pipelines.contracts.ontology import Concept
from eucaim_pipelines.contracts.words import Words, fold, load_words
from eucaim_pipelines.errors import ContractError

ALL = vocabularies.load_all()
WORDS = load_words()
MATCHER = Matcher(
    ALL, WORDS, {"CLIN1": Concept("CLIN1", "Free prostate specific antigen", ("fPSA",), ("12345",))}
)


def first(text, vocabulary, language=None):
    found = MATCHER.nearest(text, [vocabulary], language=language)
    return found[0].code if found else None


@pytest.mark.parametrize(
    ("text", "vocabulary", "label"),
    [
        ("Adenocarcinoma", "histology", "Adenocarcinoma, NOS"),
        ("adenocarcimona", "histology", "Adenocarcinoma, NOS"),
        ("carcinome épidermoïde", "histology", "Squamous cell carcinoma, NOS"),
        ("Plattenepithelkarzinom", "histology", "Squamous cell carcinoma, NOS"),
        ("carcinoma a piccole cellule", "histology", "Small cell carcinoma, NOS"),
        ("NSCLC", "histology", "Non-small cell carcinoma"),
        ("Radioterapia", "treatment_type", "Radiotherapy"),
        ("Bestralung", "treatment_type", "Radiotherapy"),
        ("χημειοθεραπεία", "treatment_type", "Chemotherapy"),
        ("XIMEIOΘEPAΠEIA", "treatment_type", "Chemotherapy"),
        ("borstsparende operatie", "treatment_type", "Partial mastectomy"),
        ("C61", "cancer_condition", "Malignant neoplasm of prostate"),
        ("C34.1", "cancer_condition", "Malignant tumor of lung"),
        ("próstata", "body_part", "Prostate"),
        ("THORAX", "body_part", "Chest"),
        ("θήλυ", "birth_sex", "Female"),
        ("qwxz vbnm", "histology", None),
        ("", "histology", None),
    ],
)
def test_local_spellings(text, vocabulary, label):
    code = first(text, vocabulary)
    assert (code and ALL[vocabulary].labels[code]) == label


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_code_and_its_label_are_nearest_to_themselves(name):
    texts = {
        text: code for code in ALL[name].codes for text in (code, f"EUCAIM:{code}", ALL[name].labels[code])
    }
    for text, near in MATCHER.nearest_of_all(texts, [name]).items():
        same = fold(ALL[name].labels[near[0].code]) == fold(ALL[name].labels[texts[text]])
        assert near[0].score == 100 and (near[0].code == texts[text] or same), text


def test_a_digit_is_never_nearly_another():
    assert first("C99", "cancer_condition") is None
    assert MATCHER.nearest("12346", [ONTOLOGY]) == ()
    assert MATCHER.nearest("12345", [ONTOLOGY])[0].score == 100


def test_a_negation_is_not_its_opposite():
    near = MATCHER.nearest("small cell carcinoma", ["histology"], limit=9)
    scores = {each.label: each.score for each in near}
    assert scores["Small cell carcinoma, NOS"] - scores.get("Non-small cell carcinoma", 0) >= 10


def test_the_language_decides_between_two_meanings():
    assert ALL["birth_sex"].labels[first("v", "birth_sex", "es")] == "Male"
    assert ALL["birth_sex"].labels[first("v", "birth_sex", "nl")] == "Female"


def test_several_vocabularies_are_searched_together():
    found = MATCHER.nearest("prostate", ["body_part", "topography", "no such vocabulary"], limit=9)
    assert {each.vocabulary for each in found} == {"body_part", "topography"}
    assert MATCHER.nearest("fPSA", ["histology", ONTOLOGY])[0].code == "CLIN1"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=30), max_size=6))
def test_any_text_gets_ordered_scores_and_the_same_ones_again(texts):
    first_time = MATCHER.nearest_of_all(texts, ["histology", "treatment_type"])
    assert first_time == Matcher(ALL, load_words()).nearest_of_all(
        reversed(texts), ["histology", "treatment_type"]
    )
    for near in first_time.values():
        scores = [each.score for each in near]
        assert scores == sorted(scores, reverse=True) and all(LEAST <= score <= 100 for score in scores)


def test_words_of_a_table_say_its_language():
    assert WORDS.language(["Sexo", "Edad", "Histología", "NHC"]) == "es"
    assert WORDS.language(["Geschlecht", "Therapiebeginn"]) == "de"
    assert WORDS.language(["x17"]) is None


def test_words_are_folded_taken_apart_and_completed():
    assert fold("F. Inicio_QT") == "f inicio qt" and fold("ageAtDiagnosis") == "age at diagnosis"
    assert fold("StudyInstanceUID") == "study instance uid" and fold("cT2a") == "ct2a"
    assert WORDS.english("Ult. contacto") == ("date of last contact",)
    assert fold("Ιστολογία") == "istologia" and fold("Größe") == "grosse"
    assert WORDS.english("Bestrahlungsbeginn")[0] == "bestrahlungsbeginn"
    assert WORDS.english("Biopsiedatum")[0] == "pathology date"
    assert WORDS.english("Operationsbeginn")[0] == "operationsbeginn"
    assert WORDS.english("Menopausens.") == ("menopausal status",)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("english,short\n", r"words\.csv:1"),
        (None, "cannot be read"),
        ("{header}\n,,,,,,,,,\n", r"words\.csv:2"),
    ],
)
def test_a_wrong_list_of_words_is_told(tmp_path, content, said):
    from eucaim_pipelines.contracts.words import COLUMNS

    (tmp_path / "onboarding").mkdir()
    if content is not None:
        text = content.replace("{header}", ",".join(COLUMNS))
        (tmp_path / "onboarding" / "words.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ContractError, match=said):
        load_words(tmp_path)


def test_no_words_means_no_translation():
    assert Matcher(ALL, Words({})).nearest("radioterapia", ["histology"]) == ()
