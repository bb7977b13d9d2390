"""Verdicts are computed: cumulative, closed when a check is missing, open about changed thresholds."""

import json
from dataclasses import replace
from datetime import date

import pytest

from eucaim_pipelines.contracts import folder
from eucaim_pipelines.contracts.source_model import Annotations, CheckChange
from eucaim_pipelines.contracts.tables import load_tables
from eucaim_pipelines.quality.findings import Finding, finding, from_table, to_table
from eucaim_pipelines.quality.plan import known_checks
from eucaim_pipelines.quality.risk.groups import Groups
from eucaim_pipelines.quality.tiers import Tiers, load_tiers
from eucaim_pipelines.quality.verdict import (
    NOT_TOLD,
    DatasetFacts,
    Exposure,
    Verdict,
    judged,
    tier_reached,
    verdict,
)

CODE = "cancer_condition.cancer_condition_code.complete"
SEGMENTATION = "segmentation_series.references_resolved.resolved"
ALIKE, NOBODY = Exposure(Groups(((30, 1),))), Exposure(Groups())
FACTS = DatasetFacts(
    people=30, objects_unsearched=0, smallest_group=ALIKE, smallest_group_of_difference=NOBODY
)
TODAY = date(2027, 1, 31)


@pytest.fixture(scope="module")
def tiers() -> Tiers:
    return load_tiers(folder() / "tiers.yaml", known_checks(load_tables()))


def result(check: str, failed: int = 0, checked: int = 40) -> Finding:
    return finding(
        check, table=check.split(".")[0], dimension="completeness", severity="error", checked=checked,
        failed=failed, patients=failed, sentence="Something is missing.", remedy="Complete it.",
    )  # fmt: skip


def findings(tiers: Tiers, **failed: int) -> list[Finding]:
    return [result(check, failed.get(check, 0)) for check in tiers.thresholds()]


def reached(tiers: Tiers, found: list[Finding], facts: DatasetFacts = FACTS) -> int:
    return tier_reached(verdict(tier, tiers, found, facts) for tier in (1, 2, 3))


def test_a_dataset_without_findings_reaches_all_tiers(tiers: Tiers) -> None:
    assert reached(tiers, findings(tiers)) == 3


@pytest.mark.parametrize(("check", "tier"), [(CODE, 1), (SEGMENTATION, 2), ("image_series.key.unique", 0)])
def test_one_defect_stops_the_tier_that_needs_it_and_those_above(tiers: Tiers, check: str, tier: int) -> None:
    assert reached(tiers, findings(tiers, **{check: 1})) == tier


def test_a_tier_needs_the_tier_below(tiers: Tiers) -> None:
    third = verdict(3, tiers, findings(tiers, **{CODE: 4}), FACTS)
    assert not third.reached and not third.lower_reached and not third.unmet


def test_a_check_that_did_not_run_does_not_hold(tiers: Tiers) -> None:
    without = [each for each in findings(tiers) if each.check != SEGMENTATION]
    third = verdict(3, tiers, without, FACTS)
    assert [each.short.fields for each in third.unmet] == [(SEGMENTATION,)]


def test_what_is_short_is_counted(tiers: Tiers) -> None:
    second = verdict(2, tiers, findings(tiers, **{CODE: 4}), FACTS)
    (unmet,) = second.unmet
    assert (unmet.id, unmet.short.patients, unmet.short.rows, unmet.short.fields) == (
        "diagnosis",
        4,
        4,
        (CODE,),
    )
    assert unmet.remedy


@pytest.mark.parametrize(
    ("facts", "id_"),
    [
        (replace(FACTS, people=9), "enough_people"),
        (replace(FACTS, catalogue_problems=("title is missing",)), "catalogue_record"),
        (replace(FACTS, empty_lists=("birth sex",)), "catalogue_lists"),
        (replace(FACTS, smallest_group=Exposure(Groups(((4, 1), (26, 1))))), "alike"),
        (replace(FACTS, smallest_group=Exposure()), "alike"),
        (replace(FACTS, smallest_group_of_difference=Exposure(Groups(((1, 1),)))), "alike_in_difference"),
        (replace(FACTS, smallest_group_of_difference=Exposure()), "alike_in_difference"),
        (replace(FACTS, record_violations=("Version is missing.",)), "catalogue_conforms"),
        (replace(FACTS, record_disagreements=("Number of people",)), "catalogue_recount"),
        (replace(FACTS, record_violations=None), "catalogue_conforms"),
        (replace(FACTS, record_disagreements=None), "catalogue_recount"),
        (replace(FACTS, objects_unsearched=1), "deidentified"),
        (replace(FACTS, objects_unsearched=None), "deidentified"),
        (replace(FACTS, other_conditions=("beside lung, people have breast",)), "one_condition"),
    ],
)
def test_facts_of_the_dataset_stop_every_tier(tiers: Tiers, facts: DatasetFacts, id_: str) -> None:
    first = verdict(1, tiers, findings(tiers), facts)
    assert [each.id for each in first.unmet] == [id_]
    assert reached(tiers, findings(tiers), facts) == 0


