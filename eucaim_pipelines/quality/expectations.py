"""Has Great Expectations judge rows; the only module that imports it, and late.

Which rows are judged is decided in `checks`; only counts and positions of rows come back, never a value.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from eucaim_pipelines.contracts.rules import EXPECTATIONS, IN_SET, NOT_NULL, Rule
from eucaim_pipelines.contracts.vocabularies import Vocabulary
from eucaim_pipelines.errors import ContractError
from eucaim_pipelines.quality.sql import GIVEN, judged_columns

_RESULT_FORMAT = {"result_format": "COMPLETE", "exclude_unexpected_values": True}


@dataclass(frozen=True)
class Judgement:
    """Of one rule: how many rows were judged, and the positions (from 0) of those that do not hold."""

    checked: int
    failed: Sequence[int]


def judge(
    rows: pa.Table, rules: Sequence[Rule], vocabularies: Mapping[str, Vocabulary]
) -> dict[str, Judgement]:
    """What holds of these rows, by the identifier of the rule.

    Parameters
    ----------
    rows
        Columns as `sql.judged_columns` names them, or as the query of a rule does.

    Raises
    ------
    ContractError
        A column is missing, or the arguments of an expectation are not those that it takes.

    Notes
    -----
    The first call of a process imports Great Expectations, some 3 to 7 s.
    """
    if rows.num_rows == 0:
        return {rule.id: Judgement(0, ()) for rule in rules}
    library, batches = _great_expectations()
    expectations = [_expectation(library, rule, vocabularies) for rule in rules]
    suite = library.ExpectationSuite(name=rules[0].table, expectations=expectations)
    batch = batches.get_batch(batch_parameters={"dataframe": _frame(rows, rules)})
    outcome = batch.validate(suite, result_format=_RESULT_FORMAT)
    by_id = {each.expectation_config.meta["check"]: each.result for each in outcome.results}
    return {rule.id: _judgement(rule, by_id[rule.id]) for rule in rules}


def _judgement(rule: Rule, result: Mapping[str, Any]) -> Judgement:
    if "element_count" not in result:
        raise _wrong(rule, "its expectation cannot be judged")
    empty = 0 if rule.expectation == NOT_NULL else result.get("missing_count") or 0
    return Judgement(result["element_count"] - empty, result.get("unexpected_index_list") or ())


def _frame(rows: pa.Table, rules: Sequence[Rule]) -> Any:
    """The judged columns in the smallest form that pandas has: the library hashes every cell twice."""
    columns: dict[str, Any] = {}
    for rule in rules:
        for column, judged in zip(rule.columns, judged_columns(rule), strict=True):
            if judged not in columns:
                columns[judged] = _small(_column(rows, rule, column, judged))
    import pandas as pd

    return pa.table(columns).to_pandas(types_mapper={pa.bool_(): pd.BooleanDtype()}.get)


def _column(rows: pa.Table, rule: Rule, column: str, judged: str) -> pa.ChunkedArray:
    if judged in rows.column_names:
        return rows[judged]
    if column not in rows.column_names:
        raise _wrong(rule, f"its rows have no column '{column}'")
    if judged == GIVEN + column:
        return pc.if_else(pc.is_valid(rows[column]), True, pa.scalar(None, pa.bool_()))
    return rows[column]


def _small(cells: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_string(cells.type) or pa.types.is_large_string(cells.type):
        return cells.dictionary_encode()
    if pa.types.is_date(cells.type):
        return _small(cells.cast(pa.int32()))
    if pa.types.is_integer(cells.type):  # with an empty cell pandas cannot compare them as integers
        return cells.cast(pa.float64() if cells.null_count else pa.int64())
    return cells.cast(pa.float64()) if pa.types.is_decimal(cells.type) else cells


def _expectation(library: Any, rule: Rule, vocabularies: Mapping[str, Vocabulary]) -> Any:
    kwargs = dict(rule.kwargs)
    if rule.expectation == IN_SET and "vocabulary" in kwargs:
        kwargs["value_set"] = sorted(vocabularies[kwargs.pop("vocabulary")].codes)
    if EXPECTATIONS[rule.expectation] == ("column",):
        kwargs["column"] = judged_columns(rule)[0]
    name = "".join(word.capitalize() for word in rule.expectation.split("_"))
    kind = getattr(library.custom, name, None) or getattr(library.expectations, name)
    try:
        return kind(**kwargs, meta={"check": rule.id})
    except (TypeError, ValueError):
        raise _wrong(rule, "its expectation does not take these arguments") from None


def _wrong(rule: Rule, what: str) -> ContractError:
    return ContractError(
        file=f"{rule.table}.odcs.yaml",
        line=None,
        what=f"The check '{rule.id}' cannot be run: {what}.",
        remedy="Correct implementation and query of the rule.",
    )


@dataclass(frozen=True)
class _Library:
    """Great Expectations, as far as it is used here."""

    expectations: Any
    custom: Any
    ExpectationSuite: Any


@cache
def _great_expectations() -> tuple[_Library, Any]:
    """The library and its batch definition for frames in memory; no files, no network, no progress bars."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    from eucaim_pipelines.quality import custom_expectations

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    asset = context.data_sources.add_pandas("memory").add_dataframe_asset("rows")
    library = _Library(gx.expectations, custom_expectations, gx.ExpectationSuite)
    return library, asset.add_batch_definition_whole_dataframe("whole")
