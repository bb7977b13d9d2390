"""Who can be singled out by comparing a release with the one before it; pseudonyms are the same in both.

Whoever knows that somebody joined, or was examined again, in between, looks only among those who are new, or
of whom the release tells something else than before. Thus these must look alike among themselves. Those who
left are told apart in the same way, in the earlier release, which is out already: holding back the new one
would keep them in the one that stands, so that they are reported and count for no threshold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from eucaim_pipelines.quality.risk.groups import Groups, People
from eucaim_pipelines.quality.risk.joined import Joined, column
from eucaim_pipelines.quality.selection import CONFIG
from eucaim_pipelines.quality.sql import PATIENT, quoted

NEW, CHANGED = "new", "changed"
_QUERY = """
SELECT n.{patient} AS {patient},
       CASE WHEN e.{patient} IS NULL THEN '{new}' WHEN {other} THEN '{changed}' END AS kind
FROM now AS n LEFT JOIN earlier AS e USING ({patient}) ORDER BY {patient}
"""


@dataclass(frozen=True)
class Difference:
    """Groups of people who look alike among the new, the changed and those who left.

    Attributes
    ----------
    comparable
        False where the earlier release cannot be read any more.
    """

    new: Groups = field(default_factory=Groups)
    changed: Groups = field(default_factory=Groups)
    left: Groups = field(default_factory=Groups)
    comparable: bool = True

    @property
    def seen(self) -> Groups | None:
        """Groups of people whom the comparison shows; None if it cannot be made."""
        return self.new.together(self.changed) if self.comparable else None

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Difference":
        """From plain values, also after a way through JSON."""
        parts = {name: Groups.from_dict(plain[name]) for name in ("new", "changed", "left")}
        return cls(**parts, comparable=plain["comparable"])


def kinds(now: Joined, earlier: Joined) -> pa.Array:
    """Of each person of `now`, in order: new, changed, or empty where nothing is told anew.

    Compared are the fields that somebody may know, as released, and that both releases show.
    """
    both = [each.id for each in now.quasi if each.id in {other.id for other in earlier.quasi}]
    other = " OR ".join(f"n.{quoted(column(n))} IS DISTINCT FROM e.{quoted(column(n))}" for n in both)
    query = _QUERY.format(patient=PATIENT, new=NEW, changed=CHANGED, other=other or "false")
    with duckdb.connect(config=CONFIG) as database:
        database.register("now", now.table)
        database.register("earlier", earlier.table)
        return database.sql(query).to_arrow_table()["kind"].combine_chunks()


def compare(now: Joined, earlier: Joined, kind: pa.Array) -> Difference:
    """Groups of those whom a comparison of two releases shows; `kind` as `kinds` says."""
    stayed = pc.is_in(earlier.table[PATIENT], value_set=now.table[PATIENT].combine_chunks())
    known, coded = list(now.known_columns.values()), now.coded()
    return Difference(
        new=_groups(coded.filter(_equal(kind, NEW)), known),
        changed=_groups(coded.filter(_equal(kind, CHANGED)), known),
        left=_groups(earlier.coded().filter(pc.invert(stayed)), list(earlier.known_columns.values())),
    )


def _equal(kind: pa.Array, wanted: str) -> pa.Array:
    return pc.fill_null(pc.equal(kind, wanted), False)


def _groups(table: pa.Table, known: Sequence[str]) -> Groups:
    with People(table) as people:
        return people.groups(known)
