"""Markers of compressed streams: what may carry text is refused, what decoders need is let through."""

from io import BytesIO
from struct import pack, unpack_from

import pytest
from PIL import Image
from pydicom.encaps import encapsulate

from eucaim_pipelines.dicom.pixel_streams import fragments, rebuild, refuse_markers
from eucaim_pipelines.errors import Refusal


def jpeg(**options: object) -> bytes:
    out = BytesIO()
    Image.new("L", (16, 16), 99).save(out, "JPEG", **options)
    return out.getvalue()


def with_segment(stream: bytes, marker: int, content: bytes) -> bytes:
    return stream[:2] + pack(">BBH", 0xFF, marker, len(content) + 2) + content + stream[2:]


def value(*frames: bytes) -> bytes:
    return encapsulate(list(frames), has_bot=False)


def reason(stream: bytes, kind: str = "jpeg") -> str:
    with pytest.raises(Refusal) as refused:
        refuse_markers(value(stream), kind)
    return refused.value.reason


def test_a_plain_stream_passes():
    refuse_markers(value(jpeg(), jpeg(progressive=True)), "jpeg")
    refuse_markers(value(with_segment(jpeg(), 0xEE, b"Adobe\0" + bytes(6))), "jpeg")


@pytest.mark.parametrize("marker", [0xFE, *range(0xE1, 0xEE), 0xEF])
def test_comments_and_application_data_are_refused(marker):
    assert reason(with_segment(jpeg(), marker, b"Quintanilla")) == "PIXEL_STREAM_MARKER"


def test_a_thumbnail_is_refused():
    thumbnail = b"JFIF\0\1\1\0\0\1\0\1\1\1" + bytes(3)
    assert reason(with_segment(jpeg(), 0xE0, thumbnail)) == "PIXEL_STREAM_MARKER"


def test_markers_between_scans_are_seen():
    stream = jpeg(progressive=True)
    second_scan = stream.index(b"\xff\xda", stream.index(b"\xff\xda") + 2)
    hidden = stream[:second_scan] + b"\xff\xfe\0\x0dQuintanilla" + stream[second_scan:]
    assert reason(hidden) == "PIXEL_STREAM_MARKER"


def test_bytes_behind_the_image_are_refused():
    assert reason(jpeg() + b"Quintanilla") == "MALFORMED"


def test_jpeg_2000_comments_are_refused_in_headers_of_tiles_too():
    size = b"\xff\x51\0\4\0\0"
    tile = b"\xff\x90\0\x0a\0\0" + pack(">I", 12 + 2 + 4) + b"\0\1"
    comment = b"\xff\x64\0\x06\0\1Me"
    plain = b"\xff\x4f" + size + tile + b"\xff\x93" + b"data" + b"\xff\xd9"
    refuse_markers(value(plain), "jpeg2000")
    progression = b"\xff\x5f\0\4\0\0"
    refuse_markers(value(plain.replace(size, size + progression)), "jpeg2000")
    assert reason(plain.replace(size, size + comment), "jpeg2000") == "PIXEL_STREAM_MARKER"
    longer = tile.replace(pack(">I", 18), pack(">I", 18 + len(comment)))
    assert reason(plain.replace(tile, longer + comment), "jpeg2000") == "PIXEL_STREAM_MARKER"


def test_the_offset_table_is_computed_anew():
    frames = [jpeg(quality=30), jpeg(quality=90)]
    parts = [frame + bytes(len(frame) % 2) for frame in frames]
    hidden = pack("<HHI", 0xFFFE, 0xE000, 12) + b"Quintanilla!"
    source = hidden + b"".join(pack("<HHI", 0xFFFE, 0xE000, len(part)) + part for part in parts)
    new = rebuild(source, 2)
    assert b"Quintanilla" not in new
    table, kept = fragments(new)
    assert kept == parts
    assert unpack_from("<2I", table) == (0, len(parts[0]) + 8)
    with pytest.raises(Refusal):
        rebuild(source, 3)
