"""The last look: do identities that were received occur in what is about to be released?

Counts only; which identity was found is never said.
"""

import re
from collections.abc import Collection, Iterable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

SHORTEST = 6
"""Characters an identity must have to be searched: shorter ones occur by chance."""
SHORTEST_CELL = 3
"""Characters an identity must have to be compared with whole cells."""
_STARTS = re.compile(rb"(?<![0-9A-Za-z.])(?=(.{6}))", re.DOTALL)
_END = re.compile(rb"(?![0-9A-Za-z]|\.[0-9])")


def find_identities(blobs: Iterable[bytes], identities: Collection[str]) -> int:
    """How many identities occur, summed over the blobs; in UTF-8, Latin-1 and UTF-16.

    Parameters
    ----------
    blobs
        Decompressed content.
    identities
        Texts as received; those shorter than `SHORTEST` are left out, and one that is part of a longer word
        or number does not count.
    """
    index = _index(identities)
    return sum(len(_found(blob, index)) for blob in blobs) if index else 0


def find_in_tables(tables: Iterable[pa.Table], identities: Collection[str]) -> int:
    """The same over every distinct text of Arrow tables, at any depth of lists and structures.

    Texts of schema metadata (field names, descriptions) are searched too; columns of numbers are not, because
    identifiers equal kept numbers by chance (a PatientID 123456 and a SeriesNumber 123456). Identities of
    3 to 5 characters are compared with whole cells.
    """
    texts = [list(_texts(table)) for table in tables]
    short = {text.strip() for text in identities if SHORTEST_CELL <= len(text.strip()) < SHORTEST}
    whole = sum(len(short.intersection(cells)) for cells in texts)
    return whole + find_identities(("\n".join(cells).encode() for cells in texts), identities)


def kept_numbers(tables: Iterable[pa.Table], identities: Collection[str]) -> frozenset[str]:
    """Identities that equal a number of a released column, such as SeriesNumber, by chance.

    Files that write these columns out as text hold them legitimately: leave them out of `find_identities`.
    """
    digits = {identity for identity in identities if identity.isdigit()}
    found: set[str] = set()
    for table in tables:
        for column in table.columns:
            if digits and (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
                numbers = (number for number in pc.unique(column).to_pylist() if number is not None)
                found |= {f"{number:.0f}" for number in numbers if number == number // 1} & digits
    return frozenset(found)


def _index(identities: Collection[str]) -> dict[bytes, list[bytes]]:
    """Forms of the identities by their first bytes, so that a blob is read once whatever their number."""
    index: dict[bytes, list[bytes]] = {}
    for form in {
        form for text in identities if len(text.strip()) >= SHORTEST for form in _forms(text.strip())
    }:
        index.setdefault(form[:SHORTEST], []).append(form)
    return index


def _found(blob: bytes, index: dict[bytes, list[bytes]]) -> set[bytes]:
    found = set()
    for start in _STARTS.finditer(blob):
        for form in index.get(start[1], ()):
            if blob.startswith(form, start.start()) and _END.match(blob, start.start() + len(form)):
                found.add(form)
    return found


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
