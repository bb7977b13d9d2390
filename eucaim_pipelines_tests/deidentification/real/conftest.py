"""Every real file, processed once for the tests of this folder."""

from io import BytesIO
from typing import NamedTuple

import pydicom
import pytest

from eucaim_pipelines.dicom.values import quiet

from . import byte_search
from .corpus import files, processed, table
from .numbers import readable


class Looked(NamedTuple):
    """What one look at source and output with pydicom gave: unexplained hits, kept texts, their numbers."""

    hits: list[tuple[str, str]]
    texts: set[tuple[str, str]]
    before: dict[str, list[tuple[float, ...]]]
    after: dict[str, list[tuple[float, ...]]]


@pytest.fixture(scope="session")
def cases(shared, deidentifier, pseudonyms):
    """One `Case` of each file, published or not."""
    found = [processed(origin, path.read_bytes(), deidentifier, pseudonyms) for origin, path in files(shared)]
    assert len(found) > 900
    return found


@pytest.fixture(scope="session")
def released(cases):
    """(source bytes, source row, result) of everything that was published."""
    return [(case.data, case.row, case.result) for case in cases if case.result]


@pytest.fixture(scope="session")
def looked_at(released, deidentifier):
    """A `Looked` of each published object; reading them with pydicom is slow, so it is done once."""
    listed = {row["text"] for row in table("kept_texts.csv")}
    public = frozenset(text.casefold() for text in listed | deidentifier.released_words)
    return [_look(data, result.data, public) for data, _, result in released]


def _look(data, output, public):
    with quiet():
        before, after = (pydicom.dcmread(BytesIO(each), force=True) for each in (data, output))
        hits = byte_search.unexplained(before, after, output, public)
        texts = {pair for element in after.iterall() for pair in byte_search.kept_texts(element)}
        return Looked(hits, texts, readable(before), readable(after))
