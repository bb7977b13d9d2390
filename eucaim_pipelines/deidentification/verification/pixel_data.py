"""What lies around pixel samples: bytes behind the last one, offset tables, headers of compressed frames.

Samples themselves are neither read nor searched.
"""

import re
from collections.abc import Iterable, Mapping

from eucaim_pipelines.deidentification.verification.values import Value

PIXELS = {0x7FE00010: 0, 0x7FE00008: 32, 0x7FE00009: 64}
"""Pixel elements, and the bits of a sample where they are fixed."""

_HEADER_LIMIT = 1 << 16
_ROWS, _COLUMNS, _SAMPLES, _FRAMES, _BITS = 0x00280010, 0x00280011, 0x00280002, 0x00280008, 0x00280100
_PHOTOMETRIC = 0x00280004
_NUMBER = re.compile(rb"[ \0]*\+?(\d{1,9})[ \0]*")
_START_OF_SCAN, _START_OF_DATA = 0xDA, 0x93


def samples_length(tag: int, values: Mapping[int, Value], little: bool) -> int:
    """Bytes that native samples take by what their data set says (PS3.5 §8.1), padding included; 0 if unsaid.

    Parameters
    ----------
    tag
        Tag of the pixel element.
    values
        Values of the data set by tag.
    little
        Byte order.
    """

    def number(wanted: int, default: int = 0) -> int:
        value = values.get(wanted)
        if value is None or isinstance(value.raw, memoryview):
            return default
        if wanted == _FRAMES:
            found = _NUMBER.fullmatch(value.raw)
            return int(found[1]) if found else default
        return int.from_bytes(value.raw[:2], "little" if little else "big")

    samples = number(_SAMPLES, 1)
    photometric = values.get(_PHOTOMETRIC)
    if photometric is not None and photometric.parts == ("YBR_FULL_422",):
        samples = 2
    bits = PIXELS[tag] or number(_BITS)
    length = (number(_ROWS) * number(_COLUMNS) * samples * number(_FRAMES, 1) * bits + 7) // 8
    return length + length % 2


def headers(data: bytes, fragments: Iterable[tuple[int, int]]) -> list[bytes]:
    """What of an encapsulated stream can hold text: the offset table and each frame's segments, once each.

    Parameters
    ----------
    data
        The bytes that the fragments lie in.
    fragments
        Start and end of each, the offset table first (PS3.5 §A.4).
    """
    found: dict[bytes, None] = {}
    for index, (start, end) in enumerate(fragments):
        if index:
            end = _end_of_segments(data, start, end)
        found[data[start:end]] = None
    return list(found)


def _end_of_segments(data: bytes, start: int, end: int) -> int:
    """Where the marker segments of a JPEG, JPEG-LS or JPEG 2000 code stream end, samples not included.

    A fragment that starts with none of their markers goes on with samples, or is run-length encoded behind
    its 64 bytes of offsets.
    """
    end = min(end, start + _HEADER_LIMIT)
    if data[start : start + 2] not in (b"\xff\xd8", b"\xff\x4f"):
        return min(end, start + 64)
    position = start + 2
    while position + 4 <= end and data[position] == 0xFF:
        marker = data[position + 1]
        if marker == 0xFF:
            position += 1
            continue
        if marker in (_START_OF_SCAN, _START_OF_DATA):
            return position
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return end
