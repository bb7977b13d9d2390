"""Label maps become segmentations voxel for voxel, in any order of axes; what stands in the way is named."""

import itertools
import os
import time
from io import BytesIO

import highdicom
import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset

from eucaim_pipelines.annotations import label_maps
from eucaim_pipelines.annotations.problems import NotConvertibleError, Problem
from eucaim_pipelines_tests.annotations.drawings import FRAME, SERIES, Grid, new_uid
from eucaim_pipelines_tests.annotations.mapped import Mapped, affine, nifti, segment, voxels
from eucaim_pipelines_tests.annotations.test_conversion import grids
from eucaim_pipelines_tests.deidentification.real import conformance

SAGITTAL = ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0))
TILTED = ((0.8, 0.6, 0.0), (-0.36, 0.48, -0.8))
TURNS = [
    np.array(list(zip(axes, flips, strict=True)), float)
    for axes in itertools.permutations(range(3))
    for flips in itertools.product((1, -1), repeat=3)
]
"""All 48 ways in which the axes of a volume can be ordered and directed, as nibabel writes them."""
LABELS_PT = ("Lung", "Prostate", "Liver")


def turned(grid: Grid, turn: np.ndarray, numbers: np.ndarray | None = None) -> nibabel.Nifti1Image:
    """A volume on a grid with other axes: the same numbers at the same places, by nibabel."""
    numbers = voxels(grid) if numbers is None else numbers
    return nibabel.Nifti1Image(numbers, affine(grid)).as_reoriented(turn)


def written(image: nibabel.Nifti1Image, **how) -> bytes:
    return nifti(np.asanyarray(image.dataobj), image.affine, **how)


def assert_same_voxels(data: bytes, image: nibabel.Nifti1Image) -> None:
    """Each voxel's place in space, computed from the NIfTI file, has its number in the segmentation too."""
    volume = highdicom.seg.segread(BytesIO(data)).get_volume(combine_segments=True, rescale_fractional=False)
    numbers = np.asanyarray(image.dataobj)
    index = np.indices(numbers.shape).reshape(3, -1)
    space = np.diag([-1.0, -1.0, 1.0, 1.0]) @ image.affine @ np.vstack((index, np.ones(index.shape[1])))
    there = np.linalg.inv(volume.affine) @ space
    place = np.rint(there[:3]).astype(int)
    assert np.abs(there[:3] - place).max() < 0.02
    inside = np.all((place >= 0) & (place < np.array(volume.array.shape)[:, None]), axis=0)
    found = np.zeros(index.shape[1], int)
    found[inside] = volume.array[tuple(place[:, inside])]
    assert np.array_equal(found, numbers[tuple(index)])
    assert numbers.any()


@pytest.mark.parametrize("turn", TURNS[::5], ids=str)
@pytest.mark.parametrize("axes", [((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)), SAGITTAL, TILTED], ids=str)
def test_voxels_stay_where_they_were(axes, turn) -> None:
    grid = Grid(axes, spacing=(0.7, 1.1), slices=4, shape=(5, 7))
    image = turned(grid, turn)
    assert_same_voxels(Mapped(grid, file=written(image)).convert(), image)


@settings(max_examples=30)
@given(grids(), st.sampled_from(TURNS), st.integers(1, 3), st.booleans())
def test_voxels_stay_where_they_were_on_any_grid(grid: Grid, turn, slices: int, qform: bool) -> None:
    grid = Grid(grid.axes, spacing=grid.spacing, apart=grid.apart, slices=slices, shape=(4, 6))
    image = turned(grid, turn)
    assert_same_voxels(Mapped(grid, file=written(image, qform=qform)).convert(), image)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("packed", [False, True])
def test_version_byte_order_and_packing_do_not_count(version: int, order: str, packed: bool) -> None:
    mapped = Mapped()
    plain = mapped.convert()
    numbers, where = voxels(mapped.grid).astype("i2"), affine(mapped.grid)
    mapped.file = nifti(numbers, where, version=version, order=order, packed=packed, planted=True)
    assert mapped.convert() == plain


def test_the_planes_hold_each_image_with_its_own_segments() -> None:
    mapped = Mapped()
    found = highdicom.seg.segread(BytesIO(mapped.convert()))
    numbers = voxels(mapped.grid)
    for number in range(3):
        pixels = found.get_pixels_by_source_instance(
            [f"{SERIES}.{number}"], ignore_spatial_locations=True, assert_missing_frames_are_empty=True
        )
        for index in range(3):
            assert np.array_equal(pixels[0, ..., index], index + 1 == numbers[..., number].T)


def test_a_second_conversion_gives_the_same_bytes() -> None:
    first = Mapped().convert()
    time.sleep(1.1)
    assert Mapped().convert() == first


