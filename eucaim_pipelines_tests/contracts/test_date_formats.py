"""Laws of dates in named formats: what was written is read, and no text has two readings."""

from datetime import date, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from eucaim_pipelines.contracts import date_formats

FORMATS = (
    "%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d.%m.%y", "%Y%m%d", "%d%m%Y", "%y%m%d", "%d %b %Y",
    "%d-%b-%y", "%Y/%m/%d", "%Y-%m-%d %H:%M:%S", "%m/%Y", "%Y-%m", "%Y%m", "%b %Y", "%Y", "%j-%Y",
)  # fmt: skip
DAYS = st.dates(date(1930, 1, 1), date(2060, 12, 31))


@given(day=DAYS, form=st.sampled_from(FORMATS))
def test_what_a_format_writes_it_reads_to_its_precision(day, form):
    assume("%y" not in form or 1969 <= day.year <= 2068)
    known = date_formats.precision(day.strftime(form), [form])
    whole = {None: day, "month": day.replace(day=1), "year": day.replace(month=1, day=1)}
    assert date_formats.read(day.strftime(form), [form]) == whole[known]


@settings(deadline=None, max_examples=40)
@given(day=DAYS, forms=st.lists(st.sampled_from(FORMATS), min_size=2, max_size=3, unique=True))
def test_formats_that_are_allowed_together_never_disagree(day, forms):
    century = 2030 if any("%y" in form for form in forms) else None
    said = next(
        (s for s in (None, "month", "year") if date_formats.problem(tuple(forms), s, century) is None), "none"
    )
    assume(said != "none")
    for form in forms:
        text = day.strftime(form)
        read = {date_formats.read(text, [other], century) for other in forms} - {None}
        assert len(read) <= 1


@pytest.mark.parametrize(
    ("forms", "said", "words"),
    [
        (("%d/%m/%Y", "%m/%d/%Y"), None, "different days"),
        (("%d/%m/%y", "%y/%m/%d"), 2030, "different days"),
        (("%d%m%Y", "%Y%m%d"), None, None),
        (("%d%m%y", "%y%m%d"), 2030, "different days"),
        (("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y"), None, None),
        (("%m/%Y",), None, "needs precision"),
        (("%m/%Y",), "month", None),
        (("%Y",), "month", "needs precision"),
        (("%Y", "%m/%Y", "%d/%m/%Y"), "year", None),
        (("%d/%m/%Y",), "month", "no more precise"),
        (("%m/%Y",), "year", "no more precise"),
        (("%d/%m",), None, "no format of a date"),
        (("day",), None, "no format of a date"),
        (("%d/%m/%Y %Z",), None, "no format of a date"),
        (("%Y%%%m%d",), None, None),
        (("%d.%m.%Y", "%d.%m.%y"), None, "century_before"),
    ],
)
def test_formats_are_judged_before_any_date_is_read(forms, said, words):
    told = date_formats.problem(forms, *((None, said) if isinstance(said, int) else (said,)))
    assert told is None if words is None else words in told


@given(day=st.dates(date(1900, 3, 1), date(2149, 12, 31)), years=st.integers(1, 100))
def test_a_year_of_two_digits_lies_in_the_hundred_years_before_the_one_that_is_named(day, years):
    form, named = "%d.%m.%y", day.year + years
    assert date_formats.problem((form,), None, named) is None
    assert date_formats.read(f"{day:%d.%m.%y}", [form], named) == day
    assert date_formats.read(f"{day:%d.%m.%Y}", ["%d.%m.%Y", form], named) == day
    assert "%y" in (date_formats.problem(("%d.%m.%Y",), None, named) or "")


@pytest.mark.parametrize("text", ["1112020", "2020111", "20201301", "31.02.2020", "", "today"])
def test_a_text_that_could_be_two_days_or_none_is_not_read(text):
    assert date_formats.read(text, ["%d%m%Y", "%Y%m%d", "%d.%m.%Y"]) is None


@given(years=st.integers(1, 400))
def test_years_that_no_living_person_has_seen_are_not_read(years):
    for day in (date(1850, 1, 1) - timedelta(days=years), date(2200, 1, 1) + timedelta(days=years)):
        assert date_formats.read(day.isoformat(), ["%Y-%m-%d"]) is None
