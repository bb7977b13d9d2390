"""The last look: do identities that were received occur in what is about to be released?

Counts only; which identity was found is never said. Every release is searched whole and for all identities: a
new one may stand in an old row, and an old one in a new row. What that takes grows with the text plus the
number of identities, not with their product.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

SHORTEST = 6
"""Characters an identity must have to be searched: shorter ones occur by chance."""
SHORTEST_CELL = 3
"""Characters an identity must have to be compared with whole cells."""
_DOT, _DIGIT, _WORD = b"."[0], np.zeros(256, bool), np.zeros(256, bool)
_DIGIT[list(b"0123456789")] = True
_WORD[list(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")] = True
_NOT_AFTER = _WORD.copy()
_NOT_AFTER[_DOT] = True
"""Bytes after which no word begins."""
_CELLS = 1 << 16
"""Cells of a table that are looked at together."""


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
    short = {text for text in map(str.strip, identities) if SHORTEST_CELL <= len(text) < SHORTEST}
    sought = pa.array(sorted(short), pa.large_string())
    index = _Index.of(identities)
    count = 0
    for table in tables:
        cells, forms = set[str](), set[bytes]()
        for texts in _texts(table):
            cells.update(texts.filter(pc.is_in(texts, sought)).to_pylist())
            forms |= index.found_in(_lines(texts))
        count += len(cells) + len(forms)
    return count


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
    of them do and ends after one of their few lengths, it is looked up, so that their number costs nothing.

    Attributes
    ----------
    beginnings
        First `SHORTEST` bytes of the forms as big-endian numbers, each once, ascending.
    first, lengths
        Lengths in bytes of the forms with beginning `n` are `lengths[first[n]:first[n + 1]]`, each once.
    """

    forms: frozenset[bytes]
    beginnings: npt.NDArray[np.uint64]
    first: npt.NDArray[np.intp]
    lengths: npt.NDArray[np.intp]

    @classmethod
    def of(cls, identities: Collection[str]) -> "_Index":
        long = (text for text in map(str.strip, identities) if len(text) >= SHORTEST)
        forms = frozenset(form for text in long for form in _forms(text))
        pairs = sorted({(form[:SHORTEST], len(form)) for form in forms})
        numbers = np.array([int.from_bytes(beginning, "big") for beginning, _ in pairs], np.uint64)
        beginnings, first = np.unique(numbers, return_index=True)
        lengths = np.array([length for _, length in pairs], np.intp)
        return cls(forms, beginnings, np.append(first, len(pairs)), lengths)

    def found_in(self, blob: bytes) -> set[bytes]:
        """The forms that occur as whole words."""
        return {form for start, end in self._words(blob) if (form := blob[start:end]) in self.forms}

    def _words(self, blob: bytes) -> Iterator[tuple[int, int]]:
        """Where words begin and end that have beginning and length of a form."""
        data = np.frombuffer(blob, np.uint8)
        last = len(data) - SHORTEST + 1
        if last < 1 or not len(self.beginnings):
            return
        at = np.append(0, np.flatnonzero(~_NOT_AFTER[data[: last - 1]]) + 1)
        read = np.zeros(len(at), np.uint64)
        for number in range(SHORTEST):
            read = (read << np.uint64(8)) | data[at + number]
        place = np.minimum(np.searchsorted(self.beginnings, read), len(self.beginnings) - 1)
        hits = self.beginnings[place] == read
        at, nth, stop = at[hits], self.first[place[hits]], self.first[place[hits] + 1]
        data = np.append(data, np.frombuffer(b"\n\n", np.uint8))
        while len(at):
            to = at + self.lengths[nth]
            whole = _ends(data, to)
            yield from zip(at[whole].tolist(), to[whole].tolist(), strict=True)
            more = nth + 1 < stop
            at, nth, stop = at[more], nth[more] + 1, stop[more]


def _ends(data: npt.NDArray[np.uint8], at: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """Whether words may end before these bytes: not before a letter or digit, or a dot and a digit.

    Of `data` the last two bytes are blanks that were added; places behind it stand for its end.
    """
    at = np.minimum(at, len(data) - 2)
    return ~(_WORD[data[at]] | ((data[at] == _DOT) & _DIGIT[data[at + 1]]))


def _forms(text: str) -> Iterator[bytes]:
    for encoding in ("utf-8", "utf-16-le") if text.isascii() else ("utf-8", "latin-1", "utf-16-le"):
        try:
            yield text.encode(encoding)
        except UnicodeEncodeError:
            continue


def _lines(texts: pa.LargeStringArray) -> bytes:
    """The texts in UTF-8, a line each."""
    whole = pa.ListArray.from_arrays([0, len(texts)], texts)
    joined: bytes = pc.binary_join(whole, pa.scalar("\n", pa.large_string()))[0].as_buffer().to_pybytes()
    return joined


def _texts(table: pa.Table) -> Iterator[pa.LargeStringArray]:
    """Names and metadata of the schema, and every distinct text of every chunk, `_CELLS` together."""
    told = [table.schema, *table.schema]
    pairs = [pair for each in told for pair in (each.metadata or {}).items()]
    described = [(key + b" " + value).decode("utf-8", "replace") for key, value in pairs]
    yield pa.array([*table.column_names, *described], pa.large_string())
    for column in table.columns:
        for chunk in column.chunks:
            for texts in _strings(chunk):
                distinct = pc.unique(texts).drop_null().cast(pa.large_string())
                yield from (distinct.slice(at, _CELLS) for at in range(0, len(distinct), _CELLS))


def _strings(array: pa.Array) -> Iterator[pa.Array]:
    kind = array.type
    if pa.types.is_dictionary(kind):
        yield from _strings(array.dictionary)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        yield from _strings(pc.list_flatten(array))
    elif pa.types.is_struct(kind):
        for index in range(kind.num_fields):
            yield from _strings(array.field(index))
    elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
        yield array
