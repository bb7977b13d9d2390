"""Rules of kinds of objects: structured reports, dimension pointers, code strings."""

from io import BytesIO

import pydicom
import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from .objects import planted_object, to_bytes

REPORT = "1.2.840.10008.5.1.4.1.1.88.33"


def item(**values):
    ds = Dataset()
    for keyword, value in values.items():
        setattr(ds, keyword, value)
    return ds


def code(value, scheme, meaning):
    return Sequence([item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)])


def node(kind, name, **values):
    return item(RelationshipType="CONTAINS", ValueType=kind, ConceptNameCodeSequence=name, **values)


def test_nodes_of_a_report_are_replaced_and_never_dropped(deidentifier, subject, pseudonyms):
    report = planted_object(SOPClassUID=REPORT, Modality="SR", TrackingID="nodule of Quintanilla")
    del report.PixelData
    report.ContentSequence = Sequence(
        [
            node("TEXT", code("121071", "DCM", "Finding"), TextValue="Quintanilla has it"),
            node("PNAME", code("121008", "DCM", "Person Observer Name"), PersonName="Hölderlin^Dr."),
            node("TEXT", code("112039", "DCM", "Tracking Identifier"), TextValue="nodule of Quintanilla"),
            node("UIDREF", code("112040", "DCM", "Tracking UID"), UID="1.2.826.0.1.3680043.77.9"),
            node("DATE", code("121031", "DCM", "Subject Birth Date"), Date="19510317"),
            node(
                "CODE", code("X1", "99VALLE", "Sanatorio"), ConceptCodeSequence=code("10200004", "SCT", "x")
            ),
        ]
    )
    out = pydicom.dcmread(BytesIO(deidentifier.deidentify_verified(to_bytes(report), subject).data))
    text, name, tracking, uid, birth, local = out.ContentSequence
    assert (text.TextValue, str(name.PersonName), birth.Date) == ("REMOVED", "REMOVED", "")
    assert tracking.TextValue == pseudonyms.token("tracking", "nodule of Quintanilla")
    assert pseudonyms.uid("1.2.826.0.1.3680043.77.9") == uid.UID
    assert local.ConceptNameCodeSequence[0].CodingSchemeDesignator == "99EUCAIM"
    assert local.ConceptCodeSequence[0].CodeMeaning == "Liver"
    assert "113104" in {each.CodeValue for each in out.DeidentificationMethodCodeSequence}


@pytest.mark.parametrize(
    ("name", "years", "released"),
    [
        (("121033", "DCM", "Subject Age"), "96", "90"),
        (("29553-5", "LN", "Age calculated"), "96", "90"),
        (("AGE", "99VALLE", "Edad"), "97", "90"),
        (("29553-5", "LN", "Age calculated"), "62", "62"),
        (("AGE", "99VALLE", "Edad"), "62", "62"),
    ],
)
def test_a_number_of_years_that_may_be_an_age_is_pooled_at_ninety(
    name, years, released, deidentifier, subject
):
    report = planted_object(SOPClassUID=REPORT, Modality="SR")
    del report.PixelData
    measured = item(NumericValue=years, MeasurementUnitsCodeSequence=code("a", "UCUM", "year"))
    report.ContentSequence = Sequence([node("NUM", code(*name), MeasuredValueSequence=Sequence([measured]))])
    out = pydicom.dcmread(BytesIO(deidentifier.deidentify_verified(to_bytes(report), subject).data))
    assert str(out.ContentSequence[0].MeasuredValueSequence[0].NumericValue) == released


@pytest.mark.parametrize("name", [("21840007", "SCT", "Date of birth"), ("GEB", "99VALLE", "Geboren")])
def test_a_date_of_birth_in_a_report_is_emptied_whatever_it_is_called(name, deidentifier, subject):
    report = planted_object(SOPClassUID=REPORT, Modality="SR")
    del report.PixelData
    report.ContentSequence = Sequence([node("DATE", code(*name), Date="19510317")])
    out = pydicom.dcmread(BytesIO(deidentifier.deidentify_verified(to_bytes(report), subject).data))
    assert out.ContentSequence[0].Date == ""


def test_a_pointer_to_a_removed_attribute_goes_with_its_column(deidentifier, subject):
    image = planted_object(SOPClassUID="1.2.840.10008.5.1.4.1.1.2.1", NumberOfFrames="1")
    pointers = (0x00209157, 0x00291010, 0x00200032)
    image.DimensionIndexSequence = Sequence([item(DimensionIndexPointer=Tag(tag)) for tag in pointers])
    frame = item(FrameContentSequence=Sequence([item(DimensionIndexValues=[1, 7, 3])]))
    image.PerFrameFunctionalGroupsSequence = Sequence([frame])
    out = pydicom.dcmread(BytesIO(deidentifier.deidentify_verified(to_bytes(image), subject).data))
    kept = [int(each.DimensionIndexPointer) for each in out.DimensionIndexSequence]
    assert kept == [0x00209157, 0x00200032]
    content = out.PerFrameFunctionalGroupsSequence[0].FrameContentSequence[0]
    assert list(content.DimensionIndexValues) == [1, 3]


def test_unknown_terms_are_carried_beside_the_actions_and_never_in_them(deidentifier, subject):
    source = planted_object(PatientPosition="VALLE", BodyPartExamined="PULMON")
    result = deidentifier.deidentify_verified(to_bytes(source), subject)
    assert {(0x00080008, "QUINTANILLA"), (0x00185100, "VALLE")} <= result.unknown_terms
    assert (0x00180015, "PULMON") in result.unknown_terms
    assert not any("VALLE" in str(key) or "QUINTANILLA" in str(key) for key in result.actions)
    assert result.actions[0x00185100, "Z", "unknown term"] == 1
