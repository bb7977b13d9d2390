"""The private numbers that may stay, and the standard attributes that they are written to as well.

What is listed stands in `data_contracts/deidentification/private.csv`; finding them is for the walker.
"""

import re
from collections.abc import Sequence
from functools import cache
from math import sqrt
from struct import pack, unpack
from typing import NamedTuple

from eucaim_pipelines.dicom.tables import rows

_B_VALUE, _GRADIENT = 0x00189087, 0x00189089
_STANDARD = {"DiffusionBValue": _B_VALUE, "DiffusionGradientOrientation": _GRADIENT}
_TEXT = {
    "IS": re.compile(rb" *[+-]?(?:0|[1-9][0-9]{0,9}) *"),
    "DS": re.compile(
        rb" *[+-]?(?:(?:0|[1-9][0-9]{0,9})(?:\.[0-9]{0,20})?|\.[0-9]{1,20})(?:[eE][+-]?[0-9]{1,2})? *"
    ),
}
_BINARY = {"FL": ("f", 4), "FD": ("d", 8)}
_SEVERAL_B_VALUES = 1_000_000_000
_ZERO_IS_A_B_VALUE = frozenset({"SIEMENS MR HEADER"})
"""Creators whose numbers stand in diffusion images only."""
"""What GE adds to the b-value of scans that have several."""
_SMALLEST = 1e-30
"""Binary numbers nearer to 0 are none of these: bytes in the other order, or letters."""
_UNIT = 0.02
"""How far the length of a direction may be from 1."""


class PrivateNumber(NamedTuple):
    """One line of the table: where the number stands, how it is encoded, and its range.

    Attributes
    ----------
    creator
        Private creator, as it is written.
    group, element
        Group, and the last byte of the element number.
    multiplicity
        Fewest and most values.
    low, high
        Range of each value; of GE's b-value, without what is added to it.
    standard
        Keyword of the standard attribute that the number is written to too, or empty.
    """

    creator: str
    group: int
    element: int
    keyword: str
    vr: str
    multiplicity: tuple[int, int]
    low: float
    high: float
    standard: str


def known(creator: str, group: int, element: int) -> PrivateNumber | None:
    """The listed number of a private block; None when it is not listed.

    Parameters
    ----------
    creator
        Private creator of the block, as in the source; case and runs of spaces do not count.
    group, element
        Group, and the last byte of the element number.
    """
    creators = _table().get((group, element))
    return creators.get(" ".join(creator.split()).casefold()) if creators else None


def kept(number: PrivateNumber, vr: str, value: bytes, little_endian: bool) -> bytes | None:
    """Bytes that may stay, to be written with `number.vr`; None when they are not what the table says.

    A value that went through software which did not know the element is UN (PS3.5 §6.2.2); its bytes must
    fit all the same. Of GE's four values only the first is a b-value: the others are written as 0, as GE's
    own reconstruction does.
    """
    if vr != number.vr and (vr != "UN" or (number.vr in _BINARY and not little_endian)):
        return None
    found = _numbers(number.vr, value, little_endian)
    if found is None or not number.multiplicity[0] <= len(found) <= number.multiplicity[1]:
        return None
    if _is_ge_b_value(number):
        first = int(found[0])
        if (
            not number.low <= first % _SEVERAL_B_VALUES <= number.high
            or not 0 <= first < 2 * _SEVERAL_B_VALUES
        ):
            return None
        text = rf"{first}\0\0\0".encode()
        return text + b" " * (len(text) % 2)
    return value if all(number.low <= each <= number.high for each in found) else None


def standard_values(
    found: Sequence[tuple[PrivateNumber, bytes]], little_endian: bool
) -> dict[int, tuple[str, bytes]]:
    """Standard attributes that say the same as the private numbers kept of one object.

    Parameters
    ----------
    found
        Numbers and the bytes that `kept` returned, of the top level only.
    little_endian
        Byte order of the object; the result has it too.

    Returns
    -------
    dict
        VR and bytes by tag: DiffusionBValue in s/mm2, and DiffusionGradientOrientation where the b-value is
        not 0 and the direction is a unit vector along the patient's axes (PS3.3 C.8.13.5.9). Numbers that
        contradict each other give nothing, and neither does a 0 of makers that write it in every image: a
        standard b-value of 0 would say that it is a diffusion image.
    """
    zero_counts, b_values, gradients = False, set[float](), dict[str, dict[int, tuple[float, ...]]]()
    for number, value in found:
        numbers = _numbers(number.vr, value, little_endian) or ()
        if _STANDARD.get(number.standard) == _B_VALUE:
            b_values.add(numbers[0] % _SEVERAL_B_VALUES)
            zero_counts |= number.creator in _ZERO_IS_A_B_VALUE
        elif _STANDARD.get(number.standard) == _GRADIENT:
            gradients.setdefault(number.creator, {})[number.element] = numbers
    order = "<" if little_endian else ">"
    result = {}
    if len(b_values) == 1 and (b_values != {0} or zero_counts):
        result[_B_VALUE] = ("FD", pack(order + "d", *b_values))
    directions = {sum((parts[element] for element in sorted(parts)), ()) for parts in gradients.values()}
    if len(directions) == 1 and b_values != {0}:
        (direction,) = directions
        if len(direction) == 3 and abs(sqrt(sum(each * each for each in direction)) - 1) <= _UNIT:
            result[_GRADIENT] = ("FD", pack(order + "3d", *direction))
    return result


def _is_ge_b_value(number: PrivateNumber) -> bool:
    return number.group == 0x0043 and number.element == 0x39


def _numbers(vr: str, value: bytes, little_endian: bool) -> tuple[float, ...] | None:
    if vr in _BINARY:
        letter, size = _BINARY[vr]
        if len(value) % size or _reads_as_text(value):
            return None
        numbers = unpack(("<" if little_endian else ">") + letter * (len(value) // size), value)
        return numbers if all(not each or abs(each) > _SMALLEST for each in numbers) else None
    parts = value.rstrip(b"\0").split(b"\\")
    if not all(_TEXT[vr].fullmatch(part) for part in parts):
        return None
    return tuple(float(part) for part in parts)


def _reads_as_text(value: bytes) -> bool:
    """Whether bytes of binary numbers are letters; real vectors have such bytes once in 10 billion times."""
    text = value.rstrip(b"\0")
    return len(text) > 8 and all(0x20 <= byte < 0x7F for byte in text)


@cache
def _table() -> dict[tuple[int, int], dict[str, PrivateNumber]]:
    table: dict[tuple[int, int], dict[str, PrivateNumber]] = {}
    for row in rows("deidentification/private.csv"):
        group, element, count = int(row["group"], 16), int(row["element"], 16), int(row["multiplicity"])
        number = PrivateNumber(
            row["creator"],
            group,
            element,
            row["keyword"],
            row["vr"],
            (count, count),
            float(row["low"]),
            float(row["high"]),
            row["standard"],
        )
        table.setdefault((group, element), {})[number.creator.casefold()] = number
    return table
