"""The values that may survive, one row each in `kept.csv`, and the rule that keeps them.

The rules themselves are in `data_contracts/deidentification`; the test holds both against what comes out.
"""

import csv
from functools import cache
from pathlib import Path
from typing import NamedTuple

from pydicom.datadict import keyword_for_tag

from eucaim_pipelines_tests.canaries.planting import Plant

RULES = {
    "number": "Numbers that fit VR and multiplicity stay (§2); binary ones may be any bytes",
    "content_number": "Measurements stay, ages from 90 on pooled (§4, §6)",
    "dimension_values": "Indices of frames stay (§6)",
    "binary": "Lookup tables, point coordinates and index lists stay (§2)",
    "time": "Times of day stay, the date beside them is shifted (§4)",
    "age": "Ages below 90 stay (§4)",
    "walk": "The sequence stays; what lies inside follows rules of its own (§2)",
    "code": "A code that has the form of a public scheme's codes stays (§2, coding_schemes.csv)",
    "pattern": "A pattern of text_patterns.csv is open for any word at this place (§2)",
}
"""Why a value stays."""

_UNUSUAL = frozenset(
    {
        "malformed",
        "other VR",
        "mixed",
        "after a known value",
        "open pattern",
        "word",
        "letters",
        "public code",
    }
)
_SEQUENCE = ("SQ", "sequence", "well")


class Row(NamedTuple):
    """One row of `kept.csv`.

    Attributes
    ----------
    keyword
        Of the attribute.
    vr, sort
        VR as written and sort of the value: the time of a DT may stay, its day may not.
    written
        `well`, or how the value breaks the form of its attribute.
    where
        `any` or `nested`.
    rule
        A key of `RULES`.
    """

    keyword: str
    vr: str
    sort: str
    written: str
    where: str
    rule: str


@cache
def rows() -> dict[tuple[str, ...], Row]:
    """Rows by what they are about."""
    with (Path(__file__).parent / "kept.csv").open(encoding="utf-8", newline="") as lines:
        return {row[:4]: row for row in (Row(**fields) for fields in csv.DictReader(lines))}


def rows_of(plant: Plant) -> list[Row]:
    """The rows that together keep a plant, its own the last; none if one of them lacks."""
    found = []
    for depth, tag in enumerate(plant.place):
        found.append(_row((keyword_for_tag(tag), *_SEQUENCE), nested=depth > 0))
    found.append(_row(key(plant), nested=bool(plant.place)))
    return [row for row in found if row is not None] if None not in found else []


def keeps_sequence(tag: int, *, nested: bool) -> bool:
    """Whether a row keeps a sequence."""
    return _row((keyword_for_tag(tag), *_SEQUENCE), nested=nested) is not None


def keeps_value(plant: Plant) -> bool:
    """Whether a row keeps a plant where its sequences are kept."""
    return _row(key(plant), nested=bool(plant.place)) is not None


def _row(about: tuple[str, ...], *, nested: bool) -> Row | None:
    row = rows().get(about)
    return row if row is not None and (nested or row.where == "any") else None


def key(plant: Plant) -> tuple[str, ...]:
    """What a row would have to be about to keep a plant."""
    written = plant.group if plant.group in _UNUSUAL else "well"
    return keyword_for_tag(plant.tag), plant.vr, plant.sort, written
