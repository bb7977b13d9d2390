"""Private numbers: only what the table says stays, and the standard attributes say the same."""

import math
from struct import pack, unpack

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.datadict import dictionary_VM, dictionary_VR, private_dictionary_VM, private_dictionary_VR

from eucaim_pipelines.deidentification.rules.private_numbers import (
    PrivateNumber,
    kept,
    known,
    standard_values,
)
from eucaim_pipelines.dicom.tables import rows

TABLE = rows("deidentification/private.csv")
B_VALUE, GRADIENT = 0x00189087, 0x00189089


def number(creator: str, tag: int) -> PrivateNumber:
    found = known(creator, tag >> 16, tag & 0xFF)
    assert found is not None
    return found


SIEMENS_B = number("SIEMENS MR HEADER", 0x0019000C)
SIEMENS_GRADIENT = number("SIEMENS MR HEADER", 0x0019000E)
GE_B = number("GEMS_PARM_01", 0x00430039)
GE_GRADIENT = number("GEMS_ACQU_01", 0x001900BB)
PHILIPS_B = number("Philips Imaging DD 001", 0x20010003)
PHILIPS_GRADIENT = [number("Philips MR Imaging DD 001", 0x200500B0 + index) for index in range(3)]
SCALE_SLOPE = number("Philips MR Imaging DD 001", 0x2005000E)
SUV_FACTOR = number("Philips PET Private Group", 0x70530000)
EVERY_NUMBER = [number(row["creator"], int(row["group"] + "00" + row["element"], 16)) for row in TABLE]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row["creator"] + " " + row["element"])
def test_the_table_agrees_with_the_dictionaries(row):
    tag = int(f"{row['group']}10{row['element']}", 16)
    assert private_dictionary_VR(tag, row["creator"]) == row["vr"]
    assert private_dictionary_VM(tag, row["creator"]) == row["multiplicity"]
    assert row["vr"] in ("IS", "DS", "FL", "FD") and int(row["group"], 16) % 2
    assert math.isfinite(float(row["low"])) and float(row["low"]) < float(row["high"]) and row["why"]
    if row["standard"]:
        assert dictionary_VR(row["standard"]) == "FD" and dictionary_VM(row["standard"]) in ("1", "3")


def test_an_element_is_known_by_creator_group_and_last_byte():
    assert (
        known("SIEMENS MR HEADER", 0x0019, 0x0C) == known(" Siemens  MR header ", 0x0019, 0x0C) == SIEMENS_B
    )
    for creator, group, element in (
        ("SIEMENS MR HEADER", 0x0019, 0x0D),
        ("SIEMENS MR HEADER", 0x0021, 0x0C),
        ("GEMS_ACQU_01", 0x0019, 0x0C),
        ("SIEMENS MR HEADER OF QUINTANILLA", 0x0019, 0x0C),
        ("", 0x0019, 0x0C),
    ):
        assert known(creator, group, element) is None


@pytest.mark.parametrize(
    ("listed", "vr", "value"),
    [
        (SIEMENS_B, "IS", b"1000"),
        (SIEMENS_B, "UN", b" 50 "),
        (SIEMENS_B, "UN", b"800\0"),
        (SIEMENS_GRADIENT, "FD", pack("<3d", 0.6, -0.8, 0.0)),
        (SIEMENS_GRADIENT, "UN", pack("<3d", 0.0, 0.0, 0.0)),
        (GE_GRADIENT, "DS", b"-0.19061738752537763"),
        (PHILIPS_B, "FL", pack("<f", 1000.0)),
        (SCALE_SLOPE, "FL", pack("<f", 0.00467)),
        (SUV_FACTOR, "DS", b"2.7634E-4 "),
        (SUV_FACTOR, "UN", b"0.000551"),
    ],
)
def test_what_the_table_says_stays_byte_for_byte(listed, vr, value):
    assert kept(listed, vr, value, True) == value


@pytest.mark.parametrize(
    ("listed", "vr", "value"),
    [
        (SIEMENS_B, "LO", b"1000"),
        (SIEMENS_B, "IS", b""),
        (SIEMENS_B, "IS", b"1000\\500"),
        (SIEMENS_B, "IS", b"19570412"),
        (SIEMENS_B, "IS", b"-5"),
        (SIEMENS_B, "IS", b"0000000001000"),
        (SIEMENS_B, "IS", b"1000.5"),
        (SIEMENS_B, "IS", b"Quintanilla"),
        (SIEMENS_B, "IS", "１０００".encode()),
        (SIEMENS_GRADIENT, "FD", pack("<2d", 0.6, -0.8)),
        (SIEMENS_GRADIENT, "FD", pack("<3d", 0.6, math.nan, 0)),
        (SIEMENS_GRADIENT, "FD", pack("<3d", 0.6, math.inf, 0)),
        (SIEMENS_GRADIENT, "FD", pack("<3d", 0.6, 7.0, 0)),
        (SIEMENS_GRADIENT, "FD", b"QUINTANILLA 19570412 1234"[:24]),
        (SIEMENS_GRADIENT, "UN", b"Quintan?Quintan?Quintan?"),
        (SIEMENS_GRADIENT, "FD", b"Quintanilla"),
        (GE_B, "IS", b"1000"),
        (GE_B, "IS", b"1000\\8\\0\\Q"),
        (GE_B, "IS", b"19570412\\8\\0\\0"),
        (GE_B, "IS", b"3000001000\\8\\0\\0"),
        (GE_B, "IS", b"-999999000\\8\\0\\0"),
        (GE_GRADIENT, "DS", b"1957"),
        (GE_GRADIENT, "DS", b"nan"),
        (PHILIPS_B, "FL", b"Quin"),
        (PHILIPS_B, "FL", pack("<f", math.nan)),
        (PHILIPS_B, "FD", pack("<d", 1000.0)),
        (SUV_FACTOR, "DS", b"1957041200"),
        (SUV_FACTOR, "DS", b"1e99"),
        (SUV_FACTOR, "DS", b"1E"),
    ],
)
def test_what_does_not_fit_goes(listed, vr, value):
    assert kept(listed, vr, value, True) is None


