"""Great Expectations' custom expectations of this project, each judging row by row.

Imported by `expectations` only, because importing this imports Great Expectations.
"""

from typing import Any, ClassVar

import numpy as np
import pandas as pd
from great_expectations.execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import MulticolumnMapExpectation
from great_expectations.expectations.metrics.map_metric_provider import MulticolumnMapMetricProvider
from great_expectations.expectations.metrics.map_metric_provider.multicolumn_condition_partial import (
    multicolumn_condition_partial,
)

CONSISTENT_MAD = 1.4826
"""Median absolute deviation of a normal distribution times this is its standard deviation."""


class _GivenTogether(MulticolumnMapMetricProvider):
    condition_metric_name = "multicolumn_values.given_together"
    condition_value_keys = ()

    @multicolumn_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column_list: pd.DataFrame, **_: Any) -> pd.Series:
        given = column_list.notna()
        return given.all(axis=1) | ~given.any(axis=1)


class ExpectColumnsToBeGivenTogether(MulticolumnMapExpectation):
    """Expect the cells of these columns to be all filled or all empty in each row."""

    map_metric: ClassVar[str] = "multicolumn_values.given_together"
    ignore_row_if: Any = "never"


class _DifferAtMost(MulticolumnMapMetricProvider):
    condition_metric_name = "multicolumn_values.differ_at_most"
    condition_value_keys = ("at_most",)

    @multicolumn_condition_partial(engine=PandasExecutionEngine)
    def _pandas(cls, column_list: pd.DataFrame, at_most: float, **_: Any) -> pd.Series:
        return (column_list.max(axis=1) - column_list.min(axis=1)) <= at_most


class ExpectValuesToDifferAtMost(MulticolumnMapExpectation):
    """Expect the numbers of these columns to lie within `at_most` of one another in each row.

    Rows in which one of them is empty are not judged.
    """

    map_metric: ClassVar[str] = "multicolumn_values.differ_at_most"
    success_keys = ("mostly", "at_most")
    ignore_row_if: Any = "any_value_is_missing"
    at_most: float


class _NearTheirGroup(MulticolumnMapMetricProvider):
    condition_metric_name = "multicolumn_values.near_their_group"
    condition_value_keys = ("limit", "floor", "smallest_group", "logarithmic")

    @multicolumn_condition_partial(engine=PandasExecutionEngine)
    def _pandas(
        cls, column_list: pd.DataFrame, limit: float, floor: float, smallest_group: int, logarithmic: bool,
        **_: Any,
    ) -> pd.Series:  # fmt: skip
        values = column_list.iloc[:, 0].astype("float64")
        if logarithmic:
            values = values.where(values > 0).apply(np.log)
        group = list(column_list.columns[1:])
        keys = [column_list[name] for name in group]
        middle = values.groupby(keys, observed=True).transform("median")
        distance = (values - middle).abs()
        grouped = distance.groupby(keys, observed=True)
        scale = (CONSISTENT_MAD * grouped.transform("median")).clip(lower=floor)
        judged = grouped.transform("count") >= smallest_group
        return ~(judged & (distance > limit * scale))


class ExpectValuesNearTheirGroup(MulticolumnMapExpectation):
    """Expect the first column to hold no outlier among the rows that agree in all others.

    A value is an outlier if its distance from the group's median is more than `limit` times 1.4826 times the
    median of all distances (the robust z-score of Iglewicz and Hoaglin, How to Detect and Handle Outliers,
    1993), and never within `limit` times `floor`, because a scanner's settings are often the same to the
    digit. With `logarithmic`, distances are ratios, and numbers that are not positive are not judged.
    Groups of fewer than `smallest_group` say nothing about what is usual.
    """

    map_metric: ClassVar[str] = "multicolumn_values.near_their_group"
    success_keys = ("mostly", "limit", "floor", "smallest_group", "logarithmic")
    ignore_row_if: Any = "any_value_is_missing"
    limit: float = 6.0
    floor: float = 0.25
    smallest_group: int = 20
    logarithmic: bool = False
