"""The private search index of a dataset: one row per person, and one per image series.

It holds true calendar years, so it stays in the restricted zone. Its columns follow from
data_contracts/search/criteria.yaml; queries are not answered here.
"""

from collections.abc import Mapping

import duckdb
import pyarrow as pa

from eucaim_pipelines.contracts.views import quoted
from eucaim_pipelines.search.criteria import Criteria, Criterion

_KEYS = (
    ("patient_id", "Pseudonym of the patient."),
    ("study_uid", "StudyInstanceUID, mapped; empty in the row of a person."),
    ("series_uid", "SeriesInstanceUID, mapped; empty in the row of a person."),
)
YEARS = "true_years"


def tables(criteria: Criteria) -> tuple[str, ...]:
    """Tables of the common data model that the index is made from."""
    named = {each.table for each in criteria.by_name.values() if each.table}
    return tuple(sorted(named | {"patient", "image_series", "image_study"}))


def schema(criteria: Criteria) -> pa.Schema:
    """Columns of the index: keys, a list per criterion of persons, a value per criterion of series."""
    keys = [pa.field(name, pa.string(), metadata={"description": text}) for name, text in _KEYS]
    return pa.schema(keys + [_field(each) for each in criteria.by_name.values()])


def _field(criterion: Criterion) -> pa.Field:
    kind = pa.string() if criterion.coded else pa.float64()
    type_ = pa.list_(kind) if criterion.level == "person" else kind
    about = {"description": criterion.text + ".", "criterion": criterion.keys[0]}
    return pa.field(criterion.name, type_, metadata=about)


def build(
    released: Mapping[str, pa.Table], criteria: Criteria, true_years: Mapping[str, int] | None = None
) -> pa.Table:
    """The index, sorted: a person's row (every value the person has, once, in order), then their series.

    Modality, body part and manufacturer stand on the row of their series because a query means one series
    that has them all.

    Parameters
    ----------
    released
        `tables(criteria)` by name.
    true_years
        True calendar year of the first diagnosis by pseudonym; restricted knowledge, absent years stay
        empty. Dates of `cancer_condition` are shifted and never used for it.
    """
    years = true_years or {}
    with duckdb.connect() as connection:
        for name, table in released.items():
            connection.register(name, table)
        people = pa.table({"patient_id": list(years), "year": pa.array(years.values(), pa.int64())})
        connection.register(
            YEARS, people.cast(pa.schema([("patient_id", pa.string()), ("year", pa.int64())]))
        )
        rows = connection.sql(_sql(criteria)).to_arrow_table()
    return rows.select(schema(criteria).names).cast(schema(criteria)).combine_chunks()


def _sql(criteria: Criteria) -> str:
    everything = criteria.by_name.values()
    person = [each for each in everything if each.level == "person"]
    series = [each for each in everything if each.level == "series"]
    lists = ", ".join(f"(SELECT {_list(each)}) AS {quoted(each.name)}" for each in person)
    values = ", ".join(f"s.{quoted(each.column or '')} AS {quoted(each.name)}" for each in series)
    nulls = ", ".join(f"NULL AS {quoted(each.name)}" for each in series)
    absent = ", ".join(f"NULL AS {quoted(each.name)}" for each in person)
    return f"""
        WITH people AS (SELECT DISTINCT patient_id FROM patient)
        SELECT p.patient_id, NULL AS study_uid, NULL AS series_uid, {lists}, {nulls} FROM people p
        UNION ALL BY NAME
        SELECT s.patient_id, s.study_uid, s.series_uid, {absent}, {values}
        FROM image_series s SEMI JOIN people USING (patient_id)
             SEMI JOIN image_study USING (patient_id, study_uid)
        ORDER BY patient_id, study_uid NULLS FIRST, series_uid NULLS FIRST
    """


def _list(criterion: Criterion) -> str:
    table, column = criterion.table or YEARS, quoted(criterion.column or "year")
    kind = "VARCHAR" if criterion.coded else "DOUBLE"
    rows = [f"t.{column} IS NOT NULL", "t.patient_id = p.patient_id"]
    rows += [f"t.{quoted(name)} IN ({_texts(values)})" for name, values in sorted(criterion.where.items())]
    if criterion.values:
        rows.append(f"t.{column} IN ({_texts(criterion.values)})")
    return (
        f"list_sort(list(DISTINCT CAST(t.{column} AS {kind}))) "
        f"FROM {quoted(table)} t WHERE {' AND '.join(rows)}"
    )


def _texts(values: tuple[str, ...]) -> str:
    return ", ".join("'" + value.replace("'", "''") + "'" for value in values)
