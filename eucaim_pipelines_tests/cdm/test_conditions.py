"""Conditions asked of columns say the same as the plain reading of each, record by record."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eucaim_pipelines.cdm import conditions
from eucaim_pipelines.contracts.source_model import Condition

KINDS = {"code": pa.string(), "number": pa.float64(), "truth": pa.bool_()}
CELLS = st.fixed_dictionaries(
    {
        "code": st.none() | st.sampled_from("AB"),
        "number": st.none() | st.sampled_from([-1.0, 0.0, 2.5]),
        "truth": st.none() | st.booleans(),
    }
)


def holds(when, rows):
    table = pa.Table.from_pylist(rows, pa.schema(list(KINDS.items())))
    return conditions.holds([Condition.model_validate(each) for each in when], table).to_pylist()


@pytest.mark.parametrize(
    ("condition", "plainly"),
    [
        ({"field": "code", "given": True}, lambda row: row["code"] is not None),
        ({"field": "code", "given": False}, lambda row: row["code"] is None),
        ({"field": "code", "in": ["A", "C"]}, lambda row: row["code"] == "A"),
        ({"field": "code", "not_in": ["A"]}, lambda row: row["code"] == "B"),
        ({"field": "truth", "in": [False]}, lambda row: row["truth"] is False),
        ({"field": "number", "in": [0]}, lambda row: row["number"] == 0),
        ({"field": "number", "above": 0}, lambda row: row["number"] == 2.5),
        ({"field": "number", "below": 0}, lambda row: row["number"] == -1),
        ({"field": "number", "above": -1, "below": 2.5}, lambda row: row["number"] == 0),
    ],
)
@settings(deadline=None)
@given(rows=st.lists(CELLS, max_size=8))
def test_a_condition_holds_where_it_says_and_an_empty_cell_meets_only_its_absence(condition, plainly, rows):
    assert holds([condition], rows) == [plainly(row) for row in rows]


@settings(deadline=None)
@given(rows=st.lists(CELLS, max_size=8))
def test_all_conditions_must_hold_and_none_is_no_condition(rows):
    both = [{"field": "code", "in": ["A"]}, {"field": "number", "given": True}]
    assert holds(both, rows) == [row["code"] == "A" and row["number"] is not None for row in rows]
    assert holds([], rows) == [True] * len(rows)
