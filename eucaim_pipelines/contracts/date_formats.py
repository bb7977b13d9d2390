"""Dates in named formats, never guessed: how a text is read, and whether several formats can contradict.

Which column has which formats is said in the source contract.
"""

import re
from collections.abc import Sequence
from datetime import date, datetime
from functools import cache
from typing import Literal

Precision = Literal["month", "year"]
EARLIEST, LATEST = date(1850, 1, 1), date(2200, 1, 1)
_KNOWN = frozenset("dmbBYyjHIMSpfaA")
_TOUCHING = re.compile(r"%[A-Za-z]%[A-Za-z]")
# Days on which formats are compared: every day and month, with years of one, two and no double meaning.
_YEARS = (1900, 1912, 1931, 1968, 1969, 1999, 2000, 2001, 2010, 2011, 2012, 2020, 2031)


def read(text: str, formats: Sequence[str], century_before: int | None = None) -> date | None:
    """The date that the first fitting format reads, within 1850 to 2200; days and months not said are 1.

    A year of two digits is the last one before `century_before` that ends so. Formats whose parts touch each
    other (`%Y%m%d`) read padded numbers only: `1112020` could be two days.
    """
    for form in formats:
        found = _read(text, form, century_before)
        if found is not None:
            return found
    return None


def precision(text: str, formats: Sequence[str]) -> Precision | None:
    """What the fitting format does not say: the day (`month`), the month too (`year`), or None."""
    form = next((form for form in formats if _read(text, form) is not None), None)
    return None if form is None else _precision(form)


@cache
def problem(
    formats: tuple[str, ...], said: Precision | None, century_before: int | None = None
) -> str | None:
    """What is wrong with the formats of one column, in words; None if nothing is.

    Parameters
    ----------
    said
        The precision that the contract allows.
    """
    for form in formats:
        parts = set(re.findall(r"%(.)", form.replace("%%", "")))
        if not parts <= _KNOWN or not parts & {"Y", "y"}:
            return f"'{form}' is no format of a date"
    if any("%y" in form for form in formats) != (century_before is not None):
        return (
            "A format with %y needs century_before (with 2030, 29 is 2029 and 30 is 1930), and no other does"
        )
    missing = {found for form in formats if (found := _precision(form)) is not None}
    if not missing <= ({"year": {"month", "year"}, "month": {"month"}}.get(said or "", set())):
        return "A format without day or month needs precision: month or year"
    for number, one in enumerate(formats):
        if any(_contradict(one, other) for other in formats[number + 1 :]):
            return "Two of the formats can read one text as different days"
    if said is not None and said not in missing:
        return f"precision: {said} belongs to a format that is no more precise"
    return None


def _precision(form: str) -> Precision | None:
    parts = set(re.findall(r"%(.)", form))
    if "j" in parts or ("d" in parts and parts & {"m", "b", "B"}):
        return None
    return "month" if parts & {"m", "b", "B"} else "year"


def _read(text: str, form: str, century_before: int | None = None) -> date | None:
    try:
        found = datetime.strptime(text, form)
        if century_before is not None and "%y" in form:
            found = found.replace(year=century_before - 100 + (found.year - century_before) % 100)
    except ValueError:
        return None
    if _TOUCHING.search(form) and found.strftime(form) != text:
        return None
    return found.date() if EARLIEST <= found.date() <= LATEST else None


def _contradict(one: str, other: str) -> bool:
    days = [date(year, month, day) for year in _YEARS for month in range(1, 13) for day in range(1, 29)]
    return any(_differ(day, one, other) or _differ(day, other, one) for day in days)


def _differ(day: date, one: str, other: str) -> bool:
    text = day.strftime(one)
    first, second = _read(text, one), _read(text, other)
    return first is not None and second is not None and first != second
