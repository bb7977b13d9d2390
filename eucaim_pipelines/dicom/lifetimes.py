"""What the header of an image tells of a person's life: birth, ages, dates, and whether 90 is reached.

Values as received; what is done about somebody of 90 years is decided elsewhere.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import Any

DAYS_PER_YEAR = 365.25
POOLED_FROM_YEARS = 90
OLDEST_AGE_YEARS = 130.0
"""An age above it is a mistake."""
STUDY_DATES = ("StudyDate", "AcquisitionDate", "SeriesDate", "ContentDate")
"""Where the date of a study is looked for, in this order."""
_DISTINCT = 100_000
"""As many spellings of dates and ages are remembered: a dataset has few of them, and very many headers."""


@dataclass
class Life:
    """What is known of one person: first and last possible day of birth by each source, latest date."""

    births: list[tuple[date, date]] = field(default_factory=list)
    latest: date = date.min
    old: bool = False

    def has_age(self, years: float | None, day: date | None = None) -> None:
        """An age in years; with its day it tells of the birth, to the year (ages may be rounded down)."""
        self.old |= years is not None and round(years, 1) >= POOLED_FROM_YEARS
        if years is not None and day is not None:
            first = _years_before(day, int(years) + 1) + timedelta(days=1)
            self.births.append((first, _years_before(day, int(years))))

    def has_date(self, day: date) -> None:
        """A date at which something of this person is recorded."""
        self.latest = max(self.latest, day)

    def reaches_old_age(self) -> bool:
        """Whether 90 is reached, by the earliest birth that the sources allow.

        Where they agree this is the earliest that all of them allow, else the earliest that any of them does.
        """
        if self.old or not self.births:
            return self.old
        firsts, lasts = zip(*self.births, strict=True)
        earliest = max(firsts) if max(firsts) <= min(lasts) else min(firsts)
        return bool(earliest <= _years_before(self.latest, POOLED_FROM_YEARS))


def image_tells(life: Life, row: Mapping[str, Any]) -> None:
    """Add what a header row says of a person: its dates, age and birth date."""
    days = [day for name in STUDY_DATES if (day := dicom_date(row[name])) is not None]
    for day in days:
        life.has_date(day)
    day = next(iter(days), None)
    life.has_age(age_string_years(row["PatientAge"]), day)
    born = dicom_date(row["PatientBirthDate"])
    if born is not None and (day is None or 0 <= (day - born).days / DAYS_PER_YEAR <= OLDEST_AGE_YEARS):
        life.births.append((born, born))


@lru_cache(maxsize=_DISTINCT)
def dicom_date(text: str | None) -> date | None:
    """The date of a DA value (PS3.5 6.2), null when it is none."""
    if not text or len(text) != 8 or not (text.isascii() and text.isdigit()):
        return None
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None


@lru_cache(maxsize=_DISTINCT)
def age_string_years(text: str | None) -> float | None:
    """Years of an AS value such as 063Y or 018M (PS3.5 6.2), one decimal; null when it is none."""
    per_year = {"D": DAYS_PER_YEAR, "W": DAYS_PER_YEAR / 7, "M": 12.0, "Y": 1.0}
    if (
        not text
        or len(text) != 4
        or text[3] not in per_year
        or not (text[:3].isascii() and text[:3].isdigit())
    ):
        return None
    return round(int(text[:3]) / per_year[text[3]], 1)


def _years_before(day: date, years: int) -> date:
    """The same day of another year; the 29 February falls on the 28th, no date is earlier than the first."""
    if day.year <= years:
        return date.min
    leap = day.month == 2 and day.day == 29
    return date(day.year - years, day.month, 28 if leap else day.day)
