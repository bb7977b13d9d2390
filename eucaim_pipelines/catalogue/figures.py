"""The figures of a catalogue record by SQL over the released tables: the rows behind each, and its recount.

What a figure is, and its query, lies in data_contracts/catalogue/figures.yaml; the record itself is built
without these queries (`facts`, `record`), so that a recount is a second opinion.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, ValidationError
from rdflib import RDF, Graph

from eucaim_pipelines.catalogue.terms import DCAT, EUCAIM, expanded
from eucaim_pipelines.contracts import folder as contracts_folder
from eucaim_pipelines.contracts import views, vocabularies
from eucaim_pipelines.contracts.positions import Document
from eucaim_pipelines.contracts.tables import TableContract
from eucaim_pipelines.quality import disclosure

Rule = Literal["number", "shared", "part", "youngest", "oldest", "finest", "stated"]
_READ = re.compile(r"\b(?:FROM|JOIN)\s+([a-z_]+)")
_COUNTED = """
SELECT count(DISTINCT value), count(DISTINCT patient_id) FROM ({query}) WHERE value IS NOT NULL
"""
_PEOPLE = """
SELECT value, count(DISTINCT patient_id) FROM ({query}) WHERE value IS NOT NULL GROUP BY value ORDER BY value
"""
_POOLED = """
WITH behind AS ({query}),
small AS (SELECT value FROM behind GROUP BY value HAVING count(DISTINCT patient_id) < {threshold})
SELECT count(DISTINCT patient_id) FROM behind SEMI JOIN small USING (value)
"""
_TENTH = """
SELECT extreme FROM (SELECT {extreme}(value) AS extreme FROM ({query})
                     WHERE value IS NOT NULL GROUP BY patient_id)
ORDER BY extreme {order} LIMIT 1 OFFSET {threshold} - 1
"""


class Figure(BaseModel):
    """One figure of the record: its property, its name in plain words, the SQL of the rows behind it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    property: str
    text: str
    rule: Rule
    query: str
    of: str | None = None
    pooled: str | None = None


class _Figures(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    figures: tuple[Figure, ...]


def load_figures(folder: Path | None = None) -> dict[str, Figure]:
    """Every figure by name, in the order of the record.

    Raises
    ------
    ContractError
        The file has another form, with the place.
    """
    document = Document(contracts_folder(folder) / "catalogue" / "figures.yaml")
    try:
        read = _Figures.model_validate(document.data)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise document.error(f"{first['msg']}.", "See the head of the file.", first["loc"]) from None
    return {each.name: each for each in read.figures}


def rows_behind(
    figure: Figure, tables: Mapping[str, pa.Table | Path], contracts: Mapping[str, TableContract]
) -> pa.Table:
    """The rows that a figure was made from: `value`, `patient_id`, and the keys that lead to each row.

    Parameters
    ----------
    tables
        Released tables by name, or the Parquet files that hold them; one that is not there has no rows.
    """
    connection = views.connect(contracts, tables)
    try:
        return connection.sql(figure.query).to_arrow_table().sort_by([("patient_id", "ascending")])
    finally:
        connection.close()


def tables_behind(figure: Figure) -> tuple[str, ...]:
    """Names of the tables that a figure is made from, sorted: those that its query reads."""
    return tuple(sorted(set(_READ.findall(figure.query))))


@dataclass(frozen=True)
class Recount:
    """Counts the figures of one release anew.

    `pool_small` is the source contract's key of that name; `contracts` may hold more tables than `tables`.
    """

    tables: Mapping[str, pa.Table | Path]
    contracts: Mapping[str, TableContract]
    pool_small: bool = False
    folder: Path | None = None

    def expected(self) -> dict[str, tuple[str, ...]]:
        """Property to the values that the record must state, sorted; empty where it must say nothing.

        What the source contract states (`stated`) is not among them.
        """
        figures = load_figures(self.folder)
        connection = views.connect(self.contracts, self.tables)
        try:
            return {
                each.property: tuple(sorted(self._values(each, figures, connection)))
                for each in figures.values()
                if each.rule != "stated"
            }
        finally:
            connection.close()

    def _values(self, figure: Figure, figures: Mapping[str, Figure], connection: Any) -> Iterator[str]:
        if figure.rule == "shared":
            yield from self._shared(figure, connection)
            return
        if figure.rule in ("number", "part"):
            count, people = connection.execute(_COUNTED.format(query=figure.query)).fetchone()
            whole = 0
            if figure.of is not None:
                whole, _ = connection.execute(_COUNTED.format(query=figures[figure.of].query)).fetchone()
            told = people >= disclosure.THRESHOLD and not disclosure.gives_rest_away(count, whole)
            number = disclosure.rounded(count) if told else None
            yield from () if number is None else (str(number),)
            return
        yield from self._extreme(figure, connection)

    def _shared(self, figure: Figure, connection: Any) -> Iterator[str]:
        for value, people in connection.execute(_PEOPLE.format(query=figure.query)).fetchall():
            if people >= disclosure.THRESHOLD:
                yield str(value)
        if figure.pooled is None or not self.pool_small:
            return
        query = _POOLED.format(query=figure.query, threshold=disclosure.THRESHOLD)
        (pooled,) = connection.execute(query).fetchone()
        root = vocabularies.load(figure.pooled, self.folder).root
        if root is not None and pooled >= disclosure.THRESHOLD:
            yield root

    def _extreme(self, figure: Figure, connection: Any) -> Iterator[str]:
        lowest = self._tenth(figure, connection, "min", "ASC")
        if lowest is None:
            return
        if figure.rule == "finest":
            yield disclosure.metres(lowest)
            return
        highest = self._tenth(figure, connection, "max", "DESC")
        ends = disclosure.age_bucket(lowest)[0], disclosure.age_bucket(highest or lowest)[1]
        yield str(min(ends) if figure.rule == "youngest" else max(ends))

    def _tenth(self, figure: Figure, connection: Any, extreme: str, order: str) -> float | None:
        """The extreme value of the person with whom ten people have come as far; None for fewer people."""
        query = _TENTH.format(
            query=figure.query, extreme=extreme, order=order, threshold=disclosure.THRESHOLD
        )
        found = connection.execute(query).fetchone()
        return None if found is None else float(found[0])


def disagreements(record: Graph, recount: Recount) -> tuple[str, ...]:
    """The figures of a record that are not what its tables give, by name; never a number."""
    stated: dict[str, list[str]] = {}
    (dataset,) = record.subjects(RDF.type, DCAT.Dataset)
    for predicate, value in record.predicate_objects(dataset):
        stated.setdefault(str(predicate), []).append(str(value).removeprefix(str(EUCAIM)))
    expected, figures = recount.expected(), load_figures(recount.folder)
    return tuple(
        f"{each.text}: the record and the tables do not agree"
        for each in figures.values()
        if each.rule != "stated"
        and tuple(sorted(stated.get(str(expanded(each.property)), ()))) != expected[each.property]
    )
