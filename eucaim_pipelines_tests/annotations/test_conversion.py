"""Structure sets on grids of any orientation become segmentations; what stands in the way is named."""

import os
import time
from io import BytesIO

import highdicom
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import Dataset

from eucaim_pipelines.annotations import conversion, structure_sets
from eucaim_pipelines.annotations.problems import NotConvertibleError, Problem
from eucaim_pipelines.dicom.examination import examine
from eucaim_pipelines_tests.annotations.drawings import (
    FRAME,
    LABELS,
    SERIES,
    Drawn,
    Grid,
    Roi,
    dice,
    new_uid,
    rasterised,
)
from eucaim_pipelines_tests.annotations.test_polygons import BOW_TIE, HOLE, SQUARE, stars
from eucaim_pipelines_tests.deidentification.real import conformance

CIRCLE = 12 + 7.3 * np.stack([f(np.linspace(0, 2 * np.pi, 50, endpoint=False)) for f in (np.cos, np.sin)], 1)
TWO = (Roi([(0, CIRCLE), (1, CIRCLE)]), Roi([(1, SQUARE + 0.2), (1, HOLE + 0.2)], name="ROI_2"))
NOT_APPLICABLE = {
    "Laterality": "2C",
    "SegmentedPropertyTypeModifierCodeSequence": "3",
    "SegmentationAlgorithmIdentificationSequence": "3",
}
"""Attributes of EUCAIM's validation that a region drawn by hand cannot fill; all optional or conditional."""


def mask(data: bytes, segment: int, slices: int) -> np.ndarray:
    """A segment as highdicom reads it: slices × rows × columns."""
    found = highdicom.seg.segread(BytesIO(data)).get_pixels_by_source_instance(
        [f"{SERIES}.{n}" for n in range(slices)], segment_numbers=[segment],
        ignore_spatial_locations=True, assert_missing_frames_are_empty=True,
    )  # fmt: skip
    return found[..., 0].astype(bool)


@st.composite
def grids(draw: st.DrawFn) -> Grid:
    """Grids of any orientation: two axes at right angles from a rotation."""
    quaternion = np.array([draw(st.floats(0.01, 1)), *(draw(st.floats(-1, 1)) for _ in range(3))])
    w, x, y, z = quaternion / np.linalg.norm(quaternion)
    first = (1 - 2 * (y * y + z * z), 2 * (x * y + z * w), 2 * (x * z - y * w))
    second = (2 * (x * y - z * w), 1 - 2 * (x * x + z * z), 2 * (y * z + x * w))
    spacing = (draw(st.floats(0.3, 3)), draw(st.floats(0.3, 3)))
    return Grid((first, second), spacing=spacing, apart=draw(st.floats(0.5, 5)))


@settings(max_examples=25)
@given(grids(), st.lists(stars(9.0), min_size=1, max_size=3), st.booleans())
def test_regions_lie_where_they_were_drawn(grid: Grid, shapes: list[np.ndarray], named: bool) -> None:
    shapes = [12 + 0.5 * (shape - shape.mean(axis=0)) for shape in shapes]
    drawn = Drawn([Roi([(1, shape)], named=named) for shape in shapes], grid)
    data = drawn.convert()
    for number, shape in enumerate(shapes, start=1):
        found = mask(data, number, grid.slices)
        inside, on_path = rasterised([shape], grid.shape)
        assert not np.any((found[1] != inside) & ~on_path)
        assert not found[[0, 2]].any()


def test_large_regions_and_holes_agree_with_shapely() -> None:
    grid = Grid(shape=(128, 128), spacing=(0.7, 0.6))
    outer, inner = 5 * CIRCLE + 0.13, 3 * CIRCLE + 24.21
    data = Drawn([Roi([(2, outer), (2, inner)])], grid).convert()
    inside, _ = rasterised([outer, inner], grid.shape)
    assert inside.sum() > 1000
    assert dice(mask(data, 1, 3)[2], inside) >= 0.99


def test_a_second_conversion_gives_the_same_bytes() -> None:
    first = Drawn(TWO).convert()
    time.sleep(1.1)
    assert Drawn(TWO).convert() == first


