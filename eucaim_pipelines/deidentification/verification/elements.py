"""One pass over a data set for verification: elements, items and fragments, at every depth.

The outside of a file is read in `files`; what is looked for in the values is said in `values`.
"""

from struct import Struct, error
from typing import NamedTuple

from eucaim_pipelines.deidentification.verification import pixel_data
from eucaim_pipelines.deidentification.verification.tables import vr_of
from eucaim_pipelines.deidentification.verification.values import LARGE, TEXT, Value
from eucaim_pipelines.errors import Refusal

Place = tuple[int, ...]
"""Tags and item indices from the outside in, the element's own tag last."""

Entry = tuple[Place, Value]

_LONG_VRS = "OB OD OF OL OV OW SQ SV UC UN UR UT UV"
_SHORT_VRS = "AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US"
_LONG = {vr.encode(): vr for vr in _LONG_VRS.split()}
_SHORT = {vr.encode(): vr for vr in _SHORT_VRS.split()}
_UNDEFINED = 0xFFFFFFFF
_ITEM, _ITEM_END, _SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_LITTLE_ITEM = b"\xfe\xff\x00\xe0"
_CHARSET = 0x00080005
_DEPTH = 70
_REMEMBERED, _REMEMBERED_SEQUENCE = 512, 4096
_MEMORY_ENTRIES, _MEMORY_BYTES = 5000, 1 << 20


class Syntax(NamedTuple):
    """How a data set is encoded (PS3.5 §7)."""

    implicit: bool
    little: bool
    head: Struct
    length: Struct
    item: Struct


def _syntax(implicit: bool, little: bool) -> Syntax:
    order = "<" if little else ">"
    head, length, item = (Struct(order + layout) for layout in ("HHI" if implicit else "HH2sH", "I", "HHI"))
    return Syntax(implicit, little, head, length, item)


EXPLICIT, IMPLICIT, BIG_ENDIAN = _syntax(False, True), _syntax(True, True), _syntax(False, False)


class Known:
    """Elements of one encoding and character set that were seen: values, and whole sequences."""

    def __init__(self) -> None:
        self.values: dict[bytes, Entry] = {}
        self.sequences: dict[bytes, tuple[Entry, ...]] = {}


class Memory:
    """What is remembered between files: what bytes say by themselves, and not too much of it."""

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, bool, bool], Known] = {}
        self.entries = self._bytes = 0

    @property
    def is_full(self) -> bool:
        """Whether nothing more is to be remembered before the next `clear`."""
        return self.entries > _MEMORY_ENTRIES or self._bytes > _MEMORY_BYTES

    def clear(self) -> None:
        """Forget everything."""
        self._known.clear()
        self.entries = self._bytes = 0

    def count(self, entries: int, size: int) -> None:
        """Note that something is remembered."""
        self.entries += entries
        self._bytes += size

    def known(self, charset: bytes, syntax: Syntax) -> Known:
        """What is known of this encoding and character set."""
        key = charset, syntax.implicit, syntax.little
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = Known()
        return known


