"""Frames of multi-frame objects: every position, orientation, stack and phase that the header holds."""

import pytest
from pydicom import Dataset
from pydicom.sequence import Sequence

from eucaim_pipelines.dicom import inventory, reading
from eucaim_pipelines_tests.deidentification.objects import SYNTAXES, planted_object, to_bytes

ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
AXIAL, SAGITTAL = [1, 0, 0, 0, 1, 0], [0, 1, 0, 0, 0, -1]


def item(**values: object) -> Dataset:
    ds = Dataset()
    for keyword, value in values.items():
        setattr(ds, keyword, Sequence([value]) if isinstance(value, Dataset) else value)
    return ds


def frame(height: float, stack: str = "1", temporal: int | None = None, turned: object = None) -> Dataset:
    content = item(StackID=stack)
    if temporal is not None:
        content.TemporalPositionIndex = temporal
    group = item(
        FrameContentSequence=content, PlanePositionSequence=item(ImagePositionPatient=[-1, 2.5, height])
    )
    if turned is not None:
        group.PlaneOrientationSequence = Sequence([item(ImageOrientationPatient=turned)])
    return group


def enhanced(frames: list[Dataset], shared: Dataset | None = None) -> Dataset:
    ds = planted_object(SOPClassUID=ENHANCED_MR, Modality="MR", NumberOfFrames=len(frames))
    ds.PixelData = bytes(32 * len(frames))
    ds.PerFrameFunctionalGroupsSequence = Sequence(frames)
    ds.SharedFunctionalGroupsSequence = Sequence([shared or Dataset()])
    return ds


def read(ds: Dataset, syntax: object = SYNTAXES[0]) -> dict:
    return inventory.header_row(reading.parse(to_bytes(ds, syntax)))


@pytest.mark.parametrize("syntax", SYNTAXES, ids=lambda uid: uid.name)
def test_positions_stand_for_every_frame_in_their_order(syntax):
    shared = item(PlaneOrientationSequence=item(ImageOrientationPatient=AXIAL))
    row = read(enhanced([frame(height) for height in (9, 3, 6.25)], shared), syntax)
    assert row["frame_positions"] == {
        "position": [-1, 2.5, 9, -1, 2.5, 3, -1, 2.5, 6.25],
        "orientation": AXIAL,
        "stack": None,
        "temporal": None,
    }


def test_stacks_phases_and_orientations_that_differ_are_kept_per_frame():
    frames = [frame(0, "A", 1, AXIAL), frame(0, "A", 2, AXIAL), frame(5, "Quintanilla", 1, SAGITTAL)]
    found = read(enhanced(frames))["frame_positions"]
    assert found["stack"] == [0, 0, 1]  # which share a stack, never what it is called
    assert found["temporal"] == [1, 2, 1]
    assert found["orientation"] == [*AXIAL, *AXIAL, *SAGITTAL]


def test_a_frame_without_position_keeps_its_place_in_the_lists():
    bare = item(FrameContentSequence=item(StackID="1"))
    found = read(enhanced([frame(1, turned=AXIAL), bare]))["frame_positions"]
    assert found["position"] == [-1, 2.5, 1, None, None, None]
    assert found["orientation"] == [*AXIAL, *[None] * 6]


def test_objects_without_positions_have_no_frames():
    assert read(planted_object())["frame_positions"] is None
    bare = item(FrameContentSequence=item(StackID="1"))
    assert read(enhanced([bare, bare]))["frame_positions"] is None


def test_reconstructed_nuclear_images_lie_along_the_normal_of_their_first_slice():
    detector = item(ImagePositionPatient=[10, 20, 30], ImageOrientationPatient=AXIAL)
    ds = planted_object(
        SOPClassUID="1.2.840.10008.5.1.4.1.1.20", Modality="NM", NumberOfFrames=3, SpacingBetweenSlices="4.5",
        SliceVector=[1, 2, 4], DetectorInformationSequence=Sequence([detector]),
    )  # fmt: skip
    ds.PixelData = bytes(96)
    found = read(ds)["frame_positions"]
    assert found["position"] == [10, 20, 30, 10, 20, 34.5, 10, 20, 43.5]
    assert found["orientation"] == AXIAL


def test_what_is_not_shared_by_all_frames_is_read_from_the_first_one():
    first = frame(1, turned=SAGITTAL)
    first.PixelMeasuresSequence = Sequence([item(SliceThickness="3.5", PixelSpacing=[0.5, 0.6])])
    ds = enhanced([first, frame(2, turned=SAGITTAL)])
    del ds.SliceThickness
    row = read(ds)
    assert (row["SliceThickness"], row["PixelSpacing"]) == (3.5, [0.5, 0.6])
    assert row["ImageOrientationPatient"] == SAGITTAL
