"""Hits that the profile's own kept values explain are counted by class; every class is met here."""

from io import BytesIO

import pydicom
from pydicom import Dataset
from pydicom.sequence import Sequence

from eucaim_pipelines.deidentification import verification
from eucaim_pipelines.deidentification.images import Deidentifier

from .objects import planted_object, to_bytes


def explained(profile, pseudonyms, subject, policy="shift", **changes):
    source = planted_object(**changes)
    region = Dataset()
    region.CodeValue, region.CodingSchemeDesignator, region.CodeMeaning = "10200004", "SCT", "Liver"
    source.AnatomicRegionSequence = Sequence([region])
    deidentifier = Deidentifier(profile, pseudonyms, date_policy=policy)
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
    assert found[0x00200010, verification.NUMBER] == 1
    assert found[0x00081010, verification.TERM] == 1
    assert found[0x00081040, verification.LISTED] == 1
    assert found[0x00104000, verification.CODE] == 1
    assert found[0x00080020, verification.FIRST_OF_MONTH] == 1
    assert {why for _, why in found} <= set(verification.CLASSES)


def test_a_text_that_the_profile_writes_itself_explains_an_equal_one(profile, pseudonyms, subject):
    found = explained(profile, pseudonyms, subject, StationName="DCM")
    assert (0x00081010, verification.WRITTEN) not in found
    found = explained(profile, pseudonyms, subject, StationName="Local code")
    assert sum(found.get((0x00081010, c), 0) for c in (verification.WRITTEN, verification.CODE)) == 1


def test_a_long_identifier_within_a_kept_number_is_counted(profile, pseudonyms, subject):
    found = explained(profile, pseudonyms, subject, AccessionNumber="123456", SliceThickness="0.1234567")
    assert found[0x00080050, verification.NUMBER] == 1


def test_a_value_at_its_own_place_is_no_hit(profile, pseudonyms, subject):
    assert (0x00080070, verification.LISTED) not in explained(profile, pseudonyms, subject)


def test_the_same_identifier_in_a_place_that_nothing_explains_stays_a_residual(deidentifier, subject):
    source = to_bytes(planted_object(StudyID="417", SeriesNumber="417"))
    output = pydicom.dcmread(BytesIO(deidentifier.deidentify(source, subject).data))
    output.AccessionNumber = "417"
    found = verification.verify(source, to_bytes(output), deidentifier.released_words)
    assert verification.Residual("text", 0x00200010) in found.residuals
