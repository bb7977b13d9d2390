"""The last look: do identities that were received occur in what is about to be released?

Counts only; which identity was found is never said.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

SHORTEST = 6
"""Characters an identity must have to be searched: shorter ones occur by chance."""
SHORTEST_CELL = 3
"""Characters an identity must have to be compared with whole cells."""
_END = re.compile(rb"(?![0-9A-Za-z]|\.[0-9])")
_WORD = np.zeros(256, bool)
_WORD[list(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.")] = True
"""Bytes after which no word begins."""
_PIECE, _CELLS = 1 << 24, 1 << 16
"""Characters and cells of a table that are looked at together."""


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
    index = _Index.of(identities)
    return sum(len(index.found_in(blob)) for blob in blobs) if index.forms else 0


def find_in_tables(tables: Iterable[pa.Table], identities: Collection[str]) -> int:
    """The same over every distinct text of Arrow tables, at any depth of lists and structures.

    Texts of schema metadata (field names, descriptions) are searched too; columns of numbers are not, because
    identifiers equal kept numbers by chance (a PatientID 123456 and a SeriesNumber 123456). Identities of
    3 to 5 characters are compared with whole cells.
    """
    short = {text.strip() for text in identities if SHORTEST_CELL <= len(text.strip()) < SHORTEST}
    index = _Index.of(identities)
    count = 0
    for table in tables:
        cells, forms = set[str](), set[bytes]()
        for piece in _pieces(_texts(table)):
            cells |= short.intersection(piece)
            forms |= index.found_in("\n".join(piece).encode())
        count += len(cells) + len(forms)
    return count


def _pieces(texts: Iterable[str]) -> Iterator[list[str]]:
    """The texts in lists of about `_PIECE` characters."""
    piece, size = list[str](), 0
    for text in texts:
        piece.append(text)
        size += len(text)
        if size >= _PIECE:
            yield piece
            piece, size = [], 0
    yield piece


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


@dataclass(frozen=True)
class _Index:
    """Forms of the identities, and the lengths of those that begin alike.

    Identities of one hospital share beginnings (an issuer's prefix, a UID root): where a word begins as some
    of them do, it is cut to each of their few lengths and looked up, so that their number costs nothing.
    """

    forms: frozenset[bytes]
    lengths: Mapping[int, Sequence[int]]
    beginnings: npt.NDArray[np.uint64]

    @classmethod
    def of(cls, identities: Collection[str]) -> "_Index":
        long = (text.strip() for text in identities if len(text.strip()) >= SHORTEST)
        forms = frozenset(form for text in long for form in _forms(text))
        lengths: dict[int, list[int]] = {}
        for beginning, length in sorted({(form[:SHORTEST], len(form)) for form in forms}):
            lengths.setdefault(int.from_bytes(beginning, "big"), []).append(length)
        return cls(forms, lengths, np.array(list(lengths), np.uint64))

    def found_in(self, blob: bytes) -> set[bytes]:
        """The forms that occur as whole words."""
        found = set()
        for at, beginning in self._candidates(blob):
            for length in self.lengths[beginning]:
                form = blob[at : at + length]
                if form in self.forms and _END.match(blob, at + length):
                    found.add(form)
        return found

    def _candidates(self, blob: bytes) -> Iterator[tuple[int, int]]:
        """Where a word begins with the beginning of a form, and which."""
        data = np.frombuffer(blob, np.uint8)
        last = len(data) - SHORTEST + 1
        if last < 1 or not len(self.beginnings):
            return
        at = np.flatnonzero(~np.concatenate(([False], _WORD[data[: last - 1]])))
        read = np.zeros(len(at), np.uint64)
        for number in range(SHORTEST):
            read = (read << np.uint64(8)) | data[at + number]
        place = np.searchsorted(self.beginnings, read)
        hits = self.beginnings[np.minimum(place, len(self.beginnings) - 1)] == read
        yield from zip(at[hits].tolist(), read[hits].tolist(), strict=True)


def _forms(text: str) -> Iterator[bytes]:
    for encoding in ("utf-8", "utf-16-le") if text.isascii() else ("utf-8", "latin-1", "utf-16-le"):
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
        texts = pc.unique(array)
        for at in range(0, len(texts), _CELLS):
            yield from filter(None, texts.slice(at, _CELLS).to_pylist())
