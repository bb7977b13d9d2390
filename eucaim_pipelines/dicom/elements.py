"""The strict reader of data sets: one pass over the bytes, every length checked, a tree of elements out.

Gives no element a meaning; file meta group and deflation are in `structure`, what values say in `values`.
"""

from functools import cache
from struct import Struct
from struct import error as StructError  # noqa: N812
from typing import TypeAlias, Union

from pydicom.datadict import DicomDictionary

from eucaim_pipelines.dicom.transfer_syntaxes import Encoding
from eucaim_pipelines.errors import Refusal

DEPTH_LIMIT = 64
PIXEL_ELEMENTS: dict[int, int | None] = {0x7FE00010: None, 0x7FE00008: 32, 0x7FE00009: 64}
"""PixelData, FloatPixelData, DoubleFloatPixelData, and the bits of a sample where they are fixed."""

LONG_VRS = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"})
SHORT_VRS = frozenset(
    {"AE", "AS", "AT", "CS", "DA", "DS", "DT", "FD", "FL", "IS", "LO", "LT", "PN", "SH", "SL", "SS", "ST"}
    | {"TM", "UI", "UL", "US"}
)
_SHORT = {vr.encode(): vr for vr in SHORT_VRS}
_LONG = {vr.encode(): vr for vr in LONG_VRS}
_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_PIXEL_DATA, _CHARACTER_SET = 0x7FE00010, 0x00080005

Value: TypeAlias = Union[bytes, memoryview, list["DataSet"]]  # noqa: UP007 - a forward reference


class DataSet:
    """A data set or an item of a sequence, as the file holds it.

    Attributes
    ----------
    elements
        VR and value by tag, tags ascending. The value is the element's bytes as they are, a view of them for
        pixel data, or the items of a sequence (then the VR is SQ, or UN where nothing is known of it).
        Under implicit VR the VR is the dictionary's, UN for tags that it does not know.
    encoding
        How the data set is encoded.
    transfer_syntax
        UID of its transfer syntax.
    characters
        SpecificCharacterSet that holds here: its own, or that of what is around it (PS3.5 §6.1.2.5).
    """

    __slots__ = ("characters", "elements", "encoding", "transfer_syntax")

    def __init__(self, encoding: Encoding, transfer_syntax: str, characters: bytes = b"") -> None:
        self.elements: dict[int, tuple[str, Value]] = {}
        self.encoding, self.transfer_syntax, self.characters = encoding, transfer_syntax, characters

    def __contains__(self, tag: int) -> bool:
        return tag in self.elements


@cache
def implicit_vr(tag: int) -> str:
    """VR under implicit VR; of several possible ones the one that says least about the bytes (PS3.5 §A.1)."""
    entry = DicomDictionary.get(tag)
    if entry is None:
        return "UN"
    possible = entry[0].split(" or ")
    return next((vr for vr in ("SQ", "OW", "US") if vr in possible), min(possible))


def read(body: bytes, encoding: Encoding, transfer_syntax: str, start: int = 0) -> DataSet:
    """Read every element of a data set at every depth.

    Parameters
    ----------
    body
        Bytes that hold the data set, from `start` to their end.
    encoding
        Explicit or implicit VR, and the byte order.
    transfer_syntax
        UID that the result remembers.

    Raises
    ------
    Refusal
        `TRUNCATED` when a top-level length points beyond the end; `MALFORMED` for anything else that two
        readers could read differently: unknown VR, tags out of order, items that overrun, trailing bytes.
    """
    ds = DataSet(encoding, transfer_syntax)
    try:
        end = _Reader(body, encoding).elements(ds, start, len(body), 0, encoding.implicit_vr, delimited=False)
    except StructError:
        raise Refusal("TRUNCATED") from None
    if end != len(body):
        raise Refusal("MALFORMED")
    return ds


