"""Writes DICOM files from tags, VRs and bytes, whatever they are: nothing is checked and nothing corrected.

It shares no code with the project's writer.
"""

import zlib
from collections.abc import Mapping
from struct import pack
from typing import NamedTuple

EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
DEFLATED, BIG_ENDIAN = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"
SYNTAXES = (EXPLICIT, IMPLICIT, DEFLATED, BIG_ENDIAN)
_LONG = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"})
_UNDEFINED = 0xFFFFFFFF


class Element(NamedTuple):
    """VR and value, a list of items for a sequence; `undefined` bytes bring their own delimiters."""

    vr: str
    value: "bytes | list[Item]"
    undefined: bool = False


Item = dict[int, Element]


def text(vr: str, value: str, encoding: str = "utf-8") -> Element:
    """An element of text, padded to even length."""
    coded = value.encode(encoding)
    return Element(vr, coded + (b"\0" if vr == "UI" else b" ") * (len(coded) % 2))


def number(vr: str, code: str, *values: float, syntax: str) -> Element:
    """An element of binary numbers in the byte order of a transfer syntax."""
    return Element(vr, pack(f"{'>' if syntax == BIG_ENDIAN else '<'}{len(values)}{code}", *values))


def encapsulated(*fragments: bytes) -> Element:
    """Compressed pixel data (PS3.5 §A.4); the first fragment is the offset table."""
    even = (part + bytes(len(part) % 2) for part in fragments)
    parts = [pack("<HHI", 0xFFFE, 0xE000, len(part)) + part for part in even]
    return Element("OB", b"".join(parts) + pack("<HHI", 0xFFFE, 0xE0DD, 0), undefined=True)


def unknown_sequence(items: list[Item]) -> Element:
    """A sequence whose VR was not known to whoever copied it: UN, implicit VR inside (PS3.5 §6.2.2)."""
    return Element("UN", _sequence(items, IMPLICIT, 1, "<")[0], undefined=True)


def file(item: Item, syntax: str, meta: Mapping[int, Element], preamble: bytes, behind: bytes = b"") -> bytes:
    """A DICOM file; `behind` follows the last element."""
    group = encode({0x00020010: text("UI", syntax), **meta}, EXPLICIT)
    body = encode(item, syntax) + behind
    if syntax == DEFLATED:
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        body = packer.compress(body) + packer.flush()
        body += bytes(len(body) % 2)
    head = pack("<HH2sHI", 2, 0, b"UL", 4, len(group))
    return preamble.ljust(128, b"\0") + b"DICM" + head + group + body


def encode(item: Item, syntax: str, depth: int = 0) -> bytes:
    """Elements by tag; sequences of even depth have a defined length, the others delimiters."""
    order, out = ">" if syntax == BIG_ENDIAN else "<", []
    for tag, element in sorted(item.items()):
        if isinstance(element.value, bytes):
            value = element.value + bytes(len(element.value) % 2)
            length = _UNDEFINED if element.undefined else len(value)
        else:
            value, length = _sequence(element.value, syntax, depth, order)
        out += [_head(tag, element.vr, length, syntax, order), value]
    return b"".join(out)


def _sequence(items: list[Item], syntax: str, depth: int, order: str) -> tuple[bytes, int]:
    bodies = [encode(child, syntax, depth + 1) for child in items]
    if depth % 2 == 0:
        value = b"".join(pack(order + "HHI", 0xFFFE, 0xE000, len(body)) + body for body in bodies)
        return value, len(value)
    start, end = pack(order + "HHI", 0xFFFE, 0xE000, _UNDEFINED), pack(order + "HHI", 0xFFFE, 0xE00D, 0)
    value = b"".join(start + body + end for body in bodies)
    return value + pack(order + "HHI", 0xFFFE, 0xE0DD, 0), _UNDEFINED


def _head(tag: int, vr: str, length: int, syntax: str, order: str) -> bytes:
    if syntax == IMPLICIT:
        return pack(order + "HHI", tag >> 16, tag & 0xFFFF, length)
    if vr in _LONG:
        return pack(order + "HH2sHI", tag >> 16, tag & 0xFFFF, vr.encode(), 0, length)
    return pack(order + "HH2sH", tag >> 16, tag & 0xFFFF, vr.encode(), length)
