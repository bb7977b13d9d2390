"""Looks for texts in bytes, in every encoding a hospital may use, and unpacks what hides text from a search.

Independent of the pipeline's own sweep: nothing of it is imported here.
"""

import json
import re
import sqlite3
import unicodedata
import zlib
from collections.abc import Collection, Iterator
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

ENCODINGS = (
    *("utf-8", "cp1252", "utf-16-le", "utf-16-be", "iso8859-7", "cp1253", "iso8859-5", "cp1251"),
    *("iso2022_jp", "iso2022_jp_2", "shift_jis", "euc_kr", "gb18030"),
)
"""Bytes that names have in DICOM's character sets, in tables and in logs."""
ENDING = 6
"""Bytes by which a text is recognised before it is compared; none is shorter in any encoding."""
_MASK = np.uint64((1 << 8 * ENDING) - 1)
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_DEFLATED = b"1.2.840.10008.1.2.1.99"


class Search:
    """Finds which of some texts occur in bytes, at any place; time does not depend on their number.

    Every position's next six bytes are compared with the last six of all forms at once; the few that agree
    are compared whole.
    """

    def __init__(self, texts: Collection[str]) -> None:
        self._forms: dict[bytes, dict[bytes, str]] = {}
        for text in texts:
            for form in forms(text):
                self._forms.setdefault(form[-ENDING:], {})[form] = text
        endings = [int.from_bytes(ending, "little") for ending in self._forms]
        self._endings = np.sort(np.array(endings, dtype=np.uint64))
        self._likely = np.zeros(1 << 20, dtype=bool)
        self._likely[self._slots(self._endings)] = True

    def found(self, data: bytes) -> set[str]:
        """The texts that occur."""
        if len(data) < ENDING:
            return set()
        count = len(data) - ENDING + 1
        windows = np.ndarray((count,), dtype="<u8", buffer=data + b"\0\0", strides=(1,)) & _MASK
        places = np.flatnonzero(self._likely[self._slots(windows)])
        places = places[np.isin(windows[places], self._endings)]
        hits = set()
        for place in places.tolist():
            end = place + ENDING
            for form, text in self._forms[data[place:end]].items():
                if end >= len(form) and data.startswith(form, end - len(form)):
                    hits.add(text)
        return hits

    @staticmethod
    def _slots(windows: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
        return ((windows * _SPREAD) >> np.uint64(44)).astype(np.int64)


def forms(text: str) -> set[bytes]:
    """The bytes a text may have: encodings, composed or not, escaped for JSON, Python or HTML."""
    texts = {unicodedata.normalize(form, text) for form in ("NFC", "NFD")} | {text}
    texts |= {json.dumps(each)[1:-1] for each in texts} | {escape(each) for each in texts}
    texts |= {each.encode("ascii", "backslashreplace").decode("ascii") for each in texts}
    found = set()
    for each in texts:
        for encoding in ENCODINGS:
            try:
                found.add(each.encode(encoding))
            except UnicodeEncodeError:
                continue
    assert min(len(form) for form in found) >= ENDING, "a text is too short to be searched for"
    return found


def dates_pattern(days: Collection[str]) -> "re.Pattern[bytes]":
    """Days YYYYMMDD as they stand at the start of a DICOM date, or as ISO dates; not inside a UID."""
    each = (f"{day[:4]}-?{day[4:6]}-?{day[6:]}" for day in sorted(days))
    return re.compile(rb"(?<![0-9.])(?:" + "|".join(each).encode() + rb")")


def layers(path: Path) -> Iterator[bytes]:
    """A file's name and bytes, and the text that is packed in it: Parquet, deflated DICOM, SQLite."""
    data = path.read_bytes()
    yield path.name.encode()
    yield data
    if data.startswith(b"PAR1"):
        yield _parquet(data)
    elif data[128:132] == b"DICM" and _DEFLATED in data[:1000]:
        start = 144 + int.from_bytes(data[140:144], "little")
        yield zlib.decompressobj(-zlib.MAX_WBITS).decompress(data[start:])
    elif data.startswith(b"SQLite format 3\0"):
        yield _sqlite(path)


def _parquet(data: bytes) -> bytes:
    table = pq.read_table(BytesIO(data))
    texts = [json.dumps(table.to_pylist(), ensure_ascii=False, default=str)]
    metadata = [table.schema.metadata, *(each.metadata for each in table.schema)]
    metadata.append(pq.read_metadata(BytesIO(data)).metadata)
    texts += [each.name for each in table.schema]
    entries = [key + b" " + value for each in metadata if each for key, value in each.items()]
    return b"\n".join([*(text.encode() for text in texts), *entries])


def _sqlite(path: Path) -> bytes:
    """Every cell of every table: long ones are cut into pages in the file; Dagster deflates some."""
    cells: list[bytes] = []
    database = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        database.text_factory = bytes
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in database.execute(f'SELECT * FROM "{name.decode()}"'):
                cells += [_inflated(cell) for cell in row if isinstance(cell, bytes)]
    finally:
        database.close()
    return b"\n".join(cells)


def _inflated(cell: bytes) -> bytes:
    try:
        return zlib.decompress(cell)
    except zlib.error:
        return cell
