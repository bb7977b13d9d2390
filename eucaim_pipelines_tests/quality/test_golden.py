"""Every check fires exactly where its defect was planted, once, and nowhere else; broken rules are found."""

import re
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest

from eucaim_pipelines.contracts import folder
from eucaim_pipelines.contracts.rules import BETWEEN, IN_SET, Rule
from eucaim_pipelines.quality import checks
from eucaim_pipelines.quality.plan import known_checks, planned
from eucaim_pipelines.quality.risk.groups import Groups
from eucaim_pipelines.quality.tiers import load_tiers
from eucaim_pipelines.quality.verdict import DatasetFacts, Exposure, verdict
from eucaim_pipelines_tests.quality.defects import CELLS, DECLARED, IMPLIED, defects
from eucaim_pipelines_tests.quality.golden import CONTRACTS, VOCABULARIES, clean

RULES = planned(CONTRACTS)
BY_ID = {rule.id: rule for rule in RULES}
PLANTED = list(defects(RULES))
FIRST = 20
"""Patients before this one have no defect."""
TIERS = load_tiers(folder() / "tiers.yaml", known_checks(CONTRACTS))


@dataclass
class Twins:
    """The clean dataset and the planted one, what checks found in them, and the pointers of the defects."""

    clean: dict[str, pa.Table]
    planted: dict[str, pa.Table]
    pointers: dict[str, str]
    found_clean: checks.Outcome
    found: checks.Outcome


def run(rules: list[Rule], views: dict[str, pa.Table]) -> checks.Outcome:
    return checks.run(rules, views, CONTRACTS, VOCABULARIES)


@pytest.fixture(scope="module")
def twins() -> Twins:
    people = FIRST + len(PLANTED)
    without, golden = clean(people).views(), clean(people)
    pointers = {check: plant(golden, FIRST + n) for n, (check, plant) in enumerate(PLANTED)}
    views = golden.views()
    return Twins(without, views, pointers, run(RULES, without), run(RULES, views))


def patient_of(check: str) -> int:
    return FIRST + [each for each, _ in PLANTED].index(check)


def test_the_clean_twin_has_no_finding_and_every_check_looked_at_something(twins: Twins) -> None:
    found = {each.check: each for each in twins.found_clean.findings}
    assert set(found) == set(BY_ID)
    assert [check for check, each in found.items() if each.failed] == []
    assert [check for check, each in found.items() if each.checked == 0] == []
    assert twins.found_clean.results.num_rows == 0


def test_every_check_has_a_defect() -> None:
    empty = {f"{name}.rows.present" for name, contract in CONTRACTS.items() if contract.mandatory}
    assert {check for check, _ in PLANTED} == set(BY_ID) - empty
    declared = {rule.id for contract in CONTRACTS.values() for rule in contract.rules}
    assert declared == set(DECLARED) | set(CELLS), (
        "name the defect of a new rule, take out that of an old one"
    )
    assert not set(DECLARED) & set(CELLS)
    assert set(IMPLIED) <= set(BY_ID) and {c for some in IMPLIED.values() for c in some} <= set(BY_ID)


def test_every_defect_is_found_once_where_it_is_and_nothing_else_is(twins: Twins) -> None:
    owners = {f"{who}-{patient_of(check)}": check for check, _ in PLANTED for who in ("patient", "absent")}
    fired: defaultdict[str, list[str]] = defaultdict(list)
    for entry in twins.found.results.to_pylist():
        nobody = entry["patient_id"] is None and entry["pointer"] == twins.pointers[entry["check"]]
        defect = entry["check"] if nobody else owners.get(entry["patient_id"], "nothing was planted there")
        fired[defect].append(entry["check"])
        if defect == entry["check"]:
            assert entry["pointer"] == twins.pointers[defect]
    assert {defect: sorted(some) for defect, some in fired.items()} == {
        check: sorted((check, *IMPLIED.get(check, ()))) for check, _ in PLANTED
    }


def test_findings_count_the_entries_and_hold_nothing_else(twins: Twins) -> None:
    entries = twins.found.results["check"].to_pylist()
    for each in twins.found.findings:
        assert each.failed == entries.count(each.check)
        assert each.passed is (each.failed == 0 or BY_ID[each.check].at_least == 0)
        assert each.patients <= each.failed and each.failed <= each.checked


