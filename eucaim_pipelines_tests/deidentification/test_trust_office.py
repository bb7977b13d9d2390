"""The map of a trust office is read strictly, says what is wrong by line, and decides on everything."""

from datetime import date

import pytest

from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms, SiteKey
from eucaim_pipelines.deidentification.keys.trust_office import read_map
from eucaim_pipelines.errors import SettingsError, SiteKeyError

KEY = SiteKey(bytes(range(32)))


@pytest.fixture
def file(tmp_path):
    def write(text, mode=0o600):
        path = tmp_path / "map.csv"
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        return path

    return write


def test_numbers_of_one_person_meet_in_pseudonym_and_shift(file):
    names = Pseudonyms(KEY, read_map(file("patient_id,pseudonym\nMüller-0042,TO_1\n 77 ,TO_1\n0077,TO_2\n")))
    assert {names.patient(number, None, "") for number in ("Müller-0042", "77", " 77")} == {"TO_1"}
    assert names.patient("0077", "any", "") == "TO_2"
    assert names.patient("78", None, "").startswith("EUCAIM-")
    day = date(2020, 2, 2)
    assert names.shift(day, names.patient("77", None, "")) == names.shift(day, "TO_1")


def test_a_row_with_an_issuer_holds_for_it_alone(file):
    names = Pseudonyms(
        KEY, read_map(file("patient_id,issuer,pseudonym\n42,NORTH,A-1\n42,SOUTH,A-2\n43,,A-3\n"))
    )
    people = [names.patient("42", issuer, "") for issuer in ("NORTH", "SOUTH", "EAST", None)]
    assert people[:2] == ["A-1", "A-2"]
    assert all(person.startswith("EUCAIM-") for person in people[2:])
    assert names.patient("43", "EAST", "") == "A-3"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("patient_id;pseudonym\nSECRETNAME;A\n", 1),
        ("pseudonym,patient_id\nA,SECRETNAME\n", 1),
        ("patient_id,pseudonym\nSECRETNAME\n", 2),
        ("patient_id,pseudonym\n1,A\n ,SECRETNAME\n", 3),
        ("patient_id,pseudonym\nSECRETNAME,A B\n", 2),
        ("patient_id,pseudonym\nSECRETNAME,Ä\n", 2),
        ("patient_id,pseudonym\n1,\n", 2),
        (f"patient_id,pseudonym\n1,{'A' * 65}\n", 2),
        ("patient_id,pseudonym\nSECRETNAME,A\n SECRETNAME,B\n", 3),
        ("patient_id,pseudonym\nSECRETNAME,X-secretname-1\n", 2),
        ("patient_id,pseudonym\n1,A\n2,SECRETNAME\nSecretName,C\n", 3),
        ('patient_id,pseudonym\n"SECRETNAME"x,A\n', 2),
    ],
)
def test_a_mistake_is_told_by_line_without_a_value(file, text, line):
    with pytest.raises(SettingsError, match=f"'pseudonym_map': line {line} ") as told:
        read_map(file(text))
    assert "secretname" not in str(told.value).casefold()


def test_a_mistake_is_told_where_the_file_was_named(file):
    with pytest.raises(SettingsError, match=r"^--pseudonym-map: line 2 of its file has no patient_id"):
        read_map(file("patient_id,pseudonym\n,A\n"), "--pseudonym-map")


def test_a_map_that_others_may_read_or_that_is_not_there_is_refused(file, tmp_path):
    with pytest.raises(SiteKeyError, match="chmod 600"):
        read_map(file("patient_id,pseudonym\n1,A\n", 0o644))
    with pytest.raises(SiteKeyError, match="cannot be read"):
        read_map(tmp_path / "absent.csv")
