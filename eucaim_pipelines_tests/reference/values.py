"""Element values as they lie in the file: raw bytes, decoded text, numbers, items.

Nothing is validated by pydicom here, because its messages carry values; nothing is replaced either.
"""

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from struct import pack, unpack
from typing import Any

from pydicom import Dataset
from pydicom.charset import convert_encodings, decode_bytes
from pydicom.datadict import DicomDictionary, tag_for_keyword
from pydicom.sequence import Sequence

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


def raw(ds: Dataset, tag: int) -> bytes | None:
    """Value bytes of an element that is not a sequence; None when absent or a sequence."""
    element: Any = ds._dict.get(tag)  # type: ignore[call-overload]
    if element is None:
        return None
    value = element.value
    if isinstance(value, bytes):
        return value
    if isinstance(value, Sequence):
        return None
    return b"" if value is None else _encoded(ds, str(element.VR), value)


def _encoded(ds: Dataset, vr: str, value: Any) -> bytes:
    """Bytes of a value that pydicom has converted while reading (character set, pixel representation)."""
    many = list(value) if hasattr(value, "__iter__") and not isinstance(value, str) else [value]
    if vr in _BINARY and all(isinstance(part, int | float) for part in many):
        order = ">" if ds.original_encoding[1] is False else "<"
        return pack(f"{order}{len(many)}{_BINARY[vr][0]}", *many)
    return "\\".join(map(str, many)).encode("utf-8", "surrogateescape")


def vr_of(ds: Dataset, tag: int) -> str:
    """VR that the file states, or the dictionary's first one when the file is in implicit VR."""
    element: Any = ds._dict[tag]  # type: ignore[index]
    if element.VR:
        return str(element.VR)
    return str(DicomDictionary.get(tag, ("UN",))[0])[:2]


def text(ds: Dataset, tag: int) -> str | None:
    """Decoded, trimmed text; None when the element is absent or empty."""
    value = raw(ds, tag)
    if not value:
        return None
    return decode(value, charset(ds)).strip(" \0\t\r\n") or None


def charset(ds: Dataset) -> list[str]:
    """Python codecs of a data set or item, as its SpecificCharacterSet says; ASCII is part of each."""
    value = raw(ds, 0x00080005)
    if value is None:
        inherited = ds._parent_encoding if hasattr(ds, "_parent_encoding") else None
        return [inherited] if isinstance(inherited, str) else list(inherited or ["iso8859"])
    with quiet():
        return convert_encodings(decode(value, ["ascii"]).strip(" \0").split("\\"))


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


def numbers(ds: Dataset, tag: int, little_endian: bool = True) -> list[float] | None:
    """Numbers of a decimal, integer or binary element; None when absent, empty or malformed."""
    value = raw(ds, tag)
    if not value:
        return None
    vr = vr_of(ds, tag)
    if vr in _BINARY:
        code, size = _BINARY[vr]
        if len(value) % size:
            return None
        return list(unpack(f"{'<' if little_endian else '>'}{len(value) // size}{code}", value))
    parts = [part.strip(b" \0") for part in value.split(b"\\")]
    if not all(_NUMBER.fullmatch(part) for part in parts):
        return None
    return [float(part) for part in parts]


def items(ds: Dataset, tag: int) -> list[Dataset]:
    """Items of a sequence; empty when it is absent, empty or not a sequence."""
    if tag not in ds._dict:
        return []
    with quiet():
        value = ds[tag].value
    return list(value) if isinstance(value, Sequence) else []


def sequences(ds: Dataset) -> Iterator[tuple[int, list[Dataset]]]:
    """Tag and items of every sequence of a data set, this level only."""
    for tag, element in list(ds._dict.items()):
        vr = element.VR or DicomDictionary.get(int(tag), ("UN",))[0]
        if vr == "SQ":
            yield int(tag), items(ds, int(tag))