class Walk:
    """One pass over one data set."""

    def __init__(self, memory: Memory, data: bytes, syntax: Syntax, apart: bytes | memoryview = b"") -> None:
        self.memory, self.data, self.syntax, self.apart = memory, data, syntax, apart
        self.entries: list[Entry] = []
        self.samples: tuple[int, int, int] | None = None
        self.frames: tuple[int, list[tuple[int, int]]] | None = None

    def elements(
        self, position: int, end: int, path: Place, charset: bytes, *, item: bool = False, meta: bool = False
    ) -> int:
        """Read elements up to `end`, or behind an item's delimiter, or as long as they are file meta."""
        data, (implicit, _, head, wide, _) = self.data, self.syntax
        known, last = self.memory.known(charset, self.syntax), -1
        while position < end:
            if meta and data[position : position + 2] != b"\2\0":
                return position
            start = position + 8
            if implicit:
                group, number, length = head.unpack_from(data, position)
                vr = None
            else:
                group, number, code, length = head.unpack_from(data, position)
                vr = _SHORT.get(code)
                if vr is None and group != 0xFFFE:
                    vr, start = _LONG.get(code), position + 12
                    if vr is None:
                        raise Refusal("MALFORMED")
                    (length,) = wide.unpack_from(data, position + 8)
            tag = group << 16 | number
            if tag == _ITEM_END and item:
                return start
            if tag <= last or group == 0xFFFE:
                raise Refusal("MALFORMED")
            last, stop = tag, start + length
            if length <= _REMEMBERED:
                if stop > end and not self.apart:
                    raise Refusal("TRUNCATED")
                entry = known.values.get(data[position:stop])
                if entry is not None:
                    self.entries.append(((*path, tag), entry[1]) if path else entry)
                elif length:
                    self._element(tag, vr, position, start, length, end, path, charset)
                position = stop
            else:
                position = self._element(tag, vr, position, start, length, end, path, charset)
            if tag == _CHARSET:
                charset = data[start:stop]
                known = self.memory.known(charset, self.syntax)
        if item:
            raise Refusal("TRUNCATED")
        return position

    def _element(
        self,
        tag: int,
        vr: str | None,
        head: int,
        start: int,
        length: int,
        end: int,
        path: Place,
        charset: bytes,
    ) -> int:
        """Read one element that is not known; where it ends."""
        data, stop = self.data, start + length
        vr = vr or vr_of(tag)
        if length == _UNDEFINED:
            return self._undefined(tag, vr, start, end, path, charset)
        if stop > end and (path or tag not in pixel_data.PIXELS or not self._is_apart(start, length)):
            raise Refusal("TRUNCATED")
        if vr == "SQ":
            self._sequence(tag, head, start, stop, path, charset)
        elif not path and tag in pixel_data.PIXELS:
            self.samples = tag, start, stop
        elif (
            vr != "UN"
            or data[start : start + 4] != _LITTLE_ITEM
            or not self._hidden(tag, start, stop, path, charset)
        ):
            self._value(tag, vr, head, start, stop, path, charset)
        return stop

    def _value(
        self, tag: int, vr: str, head: int, start: int, stop: int, path: Place, charset: bytes
    ) -> None:
        large = stop - start > LARGE and vr not in TEXT
        raw = memoryview(self.data)[start:stop] if large else self.data[start:stop]
        value = Value(tag, vr, raw, charset)
        self.entries.append(((*path, tag), value))
        samples = tag in pixel_data.PIXELS  # what they are depends on their depth
        if stop - start <= _REMEMBERED and not samples and not self.memory.is_full:
            self.memory.known(charset, self.syntax).values[self.data[head:stop]] = (tag,), value
            self.memory.count(1, stop - head)

    def _sequence(self, tag: int, head: int, start: int, stop: int, path: Place, charset: bytes) -> None:
        """Read a sequence of defined length; small ones of the top level are remembered as a whole."""
        if path or stop - start > _REMEMBERED_SEQUENCE:
            self._items(start, stop, (*path, tag), charset, delimited=False)
            return
        memory, element = self.memory, self.data[head:stop]
        known = memory.known(charset, self.syntax).sequences
        found = known.get(element)
        if found is None:
            before = len(self.entries)
            self._items(start, stop, (tag,), charset, delimited=False)
            if not memory.is_full:
                known[element] = tuple(self.entries[before:])
                memory.count(len(known[element]), len(element))
        else:
            self.entries += found

    def _undefined(self, tag: int, vr: str, start: int, end: int, path: Place, charset: bytes) -> int:
        pixels = tag in pixel_data.PIXELS
        if vr == "SQ" or (self.syntax.implicit and not pixels):
            return self._items(start, end, (*path, tag), charset, delimited=True)
        if vr == "UN":  # always implicit little endian (PS3.5 §6.2.2)
            return self._implicit(start, end, (*path, tag), charset, delimited=True)
        if vr not in ("OB", "OW"):
            raise Refusal("MALFORMED")
        stop, fragments = self._fragments(start, end)
        if pixels and not path:
            self.frames = tag, fragments
            return stop
        found = [self.data[first:last] for first, last in fragments]
        self.entries += [((*path, tag, index), Value(tag, "OB", raw, b"")) for index, raw in enumerate(found)]
        return stop

    def _hidden(self, tag: int, start: int, stop: int, path: Place, charset: bytes) -> bool:
        """Read the items of a UN value that looks like a sequence; whether it was one."""
        before = len(self.entries)
        try:
            self._implicit(start, stop, (*path, tag), charset, delimited=False)
        except (Refusal, error):
            del self.entries[before:]
            return False
        return True

    def _implicit(self, start: int, end: int, path: Place, charset: bytes, *, delimited: bool) -> int:
        around, self.syntax = self.syntax, IMPLICIT
        try:
            return self._items(start, end, path, charset, delimited=delimited)
        finally:
            self.syntax = around

    def _items(self, position: int, end: int, path: Place, charset: bytes, *, delimited: bool) -> int:
        if len(path) > 2 * _DEPTH:
            raise Refusal("MALFORMED")
        index = 0
        while position < end:
            group, number, length = self.syntax.item.unpack_from(self.data, position)
            tag, position = group << 16 | number, position + 8
            if tag == _SEQUENCE_END and delimited:
                return position
            if tag != _ITEM:
                raise Refusal("MALFORMED")
            if length == _UNDEFINED:
                position = self.elements(position, end, (*path, index), charset, item=True)
            elif position + length > end:
                raise Refusal("TRUNCATED")
            else:
                position = self.elements(position, position + length, (*path, index), charset)
            index += 1
        if delimited:
            raise Refusal("TRUNCATED")
        return position

    def _fragments(self, position: int, end: int) -> tuple[int, list[tuple[int, int]]]:
        found: list[tuple[int, int]] = []
        while position < end:
            group, number, length = self.syntax.item.unpack_from(self.data, position)
            tag, position = group << 16 | number, position + 8
            if tag == _SEQUENCE_END:
                return position, found
            if tag != _ITEM or length == _UNDEFINED:
                raise Refusal("MALFORMED")
            found.append((position, position + length))
            position += length
        raise Refusal("TRUNCATED")

    def around_samples(self) -> list[Entry]:
        """What lies in the pixel element behind the samples that the data set tells of, or between them."""
        if self.frames is not None:
            tag, fragments = self.frames
            found = pixel_data.headers(self.data, fragments)
            return [((tag, index), Value(tag, "OB", raw, b"")) for index, raw in enumerate(found)]
        if self.samples is None:
            return []
        tag, start, stop = self.samples
        values = {place[0]: value for place, value in self.entries if len(place) == 1}
        samples = self.apart if self.apart else memoryview(self.data)[start:stop]
        behind = memoryview(samples)[pixel_data.samples_length(tag, values, self.syntax.little) :]
        return [((tag, 0), Value(tag, "OB", behind, b""))] if behind else []

    def _is_apart(self, start: int, length: int) -> bool:
        """Whether a value is the one that follows the data, and nothing else does."""
        return start == len(self.data) and length == len(self.apart)
