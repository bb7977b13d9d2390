"""How complete each variable is, overall and among the patients seen at each timepoint of imaging.

Tables of images count their rows at a timepoint; others count, of the patients in them, those with a value.
"""

from collections.abc import Iterator, Mapping, Sequence

import duckdb
import pyarrow as pa

from eucaim_pipelines.contracts.fields import Field
from eucaim_pipelines.contracts.tables import TableContract
from eucaim_pipelines.report.summary import Completeness, Share, Variable

LAST_TIMEPOINT = 5
"""Later timepoints are one column."""
OVERALL = "All"
_UNITS = {"image_study": "studies", "image_series": "series"}
_ORDER = {"always": 0, "if_available": 1, "optional": 2}
_NO_VARIABLES = frozenset({"key", "link", "dataset"})
_DERIVED = frozenset({"links", "catalogue"})
"""Tables that follow from others: what they lack is said there."""
Cells = Mapping[int, tuple[int, int, int, int]]


def completeness(
    database: duckdb.DuckDBPyConnection,
    tables: Mapping[str, pa.Table],
    contracts: Mapping[str, TableContract],
) -> Completeness:
    """Every variable that EUCAIM asks for, and every other clinical one that some patient has but not all.

    Columns are all entries (number 0) and the timepoints that occur, the last of them pooled.
    """
    found = [
        (variable, cells)
        for name in tables
        if name in contracts and "patient_id" in tables[name].column_names
        for variable, cells in _of_table(database, name, tables[name], contracts[name])
    ]
    times = sorted({time for _, cells in found for time in cells if time > 0})
    shown = [
        Variable(contract.name, field.name, requirement, unit, _shares(cells, (0, *times)))
        for (contract, field, requirement, unit), cells in found
        if requirement != "optional" or (contract.filled_from != "images" and _partly(cells))
    ]
    shown.sort(key=lambda each: (_ORDER[each.requirement], list(contracts).index(each.table)))
    return Completeness([OVERALL, *(_time_name(time) for time in times)], shown)


def _of_table(
    database: duckdb.DuckDBPyConnection, name: str, table: pa.Table, contract: TableContract
) -> Iterator[tuple[tuple[TableContract, Field, str, str], Cells]]:
    fields = [field for field in _variables(contract) if field.name in table.column_names]
    if not fields or not table.num_rows or contract.filled_from in _DERIVED:
        return
    of_images = contract.filled_from == "images" and "study_uid" in table.column_names
    unit = _UNITS.get(name, "rows") if of_images else "patients"
    told = {field.name: _told(field.name, contract) for field in fields}
    query = _own_time(name, told) if of_images else _by_patient(name, told)
    rows = database.execute(query).fetchall()
    asked = {check.field for check in contract.required}
    for number, field in enumerate(fields):
        at = 3 + 2 * number
        cells = {time: (base, row[at - 3], people, row[at - 2]) for time, base, people, *row in rows}
        requirement = (
            "always" if field.name in asked and field.requirement == "optional" else field.requirement
        )
        yield (contract, field, requirement, unit), cells


def _variables(contract: TableContract) -> list[Field]:
    """Fields that hold something about a patient: no keys, no links, no units of other fields."""
    return [
        field
        for name, field in contract.fields.items()
        if name not in contract.primary_key
        and name not in {relation.field for relation in contract.relationships}
        and name not in ("patient_id", "dataset_id")
        and field.filled_by not in _NO_VARIABLES
        and field.unit_of is None
        and field.offset_of is None
        and not name.endswith("_unit")
    ]


def _told(name: str, contract: TableContract) -> str:
    """What says that a field is known: a day may be told as days from diagnosis instead of a date."""
    days = contract.offsets.get(name)
    return f'r."{name}" IS NOT NULL' + (f' OR r."{days}" IS NOT NULL' if days else "")


def _own_time(name: str, told: Mapping[str, str]) -> str:
    known = ", ".join(f'count(*) FILTER ({known}) AS "{field}"' for field, known in told.items())
    counts = ", ".join(f'sum("{field}")::BIGINT, count(*) FILTER ("{field}" < n)' for field in told)
    sums = ", ".join(f'sum("{field}") AS "{field}"' for field in told)
    return f"""
    WITH seen AS (SELECT study_uid, patient_id, min(ImagingTimepoint) AS timepoint
                  FROM image_study GROUP BY ALL),
    by_patient AS (SELECT r.patient_id, least(timepoint, {LAST_TIMEPOINT + 1}) AS t, count(*) AS n, {known}
                   FROM "{name}" r LEFT JOIN seen USING (study_uid, patient_id) GROUP BY ALL),
    overall AS (SELECT patient_id, 0 AS t, sum(n) AS n, {sums} FROM by_patient GROUP BY patient_id)
    SELECT t, sum(n)::BIGINT, count(*), {counts}
    FROM (FROM overall UNION ALL FROM by_patient) WHERE t IS NOT NULL GROUP BY t ORDER BY t
    """  # noqa: S608


def _by_patient(name: str, told: Mapping[str, str]) -> str:
    known = ", ".join(f'bool_or({known}) AS "{field}"' for field, known in told.items())
    counts = ", ".join(
        f'count(*) FILTER (has."{field}"), count(*) FILTER (NOT has."{field}")' for field in told
    )
    return f"""
    WITH has AS (SELECT patient_id, {known} FROM "{name}" r GROUP BY patient_id),
    base AS (SELECT patient_id, 0 AS t FROM patient UNION SELECT s.patient_id, least(ImagingTimepoint,
             {LAST_TIMEPOINT + 1}) FROM image_study s SEMI JOIN patient USING (patient_id)
             WHERE ImagingTimepoint IS NOT NULL)
    SELECT t, count(*), count(*), {counts} FROM base JOIN has USING (patient_id) GROUP BY t ORDER BY t
    """  # noqa: S608


def _partly(cells: Cells) -> bool:
    base, given, _, _ = cells.get(0, (0, 0, 0, 0))
    return 0 < given < base


def _shares(cells: Cells, times: Sequence[int]) -> list[Share | None]:
    return [Share(_time_name(time), *cells[time]) if time in cells else None for time in times]


def _time_name(time: int) -> str:
    if time == 0:
        return OVERALL
    return str(time) if time <= LAST_TIMEPOINT else f"{time} and later"
