"""Numbers that name a person are excused by no term, list or code; elements of odd kinds stop no search.

Hits that are explained are in `test_verification`.
"""

import pytest

from eucaim_pipelines.deidentification.verification import verifier
from eucaim_pipelines.deidentification.verification.verifier import Residual
from eucaim_pipelines.errors import Refusal

from .leaking import leaks, output, source
from .written import file

PATIENT_ID, BIRTH_DATE, STATION = 0x00100020, 0x00100030, 0x00081010
METHOD, VERSIONS = 0x00541103, 0x00181020


def code(*more, value=b"T-D1100", scheme=b"SRT"):
    return (0x00082218, "SQ", [[(0x00080100, "SH", value), (0x00080102, "SH", scheme), *more]])


def origin(tag, vr, text):
    """Where a number stands in the source: an attribute, or an item of a sequence of a person."""
    if tag in (0x00101002, 0x00401101):
        inner = 0x00100020 if tag == 0x00101002 else 0x00080100
        return (tag, "SQ", [[(inner, vr, text)]])
    return (tag, vr, text)


HELD = {
    "a listed text": (METHOD, "LO", b"10200004"),
    "a part of a listed text": (VERSIONS, "LO", b"V 10200004.1"),
    "a term": (0x00180015, "CS", b"10200004"),
    "a public code": code(value=b"10200004", scheme=b"SCT"),
    "the meaning of a code": code((0x00080104, "LO", b"SCT 10200004")),
    "the version of a scheme": code((0x00080103, "SH", b"10200004")),
}
PERSONS = {
    "PatientID": (PATIENT_ID, "LO"),
    "OtherPatientIDs": (0x00101000, "LO"),
    "OtherPatientIDsSequence": (0x00101002, "LO"),
    "PatientName": (0x00100010, "PN"),
    "AccessionNumber": (0x00080050, "SH"),
    "StudyID": (0x00200010, "SH"),
    "AdmissionID": (0x00380010, "LO"),
    "PatientTelephoneNumbers": (0x00102154, "SH"),
    "any person": (0x00081070, "PN"),
    "PersonIdentificationCodeSequence": (0x00401101, "SH"),
}


@pytest.mark.parametrize("held", HELD)
@pytest.mark.parametrize("person", PERSONS)
def test_a_number_of_a_person_is_a_residual_in_texts_that_may_stay(held, person):
    tag, vr = PERSONS[person]
    released = file([HELD[held]])
    found = verifier.verify(file([origin(tag, vr, b"10200004"), HELD[held]]), released).residuals
    assert {residual.tag for residual in found} == {tag if tag != 0x00101002 else PATIENT_ID} - {
        0x00401101
    } | ({0x00080100} if tag == 0x00401101 else set())
    other = verifier.verify(file([(STATION, "SH", b"10200004"), HELD[held]]), released)
    assert other.residuals == [], "what names no person is explained"
    assert other.explained


def test_a_word_or_a_short_number_of_a_person_is_still_explained():
    for text, held in ((b"SIEMENS", (0x00080070, "LO", b"SIEMENS")), (b"B31f", (0x00181210, "SH", b"B31f"))):
        found = verifier.verify(file([(PATIENT_ID, "LO", text), held]), file([held]))
        assert found.residuals == []
        assert found.explained[PATIENT_ID, verifier.LISTED] == 1


def test_a_number_of_a_person_that_equals_a_kept_number_is_counted():
    held = (0x00200011, "IS", b"417733")
    found = verifier.verify(file([(PATIENT_ID, "LO", b"417733"), held]), file([held]))
    assert found.residuals == []
    assert found.explained[PATIENT_ID, verifier.NUMBER] == 1


BIRTHS = {
    "a listed text": (METHOD, "LO", b"19540312"),
    "the version of a scheme": code((0x00080103, "SH", b"19540312")),
    "the version of a group": code((0x00080105, "CS", b"DCMR"), (0x00080106, "DT", b"19540312")),
    "with dashes": (METHOD, "LO", b"1954-03-12"),
    "with dots": (VERSIONS, "LO", b"on 12.03.1954"),
    "with slashes": (0x00081040, "LO", b"(12/03/1954)"),
    "month first": (0x00081040, "LO", b"03/12/1954"),
}


@pytest.mark.parametrize("held", BIRTHS)
@pytest.mark.parametrize("birth", [("DA", b"19540312"), ("DA", b"1954.03.12"), ("LO", b"1954-03-12")])
def test_a_birth_date_is_a_residual_however_it_is_written(held, birth):
    original = file([(BIRTH_DATE, *birth), BIRTHS[held]])
    assert {residual.tag for residual in leaks(original, file([BIRTHS[held]]))} >= {BIRTH_DATE}
    assert BIRTH_DATE not in {residual.tag for residual in leaks(original, file([(METHOD, "LO", b"1954")]))}


def test_a_coded_value_of_two_parts_is_no_public_code():
    held = code(value=b"T-D1100\\Quintanilla")
    assert Residual("text", 0x00080100) in leaks(file([held]), file([held, (STATION, "SH", b"Quintanilla")]))


SCHEME, VALUE = (0x00080102, "SH", b"SCT"), (0x00080100, "SH", b"10200004")
ODD = {
    "a scheme in numbers": [VALUE, (0x00080102, "US", b"\1\0")],
    "a scheme in bytes": [VALUE, (0x00080102, "OB", b"\1\0")],
    "a scheme in long numbers": [VALUE, (0x00080102, "UL", b"\1\0\1\0")],
    "a code in numbers": [(0x00080100, "US", b"\1\0"), SCHEME],
    "a code in bytes": [(0x00080100, "OB", b"\1\0"), SCHEME],
}


@pytest.mark.parametrize("odd", ODD)
def test_codes_of_other_kinds_are_searched(odd):
    held = (0x00082218, "SQ", [ODD[odd]])
    planted = (0x00081040, "LO", b"HOSP-00417733 10200004")
    kept = {residual.tag for residual in leaks(source(held), output(held))}
    assert kept == ({0x00080100} if VALUE in ODD[odd] else set()), "a code of no scheme is a text"
    assert PATIENT_ID in {residual.tag for residual in leaks(source(held), output(held, planted))}


def test_bytes_in_the_place_of_a_meaning_explain_nothing():
    held = code((0x00080104, "OB", b"\0\1Vallehermoso"))
    original = source((STATION, "SH", b"Vallehermoso"), held)
    assert Residual("bytes", STATION) in leaks(original, output(held))


def test_a_transfer_syntax_that_is_no_text_is_refused():
    whole = source()
    broken = whole.replace(b"\x02\x00\x10\x00UI", b"\x02\x00\x10\x00US")
    assert broken != whole
    with pytest.raises(Refusal, match="MALFORMED"):
        leaks(broken, output())


@pytest.mark.parametrize(
    "charset", [b"ISO\0_IR 100\\ISO 2022 IR 87", b"\0\\ISO 2022 IR 87", b"ISO 2022\0IR 87"]
)
def test_text_in_a_character_set_whose_name_is_broken_is_searched(charset):
    named = (0x00080005, "CS", charset), (0x00080080, "LO", b"\x1b$BVallehermoso")
    assert leaks(source(*named), output()) == []
    assert leaks(source(*named), output((0x00204000, "LT", b"\x1b$BVallehermoso")))
