"""The three things to fix first, and what each would gain.

Which requirement is met is decided in `quality.verdict`; here they are only put in order and worded.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from eucaim_pipelines.quality import disclosure
from eucaim_pipelines.quality.findings import Finding
from eucaim_pipelines.quality.verdict import NOT_TOLD, RequirementOutcome, Verdict, tier_reached
from eucaim_pipelines.report.balance import BALANCED_CHECKS, Balance, ReasonRow, balances
from eucaim_pipelines.report.content import FORMATS, LocalDetail, Report
from eucaim_pipelines.report.numbers import Numbers, weight

_NOTHING_TO_DO = "None"
_CATALOGUE = {"catalogue_record": "Missing", "catalogue_conforms": "Found", "catalogue_recount": "Found",
              "one_condition": "Found"}  # fmt: skip
"""Requirements whose shortcomings are sentences about the catalogue record, and how these begin."""
_MIXED_UP = 1
"""Weight of the reasons behind which patients may be mixed up."""
_NAMED = 3
"""Most values or properties that one thing to fix names."""


@dataclass(frozen=True)
class Priority:
    """One thing to fix: what is wrong, what the holder can do, what it would gain.

    `names` are what it is about, and `section` is where on the page the rest of them stands.
    """

    what: str
    remedy: str
    gain: str
    names: str = ""
    section: str = ""


def first_things(
    report: Report, numbers: Numbers, shown: Sequence[Balance], local: LocalDetail | None, most: int = 3
) -> list[Priority]:
    """At most `most` things: what keeps the next tier away, then held files, then other findings.

    Both editions have the same things in the same order, that of the numbers of the shareable one.

    Parameters
    ----------
    numbers
        How counts read in this edition.
    shown
        The balances as this edition shows them.
    local
        What only the local edition may name.
    """
    found: list[Priority] = []
    for each in (*_tiers(report, numbers, local), *_by_effect(report, numbers, shown)):
        if each.remedy not in {other.remedy for other in found}:
            found.append(each)
    return found[:most]


def short_of(outcome: RequirementOutcome, numbers: Numbers) -> str:
    """By how much a requirement is missed, in words of one edition; empty when it is met."""
    if outcome.met:
        return ""
    words = zip(numbers.short(outcome), ("patient", "study", "row"), strict=True)
    return ", ".join(counted(number, word) for number, word in words if number != "0")


def _tiers(report: Report, numbers: Numbers, local: LocalDetail | None) -> Iterator[Priority]:
    reached = tier_reached(report.verdicts)
    for verdict in report.verdicts:
        if verdict.reached or verdict.tier > report.source.tier:
            continue
        for outcome in (each for each in verdict.unmet if each.remedy != NOT_TOLD):
            short = short_of(outcome, numbers)
            what = f"Not met yet: {_lower(outcome.text)}" + (f" Short: {short}." if short else "")
            yield Priority(
                what, outcome.remedy, _gain(verdict, reached), *_about(report, outcome, numbers, local)
            )


def _about(
    report: Report, outcome: RequirementOutcome, numbers: Numbers, local: LocalDetail | None
) -> tuple[str, str]:
    """What a requirement lacks by name, and the section that has the rest.

    Properties of the catalogue record are no patient data; local values are, and stay in the local edition.
    """
    labels = {each.label for each in report.risk.fields} if report.risk else set()
    if labels.intersection(outcome.short.fields):
        told = numbers.fields(outcome)
        return (_some("What singles them out", told) if told else ""), "risk"
    if outcome.id in _CATALOGUE:
        return _some(_CATALOGUE[outcome.id], [text.rstrip(".") for text in outcome.short.fields]), "tiers"
    wanted = {tuple(check.split(".")[:2]) for check in outcome.short.fields}
    fields = {
        (spec.name, name)
        for spec in report.source.clinical
        for mapping in spec.tables
        for field, name in mapping.fields.items()
        if isinstance(name, str) and (mapping.table, field) in wanted
    }
    held = [each for each in local.unmapped if each.vocabulary not in FORMATS] if local else []
    values = [each.value for each in held if (each.file, each.field) in fields]
    return (_some("Without a code", [f"“{value}”" for value in values]), "vocabulary") if values else ("", "")


def _some(start: str, names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return f"{start}: {', '.join(names[:_NAMED])}{f' and {more} more' if more > 0 else ''}."


def _gain(verdict: Verdict, reached: int) -> str:
    missing = len(verdict.unmet)
    if verdict.tier > reached + 1:
        return f"Needed for {verdict.name}, once {verdict.name.split()[0]} {verdict.tier - 1} is reached."
    if missing == 1:
        return f"With this the dataset reaches {verdict.name}: {_lower(verdict.gives)}"
    return f"One of {missing} things that keep {verdict.name} away."


def _by_effect(report: Report, numbers: Numbers, shown: Sequence[Balance]) -> Iterator[Priority]:
    outside = Numbers(report, local=False)
    held = _held(report, shown)
    findings = sorted(
        _open_findings(report),
        key=lambda each: (
            each.severity,
            -weight(outside.patients(each)),
            -weight(outside.entries(each)),
            each.check,
        ),
    )
    mixed_up = [each for code, each in held if report.reasons[code].weight == _MIXED_UP]
    others = [each for code, each in held if report.reasons[code].weight != _MIXED_UP]
    yield from mixed_up
    for number in range(max(len(others), len(findings))):
        if number < len(others):
            yield others[number]
        if number < len(findings):
            each = findings[number]
            people = counted(numbers.patients(each), "patient")
            entries = counted(numbers.entries(each), "entry")
            gain = f"Better data for {people}." if each.patients else f"Puts {entries} right."
            yield Priority(numbers.sentence(each), each.remedy, gain)


def _held(report: Report, shown: Sequence[Balance]) -> list[tuple[str, Priority]]:
    """Reasons why files are held back; their numbers are those of the balance, hidden where it hides them."""
    outside = {each.code: weight(each.count) for each in _reasons(balances(report, local=False))}
    held = [each for each in _reasons(shown) if each.code in report.reasons]
    found = []
    weights = {code: reason.weight for code, reason in report.reasons.items()}
    order = [(weights[e.code] != _MIXED_UP, -outside[e.code], weights[e.code], e.code, e) for e in held]
    for *_, each in sorted(order, key=lambda placed: placed[:-1]):
        reason = report.reasons[each.code]
        if not reason.remedy.startswith(_NOTHING_TO_DO):
            what = f"Files are held back: {_lower(reason.meaning)}."
            found.append((each.code, Priority(what, f"{reason.remedy}.", _published(each.count))))
    return found


def _reasons(shown: Sequence[Balance]) -> list[ReasonRow]:
    """Why files are held back."""
    files = [row for balance in shown if balance.kind == "file" for row in balance.rows]
    return [each for row in files if row.name == "quarantined" for each in row.reasons]


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
