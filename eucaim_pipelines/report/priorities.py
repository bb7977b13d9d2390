"""The three things to fix first, and what each would gain.

Which requirement is met is decided in `quality.verdict`; here they are only put in order and worded.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from eucaim_pipelines.quality import disclosure
from eucaim_pipelines.quality.findings import Finding
from eucaim_pipelines.quality.verdict import RequirementOutcome, Verdict, tier_reached
from eucaim_pipelines.report.balance import BALANCED_CHECKS, Balance
from eucaim_pipelines.report.content import Report
from eucaim_pipelines.report.numbers import Numbers, weight

_NOTHING_TO_DO = "None"


@dataclass(frozen=True)
class Priority:
    """One thing to fix: what is wrong, what the holder can do, what it would gain."""

    what: str
    remedy: str
    gain: str


def first_things(
    report: Report, numbers: Numbers, balances: Sequence[Balance], most: int = 3
) -> list[Priority]:
    """At most `most` things: what keeps the next tier away, then held files, then other findings.

    Parameters
    ----------
    numbers
        How counts read in this edition.
    balances
        The balances as this edition shows them.
    """
    found: list[Priority] = []
    for each in (*_tiers(report, numbers), *_by_effect(report, numbers, balances)):
        if each.remedy not in {other.remedy for other in found}:
            found.append(each)
    return found[:most]


def short_of(outcome: RequirementOutcome, numbers: Numbers) -> str:
    """By how much a requirement is missed, in words of one edition; empty when it is met."""
    if outcome.met:
        return ""
    words = zip(numbers.short(outcome), ("patient", "row"), strict=True)
    return ", ".join(counted(number, word) for number, word in words if number != "0")


def _tiers(report: Report, numbers: Numbers) -> Iterator[Priority]:
    reached = tier_reached(report.verdicts)
    for verdict in report.verdicts:
        if verdict.reached or verdict.tier > report.source.tier:
            continue
        for outcome in verdict.unmet:
            short = short_of(outcome, numbers)
            what = f"Not met yet: {_lower(outcome.text)}" + (f" Short: {short}." if short else "")
            yield Priority(what, outcome.remedy, _gain(verdict, reached))


def _gain(verdict: Verdict, reached: int) -> str:
    missing = len(verdict.unmet)
    if verdict.tier > reached + 1:
        return f"Needed for {verdict.name}, once {verdict.name.split()[0]} {verdict.tier - 1} is reached."
    if missing == 1:
        return f"With this the dataset reaches {verdict.name}: {_lower(verdict.gives)}"
    return f"One of {missing} things that keep {verdict.name} away."


def _by_effect(report: Report, numbers: Numbers, balances: Sequence[Balance]) -> Iterator[Priority]:
    held = _held(report, balances)
    findings = sorted(
        _open_findings(report),
        key=lambda each: (
            each.severity,
            -weight(numbers.patients(each)),
            -weight(numbers.entries(each)),
            each.check,
        ),
    )
    for number in range(max(len(held), len(findings))):
        if number < len(held):
            yield held[number]
        if number < len(findings):
            each = findings[number]
            people = counted(numbers.patients(each), "patient")
            entries = counted(numbers.entries(each), "entry")
            gain = f"Better data for {people}." if each.patients else f"Puts {entries} right."
            yield Priority(each.sentence, each.remedy, gain)


def _held(report: Report, balances: Sequence[Balance]) -> list[Priority]:
    """Reasons why files are held back; their numbers are those of the balance, hidden where it hides them."""
    held = [
        each
        for balance in balances
        if balance.kind == "file"
        for row in balance.rows
        if row.name == "quarantined"
        for each in row.reasons
        if each.code in report.reasons
    ]
    found = []
    for each in sorted(held, key=lambda each: (-weight(each.count), each.code)):
        reason = report.reasons[each.code]
        if not reason.remedy.startswith(_NOTHING_TO_DO):
            what = f"Files are held back: {_lower(reason.meaning)}."
            found.append(Priority(what, f"{reason.remedy}.", _published(each.count)))
    return found


def _open_findings(report: Report) -> list[Finding]:
    bound = {check for verdict in report.verdicts for each in verdict.unmet for check in each.short.fields}
    skipped = bound | BALANCED_CHECKS
    return [
        each
        for each in report.findings
        if not each.passed and each.check not in skipped and not each.remedy.startswith(_NOTHING_TO_DO)
    ]


def counted(number: str, word: str) -> str:
    """The word with its number as shown; the number's text decides the plural, not a hidden count."""
    if number == disclosure.WITHHELD:
        number = "some"
    many = f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"
    return f"{number} {word if number == '1' else many}"


def _published(number: str) -> str:
    """The most files that can be gained, by their number as shown; `40+` is rounded down already."""
    if number == disclosure.WITHHELD:
        return "More files published."
    if number == disclosure.SMALL:
        return f"Fewer than {disclosure.THRESHOLD} more files published."
    return f"{'' if number.endswith('+') else 'Up to '}{counted(number, 'more file')} published."


def _lower(sentence: str) -> str:
    return sentence[:1].lower() + sentence[1:]
