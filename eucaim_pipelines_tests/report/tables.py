"""A small dataset of the common data model for tests of summaries, and a report that holds them."""

from collections.abc import Mapping
from functools import cache
from typing import Any

import pyarrow as pa

from eucaim_pipelines.contracts.synthetic import rows
from eucaim_pipelines.contracts.tables import load_tables
from eucaim_pipelines.contracts.vocabularies import load_all
from eucaim_pipelines.report.content import Report, Sizes
from eucaim_pipelines.report.summaries import summarise
from eucaim_pipelines.report.summary import Summaries
from eucaim_pipelines_tests.report.test_page import make

CONTRACTS, VOCABULARIES = load_tables(), load_all()
CT, MR, CHEST = "IMG1000042", "IMG1000038", "BP1000067"


def table(name: str, entries: list[dict[str, Any]]) -> pa.Table:
    """Rows of one table by its contract; cells that are not given are empty."""
    schema = CONTRACTS[name].schema
    return pa.Table.from_pylist(
        [{field: each.get(field) for field in schema.names} for each in entries], schema
    )


def tables(**entries: list[dict[str, Any]]) -> dict[str, pa.Table]:
    """Tables by name; those that every release has are there."""
    needed: dict[str, list[dict[str, Any]]] = {"patient": [], "image_study": [], "image_series": []}
    needed |= entries
    return {name: table(name, given) for name, given in needed.items()}


def summaries(given: Mapping[str, pa.Table]) -> Summaries:
    """Summaries of these tables."""
    return summarise(given, CONTRACTS, VOCABULARIES)


@cache
def large() -> Summaries:
    """Summaries of drawn tables: 300 patients, of every table some rows."""
    sizes = dict.fromkeys(CONTRACTS, 400) | {"patient": 300, "image_study": 600, "image_series": 2000}
    return summaries(rows(CONTRACTS, VOCABULARIES, sizes))


def report(summaries: Summaries, people: int = 300, **changes: Any) -> Report:
    """A report on these summaries."""
    return make({}, people, summaries=summaries, sizes=Sizes(people, 600, 2000, 9000), **changes)