def test_a_last_release_that_is_lost_in_part_says_so(tiers: Tiers) -> None:
    facts = replace(FACTS, smallest_group_of_difference=Exposure())
    (missed,) = verdict(1, tiers, findings(tiers), facts).unmet
    assert "Put back your copy" in missed.remedy and "Wait" not in missed.remedy


def test_who_annotated_is_asked_for_at_the_tier_of_segmentations(tiers: Tiers) -> None:
    untold = Annotations(annotators=2, annotator_type="radiologist").untold
    assert [text.rpartition(" ")[2] for text in untold] == [
        "annotations.experience_years.", "annotations.sequences."]  # fmt: skip
    facts = replace(FACTS, annotation_problems=untold)
    assert reached(tiers, findings(tiers), facts) == 2
    (missed,) = verdict(3, tiers, findings(tiers), facts).unmet
    assert (missed.id, missed.short.fields) == ("annotators", untold)


def test_a_changed_threshold_counts_and_is_told(tiers: Tiers) -> None:
    change = {CODE: CheckChange(at_least=0.5, why="Codes follow in May.")}
    found = findings(tiers, **{CODE: 4})
    second = verdict(2, tiers, found, FACTS, change)
    assert second.reached
    (text,) = [text for each in second.requirements for text in each.changes]
    assert "50%" in text and "98%" in text and "Codes follow in May." in text
    assert next(each for each in judged(found, {}, change, TODAY) if each.check == CODE).passed


def waived(until: str) -> dict[str, CheckChange]:
    why = "The pathology system is being replaced."
    return {CODE: CheckChange(waived_until=until, waived_by="data steward", why=why)}


@pytest.mark.parametrize(("until", "holds"), [("2027-01-30", False), ("2027-01-31", True)])
def test_a_waiver_counts_up_to_its_last_day_and_then_no_longer(tiers: Tiers, until: str, holds: bool) -> None:
    change, usual = waived(until), tiers.thresholds()
    found = judged(findings(tiers, **{CODE: 4}), usual, change, TODAY)
    (one,) = [each for each in found if each.check == CODE]
    assert (one.passed, one.waived is not None) == (holds, holds)
    assert one.failed == 4, "a waiver hides no count"
    second = verdict(2, tiers, found, FACTS, change)
    assert second.reached is holds
    texts = [text for each in second.requirements for text in each.changes]
    assert [("data steward" in text, "2027-01-31" in text) for text in texts] == [(True, True)] * holds


def test_a_check_that_holds_needs_no_waiver(tiers: Tiers) -> None:
    found = judged(findings(tiers), tiers.thresholds(), waived("2027-12-31"), TODAY)
    assert all(each.passed and each.waived is None for each in found)


def test_a_check_that_only_informs_does_so_until_the_holder_asks_for_a_share(tiers: Tiers) -> None:
    made = finding(CODE, table="t", dimension="validity", severity="warning", checked=10, failed=4,
                   at_least=0, sentence="s", remedy="r")  # fmt: skip
    assert made.passed and made.informs and from_table(to_table([made])) == [made]
    asked = {CODE: CheckChange(at_least=0.9, why="Ours are told apart.")}
    assert [(each.passed, each.informs) for each in judged([made], {}, asked, TODAY)] == [(False, False)]
    assert [each.informs for each in judged([made], {}, {}, TODAY)] == [True]
    assert not any(each.informs for each in findings(tiers, **{CODE: 4}))


def test_findings_are_judged_anew_from_their_counts(tiers: Tiers) -> None:
    stored = from_table(to_table(findings(tiers, **{CODE: 4})))
    strict, loose = ({CODE: share} for share in (0.91, 0.89))
    judge = lambda usual, changes: {f.check: f.passed for f in judged(stored, usual, changes, TODAY)}[CODE]  # noqa: E731
    assert not judge(strict, {}) and judge(loose, {})
    assert judge(strict, {CODE: CheckChange(at_least=0.9, why="Agreed.")})
    assert not judge(loose, {CODE: CheckChange(at_least=0.95, why="Stricter here.")})


def test_verdict_and_findings_survive_storage(tiers: Tiers) -> None:
    found = findings(tiers, **{CODE: 4})
    second = verdict(2, tiers, found, FACTS)
    assert Verdict.from_dict(json.loads(json.dumps(second.to_dict()))) == second
    assert from_table(to_table(reversed(found))) == sorted(found, key=lambda each: each.check)


def test_nothing_to_check_holds() -> None:
    empty = result("a.b.complete", failed=0, checked=0)
    assert empty.share == 1 and empty.passed
    assert not replace(result("a.b.complete", failed=1)).passed


def test_what_could_not_be_looked_at_does_not_hold_and_says_so(tiers: Tiers) -> None:
    facts = replace(FACTS, catalogue_problems=("title is missing",), record_violations=None)
    told = {each.id: each.remedy for each in verdict(1, tiers, findings(tiers), facts).unmet}
    assert told["catalogue_conforms"] == NOT_TOLD != told["catalogue_record"]
