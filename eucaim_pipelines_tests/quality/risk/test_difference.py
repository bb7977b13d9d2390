"""Whom a comparison with the last release shows, and that they must look alike among themselves."""

import pytest

from eucaim_pipelines.quality.risk.assessment import assess
from eucaim_pipelines_tests.quality.risk.cohorts import IDENTIFIERS, MALE, alike, released, tables
from eucaim_pipelines_tests.quality.risk.test_assessment import measured, outcomes, source

BEFORE = alike(30)


def test_a_first_release_has_no_difference() -> None:
    found = measured(BEFORE)
    assert found.previous is None and found.difference.seen is not None
    assert found.difference.seen.people == 0 and outcomes(found)["alike_in_difference"].met


@pytest.mark.parametrize(("number", "met"), [(0, True), (1, False), (4, False), (5, True)])
def test_who_is_new_hides_among_the_new_only(number: int, met: bool) -> None:
    found = measured(BEFORE | alike(number, start=100), earlier=BEFORE)
    assert found.known.smallest == 30 + number, "all look alike, and yet the new ones are few"
    assert (found.difference.new.people, found.difference.changed.people) == (number, 0)
    outcome = outcomes(found)["alike_in_difference"]
    assert (outcome.met, outcome.short.patients) == (met, 0 if met else number)


def test_the_new_are_told_apart_by_what_may_be_known() -> None:
    men = {f"m{n}": {"sex": MALE} for n in range(6)}
    found = measured(
        BEFORE | men | alike(6, start=100) | {"m6": {"sex": MALE, "model": "Rare"}}, earlier=BEFORE
    )
    assert found.difference.new.sizes == ((1, 1), (6, 2))


@pytest.mark.parametrize(("number", "met"), [(1, False), (5, True)])
def test_who_is_examined_again_hides_among_the_changed_only(number: int, met: bool) -> None:
    twice = {"days": (10, 200)}
    before = BEFORE | {f"q{n}": twice for n in range(20)}
    found = measured(before | {f"p{n:04d}": twice for n in range(number)}, earlier=before)
    assert (found.known.smallest, found.difference.changed.people) == (
        20 + number if number == 1 else 25,
        number,
    )
    assert outcomes(found)["alike_in_difference"].met is met


def test_who_left_is_reported_and_stops_nothing() -> None:
    found = measured(alike(29), earlier=BEFORE)
    assert found.difference.left.sizes == ((1, 1),) and outcomes(found)["alike_in_difference"].met


def test_new_and_changed_people_are_named_to_the_holder() -> None:
    now = BEFORE | {"p0000": {"days": (10, 200)}} | {"new": {}}
    tables_of = lambda people: released(3, tables(people))  # noqa: E731
    _, people = assess(
        tables_of(now), tables_of(BEFORE), IDENTIFIERS.of(source()), IDENTIFIERS.hierarchies, ("b", "a")
    )
    found = {row["patient_id"]: row for row in people.to_pylist() if row["kind"]}
    assert {who: (row["kind"], row["alike"], row["alike_in_difference"]) for who, row in found.items()} == {
        "new": ("new", 30, 1),
        "p0000": ("changed", 1, 1),
    }


def test_a_table_of_an_earlier_contract_is_compared_as_far_as_it_goes() -> None:
    earlier = released(3, tables(BEFORE))
    earlier["image_series"] = earlier["image_series"].drop_columns(["manufacturer_model_name"])
    del earlier["treatment"]
    fields, now = IDENTIFIERS.of(source()), released(3, tables(BEFORE | {"p0000": {"sex": MALE}}))
    found, _ = assess(now, earlier, fields, IDENTIFIERS.hierarchies, ("b", "a"))
    assert (found.difference.new.people, found.difference.changed.people) == (0, 1)


def test_an_earlier_release_that_cannot_be_read_is_no_proof() -> None:
    fields, now = IDENTIFIERS.of(source()), released(3, tables(BEFORE))
    found, _ = assess(now, {}, fields, IDENTIFIERS.hierarchies, ("b", "a"))
    assert found.difference.seen is None and not outcomes(found)["alike_in_difference"].met
