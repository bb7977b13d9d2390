"""An index as it lies in memory: people and studies as numbers, codes as small numbers, no row twice.

How it is asked is in `matching`.
"""

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from eucaim_pipelines.contracts.views import quoted
from eucaim_pipelines.search.criteria import Criteria, Criterion

_PEOPLE = """
CREATE TABLE person AS
SELECT patient_id, (row_number() OVER (ORDER BY patient_id) - 1)::INTEGER AS pid FROM held
"""
_STUDIES = """
CREATE TABLE study AS
SELECT study_uid, row_number() OVER (ORDER BY study_uid)::INTEGER AS study
FROM (SELECT DISTINCT study_uid FROM everybody SEMI JOIN held USING (patient_id) WHERE study_uid IS NOT NULL)
"""
_VALUES = """
CREATE TABLE {name} AS
SELECT DISTINCT pid, {value} AS value
FROM (SELECT pid, unnest({name}) AS raw FROM everybody JOIN person USING (patient_id))
WHERE raw IS NOT NULL ORDER BY pid
"""
_SERIES = """
CREATE TABLE series AS
SELECT DISTINCT pid, study, {values}
FROM everybody JOIN person USING (patient_id) LEFT JOIN study USING (study_uid)
WHERE series_uid IS NOT NULL ORDER BY pid, study
"""
_VISITS = """
CREATE TABLE visits AS SELECT DISTINCT pid, study FROM person LEFT JOIN series USING (pid) ORDER BY pid
"""


def load(
    connection: duckdb.DuckDBPyConnection, table: pa.Table, held: Sequence[str], criteria: Criteria
) -> dict[str, dict[str, int]]:
    """Fill a connection: `series`, `visits` (person and study), and a table per criterion of persons.

    Parameters
    ----------
    table
        As `index.build` makes it.
    held
        Pseudonyms of the people who are loaded, sorted; their positions are their numbers.

    Returns
    -------
    dict
        For each criterion with codes, code to the number that stands for it.
    """
    connection.register("everybody", table)
    connection.register("held", pa.table({"patient_id": pa.array(held, pa.string())}))
    connection.execute(_PEOPLE)
    connection.execute(_STUDIES)
    numbers: dict[str, dict[str, int]] = {}
    values = []
    for each in criteria.by_name.values():
        raw = "raw" if each.level == "person" else quoted(each.name)
        value = raw
        if each.coded:
            numbers[each.name] = _numbered(connection, each)
            value = f"(SELECT id FROM {quoted('ids ' + each.name)} WHERE code = {raw})"
        if each.level == "person":
            connection.execute(_VALUES.format(name=quoted(each.name), value=value))
        else:
            values.append(f"{value} AS {quoted(each.name)}")
    connection.execute(_SERIES.format(values=", ".join(values)))
    connection.execute(_VISITS)
    connection.unregister("everybody")
    connection.unregister("held")
    return numbers


def _numbered(connection: duckdb.DuckDBPyConnection, criterion: Criterion) -> dict[str, int]:
    """Numbers of the codes that the data have, also as a table."""
    name = quoted(criterion.name)
    source = f"unnest({name})" if criterion.level == "person" else name
    codes = {code for (code,) in connection.execute(f"SELECT DISTINCT {source} FROM everybody").fetchall()}
    ids = {code: number for number, code in enumerate(sorted(codes - {None}))}
    mapping = pa.table({"code": pa.array(list(ids), pa.string()), "id": pa.array(ids.values(), pa.int16())})
    connection.register("mapping", mapping)
    connection.execute(f"CREATE TABLE {quoted('ids ' + criterion.name)} AS SELECT * FROM mapping")
    connection.unregister("mapping")
    return ids
