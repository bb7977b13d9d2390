"""Datasets as a query sees them: who matches in each, and the answer as the EUCAIM Explorer expects it.

All but the two counts of an answer stands in the dataset's released record. Where the datasets lie is not
known here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from eucaim_pipelines.search.control import Control, Counts
from eucaim_pipelines.search.criteria import Criteria
from eucaim_pipelines.search.matching import Index
from eucaim_pipelines.search.query import Query


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
