"""Elements, sequences and whole files as bytes (PS3.5 §7, PS3.10 §7): new file meta, preamble of zeros.

Only what the caller put together is written; nothing is converted and nothing is added but lengths.
"""

import zlib
from collections.abc import Iterable
from struct import Struct, pack

from eucaim_pipelines.dicom.elements import LONG_VRS
from eucaim_pipelines.dicom.transfer_syntaxes import DEFLATED, Encoding

IMPLEMENTATION_CLASS_UID = "2.25.210373918543284629340918342712834501283"
IMPLEMENTATION_VERSION_NAME = "EUCAIM_PIPELINES"
_UNDEFINED = 0xFFFFFFFF
_IMPLICIT = {True: Struct("<HHI").pack, False: Struct(">HHI").pack}
_SHORT = {True: Struct("<HH2sH").pack, False: Struct(">HH2sH").pack}
_LONG = {True: Struct("<HH2sHI").pack, False: Struct(">HH2sHI").pack}


def padded(vr: str, value: bytes) -> bytes:
    """The value with an even length, padded as its VR asks (PS3.5 §6.2)."""
    if len(value) % 2:
        return value + (b"\0" if vr in ("UI", "OB", "UN") else b" ")
    return value


def head(tag: int, vr: str, length: int, encoding: Encoding) -> bytes:
    """Tag, VR and length of an element."""
    group, number, little = tag >> 16, tag & 0xFFFF, encoding.little_endian
    if encoding.implicit_vr:
        return _IMPLICIT[little](group, number, length)
    if vr in LONG_VRS:
        return _LONG[little](group, number, vr.encode(), 0, length)
    return _SHORT[little](group, number, vr.encode(), length)


def element(tag: int, vr: str, value: bytes, encoding: Encoding) -> bytes:
    """An element with the given value, which has an even length."""
    return head(tag, vr, len(value), encoding) + value


def native(tag: int, vr: str, value: bytes | memoryview, encoding: Encoding) -> list[bytes | memoryview]:
    """Pixel data as it is: its head and, padded only where it must be, its value."""
    if len(value) % 2:
        value = bytes(value) + b"\0"
    return [head(tag, vr, len(value), encoding), value]


def encapsulated(
    tag: int, vr: str, value: bytes | memoryview, encoding: Encoding
) -> list[bytes | memoryview]:
    """Pixel data of undefined length, in parts: fragments and their delimiter (PS3.5 §A.4)."""
    end = _IMPLICIT[encoding.little_endian](0xFFFE, 0xE0DD, 0)
    return [head(tag, vr, _UNDEFINED, encoding), value, end]


def sequence(tag: int, items: Iterable[bytes], encoding: Encoding) -> bytes:
    """A sequence of the given items' bodies, with defined lengths throughout."""
    item_head, parts = _IMPLICIT[encoding.little_endian], []
    for body in items:
        parts += [item_head(0xFFFE, 0xE000, len(body)), body]
    value = b"".join(parts)
    return head(tag, "SQ", len(value), encoding) + value


def to_file(body: list[bytes | memoryview], sop_class: str, sop_instance: str, transfer_syntax: str) -> bytes:
    """A whole DICOM file with a new file meta group; `body` holds the data set in parts."""
    meta = b"".join(
        (
            _meta(0x0001, b"OB", b"\0\1"),
            _meta(0x0002, b"UI", sop_class.encode()),
            _meta(0x0003, b"UI", sop_instance.encode()),
            _meta(0x0010, b"UI", transfer_syntax.encode()),
            _meta(0x0012, b"UI", IMPLEMENTATION_CLASS_UID.encode()),
            _meta(0x0013, b"SH", IMPLEMENTATION_VERSION_NAME.encode()),
        )
    )
    if transfer_syntax == DEFLATED:
        deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        deflated = deflate.compress(b"".join(body)) + deflate.flush()
        body = [deflated, bytes(len(deflated) % 2)]
    return b"".join([bytes(128), b"DICM", _meta(0x0000, b"UL", pack("<I", len(meta))), meta, *body])


def _meta(number: int, vr: bytes, value: bytes) -> bytes:
    if len(value) % 2:
        value += b" " if vr == b"SH" else b"\0"
    if vr == b"OB":
        return pack("<HH2sHI", 2, number, vr, 0, len(value)) + value
    return pack("<HH2sH", 2, number, vr, len(value)) + value
