"""What comes out of one object, whatever its encoding: nothing planted, everything needed."""

import pickle
import warnings
from datetime import datetime
from io import BytesIO

import pydicom
import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian

from eucaim_pipelines.deidentification.images import Deidentifier, Subject
from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms, SiteKey
from eucaim_pipelines.deidentification.options import SourceMaps
from eucaim_pipelines.deidentification.rules.profile import Profile
from eucaim_pipelines.deidentification.verification import verifier
from eucaim_pipelines.dicom import structure
from eucaim_pipelines.errors import Refusal

from .objects import PLANTED, SYNTAXES, planted_object, to_bytes


def plain(data: bytes) -> bytes:
    meta = structure.read_file_meta(data)
    if meta.transfer_syntax != DeflatedExplicitVRLittleEndian:
        return data
    return data[: meta.body_start] + structure.inflate(data[meta.body_start :])


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda uid: uid.name)
def test_no_planted_identity_survives_in_any_encoding(syntax, deidentifier, subject):
    source = to_bytes(planted_object(), syntax)
    for identity in PLANTED:
        assert identity.encode() in plain(source)
    released = plain(deidentifier.deidentify_verified(source, subject).data)
    for identity in PLANTED:
        assert identity.encode("utf-8") not in released


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda uid: uid.name)
def test_what_research_needs_survives_in_any_encoding(syntax, deidentifier, subject):
    out = pydicom.dcmread(BytesIO(deidentifier.deidentify(to_bytes(planted_object(), syntax), subject).data))
    assert out.file_meta.TransferSyntaxUID == syntax
    assert (out.Manufacturer, out.ManufacturerModelName) == ("SIEMENS", "SOMATOM Definition Flash")
    assert (out.BodyPartExamined, out.ConvolutionKernel, out.KVP) == ("CHEST", "B31f", 120)
    assert (out.Rows, out.PixelRepresentation, out.PixelData) == (4, 1, bytes(range(32)))
    assert list(out.ImageType) == ["ORIGINAL", "PRIMARY", "AXIAL", "OTHER"]
    assert out.StudyDescription == "CT thorax with contrast"
    assert "SeriesDescription" not in out
    assert out.PatientAge == "068Y"
    assert (out.PatientID, str(out.PatientName)) == (subject.pseudonym, subject.pseudonym)
    assert out.ReferencedImageSequence[0].ReferencedSOPInstanceUID == out.SOPInstanceUID
    assert (out.PatientIdentityRemoved, out.LongitudinalTemporalInformationModified) == ("YES", "MODIFIED")
    assert [item.CodeValue for item in out.DeidentificationMethodCodeSequence] == [
        "113100",
        "113105",
        "113107",
        "113108",
    ]
    assert not [element.tag for element in out.iterall() if element.tag.is_private]


def test_dates_of_one_object_keep_their_intervals_and_times(deidentifier, subject, pseudonyms):
    source = planted_object(SeriesDate="20190611")
    out = pydicom.dcmread(BytesIO(deidentifier.deidentify(to_bytes(source), subject).data))
    day = datetime.strptime
    gap = day(out.SeriesDate, "%Y%m%d") - day(out.StudyDate, "%Y%m%d")
    assert gap.days == 7
    moved = day("20190604", "%Y%m%d") - day(out.StudyDate, "%Y%m%d")
    assert moved.days == pseudonyms.shift_days(subject.pseudonym)
    assert out.AcquisitionDateTime == out.StudyDate + "101112.5"
    assert out.StudyTime == "101112"
    assert out.PatientBirthDate == ""


def test_age_is_pooled_for_a_patient_who_reaches_ninety_anywhere(deidentifier, subject):
    def age(ds: Dataset, pooled: bool) -> str:
        data = deidentifier.deidentify(to_bytes(ds), Subject(subject.pseudonym, pooled)).data
        return str(pydicom.dcmread(BytesIO(data)).PatientAge)

    assert age(planted_object(PatientAge="068Y"), False) == "068Y"
    assert age(planted_object(PatientAge="093Y"), False) == "090Y"
    assert age(planted_object(PatientAge="068Y"), True) == "090Y"
    assert age(planted_object(PatientBirthDate="19280101"), False) == "090Y"


def test_two_keys_share_nothing(profile, deidentifier, subject):
    other = Pseudonyms(SiteKey(bytes(32)))
    source = to_bytes(planted_object())
    theirs = Deidentifier(profile, other).deidentify(
        source, Subject(other.patient("HOSP-00417733", None, ""))
    )
    ours = deidentifier.deidentify(source, subject)
    for column in (
        "PatientID",
        "StudyInstanceUID",
        "SOPInstanceUID",
        "StudyDate",
        "AccessionNumber",
    ):
        assert ours.row[column] != theirs.row[column], column


def test_equal_input_gives_equal_bytes_also_in_another_process(deidentifier, subject):
    source = to_bytes(planted_object())
    copied = pickle.loads(pickle.dumps(deidentifier))  # noqa: S301 - what a worker process receives
    assert copied.deidentify(source, subject).data == deidentifier.deidentify(source, subject).data
    assert copied.digest == deidentifier.digest


