"""Which records a mapping applies to: the conditions of a source contract, asked of columns.

What a condition may look like is said in `contracts.source_model`.
"""

from collections.abc import Iterable
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from eucaim_pipelines.cdm.columns import whole
from eucaim_pipelines.contracts.source_model import GIVEN_SUFFIX, Condition


def given(field: str, records: pa.Table) -> pa.Array:
    """Whether each record had a value; where dates are removed, their place is empty in any case."""
    there = whole(pc.is_valid(records[field]))
    if field + GIVEN_SUFFIX in records.column_names:
        there = pc.or_(there, pc.fill_null(whole(records[field + GIVEN_SUFFIX]), False))
    return there


def holds(when: Iterable[Condition], records: pa.Table) -> pa.Array:
    """Whether each record fulfils all conditions of a mapping; without one, each does."""
    tests = (_holds(condition, records) for condition in when)
    return reduce(pc.and_, tests, pa.repeat(True, records.num_rows))


def _holds(condition: Condition, records: pa.Table) -> pa.Array:
    """One condition; an empty cell meets `given: false` and nothing else."""
    cells = whole(records[condition.field])
    if condition.given is not None:
        there = given(condition.field, records)
        return there if condition.given else pc.invert(there)
    if condition.among is not None:
        met = pc.is_in(cells, pa.array(condition.among, cells.type))
    elif condition.not_in is not None:
        met = pc.invert(pc.is_in(cells, pa.array(condition.not_in, cells.type)))
    else:
        met = pa.repeat(True, len(cells))
        if condition.above is not None:
            met = pc.and_(met, pc.greater(cells, condition.above))
        if condition.below is not None:
            met = pc.and_(met, pc.less(cells, condition.below))
    return pc.and_(pc.is_valid(cells), pc.fill_null(met, False))
