"""The shareable edition against a reader who subtracts, shape by shape: shares, bins, categories, changes."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis.strategies import integers, lists, tuples

from eucaim_pipelines.quality.disclosure import SMALL, WITHHELD, at_least
from eucaim_pipelines.report.edition import Edition, number
from eucaim_pipelines.report.summary import Bin, Difference, Group, Parameter, Share, Unmapped

OUT, LOCAL = Edition(False, 200), Edition(True, 200)
SMALL_COUNTS = range(1, 10)


def share(people: int, without: int) -> Share:
    return Share("x", people, people - without, people, without)


@pytest.mark.parametrize("people", [10, 14, 19, 53, 200])
def test_a_share_does_not_tell_how_few_lack_or_have_something(people: int) -> None:
    for few in (lambda n: n, lambda n: people - n):
        texts = {
            Edition(False, people).shares([share(people, few(n))])[0] for n in SMALL_COUNTS if n < people
        }
        assert texts == {WITHHELD}


def test_a_share_of_few_people_is_hidden_even_if_all_have_it() -> None:
    assert {OUT.shares([share(200, 0), share(n, 0)])[1] for n in SMALL_COUNTS} == {WITHHELD}
    assert OUT.shares([share(200, 0), share(10, 0)]) == ["100 %", "100 %"]


def test_the_parts_do_not_tell_a_hidden_one_together_with_the_whole() -> None:
    """By timepoint 40, 30 and n people lack it: the whole would give n away, and so would n alone."""
    for n in SMALL_COUNTS:
        parts = [share(90, 40), share(90, 30), share(20, n)]
        texts = OUT.shares([share(200, 70 + n), *parts])
        assert texts[3] == WITHHELD
        assert texts[1:].count(WITHHELD) + (texts[0] == WITHHELD) >= 2


def test_the_whole_goes_where_no_other_part_can_hide_a_small_one() -> None:
    """7 and 7 people lack it: that they are 14 would narrow either to 5 to 9."""
    assert OUT.shares([share(60, 14), share(30, 7), share(30, 7)]) == [WITHHELD] * 3
    assert OUT.shares([share(60, 14), share(30, 14), share(30, 0)]) == ["70+ %", "50+ %", "100 %"]


def test_shares_are_rounded_down_outside_and_exact_in_the_hospital() -> None:
    one = Share("x", 64, 43, 64, 21)
    assert Edition(False, 64).shares([one]) == ["60+ %"]
    assert Edition(True, 64).shares([one]) == ["67.2 % (43 of 64)"]
    assert OUT.shares([None, Share("x", 0, 0, 0, 0)]) == ["–", "–"]


@given(lists(tuples(integers(0, 60), integers(0, 60)), min_size=1, max_size=8))
def test_no_bin_of_the_time_line_tells_of_few_people(counts: list[tuple[int, int]]) -> None:
    bins = [
        Bin(f"{n}", Group("s", max(entries, people), people), Group("t", 0, 0))
        for n, (entries, people) in enumerate(counts)
    ]
    texts = [studies for _, studies, _ in OUT.timeline(bins)]
    for each, text in zip(bins, texts, strict=True):
        if 0 < each.studies.patients < 10:
            assert text in (SMALL, WITHHELD)
    hidden = [each for each, text in zip(bins, texts, strict=True) if at_least(text) is None]
    if hidden:
        assert len(hidden) > 1 or sum(each.studies.patients for each in bins) < 19 or _only(bins)


def _only(bins: list[Bin]) -> bool:
    """Nothing else is there that could be hidden beside a small number."""
    return sum(each.studies.entries > 0 for each in bins) == 1


def test_categories_of_few_people_are_one_row_and_the_rest_does_not_tell_its_number() -> None:
    def rows(few: int) -> list[tuple[str, str, str]]:
        groups = [Group("CT", 300, 120), Group("MR", 90, 70), Group("NM", few, few), Group("", 3, 2)]
        return OUT.groups(groups, 20)[0]

    assert len({tuple(rows(few)) for few in SMALL_COUNTS}) == 1
    names = [name for name, _, _ in rows(4)]
    assert names == ["CT", "MR", "2 with fewer than 10 patients each"]
    assert rows(4)[1][1:] == (WITHHELD, WITHHELD), "the smallest other one goes too"
    assert "NM" in [name for name, _, _ in LOCAL.groups([Group("NM", 4, 4)], 20)[0]]


def test_a_category_of_nearly_all_patients_does_not_tell_of_the_others() -> None:
    texts = {OUT.groups([Group("CT", 600, 200 - n)], 20)[0][0][2] for n in SMALL_COUNTS}
    assert texts == {WITHHELD}


def test_a_long_tail_is_cut_and_counted() -> None:
    groups = [Group(f"{n}", 100 - n, 50) for n in range(40)]
    for edition in (OUT, LOCAL):
        rows, more = edition.groups(groups, 25)
        assert (len(rows), more) == (25, "and 15 more")


@pytest.mark.parametrize("people", [(1, 0, 0), (0, 3, 0), (0, 0, 9)])
def test_a_difference_of_few_people_is_hidden_with_what_would_give_it_away(
    people: tuple[int, int, int],
) -> None:
    """A reader knows both totals, thus added less removed; all that is said is that there was something."""
    texts = {
        OUT.difference(Difference("Images", 500, 40 * bool(people[0]), 0, 30, people))[1:]
        for people in [people, tuple(1 if n else 0 for n in people)]
    }
    assert len(texts) == 1
    assert set(texts.pop()) <= {WITHHELD, "0"}


def test_changes_of_many_people_are_rounded_and_small_numbers_of_entries_hidden() -> None:
    large = Difference("Studies", 512, 25, 0, 13, (12, 0, 11))
    assert OUT.difference(large) == ("510+", "20+", "0", "10+")
    assert OUT.difference(replace(large, removed=7)) == ("510+", WITHHELD, "0", WITHHELD)
    assert LOCAL.difference(large) == ("512", "25", "0", "13")


def parameter(patients: int, below: int, above: int, outliers: int) -> Parameter:
    far = Group("outliers", outliers, outliers)
    return Parameter("KVP", "kV", "CT", 90, patients, (80, 100, 118.7, 121, 140), below, above, far)


def test_a_quartile_stands_for_ten_people_or_is_hidden() -> None:
    assert OUT.parameter(parameter(9, 9, 9, 0)) is None
    told, hidden = (OUT.parameter(parameter(50, below, 20, 3)) for below in (10, 9))
    assert told is not None and hidden is not None
    assert told[5:] == ("–", "100", "120", "120", "–", SMALL)
    assert hidden[6:9] == (WITHHELD,) * 3
    local = LOCAL.parameter(parameter(5, 2, 2, 1))
    assert local is not None and local[5:] == ("80", "100", "118.7", "121", "140", "1")


def test_a_column_without_a_value_of_ten_people_only_says_that_it_has_some() -> None:
    def row(values: int, patients: int) -> tuple[str, str, str]:
        return OUT.unmapped([Unmapped("women", "diagnosis", "cancer_condition", values, 30, patients)])[0]

    assert len({row(values, patients) for values, patients in product(SMALL_COUNTS, SMALL_COUNTS)}) == 1
    assert row(3, 20) == ("3", "30+", "20+")


def test_numbers_are_written_as_people_write_them() -> None:
    numbers = (0.0, 0.004321, 0.7, 8.54, 1204.6)
    one = replace(parameter(50, 20, 20, 0), values=numbers)
    told, exact = OUT.parameter(one), LOCAL.parameter(one)
    assert told is not None and told[6:9] == ("0.0043", "0.7", "8.5")
    assert exact is not None and exact[5:10] == ("0", "0.004321", "0.7", "8.54", "1205")


@pytest.mark.parametrize(
    ("text", "drawn"),
    [("40+", 40), ("96 % (29 of 30)", 96), ("1e+02", 100), (SMALL, None), (WITHHELD, None), ("–", None)],
)
def test_a_chart_draws_what_its_text_says(text: str, drawn: float | None) -> None:
    assert number(text) == drawn
