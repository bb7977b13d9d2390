"""Compressed pixel streams: fragments, offset tables, and markers that may carry text.

Read as far as their markers (PS3.5 §A.4, ISO 10918-1, 14495-1, 15444-1); samples are never decoded.
"""

import re
from struct import pack, unpack_from

from eucaim_pipelines.errors import Refusal

_NEXT_JPEG_MARKER = re.compile(rb"\xff+([\x01-\xcf\xd8-\xfe])")
_NEXT_JPEGLS_MARKER = re.compile(rb"\xff+([\x80-\xcf\xd8-\xfe])")
_JPEG_SEGMENTS = frozenset({*range(0xC0, 0xD0), 0xDB, 0xDC, 0xDD, 0xDE, 0xDF, 0xF7, 0xF8} - {0xC8})
_JPEG2000_SEGMENTS = frozenset({*range(0x50, 0x54), *range(0x55, 0x60), 0x60, 0x61, 0x63})


def fragments(value: bytes) -> tuple[bytes, list[bytes]]:
    """Offset table and fragments of an encapsulated pixel data value (without its sequence delimiter).

    Raises
    ------
    Refusal
        `MALFORMED` when the items do not fill the value.
    """
    found, position = [], 0
    while position + 8 <= len(value):
        group, element, length = unpack_from("<HHI", value, position)
        if (group, element) == (0xFFFE, 0xE0DD):
            break
        if (group, element) != (0xFFFE, 0xE000) or position + 8 + length > len(value):
            raise Refusal("MALFORMED")
        found.append(value[position + 8 : position + 8 + length])
        position += 8 + length
    if len(found) < 2:
        raise Refusal("MALFORMED")
    return found[0], found[1:]


def rebuild(value: bytes, frames: int) -> bytes:
    """The same fragments with an offset table computed anew, so that it carries nothing else.

    Raises
    ------
    Refusal
        `MALFORMED` when there are fewer fragments than frames, or a stated table names no frames.
    """
    table, parts = fragments(value)
    starts, position = [], 0
    for part in parts:
        starts.append(position)
        position += 8 + len(part)
    if len(parts) == frames:
        offsets = starts
    elif frames == 1:
        offsets = [0]
    else:
        offsets = list(unpack_from(f"<{len(table) // 4}I", table)) if len(table) % 4 == 0 else []
        if len(parts) < frames or (table and (len(offsets) != frames or not set(offsets) <= set(starts))):
            raise Refusal("MALFORMED")
    if offsets and offsets[-1] > 0xFFFFFFFE:
        offsets = []
    new = [pack(f"<{len(offsets)}I", *offsets), *parts]
    return b"".join(pack("<HHI", 0xFFFE, 0xE000, len(item)) + item for item in new)


def refuse_markers(value: bytes, stream: str) -> None:
    """Refuse a stream that carries comments or application data.

    Parameters
    ----------
    value
        Encapsulated pixel data.
    stream
        rle, jpeg, jpegls or jpeg2000.

    Raises
    ------
    Refusal
        `PIXEL_STREAM_MARKER`; `MALFORMED` when the stream is none of its kind.
    """
    _, parts = fragments(value)
    if stream == "rle":
        for part in parts:
            _check_rle(part)
        return
    whole = b"".join(parts)
    position = 0
    try:
        while position < len(whole):
            position = _jpeg2000(whole, position) if stream == "jpeg2000" else _jpeg(whole, position, stream)
            while position < len(whole) and whole[position] == 0:
                position += 1
    except (IndexError, ValueError):
        raise Refusal("MALFORMED") from None


def _check_rle(part: bytes) -> None:
    if len(part) < 64:
        raise Refusal("MALFORMED")
    count, *offsets = unpack_from("<16I", part)
    used, unused = offsets[:count], offsets[count:]
    if not 1 <= count <= 15 or used[0] != 64 or used != sorted(used) or used[-1] > len(part) or any(unused):
        raise Refusal("MALFORMED")


def _length(whole: bytes, position: int) -> int:
    length = int.from_bytes(whole[position : position + 2], "big")
    if length < 2 or position + length > len(whole):
        raise ValueError
    return length


def _jpeg(whole: bytes, position: int, stream: str) -> int:
    """Read one JPEG or JPEG-LS image; the position behind its end."""
    if whole[position : position + 2] != b"\xff\xd8":
        raise ValueError
    position += 2
    next_marker = _NEXT_JPEGLS_MARKER if stream == "jpegls" else _NEXT_JPEG_MARKER
    while True:
        if whole[position] != 0xFF:
            raise ValueError
        while whole[position] == 0xFF:
            position += 1
        marker, position = whole[position], position + 1
        if marker == 0xD9:
            return position
        length = _length(whole, position)
        segment = whole[position + 2 : position + length]
        position += length
        if marker == 0xDA:
            found = next_marker.search(whole, position)
            if found is None:
                raise ValueError
            position = found.start()
        elif marker not in _JPEG_SEGMENTS and not _harmless_application(marker, segment, stream):
            raise Refusal("PIXEL_STREAM_MARKER")


def _harmless_application(marker: int, segment: bytes, stream: str) -> bool:
    if marker == 0xE0:
        return segment[:5] == b"JFIF\0" and len(segment) == 14 and segment[12:14] == b"\0\0"
    if marker == 0xEE:
        return segment[:5] == b"Adobe" and len(segment) == 12
    return marker == 0xE8 and stream == "jpegls" and segment[:4] == b"mrfx" and len(segment) <= 8


def _jpeg2000(whole: bytes, position: int) -> int:
    """Read one JPEG 2000 code stream; the position behind its end."""
    if whole[position : position + 2] != b"\xff\x4f":
        raise ValueError
    position += 2
    tile_start, tile_length = 0, 0
    while True:
        if whole[position] != 0xFF:
            raise ValueError
        marker, position = whole[position + 1], position + 2
        if marker == 0xD9:
            return position
        if marker == 0x93:
            end = whole.find(b"\xff\xd9", position) if tile_length == 0 else tile_start + tile_length
            if end < position or end > len(whole):
                raise ValueError
            position = end
            continue
        length = _length(whole, position)
        if marker == 0x90:
            tile_start, tile_length = position - 2, int.from_bytes(whole[position + 4 : position + 8], "big")
        elif marker not in _JPEG2000_SEGMENTS:
            raise Refusal("PIXEL_STREAM_MARKER")
        position += length