class _Reader:
    def __init__(self, body: bytes, encoding: Encoding) -> None:
        order = "<" if encoding.little_endian else ">"
        self.body, self.end = body, len(body)
        self.explicit_head = Struct(order + "HH2sH").unpack_from
        self.implicit_head = Struct(order + "HHI").unpack_from
        self.long = Struct(order + "I").unpack_from

    def elements(
        self, ds: DataSet, position: int, end: int, depth: int, implicit: bool, *, delimited: bool
    ) -> int:
        """Read elements into `ds` until `end`, or behind the item delimiter; the position reached."""
        if depth > DEPTH_LIMIT:
            raise Refusal("MALFORMED")
        body, found, previous, explicit_head = self.body, ds.elements, -1, self.explicit_head
        while position < end:
            vr: str | None
            if implicit:
                group, number, length = self.implicit_head(body, position)
                tag, position, raw_vr = group << 16 | number, position + 8, b""
                vr = implicit_vr(tag) if not tag & 0x10000 else "UN"
            else:
                group, number, raw_vr, length = explicit_head(body, position)
                tag, position, vr = group << 16 | number, position + 8, _SHORT.get(raw_vr)
            if tag <= previous or group == 0xFFFE:
                if tag == _ITEM_END and delimited and not self.long(body, position - 4)[0]:
                    return position
                raise Refusal("MALFORMED")
            previous = tag
            if vr is None:
                vr = _LONG.get(raw_vr)
                if vr is None:
                    raise Refusal("MALFORMED")
                (length,) = self.long(body, position)
                position += 4
            if length == _UNDEFINED:
                position = self._undefined(ds, tag, vr, position, end, depth, implicit)
                continue
            stop = position + length
            if stop > end:
                raise self._overrun(end)
            if vr == "SQ":
                items: list[DataSet] = []
                if self._items(ds, items, position, stop, depth, implicit, delimited=False) != stop:
                    raise Refusal("MALFORMED")
                found[tag] = (vr, items)
            elif tag in PIXEL_ELEMENTS:
                found[tag] = (vr, memoryview(body)[position:stop])
            else:
                found[tag] = (vr, body[position:stop])
                if tag == _CHARACTER_SET:
                    ds.characters = body[position:stop]
            position = stop
        if delimited:
            raise self._overrun(end)
        return position

    def _undefined(
        self, ds: DataSet, tag: int, vr: str, position: int, end: int, depth: int, implicit: bool
    ) -> int:
        """Read a value of undefined length: fragments, a sequence, or an unknown one in implicit VR."""
        if tag == _PIXEL_DATA and not implicit:
            stop = self._fragments(position, end)
            ds.elements[tag] = (vr, memoryview(self.body)[position : stop - 8])
            return stop
        if vr != "SQ" and not (vr == "UN" or implicit):
            raise Refusal("MALFORMED")
        items: list[DataSet] = []
        stop = self._items(ds, items, position, end, depth, implicit or vr == "UN", delimited=True)
        if vr == "UN" and not implicit and ds.encoding.little_endian and not tag & 0x10000:
            vr = implicit_vr(tag)  # PS3.5 §6.2.2: a sequence whose writer did not know it
        ds.elements[tag] = ("SQ" if vr == "SQ" else "UN", items)
        return stop

    def _items(
        self,
        ds: DataSet,
        items: list[DataSet],
        position: int,
        end: int,
        depth: int,
        implicit: bool,
        *,
        delimited: bool,
    ) -> int:
        while position < end:
            group, number, length = self.implicit_head(self.body, position)
            tag, position = group << 16 | number, position + 8
            if tag == _SEQUENCE_END and delimited and not length:
                return position
            if tag != _ITEM:
                raise Refusal("MALFORMED")
            item = DataSet(ds.encoding, ds.transfer_syntax, ds.characters)
            items.append(item)
            if length == _UNDEFINED:
                position = self.elements(item, position, end, depth + 1, implicit, delimited=True)
                continue
            stop = position + length
            if stop > end:
                raise self._overrun(end)
            if self.elements(item, position, stop, depth + 1, implicit, delimited=False) != stop:
                raise Refusal("MALFORMED")
            position = stop
        if delimited:
            raise self._overrun(end)
        return position

    def _fragments(self, position: int, end: int) -> int:
        while position + 8 <= end:
            group, number, length = self.implicit_head(self.body, position)
            tag, position = group << 16 | number, position + 8
            if tag == _SEQUENCE_END and not length:
                return position
            if tag != _ITEM or length == _UNDEFINED:
                raise Refusal("MALFORMED")
            position += length
        raise Refusal("TRUNCATED")

    def _overrun(self, end: int) -> Refusal:
        """A length beyond the bytes: the file was cut off, or an item's length is wrong."""
        return Refusal("TRUNCATED" if end == self.end else "MALFORMED")
