"""Small compressed streams, the places between their segments, and their decoders.

Written from the standards and apart from the code under test, which it is there to check.
"""

from io import BytesIO
from struct import pack, unpack_from

import jpeg_ls
import numpy as np
from PIL import Image
from pydicom.encaps import encapsulate

TOKEN = b"Quintanilla"
PICTURE = (np.add.outer(np.arange(48) ** 2, np.arange(64) * 3) % 251).astype(np.uint8)


def jpeg(**options: object) -> bytes:
    out = BytesIO()
    Image.fromarray(PICTURE).save(out, "JPEG", **options)
    return out.getvalue()


def jpegls() -> bytes:
    return bytes(jpeg_ls.encode(PICTURE))


def jpeg2000(**options: object) -> bytes:
    """Six tiles; the comment that the encoder writes is taken out."""
    out = BytesIO()
    Image.fromarray(PICTURE).save(out, "JPEG2000", no_jp2=True, tile_size=(32, 16), comment=None, **options)
    stream = out.getvalue()
    at = stream.find(b"\xff\x64")
    return stream[:at] + stream[at + 2 + unpack_from(">H", stream, at + 2)[0] :] if at > 0 else stream


def decoded(stream: bytes, kind: str) -> bytes:
    if kind == "jpegls":
        return jpeg_ls.decode(np.frombuffer(stream, np.uint8)).tobytes()
    return Image.open(BytesIO(stream)).tobytes()


STREAMS = {
    "baseline": (jpeg(), "jpeg"),
    "progressive": (jpeg(progressive=True, quality=60), "jpeg"),
    "jpeg-ls": (jpegls(), "jpegls"),
    "jpeg 2000": (jpeg2000(), "jpeg2000"),
    "jpeg 2000 with packet lengths": (jpeg2000(plt=True), "jpeg2000"),
}


def value(*frames: bytes, per_frame: int = 1) -> bytes:
    """Pixel data with these frames, without an offset table."""
    return encapsulate(list(frames), fragments_per_frame=per_frame, has_bot=False)


def segment(marker: int, content: bytes) -> bytes:
    return pack(">BBH", 0xFF, marker, len(content) + 2) + content


def places(stream: bytes, kind: str) -> list[int]:
    """Positions where one segment ends and another begins, and the end of the stream."""
    found, at = [], 2
    while stream[at : at + 2] != b"\xff\xd9":
        found.append(at)
        marker = stream[at + 1]
        if kind == "jpeg2000" and marker == 0x90:
            found += _in_tile_part(stream, at)
            at += unpack_from(">I", stream, at + 6)[0]
            continue
        at += 2 + unpack_from(">H", stream, at + 2)[0]
        if marker == 0xDA:
            stuffed = range(0x80) if kind == "jpegls" else (0, *range(0xD0, 0xD8))
            while stream[at] != 0xFF or stream[at + 1] in stuffed:
                at += 1
    return [*found, at, at + 2]


def _in_tile_part(stream: bytes, at: int) -> list[int]:
    found, at = [], at + 12
    while stream[at + 1] != 0x93:
        found.append(at)
        at += 2 + unpack_from(">H", stream, at + 2)[0]
    return [*found, at]


def with_segment(stream: bytes, kind: str, at: int, new: bytes) -> bytes:
    """The stream with a segment at a place; the length of the tile part that it falls into is corrected."""
    start = 2
    while kind == "jpeg2000" and stream[start : start + 2] != b"\xff\xd9":
        length = unpack_from(">H", stream, start + 2)[0] + 2
        if stream[start + 1] == 0x90:
            length = unpack_from(">I", stream, start + 6)[0]
            if start + 12 <= at < start + length:
                corrected = pack(">I", length + len(new))
                stream = stream[: start + 6] + corrected + stream[start + 10 :]
        start += length
    return stream[:at] + new + stream[at:]
