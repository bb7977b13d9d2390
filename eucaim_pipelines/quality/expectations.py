"""Runs the checks of one table with Great Expectations; the only module that imports it, and late.

Which checks there are is planned in `plan`; only counts and row numbers come back, never a value.
"""

import os
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from eucaim_pipelines.contracts.tables import TableContract
from eucaim_pipelines.quality.findings import Finding, finding
from eucaim_pipelines.quality.plan import Check, planned

_RESULT_FORMAT = {"result_format": "COMPLETE", "exclude_unexpected_values": True}
_RESOLVES = "resolves:"


def check_table(
    name: str,
    table: pa.Table,
    contract: TableContract,
    others: Mapping[str, pa.Table],
    *,
    contracts_folder: Path | None = None,
    thresholds: Mapping[str, float] | None = None,
) -> list[Finding]:
    """Findings of one table: minimum metadata, unique keys, value sets, references; ordered by check.

    Parameters
    ----------
    others
        The tables that this one refers to, by name. A reference to a table that is not among them is
        not checked, and thus not found to hold either: a tier that asks for it is not reached.
    thresholds
        Smallest share that must hold, by check; 1 where absent (`Tiers.thresholds`).

    Notes
    -----
    The first call of a process imports Great Expectations, some 4 to 7 s; after that a table takes
    well under a second.
    """
    checks = [each for each in planned(contract) if each.reference is None or each.reference[0] in others]
    patients = _patients(table, contract, others)
    failed = _failed_rows(name, table, checks, others, contracts_folder)
    found = []
    for check in checks:
        checked, rows = failed[check.id]
        at_least = (thresholds or {}).get(check.id, 1.0)
        found.append(
            finding(
                check.id,
                table=name,
                field=check.columns[0] if len(check.columns) == 1 and check.kind != "unique" else None,
                dimension=check.dimension,
                severity=check.severity,
                checked=checked,
                failed=len(rows),
                patients=_distinct(patients, rows),
                at_least=at_least,
                sentence=check.sentence,
                remedy=check.remedy,
            )
        )
    return sorted(found, key=lambda each: each.check)


def check_tables(
    tables: Mapping[str, pa.Table],
    contracts: Mapping[str, TableContract],
    *,
    names: Collection[str] | None = None,
    contracts_folder: Path | None = None,
    thresholds: Mapping[str, float] | None = None,
) -> list[Finding]:
    """Findings of several tables, each compared with all the others; of `names` only, if given."""
    return [
        found
        for name in sorted(tables if names is None else names)
        for found in check_table(
            name,
            tables[name],
            contracts[name],
            tables,
            contracts_folder=contracts_folder,
            thresholds=thresholds,
        )
    ]


_Failed = tuple[int, Sequence[int]]


def _failed_rows(
    name: str, table: pa.Table, checks: Sequence[Check], others: Mapping[str, pa.Table], folder: Path | None
) -> dict[str, _Failed]:
    """For each check the number of rows looked at, and the positions of those that do not hold."""
    results: dict[str, _Failed] = {}
    by_condition: dict[str | None, list[Check]] = defaultdict(list)
    for check in checks:
        if check.kind == "rows":
            results[check.id] = (1, [] if table.num_rows else [0])
        elif any(column not in table.column_names for column in check.columns):
            results[check.id] = (max(1, table.num_rows), range(max(1, table.num_rows)))
        elif table.num_rows == 0:
            results[check.id] = (0, [])
        else:
            by_condition[check.row_condition].append(check)
    if not by_condition:
        return results
    frame = _with_references(table, checks, others).to_pandas(types_mapper=_nullable)
    for condition, some in by_condition.items():
        rows = frame if condition is None else frame.query(condition, engine="python")
        results |= _validate(name, rows, some, folder) if len(rows) else {each.id: (0, []) for each in some}
    return results


def _nullable(kind: pa.DataType) -> Any:
    """Integers stay integers in pandas, where an empty cell would make them floats."""
    import pandas as pd

    return pd.Int64Dtype() if pa.types.is_integer(kind) else None


def _with_references(table: pa.Table, checks: Sequence[Check], others: Mapping[str, pa.Table]) -> pa.Table:
    """The table, with one boolean column per reference: the key exists; empty where the cell is."""
    for check in checks:
        if check.reference is not None and check.columns[0] in table.column_names:
            cells = table[check.columns[0]]
            keys = others[check.reference[0]][check.reference[1]].combine_chunks()
            exists = pc.if_else(
                pc.is_valid(cells), pc.is_in(cells, value_set=keys), pa.scalar(None, pa.bool_())
            )
            table = table.append_column(_RESOLVES + check.id, exists)
    return table


def _validate(name: str, frame: Any, checks: Sequence[Check], folder: Path | None) -> dict[str, _Failed]:
    gx, batches = _great_expectations()
    suite = gx.ExpectationSuite(
        name=name, expectations=[_expectation(gx.expectations, each, folder) for each in checks]
    )
    batch = batches.get_batch(batch_parameters={"dataframe": frame})
    outcome = batch.validate(suite, result_format=_RESULT_FORMAT)
    results = {}
    for each in outcome.results:  # they come back out of order
        check = next(c for c in checks if c.id == each.expectation_config.meta["check"])
        result = each.result
        if "element_count" not in result:
            raise RuntimeError(f"The engine could not run the check '{check.id}'.")
        looked_at = result["element_count"]
        if check.kind in ("in_set", "resolves"):
            looked_at -= result.get("missing_count") or 0
        results[check.id] = (looked_at, result.get("unexpected_index_list") or [])
    return results


def _expectation(library: Any, check: Check, folder: Path | None) -> Any:
    meta, column = {"check": check.id}, check.columns[0]
    if check.kind == "not_null":
        return library.ExpectColumnValuesToNotBeNull(column=column, meta=meta)
    if check.kind == "in_set":
        return library.ExpectColumnValuesToBeInSet(column=column, value_set=check.allowed(folder), meta=meta)
    if check.kind == "resolves":
        return library.ExpectColumnValuesToBeInSet(column=_RESOLVES + check.id, value_set=[True], meta=meta)
    if len(check.columns) == 1:
        return library.ExpectColumnValuesToBeUnique(column=column, meta=meta)
    return library.ExpectCompoundColumnsToBeUnique(column_list=list(check.columns), meta=meta)


@cache
def _great_expectations() -> tuple[Any, Any]:
    """The library and its batch definition for frames in memory; no files, no network, no progress bars."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    asset = context.data_sources.add_pandas("memory").add_dataframe_asset("table")
    return gx, asset.add_batch_definition_whole_dataframe("whole")


def _patients(
    table: pa.Table, contract: TableContract, others: Mapping[str, pa.Table]
) -> pa.ChunkedArray | None:
    """Patient of each row: its own column, or that of the table it refers to."""
    if "patient_id" in table.column_names:
        return table["patient_id"]
    for relation in contract.relationships:
        other = others.get(relation.to_table)
        if other is not None and "patient_id" in other.column_names and relation.field in table.column_names:
            at = pc.index_in(table[relation.field], value_set=other[relation.to_field].combine_chunks())
            return other["patient_id"].combine_chunks().take(at.combine_chunks())
    return None


def _distinct(patients: pa.ChunkedArray | None, rows: Sequence[int]) -> int:
    if patients is None or not len(rows) or len(patients) == 0:
        return 0
    return int(pc.count_distinct(patients.take(pa.array(rows, pa.int64()))).as_py())
