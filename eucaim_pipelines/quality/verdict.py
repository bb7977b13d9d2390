"""Whether a dataset reaches a tier, what is short, and how to close it.

What the tiers require lies in tiers.yaml (`tiers`); how a verdict reads on a page in `report`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

from eucaim_pipelines.contracts.source_model import CheckChange
from eucaim_pipelines.quality.findings import Finding
from eucaim_pipelines.quality.risk.groups import Groups
from eucaim_pipelines.quality.tiers import RISK_FACTS, FactChange, Requirement, Tiers

NOT_TOLD = "This cannot be told yet: do first what the other requirements ask for."
"""Remedy of a requirement for which nothing could be looked at; it never holds."""
NOT_COMPARED = (
    "The release before this one is not whole, so that nobody can tell whom a comparison with it would show. "
    "Put back your copy of what 'eucaim verify' names, and run the dataset again."
)
"""Remedy where the last release is lost in part; somebody may still have it, and it never holds."""


@dataclass(frozen=True)
class Exposure:
    """Groups of people who look alike, and the fields that make them small; None if they were not told."""

    groups: Groups | None = None
    driving: tuple[str, ...] = ()


@dataclass(frozen=True)
class DatasetFacts:
    """What requirements ask of the dataset as a whole.

    Attributes
    ----------
    people
        Distinct patients of the release.
    objects_unsearched
        Objects that were not searched for identities, and identities found in those that were; None where
        de-identification has not told.
    catalogue_problems
        What only people know and the source contract does not say, so that no record is built.
    record_violations
        What of the record does not conform to the profile's shapes; None where there is no record.
    record_disagreements
        Figures of the record that the tables do not give; None where there is no record.
    other_conditions
        Primary conditions beside the record's, and how to split the dataset; or that nobody has the record's.
    empty_lists
        Mandatory lists of the record in which disclosure control leaves no value.
    annotation_problems
        What the source contract does not say of who made the annotations, where there are segmentations.
    smallest_group, smallest_group_of_difference
        Who looks alike in the release, and among those whom a comparison with the one before shows.
    """

    people: int
    objects_unsearched: int | None = None
    catalogue_problems: tuple[str, ...] = ()
    record_violations: tuple[str, ...] | None = ()
    record_disagreements: tuple[str, ...] | None = ()
    other_conditions: tuple[str, ...] = ()
    empty_lists: tuple[str, ...] = ()
    annotation_problems: tuple[str, ...] = ()
    smallest_group: Exposure = Exposure()
    smallest_group_of_difference: Exposure = Exposure()


@dataclass(frozen=True)
class Short:
    """By how much a requirement is missed: patients, studies and rows concerned, and what is at fault.

    `fields` are check identifiers, or, for a fact, the properties that are missing in plain words.
    """

    patients: int = 0
    studies: int = 0
    rows: int = 0
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class RequirementOutcome:
    """One requirement of a tier as this dataset meets it; `changes`: the holder's thresholds and waivers."""

    id: str
    text: str
    met: bool
    short: Short
    remedy: str
    changes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """Tier `tier` is reached when all its requirements are met and the tier below is reached."""

    tier: int
    name: str
    gives: str
    reached: bool
    lower_reached: bool
    requirements: tuple[RequirementOutcome, ...]

    @property
    def unmet(self) -> tuple[RequirementOutcome, ...]:
        """Requirements of this tier itself that are not met."""
        return tuple(each for each in self.requirements if not each.met)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Verdict":
        """The inverse of `to_dict`, also after a way through JSON."""
        outcomes = tuple(
            RequirementOutcome(
                each["id"],
                each["text"],
                each["met"],
                Short(**{**each["short"], "fields": tuple(each["short"]["fields"])}),
                each["remedy"],
                tuple(each["changes"]),
            )
            for each in plain["requirements"]
        )
        return cls(**{**plain, "requirements": outcomes})


def verdict(
    tier: int,
    tiers: Tiers,
    findings: Iterable[Finding],
    facts: DatasetFacts,
    changes: Mapping[str, CheckChange] | None = None,
    lower: Verdict | None = None,
    fact_changes: Mapping[str, FactChange] | None = None,
) -> Verdict:
    """The verdict on one tier, computed and never declared.

    A check that did not run does not hold: nothing is reached by leaving a check out.

    Parameters
    ----------
    findings
        Of this tier's tables and, when `lower` is not given, of those of the tiers below; `judged`.
    changes
        Thresholds that the source contract changes, by check.
    lower
        Verdict on the tier below; computed from the same findings when absent.
    fact_changes
        What the source contract asks of facts instead, by fact.
    """
    by_check = {each.check: each for each in findings}
    if tier > 1 and lower is None:
        lower = verdict(tier - 1, tiers, by_check.values(), facts, changes, fact_changes=fact_changes)
    lower_reached = lower is None or lower.reached
    outcomes = tuple(
        _fact_outcome(each, facts, (fact_changes or {}).get(each.fact))
        if each.fact
        else _check_outcome(each, by_check, changes or {})
        for each in tiers.tiers[tier].requirements
    )
    reached = lower_reached and all(each.met for each in outcomes)
    asked = tiers.tiers[tier]
    return Verdict(tier, asked.name, asked.gives, reached, lower_reached, outcomes)


