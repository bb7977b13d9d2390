"""Compressed pixel data: fragments, frames, offset table, and what may not stay in the streams.

Fragments and frames only (PS3.5 §A.4): the `stream_…` modules read the streams as far as their markers. What
stands in a scan or a packet counts as samples, which are never decoded.
"""

from struct import pack, unpack_from

from eucaim_pipelines.dicom.streams import jpeg, jpeg2000, rle
from eucaim_pipelines.dicom.streams.edits import Buffer, Found
from eucaim_pipelines.errors import Refusal

_START = {"jpeg": b"\xff\xd8", "jpegls": b"\xff\xd8", "jpeg2000": b"\xff\x4f"}


def fragments(value: Buffer) -> tuple[memoryview, list[memoryview]]:
    """Offset table and fragments of an encapsulated pixel data value, as views of it.

    Raises
    ------
    Refusal
        `MALFORMED` when the items do not fill the value, up to its end or to the sequence delimiter.
    """
    whole, found, position = memoryview(value), list[memoryview](), 0
    while position + 8 <= len(whole):
        group, element, length = unpack_from("<HHI", whole, position)
        if (group, element) == (0xFFFE, 0xE0DD):
            position = len(whole)
            break
        if (group, element) != (0xFFFE, 0xE000) or position + 8 + length > len(whole):
            raise Refusal("MALFORMED")
        found.append(whole[position + 8 : position + 8 + length])
        position += 8 + length
    if len(found) < 2 or position != len(whole):
        raise Refusal("MALFORMED")
    return found[0], found[1:]


def check(value: Buffer, stream: str) -> None:
    """Refuse a pixel data value that `rebuild` would refuse, whatever the number of its frames.

    Parameters
    ----------
    value
        Encapsulated pixel data.
    stream
        rle, jpeg, jpegls or jpeg2000.

    Raises
    ------
    Refusal
        `PIXEL_STREAM_MARKER` for a stream with markers that can neither stay nor be taken out with
        certainty; `MALFORMED` when it is none of its kind.
    """
    for frame in _frames(fragments(value)[1], stream):
        _read(_joined(frame), stream, 0)


def rebuild(value: Buffer, frames: int, stream: str, area: int = 0) -> Buffer:
    """The frames without comments and application data, under an offset table computed anew.

    Parameters
    ----------
    value
        Encapsulated pixel data.
    frames
        Frames that the header speaks of.
    stream
        rle, jpeg, jpegls or jpeg2000.
    area
        Rows times columns; with it, bytes behind the samples of an RLE segment go too.

    Returns
    -------
    bytes or memoryview
        Offset table and fragments as items, without the sequence delimiter; a fragment where nothing had to
        change is as it was. The bytes of the samples are the same in any case.

    Raises
    ------
    Refusal
        As `check`; `MALFORMED` too when there are not as many frames.
    """
    _, parts = fragments(value)
    groups = _frames(parts, stream)
    if len(groups) != frames:
        raise Refusal("MALFORMED")
    new: list[Buffer] = []
    offsets, position = list[int](), 0
    for group in groups:
        whole = _joined(group)
        cleaned = _read(whole, stream, area).applied(whole)
        items = group if cleaned is whole and all(len(part) % 2 == 0 for part in group) else [cleaned]
        offsets.append(position)
        position += sum(8 + len(item) for item in items)
        new += items
    if offsets[-1] > 0xFFFFFFFE:
        offsets = []
    new.insert(0, pack(f"<{len(offsets)}I", *offsets))
    return b"".join(piece for item in new for piece in (pack("<HHI", 0xFFFE, 0xE000, len(item)), item))


def _frames(parts: list[memoryview], stream: str) -> list[list[memoryview]]:
    """The fragments of each frame: a frame begins with a fragment (PS3.5 §A.4), an RLE frame is one."""
    if stream == "rle":
        return [[part] for part in parts]
    start, groups = _START[stream], list[list[memoryview]]()
    for part in parts:
        if part[:2] == start:
            groups.append([])
        elif not groups:
            raise Refusal("MALFORMED")
        groups[-1].append(part)
    return groups


def _joined(group: list[memoryview]) -> Buffer:
    return group[0] if len(group) == 1 else b"".join(group)


def _read(whole: Buffer, stream: str, area: int) -> Found:
    try:
        if stream == "rle":
            return rle.read(whole, area)
        return jpeg2000.read(whole) if stream == "jpeg2000" else jpeg.read(whole, stream)
    except (IndexError, ValueError):
        raise Refusal("MALFORMED") from None
