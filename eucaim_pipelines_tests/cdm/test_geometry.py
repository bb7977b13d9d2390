"""Slices of series: known gaps are found, repetitions are none, and real series agree with pydicom."""

import math
import pathlib
from collections import defaultdict
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pydicom
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from eucaim_pipelines.cdm.geometry import slice_geometry
from eucaim_pipelines.cdm.grouping import Groups
from eucaim_pipelines.dicom import inventory, reading, sop_classes
from eucaim_pipelines.dicom.inventory_schema import schema
from eucaim_pipelines.dicom.values import quiet
from eucaim_pipelines.errors import Refusal

AXIAL, CORONAL, SAGITTAL = [1, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0, -1], [0, 1, 0, 0, 0, -1]
TILTED = [1, 0, 0, 0, 0.7071068, 0.7071068]
NOTHING = dict.fromkeys(
    ("slice_orientation", "slice_spacing_mm", "slice_gaps", "missing_slices", "slice_positions",
     "repeated_positions")
)  # fmt: skip


def image(height, orientation=AXIAL, series="R", **values):
    row, column = np.array(orientation[:3]), np.array(orientation[3:])
    position = height * np.cross(row, column) + 7 * row - 3 * column
    return {
        "SeriesInstanceUID": series,
        "ImagePositionPatient": position.tolist(),
        "ImageOrientationPatient": orientation,
        **values,
    }


def geometry(*rows):
    table = pa.Table.from_pylist(list(rows), schema=schema())
    groups = Groups(table, ["SeriesInstanceUID"])
    found = slice_geometry(groups).to_pylist()
    return dict(zip(groups.key("SeriesInstanceUID").to_pylist(), found, strict=True))


def one(*rows):
    [found] = geometry(*rows).values()
    return found


def numbers(found):
    return found["slice_spacing_mm"], found["slice_gaps"], found["missing_slices"]