def tier_reached(verdicts: Iterable[Verdict]) -> int:
    """Number of the highest tier that is reached, 0 for none."""
    return max((each.tier for each in verdicts if each.reached), default=0)


def judged(
    findings: Iterable[Finding], usual: Mapping[str, float], changes: Mapping[str, CheckChange], today: date
) -> list[Finding]:
    """Findings judged as of `today`: by the thresholds of tiers and holder, and by the holder's waivers.

    Findings are stored as counts, so that a changed threshold or waiver computes no check again.

    Parameters
    ----------
    usual
        Smallest share that must hold, by check, where a tier says so (`Tiers.thresholds`).
    today
        Date of the newest export, never the clock's: a waiver counts up to and including its last day.
    """
    return [_judged(each, usual, changes.get(each.check), today) for each in findings]


def _judged(found: Finding, usual: Mapping[str, float], change: CheckChange | None, today: date) -> Finding:
    at_least = usual.get(found.check)
    if change is not None and change.at_least is not None:
        at_least = change.at_least
    passed = found.passed if at_least is None else found.share >= at_least
    found = replace(found, informs=found.informs and not at_least)
    if passed or change is None or change.waived_until is None or today > change.waived_until:
        return replace(found, passed=passed, waived=None)
    return replace(found, passed=True, waived=_waiver(change))


def _waiver(change: CheckChange) -> str:
    return f"waived until {change.waived_until} by {change.waived_by}. {change.why}"


def _check_outcome(
    requirement: Requirement, findings: Mapping[str, Finding], changes: Mapping[str, CheckChange]
) -> RequirementOutcome:
    patients = studies = rows = 0
    at_fault: list[str] = []
    said: list[str] = []
    for check, usual in requirement.checks.items():
        found, at_least = findings.get(check), usual
        change = changes.get(check)
        if change is not None and change.at_least is not None:
            at_least = change.at_least
            said.append(f"{check}: at least {at_least:.0%} instead of {usual:.0%}. {change.why}")
        if found is not None and found.waived is not None:
            said.append(f"{check}: {found.waived}")
        if found is not None and (found.waived is not None or found.share >= at_least):
            continue
        at_fault.append(check)
        if found is not None:
            patients, studies = max(patients, found.patients), max(studies, found.studies)
            rows += found.failed
    return RequirementOutcome(
        requirement.id,
        requirement.text,
        not at_fault,
        Short(patients, studies, rows, tuple(at_fault)),
        requirement.remedy,
        tuple(said),
    )


def _fact_outcome(
    requirement: Requirement, facts: DatasetFacts, change: FactChange | None
) -> RequirementOutcome:
    value = getattr(facts, requirement.fact or "")
    if isinstance(value, Exposure):
        return _exposure_outcome(requirement, value, change)
    if value is None:
        return RequirementOutcome(requirement.id, requirement.text, False, Short(), NOT_TOLD)
    count = value if isinstance(value, int) else len(value)
    if requirement.at_least is not None:
        missing = max(0, requirement.at_least - count)
    else:
        missing = max(0, count - (requirement.at_most or 0))
    named = () if isinstance(value, int) else tuple(value)
    short = Short() if not missing else Short(missing if not named else 0, fields=named)
    return RequirementOutcome(requirement.id, requirement.text, not missing, short, requirement.remedy)


def _exposure_outcome(
    requirement: Requirement, exposure: Exposure, change: FactChange | None
) -> RequirementOutcome:
    """Short are the people in groups that are too small; groups that were not told never hold."""
    usual, groups, said = requirement.at_least or 0, exposure.groups, list(change.known if change else ())
    at_least = usual
    if change is not None and change.at_least is not None:
        at_least = change.at_least
        said.insert(0, f"at least {at_least} instead of {usual}")
    remedy = requirement.remedy
    if groups is None:
        remedy = NOT_COMPARED if requirement.fact == RISK_FACTS[1] else NOT_TOLD
    met = groups is not None and groups.below(at_least) == 0
    short = Short() if met else Short(groups.below(at_least) if groups else 0, fields=exposure.driving)
    why = f". {change.why}" if change else ""
    return RequirementOutcome(
        requirement.id,
        requirement.text,
        met,
        short,
        remedy,
        tuple(f"{requirement.id}: {each}{why}" for each in said),
    )
