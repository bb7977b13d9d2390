"""One cell of a clinical file becomes a code, date, number or truth; nothing is guessed.

What a column is comes from the source contract; columns and tables are handled in `coding`.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache, partial
from typing import Any, NamedTuple

from eucaim_pipelines.contracts import date_formats
from eucaim_pipelines.contracts.source_files import ClinicalFile, FieldSource
from eucaim_pipelines.contracts.sources import Column
from eucaim_pipelines.contracts.units import AGES, SAME, Conversion, conversion
from eucaim_pipelines.contracts.vocabularies import Vocabulary
from eucaim_pipelines.dicom.lifetimes import OLDEST_AGE_YEARS

LIMIT = "limit"
_WORDS = {
    **dict.fromkeys(("true", "1", "yes", "y", "t", "positive", "present"), True),
    **dict.fromkeys(("false", "0", "no", "n", "f", "negative", "absent"), False),
}
_AGE_WORDS = {
    **dict.fromkeys(("a", "y", "yr", "yrs", "year", "years"), "a"),
    **dict.fromkeys(("mo", "m", "month", "months"), "mo"),
    **dict.fromkeys(("wk", "w", "week", "weeks"), "wk"),
    **dict.fromkeys(("d", "day", "days"), "d"),
}
"""What stands beside an age, the letters of DICOM's AS among them (PS3.5 6.2)."""
_LONGEST_UNIT = 30
"""Letters of a unit that stands in a cell; what is longer is text, and is not parsed."""
_DAYS = round(OLDEST_AGE_YEARS * 366)
_DISTINCT_UNITS = 10_000
"""As many spellings of units are remembered: most cells of a column say the same one."""
_UID = re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*))+", re.ASCII)


class Cell(NamedTuple):
    """What a text became.

    `mapped` is false where it could be nothing that its column allows; a value that is None although it is
    mapped means "no value". `note` says that the value is less exact than it looks: `limit`, `month`, `year`.
    """

    value: Any = None
    mapped: bool = True
    note: str | None = None


class NumberForm:
    """How one kind of file writes numbers: a limit's sign, digits, a unit.

    Separators of thousands count only where the contract names them: 1.234 would be two different numbers.
    """

    def __init__(self, decimal: str, thousands: str | None) -> None:
        self._decimal, self._thousands = decimal, thousands
        point, whole = re.escape(decimal), r"\d{1,15}"
        if thousands is not None:
            whole = rf"(?:\d{{1,3}}(?:{re.escape(thousands)}\d{{3}})+|{whole})"
        digits = rf"[+-]?(?:{whole}(?:{point}\d{{0,17}})?|{point}\d{{1,17}})(?:[eE][+-]?\d{{1,2}})?"
        limit, unit = r"(?P<limit>[<>≤≥]=?)?", r"(?P<unit>\s*(?:10\*|[^\s\d.,<>'+-])\S*)?"
        self._pattern = re.compile(rf"{limit}\s*(?P<number>{digits}){unit}", re.ASCII)

    def read(self, cell: str) -> tuple[float, str | None, bool] | None:
        """Number, unit and whether it is a limit; None if the cell is nothing of this kind."""
        found = self._pattern.fullmatch(cell.replace("\u00a0", " ").replace("\u202f", " "))
        if found is None:
            return None
        plain = found["number"].replace(self._thousands or "", "").replace(self._decimal, ".")
        return float(plain), found["unit"] and found["unit"].strip(), found["limit"] is not None


UNMAPPED = Cell(mapped=False)
NOTHING = Cell()
Coder = Callable[[str], Cell]


def coder(
    name: str,
    source: FieldSource,
    spec: ClinicalFile,
    vocabularies: Mapping[str, Vocabulary],
    latest: date = date_formats.LATEST,
) -> Coder:
    """What reads the texts of one field.

    Parameters
    ----------
    name, source
        The field and where its text comes from, as `spec.sources` gives them.
    latest
        The last day that can lie in a patient's past; later dates are mistakes.
    """
    column, numbers = source.column, NumberForm(spec.decimal, spec.thousands)
    kinds: dict[str, Coder] = {
        "boolean": partial(_boolean, column=column),
        "date": partial(_date, column=column, latest=latest),
        "age": partial(_age, column=column, numbers=numbers),
        "number": partial(_number, column=column, numbers=numbers, convert=spec.conversion(name)),
        "integer": partial(_whole, column=column, numbers=numbers, convert=spec.conversion(name)),
        "days": partial(_days, column=column, numbers=numbers),
        "timepoint": partial(_timepoint, column=column, numbers=numbers),
        "study_uid": _study_uid,
    }
    if column.value_set is not None:
        vocabulary = vocabularies[column.value_set]
        kinds["code"] = kinds["episode"] = partial(_code, column=column, vocabulary=vocabulary)
    read = partial(_unless_missing, column=column, read=kinds[column.kind])
    if source.pattern is None:
        return read
    return partial(
        _part, pattern=re.compile(source.pattern), group=str(source.group), missing=spec.missing, read=read
    )