def test_a_segmentation_says_what_it_shows_and_where_it_is_from() -> None:
    software = Roi([(0, SQUARE)], name="Liver", method="AUTOMATIC", software="Contourer")
    data = Drawn([*TWO, software]).convert()
    ds = highdicom.seg.segread(BytesIO(data))
    assert [item.SegmentLabel for item in ds.SegmentSequence] == ["Lung", "ROI_2", "Liver"]
    kinds = [item.SegmentedPropertyTypeCodeSequence[0].CodeValue for item in ds.SegmentSequence]
    assert kinds == ["39607008", "85756007", "10200004"]
    assert [item.get("SegmentAlgorithmName") for item in ds.SegmentSequence] == [None, None, "Contourer"]
    sources = [item.DefinitionSourceSequence[0] for item in ds.SegmentSequence]
    assert [(s.ReferencedSOPInstanceUID, s.ReferencedROINumber) for s in sources] == [
        ("2.25.20", number) for number in (1, 2, 3)
    ]
    assert (ds.ContentDate, ds.ContentTime, ds.SeriesDate) == ("20200104", "101500", "20200104")
    assert (ds.FrameOfReferenceUID, ds.PatientIdentityRemoved) == (FRAME, "YES")
    assert ds.SOPInstanceUID == new_uid("segmentation", "2.25.20")


def test_the_attributes_of_eucaims_validation_are_there() -> None:
    row = examine(Drawn(TWO).convert()).row
    assert {each["attribute"]: each["type"] for each in row["seg_missing"]} == NOT_APPLICABLE


@pytest.mark.skipif(
    not conformance.available() and os.environ.get("CI") != "true",
    reason="dciodvfy is not installed: apt-get install dicom3tools",
)
@pytest.mark.parametrize("rois", [TWO, (Roi([(0, SQUARE)], method="SEMIAUTOMATIC", software="Contourer"),)])
def test_dciodvfy_finds_no_error(rois: tuple[Roi, ...], tmp_path) -> None:
    assert conformance.available(), "dciodvfy is missing: apt-get install dicom3tools"
    assert not conformance.errors(Drawn(rois).convert(), tmp_path / "object.dcm")


def _open(ds: Dataset) -> None:
    ds.ROIContourSequence[0].ContourSequence[0].ContourGeometricType = "OPEN_PLANAR"


def _point(ds: Dataset) -> None:
    contour = ds.ROIContourSequence[0].ContourSequence[0]
    contour.ContourGeometricType, contour.ContourData = "POINT", [1, 2, 40]


def _missing(ds: Dataset) -> None:
    ds.ROIContourSequence[0].ContourSequence[0].ContourImageSequence[0].ReferencedSOPInstanceUID = "2.25.99"


def _unlisted(ds: Dataset) -> None:
    listed = ds.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence[0]
    listed.RTReferencedSeriesSequence[0].ContourImageSequence[2].ReferencedSOPInstanceUID = "2.25.99"


def _lifted(ds: Dataset) -> None:
    contour = ds.ROIContourSequence[0].ContourSequence[0]
    contour.ContourData = [n + (1.0 if i % 3 == 2 else 0) for i, n in enumerate(contour.ContourData)]


def _tilted(ds: Dataset) -> None:
    contour = ds.ROIContourSequence[0].ContourSequence[0]
    contour.ContourData = [*contour.ContourData[:-1], contour.ContourData[-1] + 0.5]


def _empty(ds: Dataset) -> None:
    for item in ds.ROIContourSequence:
        del item.ContourSequence


def _two_points(ds: Dataset) -> None:
    contour = ds.ROIContourSequence[0].ContourSequence[0]
    contour.ContourData = [*contour.ContourData[:6], *contour.ContourData[:3]]


def _not_a_number(ds: Dataset) -> None:
    ds.ROIContourSequence[0].ContourSequence[0].ContourData = [float("nan")] * 9


def _no_roi(ds: Dataset) -> None:
    del ds.StructureSetROISequence[0]


def _no_method(ds: Dataset) -> None:
    ds.StructureSetROISequence[0].ROIGenerationAlgorithm = ""


def _no_name(ds: Dataset) -> None:
    ds.StructureSetROISequence[0].ROIGenerationAlgorithm = "AUTOMATIC"


def _of_another(ds: Dataset) -> None:
    ds.PatientID = "EUCAIM-2"