def test_a_segmentation_says_what_its_json_says() -> None:
    code, kind = Dataset(), Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "49755003", "SCT", "Altered"
    kind.CodeValue, kind.CodingSchemeDesignator, kind.CodeMeaning = "4147007", "SCT", "Mass"
    algorithm = Dataset()
    algorithm.AlgorithmName, algorithm.AlgorithmVersion = "nnU-Net", "2.1"
    segments = [
        segment(1),
        segment(2, "SEGMENT_2", SegmentedPropertyCategoryCodeSequence=[code],
                SegmentedPropertyTypeCodeSequence=[kind], TrackingUID="2.25.77", TrackingID="abc"),
        segment(3, "Liver", SegmentAlgorithmType="AUTOMATIC", SegmentAlgorithmName="nnU-Net",
                SegmentationAlgorithmIdentificationSequence=[algorithm]),
    ]  # fmt: skip
    ds = highdicom.seg.segread(BytesIO(Mapped(segments=segments).convert()))
    assert [item.SegmentNumber for item in ds.SegmentSequence] == [1, 2, 3]
    assert [item.SegmentLabel for item in ds.SegmentSequence] == ["Lung", "SEGMENT_2", "Liver"]
    assert ds.SegmentSequence[0].SegmentDescription == "Lung structure"
    kinds = [item.SegmentedPropertyTypeCodeSequence[0].CodeValue for item in ds.SegmentSequence]
    assert kinds == ["39607008", "4147007", "10200004"]
    assert [item.get("SegmentAlgorithmName") for item in ds.SegmentSequence] == [None, None, "nnU-Net"]
    software = ds.SegmentSequence[2].SegmentationAlgorithmIdentificationSequence[0]
    assert software.AlgorithmVersion == "2.1"
    assert (ds.SegmentSequence[1].TrackingUID, ds.SegmentSequence[1].TrackingID) == ("2.25.77", "abc")
    assert (ds.ContentDate, ds.ContentTime, ds.FrameOfReferenceUID) == ("20200105", "113000", FRAME)
    assert ds.SOPInstanceUID == new_uid("segmentation", "2.25.30")
    assert ds.ReferencedSeriesSequence[0].SeriesInstanceUID == SERIES


def test_values_that_are_no_row_of_numbers_follow_in_their_order_and_empty_segments_stay() -> None:
    mapped = Mapped(segments=[segment(n, label) for n, label in zip((9, 300, 4), LABELS_PT, strict=True)])
    numbers = np.zeros((32, 24, 3), np.uint16)
    numbers[3, 4, 1], numbers[5, 6, 2] = 9, 300
    mapped.file = nifti(numbers, affine(mapped.grid))
    found = highdicom.seg.segread(BytesIO(mapped.convert()))
    assert [item.SegmentLabel for item in found.SegmentSequence] == ["Liver", "Lung", "Prostate"]
    volume = found.get_volume(combine_segments=True).array
    assert sorted(np.unique(volume)) == [0, 2, 3]


def test_a_label_map_of_some_images_names_them() -> None:
    mapped = Mapped(Grid(slices=5))
    part = Grid(origin=tuple(mapped.grid.position(1)), slices=3)
    image = turned(part, TURNS[0])
    mapped.file = written(image)
    items = []
    for number in (3, 1, 2):
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = (
            "1.2.840.10008.5.1.4.1.1.2",
            (f"{SERIES}.{number}"),
        )
        items.append(item)
    with pytest.raises(NotConvertibleError):
        mapped.convert()
    mapped.json.ReferencedSeriesSequence[0].ReferencedInstanceSequence = items
    assert_same_voxels(mapped.convert(), image)


@pytest.mark.skipif(
    not conformance.available() and os.environ.get("CI") != "true",
    reason="dciodvfy is not installed: apt-get install dicom3tools",
)
@pytest.mark.parametrize("axes", [((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)), TILTED], ids=str)
def test_dciodvfy_finds_no_error(axes, tmp_path) -> None:
    assert conformance.available(), "dciodvfy is missing: apt-get install dicom3tools"
    segments = [
        segment(1),
        segment(2, TrackingUID="2.25.77", TrackingID="abc"),
        segment(3, SegmentAlgorithmType="SEMIAUTOMATIC", SegmentAlgorithmName="MITK"),
    ]
    assert not conformance.errors(Mapped(Grid(axes), segments).convert(), tmp_path / "object.dcm")


GRIDS = {
    "half a voxel aside": lambda a: a[:3, 3].__iadd__((0.5, 0, 0)),
    "a fifth of a millimetre off": lambda a: a[:3, 3].__iadd__((0, 0, 0.2)),
    "larger voxels": lambda a: a[:3, 0].__imul__(1.01),
    "other slices": lambda a: a[:3, 2].__imul__(1.1),
    "mirrored": lambda a: a[:3, 0].__imul__(-1),
    "turned": lambda a: a[:3, :2].__imatmul__(np.array([[0.9998, -0.02], [0.02, 0.9998]])),
    "sheared": lambda a: a[:3, 2].__iadd__((0.5, 0, 0)),
    "halfway between two axes": lambda a: a[:3, :2].__imatmul__(np.array([[0.6, -0.8], [0.8, 0.6]])),
}


