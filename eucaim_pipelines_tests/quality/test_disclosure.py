"""Laws of disclosure control, checked by an attacker that tries every explanation of what is shown."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eucaim_pipelines.quality.disclosure import (
    SMALL,
    WITHHELD,
    age_bucket,
    at_least,
    finest_spacing,
    metres,
    released_values,
    released_years,
    rounded,
    rounded_bytes,
    shown,
    shown_changes,
    shown_part,
    suppress,
    suppress_within,
    typical_ages,
)

CELLS = st.lists(st.one_of(st.integers(0, 12), st.integers(0, 400)), min_size=1, max_size=6)


@pytest.mark.parametrize(("count", "text"), [(0, "0"), (1, "<10"), (9, "<10"), (10, "10+"), (1239, "1230+")])
def test_counts_from_1_to_9_are_hidden_and_others_rounded_down(count: int, text: str) -> None:
    assert shown(count) == text


@given(CELLS)
def test_no_small_cell_can_be_worked_out_from_the_others_and_the_total(cells: list[int]) -> None:
    result = suppress(cells)
    small = [i for i, text in enumerate(result.cells) if text == SMALL]
    assert small == [i for i, count in enumerate(cells) if 0 < count < 10]
    if result.total in (SMALL, WITHHELD):
        return
    told = (count for count, text in zip(cells, result.cells, strict=True) if text not in (SMALL, WITHHELD))
    hidden = sum(cells) - sum(told)  # for a reader who knows exactly what is rounded
    withheld = sum(text == WITHHELD for text in result.cells)
    for _ in small:
        for guess in range(1, 10):
            rest_low = (len(small) - 1) + 10 * withheld
            rest_high = 9 * (len(small) - 1) if not withheld else float("inf")
            assert rest_low <= hidden - guess <= rest_high, (cells, result)


@given(CELLS)
def test_what_is_shown_is_true(cells: list[int]) -> None:
    result = suppress(cells)
    for count, text in zip(cells, result.cells, strict=True):
        assert text == shown(count) or (text == WITHHELD and count >= 10)
    assert result.total in (shown(sum(cells)), WITHHELD, SMALL)


@given(st.integers(0, 10_000))
def test_a_rounded_count_states_its_lower_end(count: int) -> None:
    number = at_least(shown(count))
    assert number == count - count % 10 if number is not None else shown(count) == SMALL
    assert at_least(WITHHELD) is None and at_least(str(count)) == count


@pytest.mark.parametrize("whole", range(10, 121))
def test_a_part_of_a_known_whole_gives_neither_itself_nor_the_rest_away(whole: int) -> None:
    """Whoever knows the whole and the text still takes all of 1 to 9 for possible, or none of them."""
    parts: dict[str, set[int]] = {}
    for count in range(whole + 1):
        parts.setdefault(shown_part(count, whole), set()).add(count)
    small = set(range(1, 10)) & set(range(1, whole))
    for text, counts in parts.items():
        assert counts & small in (set(), small), text
        assert {whole - count for count in counts} & small in (set(), small), text


def test_the_difference_of_two_rounded_counts_gives_nothing_away() -> None:
    """Of two counts, one within the other, whoever reads both takes all of 1 to 9 for possible, or none."""
    differences: dict[tuple[str, str], set[int]] = {}
    for inner in range(10, 100):
        for outer in range(inner, 100):
            differences.setdefault((shown(outer), shown(inner)), set()).add(outer - inner)
    small = set(range(1, 10))
    assert all(found & small in (set(), small) for found in differences.values())


def test_a_part_is_hidden_for_any_of_its_wholes() -> None:
    assert shown_part(41, 53, 61) == "40+"
    assert shown_part(41, 43, 61) == shown_part(41, 61, 43) == WITHHELD
    assert shown_part(53, 53) == "50+" and shown_part(0, 14) == "0"
    assert shown_part(60, 14) == "60+", "it is not part of a smaller number"


def test_nothing_is_hidden_without_need() -> None:
    assert suppress([30, 12, 0]).cells == ("30+", "10+", "0")
    assert suppress([30, 5, 0, 40]).cells == (WITHHELD, SMALL, "0", "40+")


def test_the_smallest_amount_that_protects_is_withheld() -> None:
    assert suppress([100, 10, 1, 50]).cells == ("100+", WITHHELD, SMALL, WITHHELD)


@pytest.mark.parametrize("parent", [SMALL, WITHHELD])
@given(cells=CELLS)
def test_parts_of_a_hidden_cell_do_not_add_up_to_it(parent: str, cells: list[int]) -> None:
    assert set(suppress_within(cells, parent)) <= {SMALL, WITHHELD, "0"}


def test_parts_that_would_fall_with_their_total_are_all_hidden() -> None:
    assert suppress_within([3, 8], "11") == (WITHHELD, WITHHELD)
    assert suppress_within([40, 20], "60") == ("40+", "20+")


def people(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{number}" for number in range(count)]


def test_values_under_ten_people_are_pooled_or_dropped() -> None:
    lists = {"A": people("a", 30), "B": people("b", 6), "C": people("c", 5)}
    assert released_values(lists) == ("A",)
    assert released_values(lists, root="ROOT") == ("A", "ROOT")
    assert released_values({"A": people("a", 30), "B": people("b", 6)}, root="ROOT") == ("A",)


def test_pooling_counts_people_not_categories() -> None:
    assert released_values({"B": people("same", 6), "C": people("same", 6)}, root="ROOT") == ()


def test_ages_are_buckets_that_ten_people_stand_behind() -> None:
    ages = {f"p{i}": [40.0 + i] for i in range(40)}
    low, high = typical_ages(ages) or (0, 0)
    assert (low, high) == (45, 74)
    extreme = ages | {"young": [3.0], "old": [101.0]}
    assert typical_ages(extreme) == (45, 74)
    assert typical_ages({f"p{i}": [50.0] for i in range(9)}) is None


def test_ninety_and_older_are_one_bucket() -> None:
    assert age_bucket(90) == age_bucket(104.2) == (90, 90)
    assert age_bucket(89.9) == (85, 89)


def test_only_years_with_ten_patients_frame_the_period() -> None:
    assert released_years({2015: 3, 2016: 10, 2017: 2, 2019: 44, 2020: 9}) == (2016, 2019)
    assert released_years({2015: 9}) is None


def test_two_hidden_cells_are_not_enough_when_their_sum_gives_them_away() -> None:
    for first, second in itertools.product(range(1, 10), repeat=2):
        cells = suppress([first, second, 25, 60]).cells
        assert cells[:2] == (SMALL, SMALL)
        assert (WITHHELD in cells) == (first + second != 10)


@given(count=st.integers(0, 5000))
def test_a_count_that_must_stand_as_a_number_is_one_of_ten(count: int) -> None:
    stated = rounded(count)
    assert (stated is None) == (count < 10)
    assert stated is None or (stated % 10 == 0 and 0 <= count - stated < 10)


@given(size=st.integers(0, 10**15))
def test_a_size_has_two_significant_digits_and_is_not_above_the_true_one(size: int) -> None:
    stated = rounded_bytes(size)
    assert stated <= size and (size - stated) * 10 <= size
    assert len(str(stated).rstrip("0")) <= 2


@pytest.mark.parametrize(
    ("counts", "people", "told"),
    [
        ((0, 0, 0), (0, 0, 0), ("0", "0", "0")),
        ((12, 0, 30), (12, 0, 10), ("10+", "0", "30+")),
        ((12, 1, 30), (12, 1, 10), (WITHHELD, WITHHELD, WITHHELD)),
        ((40, 0, 0), (1, 0, 0), (WITHHELD, "0", "0")),
    ],
)
def test_changes_of_few_people_say_only_that_there_are_some(
    counts: tuple[int, ...], people: tuple[int, ...], told: tuple[str, ...]
) -> None:
    assert shown_changes(counts, people) == told


def test_the_finest_spacing_is_one_that_ten_people_reach() -> None:
    spacings = {f"p{i}": 0.5 for i in range(10)} | {"finest": 0.0123}
    assert finest_spacing(spacings) == "0.0005"
    assert finest_spacing({f"p{i}": 0.5 for i in range(9)}) is None
    assert (metres(0.9765625), metres(5.0), metres(1000.0)) == ("0.00098", "0.005", "1")
