"""What an edition of the report shows of exact counts: all of it locally, under disclosure control outside.

The rules are in `quality.disclosure`; here they are applied to the shapes that the summaries have. A chart is
drawn from the texts made here and from nothing else, so that no length or colour tells a hidden number.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from eucaim_pipelines.quality import disclosure
from eucaim_pipelines.quality.disclosure import SMALL, THRESHOLD, WITHHELD
from eucaim_pipelines.report.summary import Bin, Difference, Group, Parameter, Share, Unmapped

NOTHING = "–"
_STEP = 10
"""Shares outside are rounded down to this many percent."""


@dataclass(frozen=True)
class Edition:
    """One edition of a report on `people` patients; a reader may know their exact number."""

    local: bool
    people: int

    def count(self, number: int, *wholes: int) -> str:
        """A count that is a part of these wholes and, if it counts people, of all patients."""
        return str(number) if self.local else disclosure.shown_part(number, *wholes)

    def groups(self, groups: Sequence[Group], most: int) -> tuple[list[tuple[str, str, str]], str]:
        """Name, entries and patients of the categories of one variable, and what is said of those left out.

        Outside, categories with fewer than 10 patients are one row, and it shows no number that the other
        rows and the total would not give anyway (`quality.disclosure.suppress`).
        """
        named = [(each.name or "not given or not coded", each) for each in groups]
        if self.local:
            rows = [(name, str(each.entries), str(each.patients)) for name, each in named]
            return rows[:most], _and_more(len(rows) - most)
        kept = [(name, each) for name, each in named if each.patients >= THRESHOLD]
        pooled = [each for _, each in named if each.patients < THRESHOLD]
        rest = [1] if pooled else []  # as one small cell, whatever it holds
        entries = disclosure.suppress([*(each.entries for _, each in kept), *rest]).cells
        people = disclosure.suppress([*(each.patients for _, each in kept), *rest]).cells
        rows = [
            (name, entries[i], _stricter(people[i], self.count(each.patients, self.people)))
            for i, (name, each) in enumerate(kept)
        ]
        more = _and_more(len(rows) - most)
        rows = rows[:most]
        if pooled:
            rows.append((f"{len(pooled)} with fewer than {THRESHOLD} patients each", WITHHELD, WITHHELD))
        return rows, more

    def shares(self, shares: Sequence[Share | None]) -> list[str]:
        """Shares of one variable, the first of all entries, the others of parts of them.

        Outside a share is hidden where fewer than 10 people have it, lack it or were looked at, and where
        the other parts would tell such a number; others are rounded down to tens of percent.
        """
        if self.local:
            return [NOTHING if each is None else _exact(each) for each in shares]
        without = _told([each.without if each else 0 for each in shares])
        having = _told([each.people - each.without if each else 0 for each in shares])
        cells = zip(shares, without, having, strict=True)
        return [NOTHING if each is None else self._share(each, a and b) for each, a, b in cells]

    def _share(self, share: Share, told: bool) -> str:
        rest = disclosure.gives_rest_away(share.without, share.people)
        if not share.base:
            return NOTHING
        if rest or not told:
            return WITHHELD
        if share.given in (0, share.base):
            return "100 %" if share.given else "0 %"
        return f"{share.given * 100 // share.base // _STEP * _STEP}+ %"

    def timeline(self, bins: Sequence[Bin]) -> list[tuple[str, str, str]]:
        """Name, studies and treatments of the bins; the bins of either are a partition of all of them."""
        studies = self._partition([each.studies for each in bins])
        treatments = self._partition([each.treatments for each in bins])
        return [(each.name, a, b) for each, a, b in zip(bins, studies, treatments, strict=True)]

    def _partition(self, parts: Sequence[Group]) -> list[str]:
        if self.local:
            return [str(each.entries) for each in parts]
        entries = disclosure.suppress([each.entries for each in parts]).cells
        people = disclosure.suppress([each.patients for each in parts]).cells
        return [_both(*texts) for texts in zip(entries, people, strict=True)]

    def parameter(self, each: Parameter) -> tuple[str, ...] | None:
        """Modality, name, unit, series, patients, the numbers of `values` and outliers; None if hidden.

        Outside a quartile stands for at least 10 people on its far side and has two digits; the ends are
        those of single people and are left out.
        """
        head = (each.modality or "not given", each.name, each.unit)
        far = each.outliers
        if self.local:
            values = tuple(_plain(value, 4) for value in each.values)
            return (*head, str(each.series), str(each.patients), *values, str(far.entries))
        if each.patients < THRESHOLD:
            return None
        solid = each.below >= THRESHOLD and each.above >= THRESHOLD
        middle = tuple(_plain(value, 2) if solid else WITHHELD for value in each.values[1:4])
        outliers = _stricter(
            self.count(far.entries, each.series), self.count(far.patients, each.patients, self.people)
        )
        counts = (self.count(each.series), self.count(each.patients, self.people))
        return (*head, *counts, NOTHING, *middle, NOTHING, outliers)

    def difference(self, each: Difference) -> tuple[str, str, str, str]:
        """Total, added, changed and removed.

        Outside they are rounded, and told by the rule of `disclosure.shown_changes`.
        """
        numbers = (each.added, each.changed, each.removed)
        if self.local:
            return str(each.total), str(each.added), str(each.changed), str(each.removed)
        added, changed, removed = disclosure.shown_changes(numbers, each.people)
        return disclosure.shown(each.total), added, changed, removed

    def unmapped(self, columns: Sequence[Unmapped]) -> list[tuple[str, str, str]]:
        """Values, rows and patients of each column; the rows add up to a number that is known.

        Outside, a column of which no value belongs to 10 patients only says that it has some.
        """
        if self.local:
            return [(str(each.values), str(each.rows), str(each.patients)) for each in columns]
        rows = disclosure.suppress([each.rows for each in columns]).cells
        found = []
        for each, text in zip(columns, rows, strict=True):
            people = self.count(each.patients, self.people)
            solid = disclosure.at_least(people) is not None
            found.append((str(each.values) if solid else WITHHELD, _both(text, people), people))
        return found


def number(text: str) -> float | None:
    """What a shown text lets a chart draw: `40+` is 40, `96 % (29 of 30)` is 96; else None."""
    found = re.match(r"[0-9.]+(e[+-]?[0-9]+)?", text)
    return float(found[0]) if found else None


def _plain(value: float, digits: int) -> str:
    """A number of so many significant digits, without an exponent where people would write none."""
    rounded = float(f"{value:.{digits}g}")
    return f"{rounded:.0f}" if 10 ** (digits - 1) <= abs(rounded) < 1e9 else f"{rounded:g}"


def _exact(share: Share) -> str:
    if not share.base:
        return NOTHING
    exact = f"{share.given * 100 / share.base:.1f}".removesuffix(".0")
    near = "99.9" if exact == "100" and share.given < share.base else exact
    return f"{near} % ({share.given} of {share.base})"


def _told(counts: Sequence[int]) -> list[bool]:
    """Which of a whole and its parts may be told: the parts as a partition, the whole if it is large."""
    parts = disclosure.suppress(counts[1:])
    whole = disclosure.at_least(disclosure.shown(counts[0])) is not None and parts.total != WITHHELD
    return [whole, *(disclosure.at_least(text) is not None for text in parts.cells)]


def _stricter(one: str, other: str) -> str:
    """The text that tells less; a hidden one hides both."""
    return next((text for text in (one, other) if text == WITHHELD), one if one == SMALL else other)


def _both(entries: str, people: str) -> str:
    """Entries as shown, unless the people behind them are hidden."""
    if disclosure.at_least(people) is None and entries != SMALL:
        return WITHHELD
    return entries


def _and_more(number: int) -> str:
    return f"and {number} more" if number > 0 else ""
