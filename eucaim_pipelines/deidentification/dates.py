"""Dates, times and ages as DICOM writes them, moved and pooled.

Which attribute is a date of the patient is the profile's matter.
"""

import re
from datetime import date

from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms
from eucaim_pipelines.deidentification.options import DatePolicy

POOLED_AGE_YEARS = 90
_DATE = re.compile(r"(\d{4})(\.?)(\d{2})\2(\d{2})", re.ASCII)
_DATETIME = re.compile(r"(\d{8})(\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?)?([+-]\d{4})?", re.ASCII)
_TIME = re.compile(
    r"([01]\d|2[0-4])([0-5]\d([0-6]\d(\.\d{1,6})?)?)?|([01]\d|2[0-4]):[0-5]\d(:[0-6]\d(\.\d{1,6})?)?"
)
_AGE = re.compile(r"(\d{3})([DWMY])", re.ASCII)
_DAYS = {"D": 1, "W": 7, "M": 30.4375, "Y": 365.25}


def parse_date(value: str | None) -> date | None:
    """A DICOM date (DA, the old form with dots too); None when it is no date."""
    found = _DATE.fullmatch(value or "")
    if found is None:
        return None
    try:
        return date(int(found[1]), int(found[3]), int(found[4]))
    except ValueError:
        return None


def released_date(
    day: date | None, pseudonym: str, pseudonyms: Pseudonyms, policy: DatePolicy = "shift"
) -> date | None:
    """The only way of a patient's date out of the restricted zone: images, clinical rows, study links.

    Returns
    -------
    date or None
        None when the date is removed, missing, or would lie before the year 1.
    """
    if day is None or policy == "remove":
        return None
    if policy == "day_one":
        return day.replace(day=1)
    try:
        return pseudonyms.shift(day, pseudonym)
    except OverflowError:
        return None


def released_da(value: str, pseudonym: str, pseudonyms: Pseudonyms, policy: DatePolicy) -> str | None:
    """A DICOM date as `released_date` gives it, YYYYMMDD; None when it is removed or malformed."""
    day = released_date(parse_date(value), pseudonym, pseudonyms, policy)
    return None if day is None else f"{day:%Y%m%d}".zfill(8)


def released_dt(value: str, pseudonym: str, pseudonyms: Pseudonyms, policy: DatePolicy) -> str | None:
    """As `released_da`, time and offset kept; None too when it is coarser than a day."""
    found = _DATETIME.fullmatch(value)
    if found is None:
        return None
    day = released_da(found[1], pseudonym, pseudonyms, policy)
    return None if day is None else day + value[8:]


def kept_time(value: str) -> str | None:
    """The time as it is; None when it is malformed."""
    return value if _TIME.fullmatch(value) else None


def pooled_age(value: str, pooled: bool) -> str | None:
    """An age string (AS) with everything from 90 years on as 090Y; None when it is malformed.

    Parameters
    ----------
    value
        nnnD, nnnW, nnnM or nnnY.
    pooled
        Whether the patient reaches 90 in any study, row or later export.
    """
    found = _AGE.fullmatch(value)
    if found is None:
        return None
    years = int(found[1]) * _DAYS[found[2]] / _DAYS["Y"]
    return "090Y" if pooled or years >= POOLED_AGE_YEARS else value


def age_at(birth: date, day: date) -> str | None:
    """Age string at a day: years from two years on, else months; None when the day lies before the birth."""
    years = day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))
    months = 12 * (day.year - birth.year) + day.month - birth.month - (day.day < birth.day)
    if day < birth or years > 150:
        return None
    return f"{years:03d}Y" if years >= 2 else f"{months:03d}M"
