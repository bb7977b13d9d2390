"""Real objects, a sample of each series: all come out, decode alike and keep their references."""

from io import BytesIO

import highdicom
import numpy as np
import pydicom
import pytest

from eucaim_pipelines.deidentification.images import Subject
from eucaim_pipelines.dicom import examination, sop_classes
from eucaim_pipelines.dicom.values import quiet
from eucaim_pipelines.errors import Refusal

PER_SERIES = 2


@pytest.fixture(scope="module")
def released(shared, deidentifier, pseudonyms):
    """(source bytes, source row, result) of at most `PER_SERIES` objects of each series."""
    seen: dict[str, int] = {}
    found = []
    for path in sorted((shared / "data" / "dicom").rglob("*")):
        if not path.is_file():
            continue
        data = path.read_bytes()
        try:
            row = examination.examine(data).row
        except Refusal as refusal:
            assert refusal.reason in ("DICOMDIR", "NOT_DICOM", "SOP_CLASS_NOT_ALLOWED"), path.name
            continue
        seen[row["SeriesInstanceUID"]] = seen.get(row["SeriesInstanceUID"], 0) + 1
        if seen[row["SeriesInstanceUID"]] > PER_SERIES and sop_classes.kind(row["SOPClassUID"]) == "image":
            continue
        pseudonym = pseudonyms.patient(row["PatientID"], row["IssuerOfPatientID"], row["StudyInstanceUID"])
        found.append((data, row, deidentifier.deidentify_verified(data, Subject(pseudonym))))
    assert len(found) > 60
    return found


def test_decoded_samples_are_unchanged(released):
    checked = 0
    for data, row, result in released:
        with quiet():
            before, after = pydicom.dcmread(BytesIO(data)), pydicom.dcmread(BytesIO(result.data))
            if "PixelData" in before and row["TransferSyntaxUID"] in (
                "1.2.840.10008.1.2",
                "1.2.840.10008.1.2.1",
            ):
                assert np.array_equal(before.pixel_array, after.pixel_array)
                checked += 1
    assert checked > 50


def test_references_resolve_as_before(released, pseudonyms):
    accepted = {row["SOPInstanceUID"] for _, row, _ in released}
    outputs = {result.row["SOPInstanceUID"] for _, _, result in released}
    assert len(accepted) == len(outputs)
    some = 0
    for _, row, result in released:
        before, after = row["referenced_sop_instance_uids"], result.row["referenced_sop_instance_uids"]
        resolved = {uid for uid in before if uid in accepted}
        assert {pseudonyms.uid(uid) for uid in resolved} == {uid for uid in after if uid in outputs}
        assert len(before) == len(after)
        some += len(resolved)
    assert some > 0


def test_outputs_are_read_element_by_element_and_by_highdicom(released):
    segmentations = 0
    for _, row, result in released:
        with quiet():
            ds = pydicom.dcmread(BytesIO(result.data))
            assert all(not element.tag.is_private for element in ds.iterall())
            if sop_classes.kind(row["SOPClassUID"]) == "seg":
                highdicom.seg.Segmentation.from_dataset(ds)
                segmentations += 1
    assert segmentations >= 15


def test_rows_keep_the_columns_that_eucaim_asks_for(released):
    for column in (
        "Modality",
        "Rows",
        "SliceThickness",
        "KVP",
        "EchoTime",
        "ImageType",
        "PixelSpacing",
        "PatientSex",
    ):
        kept = [(row[column], result.row[column]) for _, row, result in released]
        assert all(before == after for before, after in kept), column
        assert any(before for before, _ in kept), column
    before = [row["Manufacturer"] for _, row, _ in released]
    after = [result.row["Manufacturer"] for _, _, result in released]
    assert {"GE MEDICAL SYSTEMS", "Philips", "SIEMENS"} <= set(before) & set(after)


def test_people_without_identifier_get_one_pseudonym_per_study(released):
    nameless = {
        (row["StudyInstanceUID"], result.row["PatientID"])
        for _, row, result in released
        if not row["PatientID"]
    }
    assert nameless
    assert len({study for study, _ in nameless}) == len({person for _, person in nameless}) == len(nameless)
