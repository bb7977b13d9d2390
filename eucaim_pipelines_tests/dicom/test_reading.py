"""What is read is read with certainty; anything else is refused with a reason and without a value."""

import gzip
import lzma
from io import BytesIO
from struct import pack

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis.strategies import binary, integers

from eucaim_pipelines.dicom import examination, inventory, reading
from eucaim_pipelines.dicom.inventory_schema import schema
from eucaim_pipelines.dicom.tables import rows
from eucaim_pipelines.errors import Refusal
from eucaim_pipelines_tests.deidentification.objects import SYNTAXES, planted_object, to_bytes

EXPLICIT = SYNTAXES[0]
SOURCE = to_bytes(planted_object())


def reason(data: bytes) -> str:
    with pytest.raises(Refusal) as refused:
        reading.parse(data)
    assert "Quintanilla" not in str(refused.value)
    return refused.value.reason


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda uid: uid.name)
def test_a_sound_file_is_read_in_every_encoding(syntax):
    ds = reading.parse(to_bytes(planted_object(), syntax))
    row = inventory.header_row(ds)
    assert (row["Rows"], row["SliceThickness"], row["PatientID"]) == (4, 1.5, "HOSP-00417733")
    assert row["ImageType"][:2] == ["ORIGINAL", "PRIMARY"]


@settings(max_examples=150)
@given(cut=integers(0, len(SOURCE) - 1))
def test_a_cut_file_is_never_read(cut):
    with pytest.raises(Refusal) as refused:
        examination.examine(SOURCE[:cut])
    at_an_element = ("MISSING_UID", "MISSING_MODALITY")
    assert refused.value.reason in ("NOT_DICOM", "TRUNCATED", "MALFORMED", *at_an_element)


@settings(max_examples=150)
@given(noise=binary(min_size=1, max_size=8), at=integers(0, len(SOURCE) - 9))
def test_a_damaged_file_is_read_or_refused_but_nothing_else_happens(noise, at):
    try:
        inventory.header_row(reading.parse(SOURCE[:at] + noise + SOURCE[at + len(noise) :]))
    except Refusal as refusal:
        assert refusal.reason.isupper()


@pytest.mark.parametrize("tail", [b"\0", b"hidden", b"\0" * 64, SOURCE])
def test_nothing_may_follow_the_last_element(tail):
    assert reason(SOURCE + tail) in ("MALFORMED", "TRUNCATED")


def test_pixel_data_has_the_length_that_the_header_says():
    assert reason(to_bytes(planted_object(Rows=5))) == "TRUNCATED"
    assert reason(to_bytes(planted_object(Rows=3))) == "MALFORMED"


def test_tags_ascend_and_nesting_ends():
    swapped = SOURCE[:-44] + pack("<HH2sHI", 0x0008, 0x0001, b"UN", 0, 0) + SOURCE[-44:]
    assert reason(swapped) == "MALFORMED"
    deep = inner = pydicom.Dataset()
    for _ in range(80):
        inner.ReferencedImageSequence = [pydicom.Dataset()]
        inner = inner.ReferencedImageSequence[0]
    source = planted_object(ReferencedImageSequence=[deep])
    assert reason(to_bytes(source)) == "MALFORMED"


def test_other_files_are_told_apart():
    assert reason(b"") == "NOT_DICOM"
    assert reason(b"%PDF-1.7" * 40) == "NOT_DICOM"
    assert reason(gzip.compress(b"of any length")) == reason(lzma.compress(b"")) == "ARCHIVE_COMPRESSED"
    directory = SOURCE.replace(b"1.2.840.10008.5.1.4.1.1.2\0", b"1.2.840.10008.1.3.10\0\0\0\0\0\0", 1)
    assert reason(directory) == "DICOMDIR"
    assert (
        reason(SOURCE.replace(b"1.2.840.10008.1.2.1\0", b"1.2.3.4.5.6.7.8.9.1\0", 1))
        == "TRANSFER_SYNTAX_NOT_ALLOWED"
    )


def test_content_does_not_depend_on_the_file_meta_group():
    ds = pydicom.dcmread(BytesIO(SOURCE))
    ds.file_meta.SourceApplicationEntityTitle = "PACS2"
    again = BytesIO()
    ds.save_as(again, enforce_file_format=True)
    assert again.getvalue() != SOURCE
    assert reading.content_sha256(again.getvalue()) == reading.content_sha256(SOURCE)
    other = to_bytes(planted_object(SeriesNumber="418"))
    assert reading.content_sha256(other) != reading.content_sha256(SOURCE)


def test_the_schema_holds_what_a_row_holds():
    row = examination.examine(SOURCE).row
    of_a_comparison = ["frames_compared", "near_duplicate_group"]
    assert sorted([*row, *of_a_comparison]) == sorted(schema().names)
    assert schema().field("Rows").metadata[b"description"]


def test_the_columns_eucaim_asks_for_are_all_there(shared):
    text = (shared / "eucaim" / "dicom_metadata_columns.txt").read_text().splitlines()[1]
    counted = {
        "ModalitiesInStudy",
        "NumberOfStudyRelatedSeries",
        "NumberOfSeriesRelatedInstances",
        "Location",
    }
    assert set(text.split(",")) - counted <= {row["column"] for row in rows("dicom/instances.csv")}


def test_risk_is_read_from_the_raw_header():
    def risk(**changes: object) -> str | None:
        return inventory.risk(reading.parse(to_bytes(planted_object(**changes))))

    assert risk() is None
    assert (
        risk(BurnedInAnnotation="YES")
        == risk(Modality="US")
        == risk(ConversionType="WSD")
        == "BURNED_IN_RISK"
    )
    assert risk(Modality="XA") == "BURNED_IN_RISK"
    assert risk(Modality="XA", BurnedInAnnotation="NO") is None
    assert risk(Modality="MG", ImageType=["DERIVED", "SECONDARY"]) == "BURNED_IN_RISK"
    assert risk(Modality="CT", ImageType=["DERIVED", "SECONDARY"]) is None


def test_whole_slide_labels_are_refused():
    slide = "1.2.840.10008.5.1.4.1.1.77.1.6"
    for changes in ({"ImageType": ["ORIGINAL", "PRIMARY", "LABEL", "NONE"]}, {"SpecimenLabelInImage": "YES"}):
        with pytest.raises(Refusal) as refused:
            examination.examine(to_bytes(planted_object(SOPClassUID=slide, Modality="SM", **changes)))
        assert refused.value.reason == "SPECIMEN_LABEL"


def test_a_specimen_label_in_the_image_is_refused_in_any_class():
    with pytest.raises(Refusal) as refused:
        examination.examine(to_bytes(planted_object(SpecimenLabelInImage="YES")))
    assert refused.value.reason == "SPECIMEN_LABEL"