@pytest.mark.parametrize("moved", GRIDS)
def test_another_grid_is_named_and_nothing_is_resampled(moved: str) -> None:
    mapped = Mapped()
    where = affine(mapped.grid)
    GRIDS[moved](where)
    mapped.file = nifti(voxels(mapped.grid), where)
    _refused(mapped, 0, Problem.OTHER_GRID)


@pytest.mark.parametrize("grid", [Grid(slices=2), Grid(shape=(24, 31)), Grid(shape=(32, 24))], ids=str)
def test_another_size_is_another_grid(grid: Grid) -> None:
    mapped = Mapped()
    mapped.file = nifti(voxels(grid), affine(grid))
    _refused(mapped, 0, Problem.OTHER_GRID)


def test_what_rounding_moves_is_the_same_grid_in_small_voxels_too() -> None:
    for spacing, off, same in (
        ((1.0, 1.0), 0.09, True),
        ((0.05, 0.05), 0.004, True),
        ((0.05, 0.05), 0.02, False),
    ):
        mapped = Mapped(Grid(spacing=spacing))
        where = affine(mapped.grid)
        where[0, 3] += off
        mapped.file = nifti(voxels(mapped.grid), where)
        if same:
            mapped.convert()
        else:
            _refused(mapped, 0, Problem.OTHER_GRID)


def test_uneven_slices_are_no_grid_of_a_label_map() -> None:
    mapped = Mapped()
    mapped.images[f"{SERIES}.2"].ImagePositionPatient = [-20, -30, 47]
    _refused(mapped, 0, Problem.OTHER_GRID)


def _no_images(mapped: Mapped) -> None:
    mapped.images = {}


def _no_series(mapped: Mapped) -> None:
    del mapped.json.ReferencedSeriesSequence
    mapped.images = {}


def _lost_image(mapped: Mapped) -> None:
    item = Dataset()
    item.ReferencedSOPInstanceUID = "2.25.99"
    mapped.json.ReferencedSeriesSequence[0].ReferencedInstanceSequence = [item]


def _two_series(mapped: Mapped) -> None:
    other = Dataset()
    other.SeriesInstanceUID = "2.25.98"
    mapped.json.ReferencedSeriesSequence.append(other)


def _repeated_image(mapped: Mapped) -> None:
    again = mapped.grid.images()[1]
    again.SOPInstanceUID = "2.25.97"
    mapped.images["2.25.97"] = again


def _other_patient(mapped: Mapped) -> None:
    mapped.json.PatientID = "EUCAIM-2"


def _no_item(mapped: Mapped) -> None:
    del mapped.json.SegmentSequence[1]


def _two_items(mapped: Mapped) -> None:
    mapped.json.SegmentSequence.append(segment(2))


def _no_label(mapped: Mapped) -> None:
    del mapped.json.SegmentSequence[1].SegmentLabel


def _no_description(mapped: Mapped) -> None:
    mapped.json.SegmentSequence[1].SegmentDescription = ""


def _no_method(mapped: Mapped) -> None:
    del mapped.json.SegmentSequence[1].SegmentAlgorithmType


def _no_name(mapped: Mapped) -> None:
    mapped.json.SegmentSequence[1].SegmentAlgorithmType = "SEMIAUTOMATIC"


def _background(mapped: Mapped) -> None:
    mapped.file = nifti(0 * voxels(mapped.grid), affine(mapped.grid))


BROKEN = {
    _no_images: (0, Problem.IMAGES_MISSING),
    _no_series: (0, Problem.IMAGES_MISSING),
    _lost_image: (0, Problem.IMAGES_MISSING),
    _two_series: (0, Problem.NO_COMMON_GRID),
    _repeated_image: (0, Problem.NO_COMMON_GRID),
    _other_patient: (0, Problem.OTHER_PATIENT),
    _no_item: (2, Problem.NOT_DESCRIBED),
    _two_items: (2, Problem.NOT_DESCRIBED),
    _no_label: (2, Problem.NO_LABEL),
    _no_description: (2, Problem.NO_LABEL),
    _no_method: (2, Problem.NO_METHOD),
    _no_name: (2, Problem.NO_ALGORITHM),
    _background: (0, Problem.NOTHING_DRAWN),
}


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__)
def test_what_stands_in_the_way_is_named_and_nothing_is_converted(broken) -> None:
    mapped = Mapped()
    broken(mapped)
    _refused(mapped, *BROKEN[broken])


def test_what_is_too_large_takes_no_memory_from_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(label_maps, "MOST_PIXELS", 24 * 32 * 9 - 1)
    _refused(Mapped(), 0, Problem.TOO_LARGE)
    monkeypatch.setattr(label_maps, "MOST_PIXELS", 24 * 32 * 9)
    assert Mapped().convert()


def _refused(mapped: Mapped, number: int, problem: Problem) -> None:
    with pytest.raises(NotConvertibleError) as caught:
        mapped.convert()
    assert dict(caught.value.problems) == {(number, problem): 1}
