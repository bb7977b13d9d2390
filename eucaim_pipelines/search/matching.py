"""Whom a query matches: an index in memory, in codes of a few bits, asked by DuckDB.

Exact, and nobody's business but the node's: what of it leaves is decided in `control`.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from eucaim_pipelines.contracts.views import quoted
from eucaim_pipelines.search.criteria import Criteria
from eucaim_pipelines.search.memory import load
from eucaim_pipelines.search.query import Branch, Clause, Condition, Query


class Matched(NamedTuple):
    """The people that a query matches, as positions in `Index.pseudonyms`, and how many of their studies."""

    people: npt.NDArray[np.int64]
    studies: int


class Index:
    """One dataset's index, ready to be asked by several threads; it never changes.

    A query holds for a person if one of its branches does. All conditions on series of a branch hold on one
    and the same series; conditions on the person hold whatever the series. A study counts where it has
    such a series; where a branch names no series, each study of the person does. A person who has several
    values fulfils EQUALS, IN and ranges by any of them, NOT_EQUALS only if none is the value; where nothing
    is known, no condition is fulfilled.

    Parameters
    ----------
    table
        As `index.build` makes it.
    holds
        Which people are loaded, by pseudonym; everybody without it. The others cannot influence anything.
    """

    def __init__(
        self, table: pa.Table, criteria: Criteria, holds: Callable[[str], bool] | None = None
    ) -> None:
        people = table.filter(pc.is_null(table["series_uid"]))["patient_id"].to_pylist()
        self.pseudonyms: list[str] = sorted({each for each in people if holds is None or holds(each)})
        self._levels = {name: each.level for name, each in criteria.by_name.items()}
        self._connection = duckdb.connect(config={"threads": 1})
        self._ids = load(self._connection, table, self.pseudonyms, criteria)

    def close(self) -> None:
        """Let the memory go."""
        self._connection.close()

    def match(self, query: Query) -> Matched:
        """Exactly the people and studies that a query matches."""
        parts = [self._branch(branch) for branch in query.branches] or ["SELECT pid, study FROM visits"]
        sql = (
            "SELECT pid, count(study) AS studies FROM "
            f"(SELECT DISTINCT pid, study FROM ({' UNION ALL '.join(parts)})) GROUP BY pid ORDER BY pid"
        )
        found = self._connection.cursor().execute(sql).fetchnumpy()
        return Matched(np.asarray(found["pid"], np.int64), int(np.sum(found["studies"])))

    def _branch(self, branch: Branch) -> str:
        on_series = any(self._levels[each.criterion] == "series" for clause in branch for each in clause)
        source = "series" if on_series else "visits"
        where = " AND ".join(self._clause(clause) for clause in branch)
        sql = f"SELECT pid, study FROM {source} WHERE {where}"
        alone = [self._person_side(clause) for clause in branch]
        if on_series and all(alone):  # people without images fulfil it by the persons' side of each OR
            sql += f" UNION ALL SELECT pid, study FROM visits WHERE {' AND '.join(alone)}"
        return sql

    def _clause(self, clause: Clause) -> str:
        return f"({' OR '.join(self._condition(each) for each in clause)})"

    def _person_side(self, clause: Clause) -> str:
        """The conditions of a clause that need no series; empty if it has none."""
        alone = tuple(each for each in clause if self._levels[each.criterion] == "person")
        return self._clause(alone) if alone else ""

    def _condition(self, condition: Condition) -> str:
        table = quoted(condition.criterion)
        if self._levels[condition.criterion] == "series":
            if not condition.negated:
                return self._holds(condition, table)
            return f"({table} IS NOT NULL AND NOT ({self._holds(condition, table)}))"
        within = f"pid IN (SELECT pid FROM {table} WHERE {self._holds(condition, 'value')})"
        if not condition.negated:
            return within
        return f"(pid IN (SELECT pid FROM {table}) AND NOT {within})"

    def _holds(self, condition: Condition, column: str) -> str:
        if condition.values is not None:
            return _among(column, self._held(condition.criterion, condition.values))
        ends = ((condition.low, ">"), (condition.high, "<"))
        strict = "" if condition.strict else "="
        return " AND ".join(f"{column} {sign}{strict} {end!r}" for end, sign in ends if end is not None)

    def _held(self, name: str, values: Iterable[object]) -> list[object]:
        if name not in self._ids:
            return list(values)
        return [self._ids[name][str(value)] for value in values if value in self._ids[name]]


def _among(column: str, values: list[object]) -> str:
    return f"{column} IN ({', '.join(map(repr, values))})" if values else "false"
