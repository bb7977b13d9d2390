"""Where frames lie crosses as it is, and what a segmentation lacks too: numbers, and names of attributes."""

from itertools import chain

import pytest

from eucaim_pipelines.dicom import inventory, reading
from eucaim_pipelines_tests.dicom.test_frames import AXIAL, SAGITTAL, enhanced, frame
from eucaim_pipelines_tests.dicom.test_seg_attributes import segmentation

from .objects import SYNTAXES, planted_object, to_bytes


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda uid: uid.name)
def test_frames_lie_after_the_crossing_where_they_lay_before(syntax, deidentifier, subject):
    heights = [
        (0.125, "Quintanilla", 1, AXIAL),
        (2.5, "Quintanilla", 2, AXIAL),
        (7, "WARD-SEVEN", 1, SAGITTAL),
    ]
    source = to_bytes(enhanced([frame(*each) for each in heights]), syntax)
    before = inventory.header_row(reading.parse(source))
    after = deidentifier.deidentify_verified(source, subject).row
    assert before["frame_positions"]["stack"] == [0, 0, 1]
    assert after["frame_positions"] == before["frame_positions"]
    lists = (numbers for numbers in after["frame_positions"].values() if numbers)
    assert all(isinstance(number, int | float) for number in chain(*lists))


def test_single_images_lie_after_the_crossing_where_they_lay_before(deidentifier, subject):
    plane = {
        "ImagePositionPatient": [-1.5, 2, 3.25],
        "ImageOrientationPatient": SAGITTAL,
        "SliceThickness": "2",
    }
    source = to_bytes(planted_object(**plane))
    after = deidentifier.deidentify_verified(source, subject).row
    assert after["ImagePositionPatient"] == [-1.5, 2, 3.25]
    assert after["ImageOrientationPatient"] == SAGITTAL
    assert after["frame_positions"] is None


def test_a_segmentation_lacks_after_the_crossing_what_it_lacked_before(deidentifier, subject):
    ds = segmentation()
    del ds.SegmentSequence[0].SegmentLabel
    source = to_bytes(ds)
    before = inventory.header_row(reading.parse(source))["seg_missing"]
    after = deidentifier.deidentify_verified(source, subject).row["seg_missing"]
    assert {"attribute": "SegmentLabel", "type": "1"} in before
    assert {each["attribute"] for each in before} <= {each["attribute"] for each in after}
    assert {each["attribute"] for each in after} - {each["attribute"] for each in before} <= {
        "SeriesDescription"
    }
