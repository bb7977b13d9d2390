"""What the risk of a release comes to: groups of people who look alike, and which fields make them small.

Against which threshold it counts is said by tiers and source contract (`quality.verdict`).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from eucaim_pipelines.contracts.source_risk import RELEASED
from eucaim_pipelines.quality.risk.difference import Difference
from eucaim_pipelines.quality.risk.groups import Groups, People
from eucaim_pipelines.quality.risk.joined import Joined, column

LEFT_OUT = "left out"
"""The step above the last one of every hierarchy."""


@dataclass(frozen=True)
class FieldRisk:
    """What one field does to the groups.

    Attributes
    ----------
    known_as, step
        The step as which it counts as known, and the next less exact one.
    alone
        Groups of people who are alike in this field.
    without, stepped
        Groups if the field were left out, and if it were a step less exact.
    """

    id: str
    label: str
    known_as: str
    step: str
    alone: Groups
    without: Groups
    stepped: Groups

    @property
    def differing(self) -> int:
        """People who are not like most others in this field."""
        return self.alone.people - (self.alone.sizes[-1][0] if self.alone.sizes else 0)


@dataclass(frozen=True)
class Risk:
    """The risk of one release of a tier.

    Attributes
    ----------
    previous
        Version of the release that `difference` compares with; None at the first.
    known, released
        Groups by the fields as somebody may know them, and exactly as the release shows them.
    sensitive
        Sensitive field to its label.
    """

    version: str
    previous: str | None
    known: Groups
    released: Groups
    fields: tuple[FieldRisk, ...]
    sensitive: Mapping[str, str]
    difference: Difference

    def driving(self, at_least: int) -> tuple[FieldRisk, ...]:
        """Fields that make groups small, those first without which the most people reach `at_least`.

        Where fields say much the same, leaving one out wins nothing: then counts into how many more groups
        it divides people, and how many it singles out alone.
        """
        ranked = sorted(
            self.fields,
            key=lambda each: (
                each.without.below(at_least),
                each.without.count,
                -each.alone.below(at_least),
                each.id,
            ),
        )
        return tuple(each for each in ranked if each.alone.count > 1)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Risk":
        """The inverse of `to_dict`, also after a way through JSON."""
        parts = ("alone", "without", "stepped")
        fields = tuple(
            FieldRisk(**{**each, **{part: Groups.from_dict(each[part]) for part in parts}})
            for each in plain["fields"]
        )
        return cls(
            version=plain["version"],
            previous=plain["previous"],
            known=Groups.from_dict(plain["known"]),
            released=Groups.from_dict(plain["released"]),
            fields=fields,
            sensitive=dict(plain["sensitive"]),
            difference=Difference.from_dict(plain["difference"]),
        )


def measure(joined: Joined, version: str, previous: str | None, difference: Difference) -> Risk:
    """The risk on a joined table.

    Parameters
    ----------
    difference
        What is told by comparing with the release `previous` (`difference.compare`).
    """
    sensitive = {column(each.id): each for each in joined.sensitive}
    known = joined.known_columns
    with People(joined.coded()) as people:
        by_column = people.groups(list(known.values()), list(sensitive))
        return Risk(
            version=version,
            previous=previous,
            known=Groups(
                by_column.sizes, {sensitive[n].id: count for n, count in by_column.diversity.items()}
            ),
            released=people.groups([column(each.id) for each in joined.quasi]),
            fields=tuple(_field(people, joined, known, each.id) for each in joined.quasi),
            sensitive={each.id: each.label for each in sensitive.values()},
            difference=difference,
        )


def _field(people: People, joined: Joined, known: Mapping[str, str], name: str) -> FieldRisk:
    field = next(each for each in joined.quasi if each.id == name)
    others = [each for other, each in known.items() if other != name]
    steps, at = joined.steps[name], joined.known(field)
    without = people.groups(others)
    last = at == len(steps)
    return FieldRisk(
        id=name,
        label=field.label,
        known_as=field.known_as if at else RELEASED,
        step=LEFT_OUT if last else steps[at],
        alone=people.groups([known[name]]),
        without=without,
        stepped=without if last else people.groups([*others, column(name, at + 1)]),
    )