def test_the_digest_names_the_source_maps(profile, pseudonyms, deidentifier):
    assert Deidentifier(profile, pseudonyms, SourceMaps({"a": "b"})).digest != deidentifier.digest


def test_row_is_the_row_of_the_output(deidentifier, subject):
    result = deidentifier.deidentify(to_bytes(planted_object()), subject)
    ds = pydicom.dcmread(BytesIO(result.data))
    assert result.row["SOPInstanceUID"] == ds.SOPInstanceUID
    assert result.row["referenced_sop_instance_uids"] == [ds.SOPInstanceUID]
    assert result.row["Manufacturer"] == "SIEMENS"
    assert sum(count for (tag, _, _), count in result.actions.items() if tag >> 16 & 1) == 2


def test_local_codes_are_keyed_and_public_ones_get_their_own_meaning(deidentifier, subject):
    ds = planted_object()
    public = Dataset()
    public.CodeValue, public.CodingSchemeDesignator, public.CodeMeaning = (
        "10200004",
        "SCT",
        "Liver of Quintanilla",
    )
    ds.AnatomicRegionSequence = Sequence([public])
    out = pydicom.dcmread(BytesIO(deidentifier.deidentify_verified(to_bytes(ds), subject).data))
    local = out.ProcedureCodeSequence[0]
    assert (local.CodingSchemeDesignator, local.CodeMeaning) == ("99EUCAIM", "Local code")
    assert out.AnatomicRegionSequence[0].CodeMeaning == "Liver"


@pytest.mark.parametrize(
    "changes",
    [
        {"SliceThickness": "1.5\\2.5"},
        {"PixelPaddingValue": [1, 2, 3]},
        {"StudyDate": "20191399"},
        {"PatientAge": "old"},
        {"BodyPartExamined": "VALLEHERMOSO"},
        {"Manufacturer": "Vallehermoso"},
        {"SoftwareVersions": "Quintanilla 1"},
        {"ConvolutionKernel": "for Quintanilla"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_value_that_is_not_what_its_attribute_may_hold_goes(changes, deidentifier, subject):
    keyword = next(iter(changes))
    source = planted_object()
    with warnings.catch_warnings(action="ignore"):
        if keyword == "PixelPaddingValue":
            source.add_new("PixelPaddingValue", "SS", changes[keyword])
        else:
            setattr(source, keyword, changes[keyword])
        data = to_bytes(source)
    out = pydicom.dcmread(BytesIO(deidentifier.deidentify(data, subject).data))
    assert not out.get(keyword) or keyword == "PatientAge"
    assert out.get("PatientAge") == (None if keyword == "StudyDate" else "068Y")


def test_an_unverified_output_does_not_pass(monkeypatch, deidentifier, subject, profile, pseudonyms):
    """A profile that lets a name through is caught by the verifier, which knows nothing of profiles."""
    careless = tuple(
        row | {"action": "K", "rule": "binary"}
        if row["keyword"] in ("PatientName", "InstitutionName")
        else row
        for row in profile.rows
    )
    broken = Profile(profile.name, profile.digest, careless, profile.types, profile.modules)
    with pytest.raises(Refusal) as refused:
        Deidentifier(broken, pseudonyms).deidentify_verified(to_bytes(planted_object()), subject)
    assert refused.value.reason == "RESIDUAL_IDENTITY"


@pytest.mark.parametrize(
    "keyword", ["StudyDate", "PatientBirthDate", "SOPInstanceUID", "AccessionNumber", "StudyID"]
)
def test_the_verifier_finds_what_was_left(keyword, deidentifier, subject):
    source = planted_object(StudyID="A417")
    released = pydicom.dcmread(BytesIO(deidentifier.deidentify(to_bytes(source), subject).data))
    setattr(released, keyword, source[keyword].value)
    found = verifier.residuals(to_bytes(source), to_bytes(released), deidentifier.released_words)
    assert source[keyword].tag in {residual.tag for residual in found}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"Modality": ""}, "MISSING_MODALITY"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, "SOP_CLASS_NOT_ALLOWED"),
        ({"StudyInstanceUID": ""}, "MISSING_UID"),
        ({"BurnedInAnnotation": "YES"}, "BURNED_IN_RISK"),
        ({"Modality": "US"}, "BURNED_IN_RISK"),
        ({"ConversionType": "WSD"}, "BURNED_IN_RISK"),
    ],
)
def test_refusals_carry_the_reason_and_the_header(changes, reason, deidentifier, subject):
    with pytest.raises(Refusal) as refused:
        deidentifier.deidentify(to_bytes(planted_object(**changes)), subject)
    assert refused.value.reason == reason
    assert refused.value.header["SeriesInstanceUID"] == "1.2.826.0.1.3680043.77.3"
    assert not any(identity in str(refused.value) for identity in PLANTED)
