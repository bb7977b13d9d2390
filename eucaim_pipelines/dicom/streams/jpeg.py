"""JPEG and JPEG-LS streams: segments that carry text are found, those that decoders need are looked at.

Read as far as their markers (ISO 10918-1 Annex B, 10918-6, 14495-1 Annex C); samples are never decoded.
"""

import re
from collections.abc import Callable

from eucaim_pipelines.dicom.streams.edits import Buffer, Edit, Found
from eucaim_pipelines.errors import Refusal

_NEXT_MARKER = {
    ("jpeg", False): re.compile(rb"\xff[\x01-\xfe]"),
    ("jpeg", True): re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]"),
    ("jpegls", False): re.compile(rb"\xff[\x80-\xfe]"),
    ("jpegls", True): re.compile(rb"\xff[\x80-\xcf\xd8-\xfe]"),
}
"""The marker that ends a scan, by kind of stream and whether restarts were announced (DRI).

It is not what an encoder stuffs behind a byte FF: 00, in JPEG-LS a bit 0. Bytes FF that fill the space before
a marker stay with the scan: to look for them too makes the search 15 times slower.
"""
_FRAME = {"jpeg": frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC9, 0xCA, 0xCB}), "jpegls": frozenset({0xF7})}
_SCAN, _END, _RESTARTS, _COMMENT = 0xDA, 0xD9, 0xDD, 0xFE
_APPLICATION = range(0xE0, 0xF0)
_ADOBE_FLAGS = frozenset({0, 0x4000, 0x8000, 0xC000})


def read(data: Buffer, stream: str) -> Found:
    """Read one image of kind `jpeg` or `jpegls`.

    Raises
    ------
    Refusal
        `PIXEL_STREAM_MARKER` for markers that are neither known nor certain to be dispensable, `MALFORMED`
        for segments that are longer than what they hold.
    ValueError, IndexError
        The stream is none of its kind, or ends too early.
    """
    if data[:2] != b"\xff\xd8":
        raise ValueError
    edits: list[Edit] = []
    position, frames, scans, restarts = 2, 0, 0, False
    while True:
        start = position
        marker, position = _marker(data, start)
        if marker == _END:
            if not frames or not scans:
                raise ValueError
            return Found(edits, position)
        content = _content(data, position)
        position += 2 + len(content)
        if marker == _COMMENT or marker in _APPLICATION:
            new = _application(marker, content, stream)
            if new != content:
                edits.append((start, position, b"" if new is None else _segment(marker, new)))
            continue
        fits = _FITS.get(marker, _fits_frame if marker in _FRAME[stream] else None)
        if fits is None:
            raise Refusal("PIXEL_STREAM_MARKER")
        frames += fits is _fits_frame
        if frames > 1 or not fits(content):
            raise Refusal("MALFORMED")
        restarts = any(content) if marker == _RESTARTS else restarts
        if marker == _SCAN:
            found = _NEXT_MARKER[stream, restarts].search(data, position)
            if found is None:
                raise ValueError
            position, scans = found.start(), scans + 1


def _marker(data: Buffer, position: int) -> tuple[int, int]:
    if data[position] != 0xFF:
        raise ValueError
    while data[position] == 0xFF:
        position += 1
    return data[position], position + 1


def _content(data: Buffer, position: int) -> bytes:
    length = int.from_bytes(data[position : position + 2], "big")
    if length < 2 or position + length > len(data):
        raise ValueError
    return bytes(data[position + 2 : position + length])


def _segment(marker: int, content: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(content) + 2).to_bytes(2, "big") + content


def _application(marker: int, content: bytes, stream: str) -> bytes | None:
    """What may stay of a comment or of application data; None when nothing does.

    Kept is what decoders go by when they turn components into colours: JFIF without its thumbnail, Adobe's
    transform, and the colour transform `mrfx` of JPEG-LS. What else they may hold is written as 0.
    """
    if marker == 0xE0 and content[:6] == b"JFIF\0\1" and len(content) >= 14 and content[7] <= 2:
        return content[:12] + b"\0\0"
    if marker == 0xEE and content[:5] == b"Adobe" and len(content) >= 12 and content[11] <= 2:
        flags = {int.from_bytes(content[7:9], "big"), int.from_bytes(content[9:11], "big")}
        plain = content[5] == 0 and content[6] <= 102 and flags <= _ADOBE_FLAGS
        return content[:12] if plain else b"Adobe\0d" + bytes(4) + content[11:12]
    if (
        marker == 0xE8
        and stream == "jpegls"
        and content[:4] == b"mrfx"
        and len(content) >= 5
        and content[4] <= 3
    ):
        return content[:5]
    return None


def _fits_frame(content: bytes) -> bool:
    return len(content) >= 9 and len(content) == 6 + 3 * content[5]


def _fits_scan(content: bytes) -> bool:
    return 6 <= len(content) == 4 + 2 * content[0] and content[0] <= 4


def _fits_huffman(content: bytes) -> bool:
    position = 0
    while position < len(content):
        if content[position] & 0xEE > 0x02 or position + 17 > len(content):
            return False
        position += 17 + sum(content[position + 1 : position + 17])
    return position == len(content)


def _fits_quantisation(content: bytes) -> bool:
    position = 0
    while position < len(content):
        if content[position] & 0xEF > 0x03:
            return False
        position += 129 if content[position] >> 4 else 65
    return position == len(content)


def _fits_arithmetic(content: bytes) -> bool:
    return len(content) % 2 == 0 and all(each & 0xEF <= 0x03 for each in content[::2])


def _fits_jpegls(content: bytes) -> bool:
    """Thresholds, or the size of a large image; mapping tables (palettes) are refused."""
    if content[:1] == b"\1":
        return len(content) == 11
    return (
        content[:1] == b"\4"
        and len(content) >= 2
        and content[1] in (2, 3, 4)
        and len(content) == 2 + 2 * content[1]
    )


_FITS: dict[int, Callable[[bytes], bool]] = {
    _SCAN: _fits_scan,
    0xC4: _fits_huffman,
    0xCC: _fits_arithmetic,
    0xDB: _fits_quantisation,
    0xDC: lambda content: len(content) == 2,
    _RESTARTS: lambda content: 2 <= len(content) <= 4,
    0xF8: _fits_jpegls,
}
"""Segments that decoding needs, and whether a content is what the standard says, with nothing behind it."""
