"""Raw elements to bytes: data set, file meta group, preamble of zeros.

Only what the caller put together is written; nothing is converted and nothing is added but lengths.
"""

import zlib
from struct import pack
from typing import Any

from pydicom import Dataset
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from eucaim_pipelines.dicom.elements import LONG_VRS
from eucaim_pipelines.dicom.transfer_syntaxes import DEFLATED, Encoding

IMPLEMENTATION_CLASS_UID = "2.25.210373918543284629340918342712834501283"
IMPLEMENTATION_VERSION_NAME = "EUCAIM_PIPELINES"
_UNDEFINED = 0xFFFFFFFF


def element(
    tag: int, vr: str, value: bytes, encoding: Encoding, *, encapsulated: bool = False
) -> RawDataElement:
    """An element with the given value bytes, padded to even length as its VR asks (PS3.5 §6.2)."""
    if len(value) % 2:
        value += b"\0" if vr in ("UI", "OB", "UN") else b" "
    length = _UNDEFINED if encapsulated else len(value)
    return RawDataElement(BaseTag(tag), vr, length, value, 0, encoding.implicit_vr, encoding.little_endian)


def sequence(tag: int, children: list[Dataset]) -> DataElement:
    """A sequence element of the given items."""
    return DataElement(tag, "SQ", Sequence(children))


def encode(ds: Dataset, encoding: Encoding) -> bytes:
    """Encode a data set whose elements are raw elements and sequences of such."""
    out: list[bytes] = []
    _encode(ds, encoding, "<" if encoding.little_endian else ">", out)
    return b"".join(out)


def to_file(
    ds: Dataset, sop_class: str, sop_instance: str, transfer_syntax: str, encoding: Encoding
) -> bytes:
    """A whole DICOM file (PS3.10 §7) with a new file meta group."""
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
    body = encode(ds, encoding)
    if transfer_syntax == DEFLATED:
        deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        body = deflate.compress(body) + deflate.flush()
        body += bytes(len(body) % 2)
    return bytes(128) + b"DICM" + _meta(0x0000, b"UL", pack("<I", len(meta))) + meta + body


def _meta(number: int, vr: bytes, value: bytes) -> bytes:
    if len(value) % 2:
        value += b" " if vr == b"SH" else b"\0"
    if vr == b"OB":
        return pack("<HH2sHI", 2, number, vr, 0, len(value)) + value
    return pack("<HH2sH", 2, number, vr, len(value)) + value


def _encode(ds: Dataset, encoding: Encoding, order: str, out: list[bytes]) -> None:
    for tag, entry in sorted(ds._dict.items()):
        found: Any = entry
        if found.VR == "SQ":
            inner: list[bytes] = []
            for child in found.value:
                parts: list[bytes] = []
                _encode(child, encoding, order, parts)
                body = b"".join(parts)
                inner += [pack(order + "HHI", 0xFFFE, 0xE000, len(body)), body]
            value, length = b"".join(inner), None
        else:
            value, length = found.value, found.length
        out.append(
            _head(int(tag), found.VR.encode(), len(value) if length is None else length, encoding, order)
        )
        out.append(value)
        if length == _UNDEFINED:
            out.append(pack(order + "HHI", 0xFFFE, 0xE0DD, 0))


def _head(tag: int, vr: bytes, length: int, encoding: Encoding, order: str) -> bytes:
    if encoding.implicit_vr:
        return pack(order + "HHI", tag >> 16, tag & 0xFFFF, length)
    if vr.decode() in LONG_VRS:
        return pack(order + "HH2sHI", tag >> 16, tag & 0xFFFF, vr, 0, length)
    return pack(order + "HH2sH", tag >> 16, tag & 0xFFFF, vr, length)
