"""What the cells of a column look like, whatever its header says: dates, numbers, codes, persons, text.

Which spellings of a column may be told is decided in `spellings`.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from eucaim_pipelines.contracts import date_formats
from eucaim_pipelines.onboarding.lists import Lists
from eucaim_pipelines.onboarding.sheets import Sheet

Looks = Literal[
    "empty", "date", "integer", "number", "uid", "contact", "person", "identifier", "words", "text"
]

MOST_SPELLINGS = 60
_FORMATS = (
    "%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%Y/%m/%d", "%Y%m%d", "%d/%m/%y",
    "%m/%d/%y", "%d.%m.%y", "%d-%m-%y", "%d-%b-%Y", "%d %b %Y", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S",
    "%d/%m/%Y %H:%M", "%d.%m.%Y %H:%M", "%m/%Y", "%Y-%m",
)  # fmt: skip
_SEPARATORS = (";", "|", ",", " + ")
_NEARLY_ALL, _MOSTLY = 0.95, 0.8
_LONG_TEXT, _MANY_KINDS, _REPEATED = 25, 0.5, 3
_LONGEST_KIND = 80
"""Longer cells are texts: no pattern of a name, an address or a number is tried on them."""

_INTEGER = re.compile(r"[+-]?\d{1,15}")
_NUMBER = re.compile(r"[<>≤≥]?\s*[+-]?\d{1,15}([.,]\d{1,15})?")
_UID = re.compile(r"[0-2](\.(0|[1-9]\d*)){5,}")
_CONTACT = re.compile(r"\S+@\S+\.\w+|\+?\d[\d ()/.-]{7,}\d")
_IDENTIFIER = re.compile(r"(?=.*\d)[^\s]{4,}")
_NAME = r"[^\W\d_](?:[^\W\d_]|['’.-])*"
_PERSON = re.compile(rf"{_NAME}(?:[ ,]+{_NAME}){{1,4}}")


@dataclass(frozen=True)
class Profile:
    """What one column looks like.

    Attributes
    ----------
    filled, distinct
        Cells with a value, and how many different ones.
    formats
        Formats of dates that fit all cells (or, where none does, nearly all); several may contradict.
    spellings
        Code-like cells that may be told, with the rows that hold them, the most frequent first; `left_out`
        counts the others.
    low, high, limits
        Range of the numbers, and whether some are limits (`<0.1`).
    separator
        What stands between several values in one cell; the spellings are those of the parts.
    missing
        Spellings of "no value" that occur.
    legend
        What a line below the header says that spellings mean.
    """

    header: str
    position: int
    looks: Looks
    filled: int
    distinct: int
    formats: tuple[str, ...] = ()
    spellings: tuple[tuple[str, int], ...] = ()
    left_out: int = 0
    low: float = 0
    high: float = 0
    comma: bool = False
    limits: bool = False
    separator: str | None = None
    missing: frozenset[str] = frozenset()
    legend: Mapping[str, str] = field(default_factory=dict)

    @property
    def contradicting(self) -> bool:
        """Whether its dates could be read in two ways."""
        return len(self.formats) > 1

    @property
    def limits_said(self) -> str:
        """A word on limits for the line of the column, where it holds some."""
        return " some are limits, such as <1: see the key limits" if self.limits else ""

    def parts(self, cell: str) -> list[str]:
        """The spellings in one cell: itself, or what its separator cuts it into; none of "no value"."""
        if not cell or cell in self.missing:
            return []
        return _parts([cell], self.separator) if self.separator is not None else [cell]


def profile(sheet: Sheet, lists: Lists) -> tuple[Profile, ...]:
    """The profile of every column of a table."""
    return tuple(_profile(sheet, position, lists) for position in range(len(sheet.columns)))


def _profile(sheet: Sheet, position: int, lists: Lists) -> Profile:
    header, cells = sheet.columns[position], sheet.column(position)
    missing = frozenset(cell for cell in cells if cell.casefold() in lists.missing)
    values = [cell for cell in cells if cell not in missing]
    counts = Counter(values)
    found = Profile(
        header, position, "empty", len(values), len(counts), missing=missing, legend=sheet.legend(position)
    )
    if not values:
        return found
    formats = ("%Y-%m-%d",) if position in sheet.dates else _formats(values, counts)
    if formats:
        return replace(found, looks="date", formats=formats)
    numbers = [value for value in values if _NUMBER.fullmatch(value)]
    if len(numbers) < _NEARLY_ALL * len(values):
        separator = _separator(values)
        looks = _words(values, counts) if separator is None else "words"
        return replace(found, looks=looks, separator=separator)
    plain = [float(number.lstrip("<>≤≥ ").replace(",", ".")) for number in numbers]
    whole = all(_INTEGER.fullmatch(number) for number in numbers)
    return replace(
        found,
        looks="integer" if whole else "number",
        low=min(plain),
        high=max(plain),
        comma=any("," in number for number in numbers),
        limits=any(not number[0].isdigit() and number[0] not in "+-" for number in numbers),
    )


def _parts(values: Iterable[str], separator: str) -> list[str]:
    return [part.strip() for value in values for part in value.split(separator) if part.strip()]


def _separator(values: Sequence[str]) -> str | None:
    """What cuts some cells into words that other cells hold too; texts and names do not come apart so."""
    for separator in _SEPARATORS:
        cut = [value for value in values if separator in value]
        parts = Counter(_parts(values, separator))
        repeated = sum(rows for rows in parts.values() if rows >= _REPEATED)
        if len(cut) >= _REPEATED and repeated >= _MOSTLY * parts.total() and not _numbers(parts):
            return separator
    return None


def _numbers(parts: Iterable[str]) -> bool:
    return any(_NUMBER.fullmatch(part) for part in parts)


def _formats(values: Sequence[str], counts: Counter[str]) -> tuple[str, ...]:
    if not any(character.isdigit() for character in values[0]):
        return ()
    read = {
        form: sum(rows for cell, rows in counts.items() if date_formats.read(cell, (form,)) is not None)
        for form in _FORMATS
        if form != "%Y%m%d" or all(len(cell) == 8 for cell in counts)
    }
    for least in (len(values), _NEARLY_ALL * len(values)):
        fitting = [form for form, rows in read.items() if rows >= least]
        if fitting:
            return tuple(fitting)
    return ()


def _words(values: Sequence[str], counts: Counter[str]) -> Looks:
    def share(pattern: re.Pattern[str]) -> float:
        short = (value for value in values if len(value) <= _LONGEST_KIND)
        return sum(bool(pattern.fullmatch(value)) for value in short) / len(values)

    if share(_UID) >= _MOSTLY:
        return "uid"
    if share(_CONTACT) >= _MOSTLY:
        return "contact"
    varied = len(counts) > _MANY_KINDS * len(values)
    if varied and len(values) >= _REPEATED and share(_PERSON) >= _MOSTLY:
        return "person"
    if len(counts) == len(values) > _REPEATED and share(_IDENTIFIER) >= _MOSTLY:
        return "identifier"
    long = sum(len(value) for value in values) / len(values) > _LONG_TEXT
    return "text" if (long and varied) or (varied and len(values) > MOST_SPELLINGS) else "words"
