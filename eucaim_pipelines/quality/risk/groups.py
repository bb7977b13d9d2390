"""Groups of people who look alike: k-anonymity, distinct l-diversity and the share of unique people.

One query for every such number. What people are compared by is made in `joined`.

Sweeney, k-anonymity: a model for protecting privacy, IJUFKS 10 (2002) 557; Machanavajjhala et al.,
l-diversity: privacy beyond k-anonymity, ACM TKDD 1 (2007) 3, in its distinct form.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb
import pyarrow as pa

from eucaim_pipelines.quality.selection import CONFIG
from eucaim_pipelines.quality.sql import quoted

_TABLE = "people"
_QUERY = """
WITH alike AS (SELECT count(*) AS size{distinct} FROM people GROUP BY {by})
SELECT size, count(*) AS groups{least} FROM alike WHERE size > 0 GROUP BY size ORDER BY size
"""


@dataclass(frozen=True)
class Groups:
    """People by how many look like them, themselves included.

    Attributes
    ----------
    sizes
        Size of a group to the number of such groups, the smallest size first.
    diversity
        Sensitive field to the fewest different values of it in any group.
    """

    sizes: tuple[tuple[int, int], ...] = ()
    diversity: Mapping[str, int] = field(default_factory=dict)

    @property
    def smallest(self) -> int | None:
        """k: people in the smallest group; None if there is nobody."""
        return self.sizes[0][0] if self.sizes else None

    @property
    def least_diverse(self) -> int | None:
        """l: the fewest different values of any sensitive field in any group; None without such a field."""
        return min(self.diversity.values(), default=None)

    @property
    def people(self) -> int:
        """Everybody."""
        return sum(size * groups for size, groups in self.sizes)

    @property
    def count(self) -> int:
        """How many groups there are."""
        return sum(groups for _, groups in self.sizes)

    @property
    def unique_share(self) -> float:
        """Share of people whom nobody looks like."""
        return self.below(2) / self.people if self.people else 0.0

    def below(self, at_least: int) -> int:
        """People in groups that are smaller than `at_least`."""
        return sum(size * groups for size, groups in self.sizes if size < at_least)

    def together(self, other: "Groups") -> "Groups":
        """These and the groups of other people."""
        sizes = Counter(dict(self.sizes))
        for size, groups in other.sizes:
            sizes[size] += groups
        return Groups(tuple(sorted(sizes.items())))

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "Groups":
        """From plain values, also after a way through JSON."""
        return cls(tuple((size, groups) for size, groups in plain["sizes"]), dict(plain["diversity"]))


class People:
    """A table of one row per person, from which groups are told by columns of choice.

    An empty cell is a value of its own, in what people are compared by and in what they would give away.
    """

    def __init__(self, table: pa.Table) -> None:
        self._connection = duckdb.connect(config=CONFIG)
        self._connection.register("given", table)
        self._connection.execute(f"CREATE TABLE {_TABLE} AS SELECT * FROM given")
        self._connection.unregister("given")

    def __enter__(self) -> "People":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def groups(self, by: Sequence[str], sensitive: Sequence[str] = ()) -> Groups:
        """Groups of people who are equal in the columns `by`; no column makes one group of all."""
        found = self._connection.execute(_query(by, sensitive)).fetchall()
        least = zip(*(row[2:] for row in found), strict=True)
        diversity = (
            {name: min(values) for name, values in zip(sensitive, least, strict=True)} if found else {}
        )
        return Groups(tuple((size, groups) for size, groups, *_ in found), diversity)

    def sizes(self, by: Sequence[str]) -> pa.Array:
        """For each row, in order, how many people look like this one."""
        partition = ", ".join(quoted(name) for name in by)
        over = f"PARTITION BY {partition}" if by else ""
        sized = f"SELECT rowid AS row, count(*) OVER ({over}) AS size FROM {_TABLE}"
        query = f"SELECT size FROM ({sized}) ORDER BY row"
        return self._connection.sql(query).to_arrow_table()["size"].combine_chunks()


def _query(by: Sequence[str], sensitive: Sequence[str]) -> str:
    """Distinct values of each sensitive column, where an empty cell is one of them."""
    distinct = [
        f", count(DISTINCT {quoted(name)}) + max(({quoted(name)} IS NULL)::INT) AS l{number}"
        for number, name in enumerate(sensitive)
    ]
    return _QUERY.format(
        distinct="".join(distinct),
        by=", ".join(quoted(name) for name in by) or "()",
        least="".join(f", min(l{number})" for number, _ in enumerate(sensitive)),
    )
