"""Attackers of our own: whether one person is in the data, guessed in balanced trials within the budget.

They know everybody else and every attribute, ask sets of their choice, and know the rules; not the key. A
table of 200 people, each of them unique, so that any set can be asked for. Each trial has its own key.
"""

import random
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from eucaim_pipelines.deidentification.keys.pseudonyms import SiteKey
from eucaim_pipelines.search import index
from eucaim_pipelines.search.collections import Collection
from eucaim_pipelines.search.control import FEW, FEWEST, STEP, WEIGHT, Control
from eucaim_pipelines.search.query import Condition, Query
from eucaim_pipelines_tests.search.population import CRITERIA, described, people_only

OTHERS = [f"EUCAIM-{number:016x}" for number in range(199)]
TARGET = "EUCAIM-ffffffffffffffff"
TRIALS, BUDGET = 800, 200
Ask = Callable[[Sequence[str]], int]
"""Counts of the people of a set, as the node answers; the target is counted only if it is in the data."""


def guided(ask: Ask, draw: random.Random) -> bool:
    """Nested pairs: with and without the target. Equal sets get equal answers, so a difference proves it."""
    pairs = (draw.sample(OTHERS, draw.randint(60, 199)) for _ in range(BUDGET // 2))
    return any(ask(each) != ask([*each, TARGET]) for each in pairs)


def at_the_limit(ask: Ask, draw: random.Random) -> bool:
    """Nine known others and the target: anything but the one answer for few would prove ten."""
    return any(ask([*draw.sample(OTHERS, 9), TARGET]) != FEW for _ in range(BUDGET))


def at_the_counted_limit(ask: Ask, draw: random.Random) -> bool:
    """Grows a set until its answer is no longer that for few, then asks with the target before that step."""
    for _ in range(4):
        order = draw.sample(OTHERS, len(OTHERS))
        size = next((n for n in range(FEWEST, 199, 4) if ask(order[:n]) != FEW), 199)
        for below in range(max(0, size - 4), size):
            if ask(order[:below]) == FEW and ask([*order[:below], TARGET]) != FEW:
                return True
    return False


def averaging(ask: Ask, draw: random.Random) -> bool:
    """Means of many sets with the target against as many without it."""
    total = 0
    for _ in range(BUDGET // 2):
        some = draw.sample(OTHERS, 120)
        total += ask([*some, TARGET]) - ask(some)
    return total > BUDGET // 2 * 0.5


def rewriting(ask: Ask, draw: random.Random) -> bool:
    """One pair asked again in other words, to average the noise out."""
    some = draw.sample(OTHERS, 150)
    told = [ask(draw.sample([*some, TARGET], 151)) - ask(draw.sample(some, 150)) for _ in range(10)]
    assert len(set(told)) == 1, "asking again tells nothing"
    return told[0] != 0


def releases(ask: Ask, draw: random.Random) -> bool:
    """Thirty releases, each with one more known person; the target may have come with the last fifteen."""
    order = draw.sample(OTHERS, len(OTHERS))
    before = [ask(order[: 160 + number]) for number in range(15)]
    after = [ask([*order[: 160 + number], TARGET]) for number in range(15)]
    return any(one != other for one, other in zip(before, after, strict=True))


ATTACKERS = (guided, at_the_limit, at_the_counted_limit, averaging, rewriting, releases)


def node(control: Control, present: bool) -> Ask:
    """The node's answers over sets of people, without the detour of a query language."""
    counted = {each for each in OTHERS if control.counts(each)}
    if present and control.counts(TARGET):
        counted.add(TARGET)
    tokens = {each: control.tokens([each]) for each in counted}

    def ask(people: Sequence[str]) -> int:
        who = sorted(counted.intersection(people))
        rows = control.tokens([]) if not who else np.concatenate([tokens[each] for each in who])
        return control.shown(rows, 0).subjects

    return ask


def plain(control: Control, present: bool) -> Ask:
    """The rule without its first part: the exact set, its noise, tens, one answer for 0 to 9."""

    def ask(people: Sequence[str]) -> int:
        who = sorted(each for each in set(people) if present or each != TARGET)
        if len(who) < FEWEST:
            return FEW
        noise = control.noise("subjects", "".join(who).encode())
        return max(FEW, STEP * round((len(who) + noise) / STEP))

    return ask


def right(
    attacker: Callable[[Ask, random.Random], bool], make: Callable[[Control, bool], Ask], trials: int
) -> float:
    """Share of balanced trials in which an attacker guesses right."""
    draw = random.Random(11)  # noqa: S311 - no secret
    found = 0
    for number in range(trials):
        present = number % 2 == 0
        found += attacker(make(Control(SiteKey(draw.randbytes(32))), present), draw) == present
    return found / trials


@pytest.mark.parametrize("attacker", ATTACKERS, ids=lambda each: each.__name__)
def test_the_best_guess_is_right_in_at_most_60_percent(
    attacker: Callable[[Ask, random.Random], bool],
) -> None:
    assert right(attacker, node, TRIALS) <= 0.6


def test_these_attackers_are_no_straw_men() -> None:
    assert right(guided, plain, 100) > 0.95, "noise of the set alone: a nested pair tells"
    assert right(releases, plain, 100) > 0.95
    assert right(at_the_limit, plain, 100) > 0.95
    assert right(rewriting, plain, 400) > 0.6, "even a single pair"
    assert right(guided, node, 400) > 0.52, "whoever is counted can be found: one in six"


def test_who_is_not_counted_is_in_no_answer_of_any_query() -> None:
    control = Control(SiteKey(bytes(32)))
    hidden = next(each for each in OTHERS if not control.counts(each))
    answers = []
    for people in (OTHERS, [each for each in OTHERS if each != hidden]):
        table = people_only(people)
        ages = [[20.0 + OTHERS.index(each) % 60] for each in table["patient_id"].to_pylist()]
        column = index.schema(CRITERIA).get_field_index("age_at_diagnosis_years")
        table = table.set_column(column, table.schema.field(column), [ages])
        asked = Collection(described(), "v", table, CRITERIA, control)
        bands = [
            Condition("age_at_diagnosis_years", low=low, high=high)
            for low in range(20, 80, 3)
            for high in range(30, 90, 3)
        ]
        answers.append([asked.counts(Query((((each,),),))) for each in bands] + [asked.counts(Query(()))])
    assert answers[0] == answers[1]
    assert len({each.subjects for each in answers[0]}) > 5, "there is something to see"
    assert abs(answers[0][-1].subjects - len(OTHERS)) < 4 * (len(OTHERS) * (WEIGHT - 1)) ** 0.5
