"""The joined table: one row per person, of each field what a release shows, at every step of its hierarchy.

Of several values of a person, a field is their sorted set, or all of them in order. A value that is missing
is a value of its own. Which fields there are is data (risk/quasi_identifiers.yaml).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from eucaim_pipelines.contracts.hierarchies import Hierarchy
from eucaim_pipelines.contracts.quasi_identifiers import columns_of
from eucaim_pipelines.contracts.source_risk import RELEASED, QuasiIdentifier
from eucaim_pipelines.errors import ContractError
from eucaim_pipelines.quality.selection import CONFIG, View
from eucaim_pipelines.quality.sql import PATIENT, quoted

PEOPLE = "patient"
"""The table that names everybody."""
_BETWEEN = "chr(31)"
"""Stands between the values of one person, and in no value."""
_ITEMS = "SELECT {patient}, {column} AS value, 0 AS position FROM {table}"
_QUERY = """
WITH items AS (SELECT {patient}, value, {position} AS position FROM ({items})),
steps AS (SELECT v.value, {texts} FROM (SELECT DISTINCT value FROM items) AS v {hierarchy}),
patterns AS (SELECT {patient}, {patterns} FROM items
             LEFT JOIN steps ON steps.value IS NOT DISTINCT FROM items.value GROUP BY {patient})
SELECT {shown} FROM (SELECT DISTINCT {patient} FROM {people}) LEFT JOIN patterns USING ({patient})
ORDER BY {patient}
"""


@dataclass(frozen=True)
class Joined:
    """The table, and the fields that stand in it.

    Attributes
    ----------
    table
        patient_id, in order, and of each field the columns `<id>.0` (as released), `<id>.1` (first step), …;
        of sensitive fields the first only. All texts, none empty.
    steps
        Field to the names of its steps.
    """

    table: pa.Table
    fields: tuple[QuasiIdentifier, ...]
    steps: Mapping[str, tuple[str, ...]]

    @property
    def quasi(self) -> tuple[QuasiIdentifier, ...]:
        """Fields that somebody may know."""
        return tuple(each for each in self.fields if each.role == "quasi")

    @property
    def sensitive(self) -> tuple[QuasiIdentifier, ...]:
        """Fields that would be learnt, where anybody has a value."""
        some = [each for each in self.fields if each.role == "sensitive"]
        return tuple(each for each in some if len(self.table[column(each.id)].unique()) > 1)

    def known(self, field: QuasiIdentifier) -> int:
        """Step as which a field counts as known; 0 as released."""
        return 0 if field.known_as == RELEASED else self.steps[field.id].index(field.known_as) + 1

    @property
    def known_columns(self) -> dict[str, str]:
        """Field to the column that says what somebody may know of it."""
        return {each.id: column(each.id, self.known(each)) for each in self.quasi}

    def coded(self) -> pa.Table:
        """The same table with numbers for texts, which compare faster."""
        texts = self.table.drop_columns([PATIENT])
        return pa.table(
            {n: texts[n].combine_chunks().dictionary_encode().indices for n in texts.column_names}
        )


def column(field: str, step: int = 0) -> str:
    """Column of a field at a step."""
    return f"{field}.{step}"


def of_tables(fields: Iterable[QuasiIdentifier], tables: Iterable[str]) -> tuple[QuasiIdentifier, ...]:
    """Fields that these tables show."""
    held = set(tables)
    return tuple(field for field in fields if held.issuperset(field.tables))


def readable(fields: Iterable[QuasiIdentifier], views: Mapping[str, View]) -> tuple[QuasiIdentifier, ...]:
    """Fields that can be told from tables of an earlier contract, which may lack a column."""
    held = of_tables(fields, views)
    given = columns_of((_items(each), {name: views[name] for name in each.tables}) for each in held)
    return tuple(each for each, columns in zip(held, given, strict=True) if columns)


def join(
    views: Mapping[str, View], fields: Sequence[QuasiIdentifier], hierarchies: Mapping[str, Hierarchy]
) -> Joined:
    """The joined table of these fields.

    Parameters
    ----------
    views
        Tables of the release; `patient` names everybody.

    Raises
    ------
    ContractError
        The query of a field cannot be run on the rows; DuckDB's own words stay out, they may quote a cell.
    """
    columns: dict[str, pa.ChunkedArray] = {}
    with duckdb.connect(config=CONFIG) as database:
        for name, view in views.items():
            database.register(name, view)
        people = f"SELECT DISTINCT {PATIENT} FROM {quoted(PEOPLE)} ORDER BY {PATIENT}"
        columns[PATIENT] = database.sql(people).to_arrow_table()[PATIENT]
        for field in fields:
            hierarchy = hierarchies[field.hierarchy] if field.hierarchy else None
            if hierarchy is not None:
                database.register("hierarchy", hierarchy.rows)
            columns |= _columns(database, field, hierarchy)
    steps = {each.id: hierarchies[each.hierarchy].steps if each.hierarchy else () for each in fields}
    return Joined(pa.table(columns), tuple(fields), steps)


def _columns(
    database: duckdb.DuckDBPyConnection, field: QuasiIdentifier, hierarchy: Hierarchy | None
) -> dict[str, pa.ChunkedArray]:
    levels = range(1 + (len(hierarchy.steps) if hierarchy and field.role == "quasi" else 0))
    texts = [
        f"coalesce(h.step_{n}, v.value::VARCHAR) AS t{n}" if n else "v.value::VARCHAR AS t0" for n in levels
    ]
    query = _QUERY.format(
        patient=PATIENT,
        people=quoted(PEOPLE),
        items=_items(field),
        position="position" if field.keep == "in_order" else "0",
        texts=", ".join(texts),
        hierarchy=_joining(hierarchy),
        patterns=", ".join(f"{_pattern(field, n)} AS p{n}" for n in levels),
        shown=", ".join(f"coalesce(p{n}, '') AS {quoted(column(field.id, n))}" for n in levels),
    )
    try:
        found = database.sql(query).to_arrow_table()
    except duckdb.Error as error:
        raise ContractError(
            file="quasi_identifiers.yaml",
            line=None,
            what=f"The query of the field '{field.id}' cannot be run ({type(error).__name__}).",
            remedy="It may use the columns of the tables that the field needs, in DuckDB's SQL.",
        ) from None
    return {name: found[name] for name in found.column_names}


def _items(field: QuasiIdentifier) -> str:
    if field.query:
        return field.query
    table, _, name = (field.column or "").partition(".")
    return _ITEMS.format(patient=PATIENT, column=quoted(name), table=quoted(table))


def _joining(hierarchy: Hierarchy | None) -> str:
    if hierarchy is None:
        return ""
    if not hierarchy.of_numbers:
        return "LEFT JOIN hierarchy AS h ON h.value = v.value::VARCHAR"
    number = "TRY_CAST(v.value AS DOUBLE)"
    return f"LEFT JOIN hierarchy AS h ON {number} >= h.low AND {number} < h.high"


def _pattern(field: QuasiIdentifier, level: int) -> str:
    """In a set a missing value adds nothing; in an order it keeps its place."""
    text = f"t{level}"
    if field.keep == "set":
        return f"string_agg(DISTINCT {text}, {_BETWEEN} ORDER BY {text})"
    return f"string_agg(coalesce({text}, '?'), {_BETWEEN} ORDER BY position, {text})"