@settings(deadline=None)
@given(
    heights=st.sets(st.integers(-40, 40), min_size=3, max_size=30),
    spacing=st.sampled_from([0.625, 1, 2.5, 5]),
    orientation=st.sampled_from([AXIAL, CORONAL, SAGITTAL, TILTED]),
    data=st.data(),
)
def test_missing_slices_are_those_between_the_first_and_the_last(heights, spacing, orientation, data):
    steps = sorted(heights)
    distances = sorted(np.diff(steps))
    usual = distances[(len(distances) - 1) // 2]
    assume(all(10 * distance != 11 * usual for distance in distances))  # exactly at the limit
    order = data.draw(st.permutations(steps))
    found = one(*(image(spacing * step, orientation) for step in order))
    wider = [distance for distance in distances if distance > 1.1 * usual]
    missing = sum(max(math.ceil(distance / usual - 0.501), 1) - 1 for distance in distances)
    if 3 * len(wider) >= len(distances) and missing > len(steps):
        assert numbers(found) == (None, None, None)  # no regular spacing at all
    else:
        assert numbers(found) == (pytest.approx(spacing * usual, abs=2e-4), len(wider), missing)
    assert found["slice_positions"] == len(steps)


@pytest.mark.parametrize(
    ("orientation", "name"),
    [(AXIAL, "axial"), (CORONAL, "coronal"), (SAGITTAL, "sagittal"), (TILTED, "oblique"),
     ([1, 0, 0, 0, 0.94, 0.3412], "axial"), ([-1, 0, 0, 0, 1, 0], "axial")],
)  # fmt: skip
def test_the_plane_is_that_of_the_nearest_axis_or_oblique(orientation, name):
    assert one(image(0, orientation))["slice_orientation"] == name


def test_a_hole_is_counted_by_the_slices_that_would_fill_it():
    assert numbers(one(*(image(3.0 * k) for k in range(20) if k not in (5, 11, 12)))) == (3, 2, 3)
    assert numbers(one(*(image(k) for k in (0, 1, 2, 60, 61, 62)))) == (1, 1, 57)
    assert numbers(one(image(1), image(2), image(4))) == (1, 1, 1)


def test_positions_rounded_by_the_scanner_are_one_slice_and_no_gap():
    rows = [image(round(k * 0.7000001, 3) + (k % 3) * 0.001) for k in range(50)]
    spacing, gaps, missing = numbers(one(*rows, *rows))
    assert spacing == pytest.approx(0.7, abs=0.002)
    assert (gaps, missing) == (0, 0)


def test_places_that_differ_by_rounding_are_one_and_by_more_are_two():
    for shift, places in ((0.004, 10), (0.5, 20)):
        found = one(*(image(k + add) for k in range(10) for add in (0, shift)))
        assert found["slice_positions"] == places


def test_phases_and_b_values_are_volumes_and_a_slice_is_missed_within_its_own():
    phases = [image(2.0 * k) for _ in range(4) for k in range(10)]
    assert numbers(one(*phases)) == (2, 0, 0)
    del phases[15]
    found = one(*phases)
    assert numbers(found) == (2, 1, 1)
    assert (found["slice_positions"], found["repeated_positions"]) == (10, 0)


def test_single_repetitions_are_counted_and_no_holes():
    found = one(*(image(float(k)) for k in [*range(100), 10, 50]))
    assert numbers(found) == (1, 0, 0)
    assert found["repeated_positions"] == 2


def test_a_jitter_between_volumes_is_no_spacing():
    found = one(*(image(3.0 * k + shift) for shift in (0, 0.1) for k in range(30)))
    assert numbers(found) == (None, None, None)


def test_one_slice_has_an_orientation_only():
    found = one(image(3))
    assert found == NOTHING | {"slice_orientation": "axial", "slice_positions": 1, "repeated_positions": 0}


def test_localizers_projections_and_mixed_orientations_have_none():
    assert one(image(0), image(1), image(0, SAGITTAL)) == NOTHING
    assert one(image(0, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])) == NOTHING
    assert one({"SeriesInstanceUID": "R", "Rows": 4}) == NOTHING
    assert one(image(0) | {"ImageOrientationPatient": [0, 0, 0, 0, 0, 0]}) == NOTHING
    assert one(image(0) | {"ImagePositionPatient": [1.0, 2.0]}) == NOTHING
    scout = image(0, SAGITTAL, ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
    assert one(scout, image(0), image(2))["slice_spacing_mm"] == 2


def test_series_do_not_touch_each_other():
    rows = [image(2.0 * k, series="A") for k in range(6) if k != 3]
    rows += [image(5.0 * k, CORONAL, series="B") for k in range(4)]
    rows += [{"SeriesInstanceUID": "C"}]
    found = geometry(*rows)
    assert found == {key: geometry(*(r for r in rows if r["SeriesInstanceUID"] == key))[key] for key in "ABC"}
    assert numbers(found["A"]) == (2, 1, 1)


def frames(heights, orientation=AXIAL, **values):
    return {
        "SeriesInstanceUID": "R",
        "NumberOfFrames": len(heights),
        "ImagePositionPatient": [0.0, 0.0, 0.0],
        "ImageOrientationPatient": [float(number) for number in orientation],
        "frame_positions": {
            "position": [n for height in heights for n in image(height, orientation)["ImagePositionPatient"]],
            "orientation": orientation,
        }
        | values,
    }


def test_frames_of_one_object_are_slices_like_any_other():
    heights = [0.0, 1.5, 3.0, 6.0, 7.5]
    assert one(frames(heights)) == one(*(image(height) for height in heights))
    assert numbers(one(frames(heights[:2]), frames(heights[2:]))) == (1.5, 1, 1)  # two objects, one series
    per_frame = frames(heights, orientation=CORONAL)
    per_frame["frame_positions"]["orientation"] = CORONAL * 5
    assert one(per_frame) == one(frames(heights, orientation=CORONAL))


def test_each_stack_has_its_own_orientation():
    both = frames([0.0, 2.0, 4.0])
    sagittal = [n for k in (0, 3, 9) for n in image(k, SAGITTAL)["ImagePositionPatient"]]
    both["frame_positions"]["position"] += sagittal
    both["frame_positions"]["orientation"] = AXIAL * 3 + SAGITTAL * 3
    mixed = one(both)
    assert mixed == NOTHING
    both["frame_positions"]["stack"] = [0, 0, 0, 1, 1, 1]
    found = one(both)
    assert (found["slice_orientation"], numbers(found)) == (None, (2, 1, 1))


def test_a_multi_frame_object_without_frame_positions_claims_nothing():
    assert one(image(0, NumberOfFrames=12)) == NOTHING


def test_nothing_in_gives_nothing_out():
    assert slice_geometry(Groups(schema().empty_table(), ["SeriesInstanceUID"])).num_rows == 0


@pytest.fixture(scope="module")
def real(shared):
    """Header rows of the real images beside the project, and the path of each."""
    found = []
    for path in sorted((shared / "data").rglob("*")):
        if path.is_file():
            try:
                row = inventory.header_row(reading.parse(path.read_bytes()))
            except Refusal:
                continue
            if sop_classes.kind(row["SOPClassUID"] or "") == "image":
                found.append((path, row))
    if not found:
        pytest.skip("no real images beside the project")
    return found


def test_real_series_agree_with_an_independent_calculation(real):
    table = pa.Table.from_pylist([row for _, row in real], schema=schema())
    groups = Groups(table, ["SeriesInstanceUID"])
    found = dict(
        zip(groups.key("SeriesInstanceUID").to_pylist(), slice_geometry(groups).to_pylist(), strict=True)
    )
    paths = defaultdict(list)
    for path, row in real:
        paths[row["SeriesInstanceUID"]].append(path)
    several = 0
    for uid, files in paths.items():
        heights, normals = _heights(files)
        if not heights:
            assert found[uid] == NOTHING
            continue
        if max(abs(n - normals[0]).max() for n in normals) > 0.02:
            assert found[uid] == NOTHING
            continue
        places = _merged(heights)
        assert found[uid]["slice_positions"] == len(places)
        if len(places) > 1:
            several += 1
            distances = sorted(b - a for a, b in pairwise(places))
            assert found[uid]["slice_spacing_mm"] == pytest.approx(
                distances[(len(distances) - 1) // 2], abs=0.01
            )
            whole = max(distances) < 1.05 * min(distances)
            assert whole == (found[uid]["missing_slices"] == 0)
    assert several >= 8


def _heights(files: list[pathlib.Path]) -> tuple[list[float], list[np.ndarray]]:
    heights, normals = [], []
    for path in files:
        with quiet():
            ds = pydicom.dcmread(path, stop_before_pixels=True)
        if "LOCALIZER" in ds.get("ImageType", []):
            continue
        for position, orientation in _planes(ds):
            normal = np.cross(orientation[:3], orientation[3:])
            normals.append(normal)
            heights.append(float(np.dot(normals[0], position)))
    return heights, normals


def _planes(ds):
    if "PerFrameFunctionalGroupsSequence" in ds:
        shared = ds.SharedFunctionalGroupsSequence[0]
        for group in ds.PerFrameFunctionalGroupsSequence:
            place = group.get("PlanePositionSequence") or shared.get("PlanePositionSequence")
            turned = group.get("PlaneOrientationSequence") or shared.get("PlaneOrientationSequence")
            if place and turned:
                yield (
                    [float(n) for n in place[0].ImagePositionPatient],
                    [float(n) for n in turned[0].ImageOrientationPatient],
                )
    elif ds.get("ImagePositionPatient") and ds.get("ImageOrientationPatient"):
        yield [float(n) for n in ds.ImagePositionPatient], [float(n) for n in ds.ImageOrientationPatient]


def _merged(heights: list[float]) -> list[float]:
    places: list[float] = []
    for height in sorted(heights):
        if not places or height - places[-1] > 0.01:
            places.append(height)
    return places