BROKEN = {
    _open: (1, Problem.NOT_CLOSED),
    _point: (1, Problem.NOT_CLOSED),
    _missing: (0, Problem.IMAGES_MISSING),
    _unlisted: (0, Problem.IMAGES_MISSING),
    _lifted: (1, Problem.OFF_SLICE),
    _tilted: (1, Problem.OFF_SLICE),
    _empty: (0, Problem.NOTHING_DRAWN),
    _two_points: (1, Problem.UNREADABLE),
    _not_a_number: (1, Problem.UNREADABLE),
    _no_roi: (1, Problem.UNREADABLE),
    _no_method: (1, Problem.NO_METHOD),
    _no_name: (1, Problem.NO_ALGORITHM),
    _of_another: (0, Problem.OTHER_PATIENT),
}


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.__name__)
def test_what_stands_in_the_way_is_named_and_nothing_is_converted(broken) -> None:
    drawn = Drawn(TWO)
    broken(drawn.source)
    with pytest.raises(NotConvertibleError) as caught:
        drawn.convert()
    assert dict(caught.value.problems) == {BROKEN[broken]: 1}
    assert "40" not in str(caught.value), "no coordinate in the message"


@pytest.mark.parametrize("kind", ["CLOSED_PLANAR", "CLOSEDPLANAR_XOR"])
def test_a_contour_that_crosses_itself_is_named(kind: str) -> None:
    with pytest.raises(NotConvertibleError) as caught:
        Drawn([TWO[0], Roi([(1, BOW_TIE)], kind=kind)]).convert()
    assert dict(caught.value.problems) == {(2, Problem.CROSSING): 1}


def test_contours_of_one_region_cross_each_other_only_where_the_standard_lets_them() -> None:
    contours = [(1, SQUARE + 0.2), (1, SQUARE + 4.6)]
    with pytest.raises(NotConvertibleError):
        Drawn([Roi(contours)]).convert()
    inside, _ = rasterised([points for _, points in contours], Grid().shape)
    data = Drawn([Roi(contours, kind="CLOSEDPLANAR_XOR")]).convert()
    assert np.array_equal(mask(data, 1, 3)[1], inside)


def test_regions_may_overlap_each_other() -> None:
    data = Drawn([Roi([(1, SQUARE + 0.2)]), Roi([(1, SQUARE + 4.6)])]).convert()
    both = [mask(data, number, 3)[1] for number in (1, 2)]
    assert (both[0] & both[1]).any()
    assert [each.sum() for each in both] == [15 * 15, 15 * 15 - 15]


def test_images_of_two_grids_have_no_segmentation() -> None:
    drawn = Drawn(TWO)
    drawn.images[f"{SERIES}.1"].PixelSpacing = [2, 2]
    with pytest.raises(NotConvertibleError) as caught:
        drawn.convert()
    assert Problem.NO_COMMON_GRID in {problem for _, problem in caught.value.problems}
    del drawn.images[f"{SERIES}.1"].ImagePositionPatient
    with pytest.raises(NotConvertibleError) as caught:
        drawn.convert()
    assert dict(caught.value.problems) == {(0, Problem.NO_COMMON_GRID): 1}


@pytest.mark.parametrize("limit", ["MOST_PIXELS", "MOST_POINTS"])
def test_what_is_too_large_takes_no_memory_from_others(limit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(structure_sets, limit, 3)
    with pytest.raises(NotConvertibleError) as caught:
        Drawn(TWO).convert()
    assert dict(caught.value.problems) == {(0, Problem.TOO_LARGE): 1}


def test_a_contour_in_another_frame_of_reference_needs_an_image_that_it_names() -> None:
    """A writer in the field gives regions a frame of reference of their own, and names each image."""
    for named in (True, False):
        drawn = Drawn([Roi([(0, CIRCLE)], named=named)])
        drawn.source.StructureSetROISequence[0].ReferencedFrameOfReferenceUID = "2.25.98"
        if named:
            assert mask(drawn.convert(), 1, 3)[0].any()
            continue
        with pytest.raises(NotConvertibleError) as caught:
            drawn.convert()
        assert dict(caught.value.problems) == {(1, Problem.OFF_SLICE): 1}


def test_the_digest_names_code_and_libraries() -> None:
    assert conversion.digest() == conversion.digest.__wrapped__()
    assert LABELS.name == "segment_label"
