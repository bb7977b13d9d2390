"""Datasets as a query sees them: who matches in each, and the answer as the EUCAIM Explorer expects it.

All but the two counts of an answer stands in the dataset's released record. Where the datasets lie is not known
here.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from eucaim_pipelines.search.control import Control, Counts
from eucaim_pipelines.search.criteria import Criteria, Criterion
from eucaim_pipelines.search.matching import Index
from eucaim_pipelines.search.query import Condition, Query, everything


@dataclass(frozen=True)
class Described:
    """What a released record says of its dataset: values in words, ages in five-year buckets."""

    id: str
    name: str
    description: str
    age_range: tuple[int, int] | None
    gender: tuple[str, ...]
    modalities: tuple[str, ...]
    body_parts: tuple[str, ...]


class Collection:
    """One dataset that can be asked; an index that is asked is never changed.

    Parameters
    ----------
    control
        None switches disclosure control off: for tests that compare with brute force, and nothing else.
    """

    def __init__(
        self, described: Described, version: str, index: pa.Table, criteria: Criteria, control: Control | None
    ) -> None:
        self.described, self.version = described, version
        self._control = control
        self._index = Index(index, criteria, control.counts if control else None)
        self._tokens = control.tokens(self._index.pseudonyms) if control else None

    def counts(self, query: Query) -> Counts:
        """The two counts that leave for a query."""
        people, studies = self._index.match(query)
        if self._control is None or self._tokens is None:
            return Counts(len(people), studies)
        return self._control.shown(self._tokens[people], studies)

    def answer(self, query: Query) -> dict[str, Any]:
        """The collection's part of an answer."""
        counts, about = self.counts(query), self.described
        ages = {"min": about.age_range[0], "max": about.age_range[1]} if about.age_range else None
        return {
            "id": about.id,
            "name": about.name,
            "description": about.description,
            "studies_count": counts.studies,
            "subjects_count": counts.subjects,
            "age_range": ages,
            "gender": list(about.gender),
            "modalities": list(about.modalities),
            "body_parts": list(about.body_parts),
        }


def answer(
    collections: Sequence[Collection], query: Query, provider: str, provider_icon: str
) -> dict[str, Any]:
    """The answer of the node: every dataset that may be asked, whether anybody matches or not.

    `total` is the number of collections: a sum of counts would be one more number about the same people.
    """
    found = [each.answer(query) for each in collections]
    return {
        "provider": provider,
        "provider_icon": provider_icon,
        "collections": found,
        "total": len(found),
    }


@dataclass(frozen=True)
class Single:
    """A query of one criterion, and how it reads."""

    criterion: Criterion
    text: str
    query: Query


def singles(criteria: Criteria) -> Iterator[Single]:
    """Every query of a single criterion: each code, and each band of a number. The query for everybody first."""
    yield Single(next(iter(criteria.by_name.values())), "everybody", everything())
    for each in criteria.by_name.values():
        for text, condition in _conditions(each, criteria):
            yield Single(each, text, Query((((condition,),),)))


def _conditions(criterion: Criterion, criteria: Criteria) -> Iterator[tuple[str, Condition]]:
    if criterion.coded:
        for code in sorted(criteria.allowed(criterion)):
            yield criteria.label(criterion, code), Condition(criterion.name, (code,))
        return
    bands = criterion.bands
    starts = range(bands.first, bands.last + 1, bands.step) if bands else ()
    for start in starts:
        end = start + (bands.step if bands else 1) - 1
        text = f"{start} to {end}" if end > start else f"{start}"
        yield text, Condition(criterion.name, low=float(start), high=float(end))


_PREVIEW = pa.schema(
    [
        pa.field("criterion", pa.string(), metadata={"description": "What is asked for."}),
        pa.field("key", pa.string(), metadata={"description": "How queries call it."}),
        pa.field("value", pa.string(), metadata={"description": "The value or band, in words."}),
        pa.field("query", pa.string(), metadata={"description": "The query, in its checked form."}),
        pa.field("subjects", pa.int64(), metadata={"description": "People, as the service says."}),
        pa.field("studies", pa.int64(), metadata={"description": "Imaging studies, as the service says."}),
    ]
)


def preview(collection: Collection, criteria: Criteria) -> pa.Table:
    """What a single criterion would show to the world, all of it, by the code that answers."""
    rows = []
    for each in singles(criteria):
        counts = collection.counts(each.query)
        whole = not each.query.branches
        rows.append(
            {
                "criterion": "" if whole else each.criterion.text,
                "key": "" if whole else each.criterion.keys[0],
                "value": each.text,
                "query": each.query.canonical().decode(),
                "subjects": counts.subjects,
                "studies": counts.studies,
            }
        )
    return pa.Table.from_pylist(rows, schema=_PREVIEW)
