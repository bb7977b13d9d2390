"""Hits that the profile's own kept values explain are counted by class; every class is met here."""

from io import BytesIO

import pydicom
import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence

from eucaim_pipelines.deidentification.images import Deidentifier
from eucaim_pipelines.deidentification.options import Options
from eucaim_pipelines.deidentification.verification import verifier

from . import written
from .objects import planted_object, to_bytes


def explained(profile, pseudonyms, subject, policy="shift", **changes):
    source = planted_object(**changes)
    region = Dataset()
    region.CodeValue, region.CodingSchemeDesignator, region.CodeMeaning = "10200004", "SCT", "Liver"
    source.AnatomicRegionSequence = Sequence([region])
    deidentifier = Deidentifier(profile, pseudonyms, options=Options(dates=policy))
    actions = deidentifier.deidentify_verified(to_bytes(source), subject).actions
    return {(tag, why): count for (tag, action, why), count in actions.items() if action == "E"}


def test_values_that_equal_a_kept_one_are_counted_by_class(profile, pseudonyms, subject):
    found = explained(
        profile,
        pseudonyms,
        subject,
        "day_one",
        StudyID="417",
        StationName="CHEST",
        InstitutionalDepartmentName="SIEMENS",
        PatientComments="Liver",
        RequestingService="REMOVED",
        ReferringPhysicianName="REMOVED",
        StudyDate="20190601",
    )
    assert found[0x00200010, verifier.NUMBER] == 1
    assert found[0x00081010, verifier.TERM] == 1
    assert found[0x00081040, verifier.LISTED] == 1
    assert found[0x00104000, verifier.CODE] == 1
    assert found[0x00080020, verifier.FIRST_OF_MONTH] == 1
    assert {why for _, why in found} <= set(verifier.CLASSES)


def test_a_text_that_the_profile_writes_itself_explains_an_equal_one(profile, pseudonyms, subject):
    found = explained(profile, pseudonyms, subject, StationName="DCM")
    assert (0x00081010, verifier.WRITTEN) not in found
    found = explained(profile, pseudonyms, subject, StationName="Local code")
    assert sum(found.get((0x00081010, c), 0) for c in (verifier.WRITTEN, verifier.CODE)) == 1


def test_a_long_identifier_within_a_kept_number_is_counted(profile, pseudonyms, subject):
    found = explained(profile, pseudonyms, subject, AccessionNumber="123456", SliceThickness="0.1234567")
    assert found[0x00080050, verifier.NUMBER] == 1


def test_a_value_at_its_own_place_is_no_hit(profile, pseudonyms, subject):
    assert (0x00080070, verifier.LISTED) not in explained(profile, pseudonyms, subject)


def test_the_same_identifier_in_a_place_that_nothing_explains_stays_a_residual(deidentifier, subject):
    source = to_bytes(planted_object(StudyID="417", SeriesNumber="417"))
    output = pydicom.dcmread(BytesIO(deidentifier.deidentify(source, subject).data))
    output.AccessionNumber = "417"
    found = verifier.verify(source, to_bytes(output), deidentifier.released_words)
    assert verifier.Residual("text", 0x00200010) in found.residuals