def test_binary_numbers_of_an_unknown_vr_have_no_certain_byte_order():
    assert kept(PHILIPS_B, "FL", pack(">f", 1000.0), False) == pack(">f", 1000.0)
    assert kept(PHILIPS_B, "FL", pack("<f", 1000.0), False) is None
    assert kept(PHILIPS_B, "UN", pack(">f", 1000.0), False) is None
    assert kept(SUV_FACTOR, "UN", b"0.000551", False) == b"0.000551"


@pytest.mark.parametrize(
    ("source", "released", "b_value"),
    [
        (rb"1000\8\0\0", rb"1000\0\0\0", 1000),
        (rb"1000\1073741832\0\0 ", rb"1000\0\0\0", 1000),
        (rb"1000030000\19570412\0\0", rb"1000030000\0\0\0", 30000),
        (rb"0\268435456\0\0", rb"0\0\0\0 ", 0),
    ],
)
def test_only_the_first_of_ges_values_says_something(source, released, b_value):
    value = kept(GE_B, "IS", source, True)
    assert value is not None and value.rstrip() == released.rstrip() and len(value) % 2 == 0
    # GE writes a 0 in every image, so that it makes none a diffusion image.
    standard = {B_VALUE: ("FD", pack("<d", b_value))} if b_value else {}
    assert standard_values([(GE_B, value)], True) == standard


@given(
    listed=st.sampled_from(EVERY_NUMBER),
    vr=st.sampled_from(["IS", "DS", "FL", "FD", "UN", "LO"]),
    text=st.text("abcdefghijklmnopqrstuvwxyzQ0189.-+\\ ñé", min_size=6, max_size=24),
)
def test_no_letters_stay(listed, vr, text):
    value = text.encode()
    released = kept(listed, vr, value, True)
    if released is None or listed.vr in ("FL", "FD"):
        assert released is None or len(value) <= 8
    else:
        assert not any(character.isalpha() and character != "e" for character in released.decode())


@pytest.mark.parametrize("little", [True, False])
def test_standard_attributes_say_the_same_in_the_byte_order_of_the_object(little):
    order = "<" if little else ">"
    siemens = [(SIEMENS_B, b"800 "), (SIEMENS_GRADIENT, pack(order + "3d", 0.0, 0.6, -0.8))]
    found = standard_values(siemens, little)
    assert found == {
        B_VALUE: ("FD", pack(order + "d", 800.0)),
        GRADIENT: ("FD", pack(order + "3d", 0.0, 0.6, -0.8)),
    }
    parts = [
        (listed, pack(order + "f", each))
        for listed, each in zip(PHILIPS_GRADIENT, (0.6, 0, 0.8), strict=True)
    ]
    found = standard_values([(PHILIPS_B, pack(order + "f", 1000)), *reversed(parts)], little)
    assert found[B_VALUE] == ("FD", pack(order + "d", 1000.0))
    assert unpack(order + "3d", found[GRADIENT][1]) == pytest.approx((0.6, 0, 0.8))


def test_a_direction_is_written_only_where_there_is_one():
    b0, b1000 = (PHILIPS_B, pack("<f", 0)), (PHILIPS_B, pack("<f", 1000))
    unit = [(listed, pack("<f", each)) for listed, each in zip(PHILIPS_GRADIENT, (0, 0, 1), strict=True)]
    none = [(listed, pack("<f", 0)) for listed in PHILIPS_GRADIENT]
    assert GRADIENT in standard_values([b1000, *unit], True)
    assert standard_values([b0, *unit], True) == {}
    for found in ([b1000, *none], [b1000, *unit[:2]]):
        assert standard_values(found, True).keys() == {B_VALUE}
    assert standard_values([], True) == {}
    assert standard_values([(SCALE_SLOPE, pack("<f", 2))], True) == {}


def test_numbers_that_contradict_each_other_give_no_standard_attribute():
    two = [(PHILIPS_B, pack("<f", 1000)), (SIEMENS_B, b"500 ")]
    assert standard_values(two, True) == {}
    same = [(PHILIPS_B, pack("<f", 500)), (SIEMENS_B, b"500 ")]
    assert standard_values(same, True).keys() == {B_VALUE}


def test_ges_directions_are_along_other_axes_and_stay_private():
    parts = [(number("GEMS_ACQU_01", 0x001900BB + index), b"1.0 ") for index in range(3)]
    assert standard_values(parts, True) == {}


def test_pydicom_reads_what_was_kept():
    ds = pydicom.Dataset()
    ds.add_new(0x20010010, "LO", PHILIPS_B.creator)
    ds.add_new(0x20011003, PHILIPS_B.vr, unpack("<f", kept(PHILIPS_B, "UN", pack("<f", 700), True) or b"")[0])
    ds.add_new(GRADIENT, "FD", [0.0, 0.0, 1.0])
    assert ds.private_block(0x2001, PHILIPS_B.creator)[0x03].value == 700
