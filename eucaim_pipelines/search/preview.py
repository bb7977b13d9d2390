"""What queries of a single criterion would show to the world, for the holder to see before a release.

The queries are written as clients write them and go through the code that answers clients.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import pyarrow as pa

from eucaim_pipelines.search.collections import Collection
from eucaim_pipelines.search.criteria import Criteria, Criterion
from eucaim_pipelines.search.query import everything, from_ast

_COLUMNS = (
    ("criterion", pa.string(), "What is asked for; empty in the row of everybody."),
    ("key", pa.string(), "How queries call it."),
    ("asked", pa.string(), "The value as queries send it: a code, another name of codes, or two numbers."),
    ("value", pa.string(), "The same in words."),
    ("subjects", pa.int64(), "People, as the service says."),
    ("studies", pa.int64(), "Imaging studies, as the service says."),
)
SCHEMA = pa.schema([pa.field(n, kind, metadata={"description": text}) for n, kind, text in _COLUMNS])


class Single(NamedTuple):
    """A condition as a client writes it, and how it reads."""

    criterion: Criterion
    asked: str
    text: str
    condition: dict[str, Any]


def singles(criteria: Criteria) -> Iterator[Single]:
    """Every query of a single criterion: each code and alias by EQUALS, each band of a number by BETWEEN."""
    for each in criteria.by_name.values():
        for asked, text, kind, value in _values(each, criteria):
            yield Single(each, asked, text, {"key": each.keys[0], "type": kind, "value": value})


def _values(criterion: Criterion, criteria: Criteria) -> Iterator[tuple[str, str, str, Any]]:
    if criterion.coded:
        for asked in (*sorted(criteria.allowed(criterion)), *criterion.aliases):
            codes = sorted(criteria.codes(criterion, asked))
            yield asked, "; ".join(criteria.label(criterion, code) for code in codes), "EQUALS", asked
        return
    bands = criterion.bands
    for low in range(bands.first, bands.last + 1, bands.step) if bands else ():
        high = low + (bands.step if bands else 1) - 1
        asked = f"{low} to {high}" if high > low else f"{low}"
        yield asked, asked, "BETWEEN", {"min": low, "max": high}


def preview(collection: Collection, criteria: Criteria) -> pa.Table:
    """The answers, everybody first."""
    whole = collection.counts(everything())
    rows = [("", "", "", "everybody", whole.subjects, whole.studies)]
    for each in singles(criteria):
        counts = collection.counts(from_ast(each.condition, criteria))
        about = (each.criterion.text, each.criterion.keys[0], each.asked, each.text)
        rows.append((*about, counts.subjects, counts.studies))
    return pa.Table.from_pylist([dict(zip(SCHEMA.names, row, strict=True)) for row in rows], schema=SCHEMA)