DATE, NEW_DATE = (0x00080020, "DA", b"20190604"), (0x00080020, "DA", b"20181204")
ACCESSION, STATION = 0x00080050, 0x00081010
CREATOR = (0x00190010, "LO", b"SIEMENS MR HEADER")
PUBLIC = (0x00082218, "SQ", [[(0x00080100, "SH", b"10200004"), (0x00080102, "SH", b"SCT")]])
EXPLAINED = {
    "a kept number": (b"417733", [(0x00200011, "IS", b"417733")], None, verifier.NUMBER),
    "within a number": (b"417733", [(0x00180050, "DS", b"0.41773390")], None, verifier.NUMBER),
    "a kept time": (b"101112", [(0x00080030, "TM", b"101112")], None, verifier.NUMBER),
    "a table": (b"012345", [(0x00283006, "OW", b"0\0001\0002\0003\0004\0005\0")], None, verifier.NUMBER),
    "a private number": (b"417733", [CREATOR, (0x0019100C, "IS", b"417733")], None, verifier.NUMBER),
    "a private creator": (b"SIEMENS MR HEADER", [CREATOR], None, verifier.LISTED),
    "a kept term": (b"CHEST", [(0x00180015, "CS", b"CHEST")], None, verifier.TERM),
    "a listed text": (b"B31f", [(0x00181210, "SH", b"B31f")], None, verifier.LISTED),
    "a public code": (b"10200004", [PUBLIC], None, verifier.CODE),
    "a moved date": (b"20181204", [DATE], [NEW_DATE], verifier.WRITTEN),
    "a pseudonym": (b"012345", [], [(0x00100020, "LO", b"EUCAIM-0123456789abcdef")], verifier.WRITTEN),
    "a label": (
        b"ROI_2",
        [(0x30060026, "LO", b"mine")],
        [(0x30060026, "LO", b"ROI_2")],
        verifier.WRITTEN,
    ),
    "a mark": (b"YES", [], [(0x00120062, "CS", b"YES")], verifier.WRITTEN),
}


@pytest.mark.parametrize("case", EXPLAINED)
def test_each_hit_is_explained_by_its_class_and_only_where_the_profile_keeps_it(case):
    text, held, released, why = EXPLAINED[case]
    tag = STATION if case == "a public code" else ACCESSION  # whose digits no code explains
    original = written.file([(tag, "SH", text), *held])
    found = verifier.verify(original, written.file(held if released is None else released))
    assert found.residuals == []
    assert {k: n for k, n in found.explained.items() if k[0] == tag} == {(tag, why): 1}
    elsewhere = verifier.verify(original, written.file([*(released or held), (0x00081040, "LO", text)]))
    assert verifier.Residual("text", tag) in elsewhere.residuals


NOT_EXPLAINED = {
    "a number the source has elsewhere": [(0x00200012, "IS", b"417733")],
    "a name at its own place": [(0x00100010, "PN", b"417733")],
    "letters of a table": [(0x00283006, "OW", b"ABCDEFGH")],
    "an unlisted private number": [CREATOR, (0x0019100D, "IS", b"417733")],
    "a whole pseudonym": [(0x00100020, "LO", b"EUCAIM-0123456789abcdef")],
}


@pytest.mark.parametrize("case", NOT_EXPLAINED)
def test_a_value_at_a_place_that_explains_nothing_is_a_residual(case):
    held = NOT_EXPLAINED[case]
    text = {"letters of a table": b"ABCDEF", "a whole pseudonym": b"0123456789abcdef"}.get(case, b"417733")
    own = (
        held
        if case in ("letters of a table", "a name at its own place", "an unlisted private number")
        else []
    )
    original = written.file([(ACCESSION, "SH", text), *own])
    found = verifier.verify(original, written.file(held))
    assert ACCESSION in {residual.tag for residual in found.residuals}


def test_a_first_of_the_month_is_explained_under_its_policy_only():
    first = (0x00080020, "DA", b"20190601"), (0x00080021, "DA", b"20190601")
    pair = written.file(first), written.file(first)
    found = verifier.verify(*pair, first_of_month=True)
    assert found.residuals == []
    assert found.explained == {(tag, verifier.FIRST_OF_MONTH): 1 for tag in (0x00080020, 0x00080021)}
    assert len(verifier.verify(*pair).residuals) >= 2
    other = written.file([DATE]), written.file([DATE])
    assert verifier.verify(*other, first_of_month=True).residuals


def test_released_texts_are_no_findings():
    pair = written.file([(ACCESSION, "SH", b"REMOVED")]), written.file([(0x00081040, "LO", b"REMOVED")])
    assert verifier.residuals(*pair)
    assert verifier.residuals(*pair, frozenset({"REMOVED"})) == []
    longer = pair[0], written.file([(0x00081040, "LO", b"was REMOVED here")])
    assert verifier.residuals(*longer)
    assert verifier.residuals(*longer, frozenset({"REMOVED"})) == []
