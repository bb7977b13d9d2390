"""DICOM files written byte by byte, so that a test can put anything anywhere.

Used by the tests of this folder only.
"""

import zlib
from collections.abc import Sequence
from struct import pack
from typing import Any

EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
DEFLATED, BIG_ENDIAN = "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2"
JPEG = "1.2.840.10008.1.2.4.70"
SYNTAXES = (EXPLICIT, IMPLICIT, DEFLATED, BIG_ENDIAN)
UNDEFINED = 0xFFFFFFFF
Element = tuple[int, str, Any]
"""Tag, VR, and value bytes, a list of items (each a list of elements), or fragments as a tuple of bytes."""

_LONG = ("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV")


def encoded(elements: Sequence[Element], syntax: str = EXPLICIT, *, undefined: bool = False) -> bytes:
    """A data set; sequences of undefined length when asked for, those in UN always and implicit."""
    order = ">" if syntax == BIG_ENDIAN else "<"
    out = b""
    for tag, vr, value in sorted(elements, key=lambda element: element[0]):
        open_ended = isinstance(value, tuple) or (isinstance(value, list) and (undefined or vr == "UN"))
        if isinstance(value, list):
            inner = IMPLICIT if vr == "UN" else syntax
            body = b"".join(_item(each, inner, open_ended) for each in value)
        elif isinstance(value, tuple):
            body = b"".join(pack(order + "HHI", 0xFFFE, 0xE000, len(each)) + each for each in value)
        else:
            body = value + (b"\0" if vr in ("UI", "OB", "UN") else b" ") * (len(value) % 2)
        length = UNDEFINED if open_ended else len(body)
        out += _head(tag, vr, length, syntax, order) + body
        if open_ended:
            out += pack(("<" if vr == "UN" else order) + "HHI", 0xFFFE, 0xE0DD, 0)
    return out


def _item(elements: Sequence[Element], syntax: str, open_ended: bool) -> bytes:
    order = ">" if syntax == BIG_ENDIAN else "<"
    body = encoded(elements, syntax, undefined=open_ended)
    if not open_ended:
        return pack(order + "HHI", 0xFFFE, 0xE000, len(body)) + body
    return pack(order + "HHI", 0xFFFE, 0xE000, UNDEFINED) + body + pack(order + "HHI", 0xFFFE, 0xE00D, 0)


def _head(tag: int, vr: str, length: int, syntax: str, order: str) -> bytes:
    group, number = tag >> 16, tag & 0xFFFF
    if syntax == IMPLICIT:
        return pack("<HHI", group, number, length)
    if vr in _LONG:
        return pack(order + "HH2sHI", group, number, vr.encode(), 0, length)
    return pack(order + "HH2sH", group, number, vr.encode(), length)


def file(
    elements: Sequence[Element],
    syntax: str = EXPLICIT,
    *,
    meta: Sequence[Element] = (),
    preamble: bytes = b"",
    undefined: bool = False,
) -> bytes:
    """A file of these elements under a transfer syntax (PS3.10 §7)."""
    body = encoded(elements, syntax, undefined=undefined)
    if syntax == DEFLATED:
        deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        body = deflate.compress(body) + deflate.flush()
        body += bytes(len(body) % 2)
    group = encoded([(0x00020010, "UI", syntax.encode()), *meta])
    return preamble.ljust(128, b"\0") + b"DICM" + group + body
