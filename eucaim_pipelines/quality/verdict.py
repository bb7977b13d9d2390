"""Whether a dataset reaches a tier, what is short, and how to close it.

What the tiers require lies in tiers.yaml (`tiers`); how a verdict reads on a page in `report`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from eucaim_pipelines.contracts.source_model import CheckChange
from eucaim_pipelines.quality.findings import Finding
from eucaim_pipelines.quality.tiers import Requirement, Tiers


@dataclass(frozen=True)
class DatasetFacts:
    """What requirements ask of the dataset as a whole.

    Attributes
    ----------
    people
        Distinct patients of the release.
    catalogue_problems
        Mandatory properties of the catalogue record that are missing, in plain words.
    empty_lists
        Mandatory lists of the record in which disclosure control leaves no value.
    """

    people: int
    catalogue_problems: tuple[str, ...] = ()
    empty_lists: tuple[str, ...] = ()


@dataclass(frozen=True)
class Short:
    """By how much a requirement is missed: patients and rows concerned, and what is at fault.

    `fields` are check identifiers, or, for a fact, the properties that are missing in plain words.
    """

    patients: int = 0
    rows: int = 0
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class RequirementOutcome:
    """One requirement of a tier as this dataset meets it; `changes` are the holder's own thresholds."""

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
                Short(each["short"]["patients"], each["short"]["rows"], tuple(each["short"]["fields"])),
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
) -> Verdict:
    """The verdict on one tier, computed and never declared.

    A check that did not run does not hold: nothing is reached by leaving a check out.

    Parameters
    ----------
    findings
        Of this tier's tables and, when `lower` is not given, of those of the tiers below.
    changes
        Thresholds that the source contract changes, by check.
    lower
        Verdict on the tier below; computed from the same findings when absent.
    """
    by_check = {each.check: each for each in findings}
    if tier > 1 and lower is None:
        lower = verdict(tier - 1, tiers, by_check.values(), facts, changes)
    lower_reached = lower is None or lower.reached
    outcomes = tuple(
        _fact_outcome(each, facts) if each.fact else _check_outcome(each, by_check, changes or {})
        for each in tiers.tiers[tier].requirements
    )
    reached = lower_reached and all(each.met for each in outcomes)
    asked = tiers.tiers[tier]
    return Verdict(tier, asked.name, asked.gives, reached, lower_reached, outcomes)


def tier_reached(verdicts: Iterable[Verdict]) -> int:
    """Number of the highest tier that is reached, 0 for none."""
    return max((each.tier for each in verdicts if each.reached), default=0)


def changed(findings: Iterable[Finding], changes: Mapping[str, CheckChange]) -> list[Finding]:
    """Findings judged by the holder's thresholds instead of the usual ones."""
    shares = {check: change.at_least for check, change in changes.items() if change.at_least is not None}
    return [
        replace(each, passed=each.share >= shares[each.check]) if each.check in shares else each
        for each in findings
    ]


def _check_outcome(
    requirement: Requirement, findings: Mapping[str, Finding], changes: Mapping[str, CheckChange]
) -> RequirementOutcome:
    patients = rows = 0
    at_fault: list[str] = []
    shares = {check: change.at_least for check, change in changes.items() if change.at_least is not None}
    for check, usual in requirement.checks.items():
        found = findings.get(check)
        at_least = shares.get(check, usual)
        if found is not None and found.share >= at_least:
            continue
        at_fault.append(check)
        if found is not None:
            patients, rows = max(patients, found.patients), rows + found.failed
    relaxed = tuple(
        f"{check}: at least {shares[check]:.0%} instead of {usual:.0%}. {changes[check].why}"
        for check, usual in requirement.checks.items()
        if check in shares
    )
    return RequirementOutcome(
        requirement.id,
        requirement.text,
        not at_fault,
        Short(patients, rows, tuple(at_fault)),
        requirement.remedy,
        relaxed,
    )


def _fact_outcome(requirement: Requirement, facts: DatasetFacts) -> RequirementOutcome:
    value = getattr(facts, requirement.fact or "")
    count = value if isinstance(value, int) else len(value)
    if requirement.at_least is not None:
        missing = max(0, requirement.at_least - count)
    else:
        missing = max(0, count - (requirement.at_most or 0))
    named = () if isinstance(value, int) else tuple(value)
    short = Short() if not missing else Short(missing if not named else 0, 0, named)
    return RequirementOutcome(requirement.id, requirement.text, not missing, short, requirement.remedy)
