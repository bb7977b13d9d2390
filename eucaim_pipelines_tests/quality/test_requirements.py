"""Every requirement of tiers.yaml has a dataset that fails it, and passes it once the defect is mended."""

from functools import cache

import pytest

from eucaim_pipelines.contracts import folder
from eucaim_pipelines.quality import checks
from eucaim_pipelines.quality.plan import known_checks, planned
from eucaim_pipelines.quality.risk.groups import Groups
from eucaim_pipelines.quality.tiers import Requirement, load_tiers
from eucaim_pipelines.quality.verdict import DatasetFacts, Exposure, RequirementOutcome, verdict
from eucaim_pipelines_tests.quality.defects import defects
from eucaim_pipelines_tests.quality.golden import CONTRACTS, VOCABULARIES, Golden, clean

TIERS = load_tiers(folder() / "tiers.yaml", known_checks(CONTRACTS))
RULES = {rule.id: rule for rule in planned(CONTRACTS)}
PLANTED = dict(defects(list(RULES.values())))
PEOPLE = 60
FIRST = 20
"""Patients before this one have what is rare but allowed."""
ALIKE = Exposure(Groups(((PEOPLE, 1),)))
FACTS = DatasetFacts(PEOPLE, 0, smallest_group=ALIKE, smallest_group_of_difference=ALIKE)
ASKED = [(number, each) for number, tier in TIERS.tiers.items() for each in tier.requirements if each.checks]


@cache
def clean_outcome() -> checks.Outcome:
    return checks.run(RULES.values(), clean(PEOPLE).views(), CONTRACTS, VOCABULARIES)


def outcome(tier: int, requirement: Requirement, found: checks.Outcome) -> RequirementOutcome:
    judged = verdict(tier, TIERS, found.findings, FACTS)
    return next(each for each in judged.requirements if each.id == requirement.id)


def failing(requirement: Requirement) -> Golden:
    """A dataset in which one check of the requirement holds of too few."""
    golden = clean(PEOPLE)
    check = next((each for each in requirement.checks if each in PLANTED), None)
    if check is None:
        table = next(iter(requirement.checks)).removesuffix(".rows.present")
        golden.tables[table] = []
        return golden
    several = 1 if requirement.checks[check] == 1 else PEOPLE // 4
    for patient in range(FIRST, FIRST + several):
        PLANTED[check](golden, patient)
    return golden


@pytest.mark.parametrize(
    ("tier", "requirement"), ASKED, ids=[f"{number} {each.id}" for number, each in ASKED]
)
def test_a_dataset_fails_it_and_its_clean_twin_does_not(tier: int, requirement: Requirement) -> None:
    rules = [RULES[check] for check in requirement.checks]
    found = checks.run(rules, failing(requirement).views(), CONTRACTS, VOCABULARIES)
    missed = outcome(tier, requirement, found)
    assert not missed.met
    assert missed.short.fields
    assert missed.short.rows > 0
    assert outcome(tier, requirement, clean_outcome()).met


def test_who_and_which_studies_are_short_is_counted() -> None:
    golden = clean(PEOPLE)
    for patient in range(FIRST, FIRST + 15):
        PLANTED["image_series.series_body_site.complete"](golden, patient)
    found = checks.run(RULES.values(), golden.views(), CONTRACTS, VOCABULARIES)
    short = verdict(2, TIERS, found.findings, FACTS).unmet[0].short
    assert (short.patients, short.studies, short.rows) == (15, 15, 15)


def test_studies_of_entries_that_name_a_series_only_are_found_by_it() -> None:
    golden = clean(PEOPLE)
    PLANTED["segment.label.complete"](golden, FIRST)
    found = checks.run([RULES["segment.label.complete"]], golden.views(), CONTRACTS, VOCABULARIES)
    assert [each.studies for each in found.findings] == [1]
