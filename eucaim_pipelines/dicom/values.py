"""Element values as they lie in the file: raw bytes, decoded text, numbers, items.

Nothing is validated here and nothing is replaced.
"""

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from struct import unpack

from pydicom.charset import convert_encodings, decode_bytes
from pydicom.datadict import tag_for_keyword

from eucaim_pipelines.dicom.elements import DataSet

_NUMBER = re.compile(rb"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_BINARY = {"US": ("H", 2), "SS": ("h", 2), "UL": ("I", 4), "SL": ("i", 4), "FL": ("f", 4), "FD": ("d", 8)}
_BINARY |= {"UV": ("Q", 8), "SV": ("q", 8)}


@contextmanager
def quiet() -> Iterator[None]:
    """Keep pydicom's warnings, which quote values, out of logs and terminals."""
    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def tag_of(keyword: str) -> int:
    """Tag of a keyword of the data dictionary (PS3.6)."""
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise KeyError(keyword)
    return tag


def raw(ds: DataSet, tag: int) -> bytes | memoryview | None:
    """Value bytes of an element, a view of them for pixels; None when it is absent or a sequence."""
    element = ds.elements.get(tag)
    if element is None or isinstance(element[1], list):
        return None
    return element[1]


def text(ds: DataSet, tag: int) -> str | None:
    """Decoded, trimmed text; None when the element is absent or empty."""
    element = ds.elements.get(tag)
    if element is None or not element[1] or not isinstance(element[1], bytes):
        return None
    value = element[1]
    if value.isascii() and b"\x1b" not in value:
        return value.decode("ascii").strip(" \0\t\r\n") or None
    return decode(value, charset(ds)).strip(" \0\t\r\n") or None


def charset(ds: DataSet) -> list[str]:
    """Python codecs of a data set or item, as its SpecificCharacterSet says; ASCII is part of each."""
    return codecs(ds.characters)


@lru_cache(256)
def codecs(specific_character_set: bytes) -> list[str]:
    """Python codecs of a SpecificCharacterSet value; of an unreadable one Latin-1, which loses no byte."""
    terms = specific_character_set.decode("latin-1").strip(" \0").split("\\")
    try:
        with quiet():
            return convert_encodings([term.strip(" \0") for term in terms])
    except (LookupError, ValueError):
        return ["iso8859"]


def decode(value: bytes, encodings: list[str]) -> str:
    """Decode text; bytes that the character set does not know are read as Latin-1, so that none is lost."""
    if value.isascii() and b"\x1b" not in value:
        return value.decode("ascii")
    try:
        if b"\x1b" not in value:
            return value.decode(encodings[0])
        with quiet():
            decoded = decode_bytes(value, encodings, {0x5C, 0x0A, 0x0C, 0x0D, 0x5E, 0x3D})
    except (UnicodeError, LookupError):
        return value.decode("latin-1")
    return decoded if "�" not in decoded else value.decode("latin-1")


def numbers(ds: DataSet, tag: int) -> list[float] | None:
    """Numbers of a decimal, integer or binary element; None when absent, empty or malformed."""
    element = ds.elements.get(tag)
    if element is None or not isinstance(element[1], bytes):
        return None
    return parsed_numbers(element[0], element[1], ds.encoding.little_endian)


def parsed_numbers(vr: str, value: bytes, little_endian: bool) -> list[float] | None:
    """Numbers of a value of this VR; None when it is empty or malformed."""
    if not value:
        return None
    if vr in _BINARY:
        code, size = _BINARY[vr]
        if len(value) % size:
            return None
        return list(unpack(f"{'<' if little_endian else '>'}{len(value) // size}{code}", value))
    parts = [part.strip(b" \0") for part in value.split(b"\\")]
    if not all(_NUMBER.fullmatch(part) for part in parts):
        return None
    return [float(part) for part in parts]


def is_whole(number: float) -> bool:
    """Whether a number is an integer of at most 64 bits."""
    return abs(number) < 2**63 and number == int(number)


def whole_number(ds: DataSet, tag: int) -> int | None:
    """The one integer of an element; None when there is none, or another number of them."""
    found = numbers(ds, tag)
    return int(found[0]) if found and len(found) == 1 and is_whole(found[0]) else None


def items(ds: DataSet, tag: int) -> list[DataSet]:
    """Items of a sequence; empty when it is absent, empty or not a sequence."""
    element = ds.elements.get(tag)
    return element[1] if element is not None and isinstance(element[1], list) else []


def sequences(ds: DataSet) -> Iterator[tuple[int, list[DataSet]]]:
    """Tag and items of every sequence of a data set, this level only."""
    for tag, (vr, value) in ds.elements.items():
        if vr == "SQ" and isinstance(value, list):
            yield tag, value
