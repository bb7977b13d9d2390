"""Laws of units: there and back is where one was, other quantities have no way, and codes are UCUM's."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eucaim_pipelines.contracts.units import AGES, SAME, conversion, is_unit

GROUPS = (
    ("mm", "cm", "m", "[in_i]"),
    ("ng/mL", "ug/L", "mg/dL", "g/L"),
    ("Gy", "cGy", "mGy"),
    ("a", "mo", "wk", "d", "h"),
    ("%", "1"),
    ("Cel", "K", "[degF]"),
    ("[iU]/L", "m[iU]/mL"),
    ("10*9/L", "10*3/uL", "/nL"),
)
PAIRS = [(a, b) for group in GROUPS for a in group for b in group]


@settings(deadline=None)  # the first example loads the registry
@given(pair=st.sampled_from(PAIRS), number=st.floats(-1e6, 1e6, allow_nan=False))
def test_there_and_back_is_where_one_was(pair, number):
    there, back = conversion(*pair), conversion(pair[1], pair[0])
    assert math.isclose(back(there(number)), number, rel_tol=1e-9, abs_tol=1e-6)


@given(number=st.floats(allow_nan=False, allow_infinity=False), group=st.sampled_from(GROUPS))
def test_one_unit_changes_no_number(number, group):
    assert conversion(group[0], group[0]) is SAME
    assert SAME(number) == number


@pytest.mark.parametrize(
    ("unit", "wanted", "number", "expected"),
    [
        ("cm", "mm", 2.4, 24.0),
        ("ug/L", "ng/mL", 4.5, 4.5),
        ("cGy", "Gy", 1060.5, 10.605),
        ("mo", "a", 18, 1.5),
        ("d", "a", 365.25, 1.0),
        ("Cel", "K", 36.6, 309.75),
        ("[degF]", "Cel", 98.6, 37.0),
        ("%", "1", 45, 0.45),
        ("10*9/L", "/nL", 4.2, 4.2),
    ],
)
def test_known_conversions(unit, wanted, number, expected):
    assert conversion(unit, wanted)(number) == pytest.approx(expected, rel=1e-12)
    assert repr(conversion(unit, wanted)(number)) == repr(expected)


def test_what_measures_something_else_has_no_way():
    firsts = [group[0] for group in GROUPS]
    for unit in firsts:
        for wanted in firsts:
            assert (conversion(unit, wanted) is None) == (unit != wanted)


@pytest.mark.parametrize("unit", list(AGES))
def test_ages_become_years_as_ucum_says(unit):
    assert AGES[unit](1000) == pytest.approx(conversion(unit, "a")(1000), rel=1e-9)


@pytest.mark.parametrize("text", ["years", "pack-years", "mm/", "", "a(b", "ng per mL"])
def test_what_ucum_does_not_know_is_no_unit(text):
    assert not is_unit(text)
    with pytest.raises(ValueError, match="not a unit of UCUM"):
        conversion(text, "mm")


def test_a_unit_nested_too_deep_is_no_unit():
    assert not is_unit("m." * 1000 + "m")
