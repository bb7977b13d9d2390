"""The section on the risk of re-identification: exact for the holder, without any count outside.

Outside it says only which fields single people out, in order, and none in which fewer than 10 people differ
from most: a group size or share would tell of few people, and so would a field in which only one differs.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from eucaim_pipelines.quality.risk.groups import Groups
from eucaim_pipelines.quality.risk.measure import FieldRisk, Risk
from eucaim_pipelines.report.content import Report
from eucaim_pipelines.report.figures import Table, numeric
from eucaim_pipelines.report.numbers import tells
from eucaim_pipelines.report.priorities import counted

_NOBODY = "–"


@dataclass(frozen=True)
class RiskSection:
    """What the section shows.

    Attributes
    ----------
    at_least, own
        Smallest group that counts as large, and the one that the source asks for, if it does.
    driving
        Label of each field that divides people, the one that singles out most first, and as what it is known.
    tables
        Exact numbers, for the local edition only.
    """

    at_least: int
    own: int | None
    driving: tuple[tuple[str, str], ...]
    tables: tuple[Table, ...] = ()
    comparable: bool = True
    previous: str | None = None


def section(report: Report, local: bool) -> RiskSection | None:
    """The section of one edition; None where the risk was not measured."""
    found, at_least = report.risk, report.least_alike
    if found is None:
        return None
    driving = found.driving(at_least)
    shown = driving if local else [each for each in driving if tells(each)]
    return RiskSection(
        at_least,
        report.source.risk.at_least,
        tuple((each.label, each.known_as) for each in shown),
        tuple(_tables(found, driving, at_least)) if local else (),
        found.difference.comparable,
        found.previous,
    )


def _tables(found: Risk, driving: tuple[FieldRisk, ...], at_least: int) -> Iterator[Table]:
    columns = ("Compared", "People", "Groups", "Smallest (k)", "Unique", f"In groups under {at_least}")
    compared = {
        "everybody, as somebody may know them": found.known,
        "everybody, exactly as the release shows them": found.released,
    }
    if found.previous is not None and found.difference.comparable:
        compared |= {
            "new since the last release, among themselves": found.difference.new,
            "changed since then, among themselves": found.difference.changed,
            "left since then, among themselves": found.difference.left,
        }
    rows = [(name, *_groups(groups, at_least)) for name, groups in compared.items()]
    yield Table("People who look alike", columns, rows, numeric(columns))
    yield Table(
        f"Fields that single people out, and what less would win: k, and patients in groups under {at_least}",
        ("Field", "Known as", "Known alone", "If it were left out", "If it were one step less exact"),
        [_field(each, at_least) for each in driving],
    )
    if found.sensitive:
        heads = ("What would be learnt", "Fewest different values in a group (l)")
        told = [(label, str(found.known.diversity[name])) for name, label in found.sensitive.items()]
        yield Table(
            "What is learnt of people who look alike (for information: no tier asks for l)",
            heads,
            told,
            numeric(heads),
        )


def _groups(groups: Groups, at_least: int) -> tuple[str, ...]:
    if not groups.people:
        return ("0", "0", *(_NOBODY,) * 3)
    unique = f"{groups.below(2)} ({groups.unique_share * 100:.1f} %)"
    return (str(groups.people), str(groups.count), str(groups.smallest), unique, str(groups.below(at_least)))


def _field(each: FieldRisk, at_least: int) -> tuple[str, ...]:
    alone, without, stepped = (
        f"k {part.smallest}, {counted(str(part.below(at_least)), 'patient')}"
        for part in (each.alone, each.without, each.stepped)
    )
    return (each.label, each.known_as, alone, without, f"{each.step}: {stepped}")
