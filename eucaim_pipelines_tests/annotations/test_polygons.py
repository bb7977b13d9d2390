"""Pixels within polygons, held against shapely; crossings, and what only looks like one."""

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from eucaim_pipelines.annotations import polygons
from eucaim_pipelines_tests.annotations.drawings import rasterised

SHAPE = (40, 50)
SQUARE = np.array([(5, 5), (20, 5), (20, 20), (5, 20)], float)
HOLE = np.array([(9, 9), (14, 9), (14, 14), (9, 14)], float)
KEYHOLE = np.array(
    [(5, 5), (9, 5), (9, 9), (9, 14), (14, 14), (14, 9), (9, 9), (9, 5), (20, 5), (20, 20), (5, 20)], float
)
BOW_TIE = np.array([(5, 5), (20, 20), (20, 5), (5, 20)], float)


@st.composite
def stars(draw: st.DrawFn, largest: float = 30.0) -> np.ndarray:
    """Star-shaped polygons, so that they never cross themselves, partly outside the image too."""
    count = draw(st.integers(5, 60))
    radii = np.array(draw(st.lists(st.floats(0.5, largest), min_size=count, max_size=count)))
    centre = np.array([draw(st.floats(-5, 55)), draw(st.floats(-5, 45))])
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False) + draw(st.floats(0, 1))
    return centre + radii[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)


@given(stars(), st.booleans())
def test_a_pixel_is_inside_where_its_centre_is(star: np.ndarray, turned: bool) -> None:
    found = polygons.inside([star[::-1] if turned else star], SHAPE)
    inside, on_path = rasterised([star], SHAPE)
    assert found is not None and not polygons.cross([star])
    assert not np.any((found != inside) & ~on_path)


@given(stars(8.0), st.floats(0.1, 0.8))
def test_a_polygon_within_another_is_a_hole(star: np.ndarray, share: float) -> None:
    inner = star.mean(axis=0) + share * (star - star.mean(axis=0))
    if not shapely.Polygon(star).contains_properly(shapely.Polygon(inner)):
        return
    found = polygons.inside([star, inner], SHAPE)
    inside, on_path = rasterised([star, inner], SHAPE)
    assert found is not None
    assert not np.any((found != inside) & ~on_path)


def test_a_keyhole_is_a_hole_and_its_channel_is_no_crossing() -> None:
    assert not polygons.cross([KEYHOLE])
    found, holed = polygons.inside([KEYHOLE], SHAPE), polygons.inside([SQUARE, HOLE], SHAPE)
    assert found is not None and holed is not None
    assert np.array_equal(found, holed)
    assert not found[12, 12] and found[6, 6] and found[12, 17]


def test_points_on_the_path_belong_to_the_region() -> None:
    found = polygons.inside([SQUARE], SHAPE)
    assert found is not None
    assert found.sum() == 16 * 16
    assert found[5:21, 5:21].all()


@given(stars())
def test_the_direction_and_the_start_of_a_polygon_do_not_count(star: np.ndarray) -> None:
    first = polygons.inside([star], SHAPE)
    assert np.array_equal(first, polygons.inside([np.roll(star[::-1], 3, axis=0)], SHAPE))


@pytest.mark.parametrize("moved", [0.0, 0.37])
def test_polygons_that_cross_are_known(moved: float) -> None:
    assert polygons.cross([BOW_TIE + moved])
    assert polygons.cross([SQUARE, SQUARE + 3.3 + moved])
    assert not polygons.cross([SQUARE, HOLE + moved])
    beside = SQUARE + np.array([15.0, 0.0])
    assert not polygons.cross([SQUARE, beside]), "they only touch"


def test_a_polygon_that_crosses_at_its_corners_is_known() -> None:
    corners = np.array([(5, 5), (12, 12), (20, 20), (20, 5), (12, 12), (5, 20)], float)
    assert polygons.inside([corners], SHAPE) is None
    twice = np.concatenate([SQUARE, SQUARE])
    assert polygons.inside([twice], SHAPE) is None


@given(st.integers(0, 2**32 - 1))
def test_crossings_are_those_that_shapely_finds(seed: int) -> None:
    points = np.random.default_rng(seed).uniform(0, 40, (7, 2))
    assert polygons.cross([points]) == (not shapely.LinearRing(points).is_simple)


def test_repeated_points_are_left_out() -> None:
    repeated = np.concatenate([SQUARE[:2], SQUARE[1:], SQUARE[:1]])
    assert np.array_equal(np.sort(polygons.cleaned(repeated), axis=0), np.sort(SQUARE, axis=0))