def _part(cell: str, pattern: re.Pattern[str], group: str, missing: tuple[str, ...], read: Coder) -> Cell:
    """One part of the cell; where the whole does not fit the pattern no part of it counts."""
    found = pattern.fullmatch(cell)
    if found is None:
        return UNMAPPED
    text = (found[group] or "").strip()
    return NOTHING if not text or text in missing else read(text)


def _unless_missing(cell: str, column: Column, read: Coder) -> Cell:
    return NOTHING if cell in column.missing else read(cell)


def _code(cell: str, column: Column, vocabulary: Vocabulary) -> Cell:
    """With a value map only the map and codes count: a label may mean something else in a local list."""
    if not column.values:
        return _told(vocabulary.code(cell))
    return _mapped(cell, column) or _told(vocabulary.bare_code(cell))


def _boolean(cell: str, column: Column) -> Cell:
    if column.values:
        return _mapped(cell, column) or UNMAPPED
    return _told(_WORDS.get(_plain(cell)))


def _date(cell: str, column: Column, latest: date) -> Cell:
    found = date_formats.read(cell, column.formats, column.century_before)
    if found is None or found > latest:
        return UNMAPPED
    exact = column.precision is None
    return Cell(found, note=None if exact else date_formats.precision(cell, column.formats))


def _age(cell: str, column: Column, numbers: NumberForm) -> Cell:
    found = _mapped(cell, column)
    if found is None:
        told = numbers.read(cell)
        unit = (column.unit or "a") if told is None or not told[1] else _AGE_WORDS.get(told[1].casefold())
        if told is None or unit is None or (told[2] and column.limits == "refuse"):
            return UNMAPPED
        number = abs(told[0]) if unit == "d" else told[0]  # the day of birth, counted from the event
        found = Cell(AGES[unit](number), note=LIMIT if told[2] else None)
    if found.value is None:
        return found
    fits = 0 <= found.value <= OLDEST_AGE_YEARS
    return found._replace(value=round(float(found.value), 1)) if fits else UNMAPPED


def _number(cell: str, column: Column, numbers: NumberForm, convert: Conversion) -> Cell:
    found = _mapped(cell, column)
    if found is None:
        told = numbers.read(cell)
        own = None if told is None else _between(told[1], column.unit)
        if told is None or own is None or (told[2] and column.limits == "refuse"):
            return UNMAPPED
        found = Cell(own(told[0]), note=LIMIT if told[2] else None)
    return found if found.value is None else found._replace(value=convert(float(found.value)))


def _whole(cell: str, column: Column, numbers: NumberForm, convert: Conversion) -> Cell:
    found = _number(cell, column, numbers, convert)
    if found.value is None:
        return found
    return found._replace(value=int(found.value)) if found.value.is_integer() else UNMAPPED


def _days(cell: str, column: Column, numbers: NumberForm) -> Cell:
    found = _whole(cell, column, numbers, SAME)
    return found if found.value is None or abs(found.value) <= _DAYS else UNMAPPED


def _timepoint(cell: str, column: Column, numbers: NumberForm) -> Cell:
    found = _whole(cell, column, numbers, SAME)
    return found if found.value is None or found.value >= 0 else UNMAPPED


def _study_uid(cell: str) -> Cell:
    """A UID as PS3.5 9.1 writes it."""
    return Cell(cell) if len(cell) <= 64 and _UID.fullmatch(cell) else UNMAPPED


def _told(value: Any) -> Cell:
    return UNMAPPED if value is None else Cell(value)


def _mapped(cell: str, column: Column) -> Cell | None:
    """What this spelling stands for, else the only one that differs by letter case, spacing or `.0`."""
    if cell in column.values:
        return Cell(column.values[cell])
    wanted = _plain(cell)
    found = {value for spelling, value in column.values.items() if _plain(spelling) == wanted}
    return Cell(found.pop()) if len(found) == 1 else None


def _plain(text: str) -> str:
    """Without letter case and spacing; a code 1 that a program wrote as 1.0 is 1."""
    folded = " ".join(text.split()).casefold()
    return re.sub(r"^([+-]?\d+)\.0+$", r"\1", folded)


@lru_cache(maxsize=_DISTINCT_UNITS)
def _between(unit: str | None, declared: str | None) -> Conversion | None:
    """From the unit that stands in a cell to that of its column; None where there is no way."""
    if unit is None:
        return SAME
    if declared is None or len(unit) > _LONGEST_UNIT:
        return None
    if unit.casefold() == declared.casefold():
        return SAME
    try:
        return conversion(unit, declared)
    except ValueError:
        return None
