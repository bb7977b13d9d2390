"""What a segmentation lacks: EUCAIM's 26 attributes, each missed where it lies, conditions respected."""

import csv
from io import BytesIO

import highdicom
import numpy as np
import pydicom
import pytest
from pydicom.sr.codedict import codes
from pydicom.uid import generate_uid

from eucaim_pipelines.dicom import inventory, reading
from eucaim_pipelines.dicom.tables import rows
from eucaim_pipelines_tests.deidentification.objects import planted_object, to_bytes

LIST = rows("dicom/seg_attributes.csv")
NEVER_THERE = {
    "DefinitionSourceSequence",
    "SegmentedPropertyTypeModifierCodeSequence",
    "Laterality",
    "SegmentationAlgorithmIdentificationSequence",
    "SegmentDescription",
}


def segmentation(kind: str = "BINARY", algorithm: str = "MANUAL") -> pydicom.Dataset:
    geometry = {"ImagePositionPatient": [0, 0, 0], "ImageOrientationPatient": [1, 0, 0, 0, 1, 0]}
    image = planted_object(**geometry, PixelSpacing=[1, 1], SpacingBetweenSlices="1")
    source = pydicom.dcmread(BytesIO(to_bytes(image)))
    identification = None
    if algorithm != "MANUAL":
        identification = highdicom.AlgorithmIdentificationSequence(
            name="Tool", family=codes.DCM.ArtificialIntelligence, version="1"
        )
    described = highdicom.seg.SegmentDescription(
        1, "Lesion", codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Lesion, algorithm, identification
    )
    mask = np.ones((1, 4, 4), np.uint8 if kind == "BINARY" else np.float32)
    return highdicom.seg.Segmentation(
        [source], mask, kind, [described], generate_uid(), 9, generate_uid(), 1, "ACME", "M", "1", "S1",
        series_description="Segmentation", max_fractional_value=200,
    )  # fmt: skip


def lacks(ds: pydicom.Dataset) -> dict[str, str]:
    buffer = BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    found = inventory.header_row(reading.parse(buffer.getvalue()))["seg_missing"]
    return {each["attribute"]: each["type"] for each in found}


def test_the_list_is_that_of_eucaim(shared):
    with (shared / "eucaim" / "dicom_seg_validation_tags.csv").open() as lines:
        wanted = {(row["tag"], row["eucaim_type"]) for row in csv.DictReader(lines)}
    assert {(row["tag"], row["type"]) for row in LIST} == wanted
    assert all(pydicom.datadict.tag_for_keyword(row["attribute"]) == _tag(row["tag"]) for row in LIST)


def _tag(text: str) -> int:
    return int(text.strip("()").replace(",", ""), 16)


def test_a_sound_segmentation_lacks_only_what_is_optional():
    assert lacks(segmentation()).keys() == NEVER_THERE
    assert "SegmentationAlgorithmIdentificationSequence" not in lacks(segmentation(algorithm="AUTOMATIC"))


def test_images_have_no_such_list():
    assert inventory.header_row(reading.parse(to_bytes(planted_object())))["seg_missing"] is None


REFUSED_WITHOUT = {"StudyInstanceUID", "SeriesInstanceUID", "Modality"}
TAKEN = [row for row in LIST if row["attribute"] not in NEVER_THERE | REFUSED_WITHOUT]


@pytest.mark.parametrize("row", TAKEN, ids=lambda row: row["attribute"])
def test_each_attribute_is_missed_where_it_lies(row):
    keyword = row["attribute"]
    fractional = keyword == "SegmentationFractionalType"
    ds = segmentation("FRACTIONAL" if fractional else "BINARY", "AUTOMATIC")
    assert keyword not in lacks(ds)
    taken = 0
    for level in _levels(ds):
        if keyword in level:
            del level[keyword]
            taken += 1
    assert taken
    assert lacks(ds).get(keyword) == row["type"]


def _levels(ds):
    yield ds
    for element in list(ds):
        if element.VR == "SQ":
            for item in element.value:
                yield from _levels(item)


def test_one_segment_without_label_is_enough_and_an_empty_label_is_none():
    ds = segmentation()
    ds.SegmentSequence.append(pydicom.Dataset())
    ds.SegmentSequence[1].update(ds.SegmentSequence[0])
    ds.SegmentSequence[1].SegmentNumber = 2
    assert "SegmentLabel" not in lacks(ds)
    ds.SegmentSequence[1].SegmentLabel = ""
    assert lacks(ds)["SegmentLabel"] == "1"


def test_conditions_and_emptiness_count():
    ds = segmentation()
    assert "SegmentationFractionalType" not in lacks(ds)
    assert "SegmentAlgorithmName" not in lacks(ds)  # drawn by hand
    ds.SegmentSequence[0].SegmentAlgorithmType = "SEMIAUTOMATIC"
    assert lacks(ds)["SegmentAlgorithmName"] == "1C"
    ds.InstanceNumber = None  # type 2 may be empty
    ds.SeriesDescription = None
    assert lacks(ds).items() >= {("SeriesDescription", "3")}
    assert "InstanceNumber" not in lacks(ds)
