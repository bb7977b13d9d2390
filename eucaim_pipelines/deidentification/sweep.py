"""The last look: do identities that were received occur in what is about to be released?

Counts only; which identity was found is never said.
"""

import re
from collections.abc import Collection, Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

SHORTEST = 6
"""Characters an identity must have to be searched: shorter ones occur by chance."""
_BATCH = 2_000


def find_identities(blobs: Iterable[bytes], identities: Collection[str]) -> int:
    """Number of blobs' distinct occurrences of identities, in UTF-8, Latin-1 and UTF-16.

    Parameters
    ----------
    blobs
        Decompressed content.
    identities
        Texts as received; those shorter than `SHORTEST` are left out, and one that is part of a longer word
        or number does not count.
    """
    patterns = _patterns(identities)
    return sum(len(set(pattern.findall(blob))) for blob in blobs for pattern in patterns)


def find_in_tables(tables: Iterable[pa.Table], identities: Collection[str]) -> int:
    """The same over every distinct text of Arrow tables, at any depth of lists and structures.

    Texts of schema metadata (field names, descriptions) are searched too.
    """
    return sum(find_identities(["\n".join(_texts(table)).encode()], identities) for table in tables)


def _patterns(identities: Collection[str]) -> list[re.Pattern[bytes]]:
    forms = sorted(
        {form for text in identities if len(text.strip()) >= SHORTEST for form in _forms(text.strip())}
    )
    parts = [forms[start : start + _BATCH] for start in range(0, len(forms), _BATCH)]
    edge, end = rb"(?<![0-9A-Za-z.])", rb"(?![0-9A-Za-z]|\.[0-9])"
    return [re.compile(edge + rb"(?:" + b"|".join(map(re.escape, part)) + rb")" + end) for part in parts]


def _forms(text: str) -> Iterator[bytes]:
    for encoding in ("utf-8", "latin-1", "utf-16-le"):
        try:
            yield text.encode(encoding)
        except UnicodeEncodeError:
            continue


def _texts(table: pa.Table) -> Iterator[str]:
    for key, value in (table.schema.metadata or {}).items():
        yield (key + b" " + value).decode("utf-8", "replace")
    for field, column in zip(table.schema, table.columns, strict=True):
        yield field.name
        yield from (
            (key + b" " + value).decode("utf-8", "replace") for key, value in (field.metadata or {}).items()
        )
        for chunk in column.chunks:
            yield from _strings(chunk)


def _strings(array: pa.Array) -> Iterator[str]:
    kind = array.type
    if pa.types.is_dictionary(kind):
        yield from _strings(array.dictionary)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        yield from _strings(pc.list_flatten(array))
    elif pa.types.is_struct(kind):
        for index in range(kind.num_fields):
            yield from _strings(array.field(index))
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        yield from (text for text in pc.unique(array).to_pylist() if text)
    elif pa.types.is_integer(kind):
        yield from (str(number) for number in pc.unique(array).to_pylist() if number is not None)
