"""What an answer may tell: laws of the perturbation, and its distribution."""

import math
import random
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eucaim_pipelines.deidentification.keys.pseudonyms import SiteKey
from eucaim_pipelines.search.control import FEW, FEWEST, SCALE, STEP, WEIGHT, Control, Counts, laplace
from eucaim_pipelines_tests.search.population import KEY

CONTROL = Control(KEY)
PEOPLE = [f"EUCAIM-{number:016x}" for number in range(6000)]
COUNTED = [each for each in PEOPLE if CONTROL.counts(each)]


def shown(people: list[str], studies: int = 0, control: Control = CONTROL) -> Counts:
    return control.shown(control.tokens([each for each in sorted(people) if control.counts(each)]), studies)


def test_one_person_in_six_is_counted_whoever_else_is_there() -> None:
    assert abs(len(COUNTED) - len(PEOPLE) / WEIGHT) < 4 * math.sqrt(len(PEOPLE) / WEIGHT)
    other = Control(SiteKey(bytes(32)))
    both = sum(other.counts(each) for each in COUNTED)
    assert abs(both - len(COUNTED) / WEIGHT) < 4 * math.sqrt(len(COUNTED) / WEIGHT), (
        "another key, other people"
    )


@given(st.lists(st.sampled_from(PEOPLE), unique=True, max_size=300), st.integers(0, 5000), st.randoms())
def test_equal_sets_get_equal_answers_in_tens_and_the_uncounted_change_nothing(
    people: list[str], studies: int, order: random.Random
) -> None:
    answer = shown(people, studies)
    assert answer.subjects % STEP == 0 and answer.studies % STEP == 0
    assert answer.subjects >= FEW and answer.studies >= FEW
    order.shuffle(people)
    assert shown(people, studies) == answer
    assert shown([each for each in people if CONTROL.counts(each)], studies) == answer


@given(st.lists(st.sampled_from(COUNTED), unique=True, max_size=9), st.integers(0, 10_000))
def test_0_to_9_people_give_one_answer_even_if_all_of_them_are_counted(
    people: list[str], studies: int
) -> None:
    assert shown(people, studies) == Counts(FEW, FEW) == shown([], 0)


def test_few_studies_of_many_people_are_few_too() -> None:
    for studies in range(FEWEST):
        assert shown(PEOPLE, studies).studies == FEW
    assert shown(PEOPLE, 10 * WEIGHT).studies > FEW


def test_answers_lie_around_the_true_count() -> None:
    draw = random.Random(1)  # noqa: S311 - no secret
    errors = [shown(draw.sample(PEOPLE, 1200)).subjects - 1200 for _ in range(300)]
    expected = math.sqrt(1200 * (WEIGHT - 1))
    assert abs(fmean(errors)) < 4 * expected / math.sqrt(300) + 5
    assert 0.5 * expected < float(np.std(errors)) < 1.5 * expected


def test_the_noise_is_laplace_of_the_agents_scale() -> None:
    drawn = np.sort([CONTROL.noise("subjects", f"{number}".encode()) for number in range(20_000)])
    exact = np.where(drawn < 0, np.exp(drawn / SCALE) / 2, 1 - np.exp(-drawn / SCALE) / 2)
    steps = (np.arange(len(drawn)) + 0.5) / len(drawn)
    assert np.max(np.abs(exact - steps)) < 1.63 / math.sqrt(len(drawn)), "Kolmogorov-Smirnov at 1 %"
    assert pytest.approx(1 / 0.28) == SCALE


def test_the_ends_of_the_noise_are_finite_and_it_is_symmetric() -> None:
    last = 2**52 - 0.5
    assert math.isfinite(laplace(0.5)) and math.isfinite(laplace(last))
    assert laplace(0.5) == -laplace(last) < -100
    assert laplace(2**50 + 0.5) == pytest.approx(-SCALE * math.log(2))


def test_subjects_and_studies_have_noise_of_their_own() -> None:
    sets = [f"{number}".encode() for number in range(200)]
    pairs = np.array([[CONTROL.noise(what, each) for what in ("subjects", "studies")] for each in sets])
    assert abs(np.corrcoef(pairs.T)[0, 1]) < 0.3
