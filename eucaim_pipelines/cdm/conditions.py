"""Which records a mapping makes a row of: the conditions of a source contract, asked of coded columns.

They are asked before the crossing, which empties fields and pools ages. What a condition may look like is
said in `contracts.source_model`.
"""

from collections.abc import Iterable
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from eucaim_pipelines.cdm.columns import whole
from eucaim_pipelines.contracts.source_model import ClinicalFile, Condition, TableMapping


def applying(spec: ClinicalFile, records: pa.Table, first: pa.Array) -> dict[str, pa.Array]:
    """Of every mapping whether it makes a row of each record, under the name of `ClinicalFile.applying`.

    It does where its conditions hold and a field that it maps is given. Of the records that several values in
    one cell make of one line, a mapping that reads no such cell takes the `first` alone.
    """
    found = {}
    for name, mapping in zip(spec.applying, spec.tables, strict=True):
        there = pc.and_(holds(mapping.when, records), _says_anything(mapping, records))
        found[name] = there if mapping.reads(spec.separated) else pc.and_(there, first)
    return found


def _says_anything(mapping: TableMapping, records: pa.Table) -> pa.Array:
    """Whether any mapped field has a value; constants alone always say something."""
    if not mapping.named:
        return pa.repeat(True, records.num_rows)
    return reduce(pc.or_, (whole(pc.is_valid(records[field])) for field in mapping.named))


def holds(when: Iterable[Condition], records: pa.Table) -> pa.Array:
    """Whether each record fulfils all conditions of a mapping; without one, each does."""
    tests = (_holds(condition, records) for condition in when)
    return reduce(pc.and_, tests, pa.repeat(True, records.num_rows))


def _holds(condition: Condition, records: pa.Table) -> pa.Array:
    """One condition; an empty cell meets `given: false` and nothing else."""
    cells = whole(records[condition.field])
    if condition.given is not None:
        return pc.is_valid(cells) if condition.given else pc.is_null(cells)
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
