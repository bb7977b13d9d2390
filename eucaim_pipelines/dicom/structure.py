"""The strict structural check of a DICOM byte stream: lengths, order, nesting, offset of everything.

Says where the file meta group ends and that the rest can be read with certainty; gives no element a meaning.
"""

import zlib
from struct import Struct
from struct import error as StructError  # noqa: N812
from typing import NamedTuple

from pydicom.datadict import DicomDictionary

from eucaim_pipelines.dicom import transfer_syntaxes
from eucaim_pipelines.errors import Refusal

DEPTH_LIMIT = 64
INFLATED_LIMIT = 2**31
MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"

LONG_VRS = frozenset(
    {b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"}
)
_SHORT_VRS = frozenset(
    {b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO", b"LT", b"PN", b"SH", b"SL"}
    | {b"SS", b"ST", b"TM", b"UI", b"UL", b"US"}
)
_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_PIXEL_DATA = 0x7FE00010
_SEQUENCES = frozenset(tag for tag, entry in DicomDictionary.items() if entry[0] == "SQ")


class FileMeta(NamedTuple):
    """What the file meta group says (PS3.10 §7.1) and where the data set begins."""

    transfer_syntax: str
    storage_class: str
    body_start: int


def read_file_meta(data: bytes) -> FileMeta:
    """Read the file meta group; its stated length is ignored, because writers get it wrong.

    Raises
    ------
    Refusal
        `NOT_DICOM` without preamble and prefix, `TRUNCATED` or `MALFORMED` when the group cannot be read.
    """
    if len(data) < 132 or data[128:132] != b"DICM":
        raise Refusal("NOT_DICOM")
    position, found = 132, {}
    while data[position : position + 2] == b"\x02\x00":
        if position + 8 > len(data):
            raise Refusal("TRUNCATED")
        element, vr = data[position + 2 : position + 4], data[position + 4 : position + 6]
        if vr in LONG_VRS:
            length, start = int.from_bytes(data[position + 8 : position + 12], "little"), position + 12
        elif vr in _SHORT_VRS:
            length, start = int.from_bytes(data[position + 6 : position + 8], "little"), position + 8
        else:
            raise Refusal("MALFORMED")
        if start + length > len(data):
            raise Refusal("TRUNCATED")
        found[element] = data[start : start + length].rstrip(b"\0 ").decode("latin-1")
        position = start + length
    syntax = found.get(b"\x10\x00")
    if not syntax:
        raise Refusal("TRUNCATED" if position >= len(data) else "MALFORMED")
    return FileMeta(syntax, found.get(b"\x02\x00", ""), position)


def inflate(data: bytes) -> bytes:
    """Undo the deflation of a data set (PS3.5 §A.5); nothing may follow but one padding byte.

    Raises
    ------
    Refusal
        `TRUNCATED`, `MALFORMED`, or `TOO_LARGE` when it would grow beyond `INFLATED_LIMIT` bytes.
    """
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        plain = stream.decompress(data, INFLATED_LIMIT)
    except zlib.error:
        raise Refusal("MALFORMED") from None
    if stream.unconsumed_tail:
        raise Refusal("TOO_LARGE")
    if not stream.eof:
        raise Refusal("TRUNCATED")
    if stream.unused_data not in (b"", b"\0"):
        raise Refusal("MALFORMED")
    return plain


def check(body: bytes, encoding: transfer_syntaxes.Encoding, start: int = 0) -> None:
    """Walk every element of a data set at every depth.

    Parameters
    ----------
    body
        Bytes that hold the data set, from `start` to their end.
    encoding
        Explicit or implicit VR, and the byte order.

    Raises
    ------
    Refusal
        `TRUNCATED` when a top-level length points beyond the end; `MALFORMED` for anything else that two
        readers could read differently: unknown VR, tags out of order, items that overrun, trailing bytes.
    """
    try:
        end = _Walker(body, encoding).elements(start, len(body), 0, delimited=False)
    except StructError:
        raise Refusal("TRUNCATED") from None
    if end != len(body):
        raise Refusal("MALFORMED")


class _Walker:
    def __init__(self, body: bytes, encoding: transfer_syntaxes.Encoding) -> None:
        order = "<" if encoding.little_endian else ">"
        self.body, self.implicit = body, encoding.implicit_vr
        self.tag, self.short, self.long = Struct(order + "HH"), Struct(order + "H"), Struct(order + "I")

    def elements(
        self, position: int, end: int, depth: int, *, delimited: bool, implicit: bool | None = None
    ) -> int:
        """Walk elements until `end`, or behind the item delimiter when `delimited`; the position reached."""
        if depth > DEPTH_LIMIT:
            raise Refusal("MALFORMED")
        implicit = self.implicit if implicit is None else implicit
        body, previous = self.body, -1
        while position < end:
            group, element = self.tag.unpack_from(body, position)
            tag = group << 16 | element
            if tag == _ITEM_END and delimited:
                if self.long.unpack_from(body, position + 4)[0]:
                    raise Refusal("MALFORMED")
                return position + 8
            if tag <= previous or group == 0xFFFE:
                raise Refusal("MALFORMED")
            previous = tag
            vr = b""
            if implicit:
                (length,), position = self.long.unpack_from(body, position + 4), position + 8
                is_sequence = tag in _SEQUENCES
            else:
                vr = body[position + 4 : position + 6]
                if vr in _SHORT_VRS:
                    (length,), position = self.short.unpack_from(body, position + 6), position + 8
                elif vr in LONG_VRS:
                    (length,), position = self.long.unpack_from(body, position + 8), position + 12
                else:
                    raise Refusal("TRUNCATED" if len(body) - position < 8 else "MALFORMED")
                is_sequence = vr == b"SQ"
            if length == _UNDEFINED:
                if tag == _PIXEL_DATA and not implicit:
                    position = self._fragments(position, end)
                elif is_sequence or vr in (b"UN", b""):
                    inner = True if vr == b"UN" else implicit
                    position = self._items(position, end, depth, delimited=True, implicit=inner)
                else:
                    raise Refusal("MALFORMED")
                continue
            if position + length > end:
                raise Refusal("TRUNCATED" if end == len(body) else "MALFORMED")
            if is_sequence:
                stop = position + length
                if self._items(position, stop, depth, delimited=False, implicit=implicit) != stop:
                    raise Refusal("MALFORMED")
            position += length
        if delimited:
            raise Refusal("TRUNCATED" if end == len(body) else "MALFORMED")
        return position

    def _items(self, position: int, end: int, depth: int, *, delimited: bool, implicit: bool) -> int:
        while position < end:
            group, element = self.tag.unpack_from(self.body, position)
            (length,) = self.long.unpack_from(self.body, position + 4)
            tag, position = group << 16 | element, position + 8
            if tag == _SEQUENCE_END and delimited:
                if length:
                    raise Refusal("MALFORMED")
                return position
            if tag != _ITEM:
                raise Refusal("MALFORMED")
            if length == _UNDEFINED:
                position = self.elements(position, end, depth + 1, delimited=True, implicit=implicit)
                continue
            if position + length > end:
                raise Refusal("TRUNCATED" if end == len(self.body) else "MALFORMED")
            if self.elements(position, position + length, depth + 1, delimited=False, implicit=implicit) != (
                position + length
            ):
                raise Refusal("MALFORMED")
            position += length
        if delimited:
            raise Refusal("TRUNCATED" if end == len(self.body) else "MALFORMED")
        return position

    def _fragments(self, position: int, end: int) -> int:
        while position + 8 <= end:
            group, element = self.tag.unpack_from(self.body, position)
            (length,) = self.long.unpack_from(self.body, position + 4)
            tag, position = group << 16 | element, position + 8
            if tag == _SEQUENCE_END and not length:
                return position
            if tag != _ITEM or length == _UNDEFINED:
                raise Refusal("MALFORMED")
            position += length
        raise Refusal("TRUNCATED")