def test_the_verdict_names_every_check_that_a_tier_asks_for_without_exception(twins: Twins) -> None:
    alike = Exposure(Groups(((500, 1),)))
    facts = DatasetFacts(500, 0, smallest_group=alike, smallest_group_of_difference=alike)
    failed = {each.check for each in twins.found.findings if each.failed}
    for number, tier in TIERS.tiers.items():
        asked = {c for each in tier.requirements for c, share in each.checks.items() if share == 1}
        outcome = verdict(number, TIERS, twins.found.findings, facts)
        assert {c for each in outcome.unmet for c in each.short.fields} == asked & failed
        assert verdict(number, TIERS, twins.found_clean.findings, facts).reached


def mutants(rule: Rule) -> dict[str, Rule]:
    """The rule, broken in one place: what holds is looser or stricter, or other rows are looked at."""
    broken: dict[str, Rule] = {}
    if loose := _other_kwargs(rule, loose=True):
        broken["loosened"] = replace(rule, kwargs=loose)
    if strict := _other_kwargs(rule, loose=False):
        broken["tightened"] = replace(rule, kwargs=strict)
    if rule.row_condition:
        broken["no row looked at"] = replace(rule, row_condition="false")
        broken["every row looked at"] = replace(rule, row_condition=None)
    if rule.query and " WHERE " in rule.query:
        blank = re.sub(r" WHERE (?!.* WHERE )", " WHERE false AND ", rule.query)
        broken["no row of the query"] = replace(rule, query=blank)
    return broken


def _other_kwargs(rule: Rule, *, loose: bool) -> dict[str, Any] | None:
    kwargs, far = dict(rule.kwargs), 1e15
    if rule.expectation == BETWEEN:
        return kwargs | (
            {"min_value": -far, "max_value": far} if loose else {"min_value": far, "max_value": far}
        )
    if rule.expectation == IN_SET and not loose:
        kwargs.pop("vocabulary", None)
        return kwargs | {"value_set": []}
    if rule.expectation == "expect_values_to_differ_at_most":
        return kwargs | {"at_most": far if loose else -1}
    if rule.expectation == "expect_values_near_their_group":
        return kwargs | ({"limit": far} if loose else {"limit": 1e-12, "floor": 1e-12})
    if rule.expectation == "expect_column_pair_values_to_be_equal" and loose:
        return kwargs | {"column_A": kwargs["column_B"]}
    return None


MUTANTS = {f"{rule.id}: {how}": each for rule in RULES for how, each in mutants(rule).items()
           if not rule.id.endswith(".rows.present")}  # fmt: skip


@pytest.fixture(scope="module")
def broken(twins: Twins) -> dict[str, tuple[Any, Any]]:
    """What the broken rules find in both twins, by mutant."""
    renamed = [replace(rule, id=name) for name, rule in MUTANTS.items()]
    found = (_entries(run(renamed, views).results) for views in (twins.clean, twins.planted))
    clean_found, planted_found = found
    return {name: (clean_found[name], planted_found[name]) for name in MUTANTS}


def _entries(results: pa.Table) -> defaultdict[str, list[tuple[Any, Any]]]:
    entries: defaultdict[str, list[tuple[Any, Any]]] = defaultdict(list)
    for each in results.to_pylist():
        entries[each["check"]].append((each["patient_id"], each["pointer"]))
    return entries


@pytest.mark.parametrize("name", MUTANTS)
def test_a_broken_rule_finds_something_else(
    name: str, twins: Twins, broken: dict[str, tuple[Any, Any]]
) -> None:
    whole = MUTANTS[name].id
    assert broken[name] != ([], _entries(twins.found.results)[whole])


def test_the_golden_dataset_is_the_same_every_time() -> None:
    first, second = clean(FIRST).views(), clean(FIRST).views()
    assert all(first[name].equals(second[name]) for name in first)


def test_days_are_held_against_the_day_that_they_are_counted_from() -> None:
    """A source may map another date beside a diagnosis than the one from which its days are counted."""
    golden = clean(FIRST)
    for row in golden.tables["cancer_condition"]:
        row["cancer_condition_asserted_date"] += timedelta(days=100)
    rules = [rule for rule in RULES if rule.name == "agrees_with_date"]
    found = run(rules, golden.views()).findings
    assert [each.check for each in found if each.failed or not each.checked] == []


ORDERED = ("adverse_event.not_before_treatment", "image_study.timepoints_in_order")


@pytest.mark.parametrize("check", ORDERED)
def test_order_is_judged_by_days_from_diagnosis_where_dates_are_removed(check: str) -> None:
    golden = clean(FIRST)
    plant = dict(defects(RULES))[check]
    pointer = plant(golden, FIRST - 1)
    for table in golden.tables.values():
        for row in table:
            row.update({name: None for name, cell in row.items() if isinstance(cell, date)})
    assert pointer in run([BY_ID[check]], golden.views()).results["pointer"].to_pylist()
