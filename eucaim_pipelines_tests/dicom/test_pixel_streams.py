"""Compressed streams: what may carry text is taken out, what decoders need stays, samples are the same."""

from struct import pack, unpack_from

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from eucaim_pipelines.dicom.pixel_streams import check, fragments, rebuild
from eucaim_pipelines.errors import Refusal
from eucaim_pipelines_tests.dicom.streams import (
    STREAMS,
    TOKEN,
    decoded,
    jpeg,
    jpeg2000,
    jpegls,
    places,
    segment,
    value,
    with_segment,
)


def rebuilt(stream: bytes, kind: str) -> bytes:
    """The one frame that is left of a stream."""
    source = value(stream)
    check(source, kind)
    (frame,) = fragments(rebuild(memoryview(source), 1, kind))[1]
    return bytes(frame)


def reason(stream: bytes, kind: str = "jpeg") -> str:
    with pytest.raises(Refusal) as refused:
        check(value(stream), kind)
    with pytest.raises(Refusal):
        rebuild(value(stream), 1, kind)
    return refused.value.reason


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_without_text_stays_as_it_is(name):
    stream, kind = STREAMS[name]
    assert rebuilt(stream, kind) == stream + bytes(len(stream) % 2)


def in_headers(stream: bytes) -> list[int]:
    """Places in the headers of a JPEG 2000 stream where a segment may stand."""
    first_tile = stream.index(b"\xff\x90")
    outside = (b"\xff\x51", b"\xff\x90", b"\xff\xd9", b"")
    return [at for at in places(stream, "jpeg2000") if at == first_tile or stream[at : at + 2] not in outside]


@pytest.mark.parametrize("name", STREAMS)
def test_comments_are_taken_out_wherever_they_stand(name):
    stream, kind = STREAMS[name]
    comment = segment(0x64, b"\0\1" + TOKEN) if kind == "jpeg2000" else segment(0xFE, TOKEN)
    allowed = in_headers(stream) if kind == "jpeg2000" else places(stream, kind)
    assert len(allowed) >= 4
    for at in allowed:
        planted = with_segment(stream, kind, at, comment)
        assert rebuilt(planted, kind) == stream + bytes(len(stream) % 2)


@given(
    name=st.sampled_from(sorted(STREAMS)),
    before=st.binary(max_size=6),
    after=st.binary(max_size=20),
    data=st.data(),
)
@settings(max_examples=400, deadline=None)
def test_no_segment_at_any_place_carries_a_token_out(name, before, after, data):
    stream, kind = STREAMS[name]
    at = data.draw(st.sampled_from(places(stream, kind)))
    marker = data.draw(st.integers(0x80 if kind == "jpegls" else 1, 0xFE))  # smaller: no markers in its scans
    assume(kind != "jpeg2000" or marker != 0x93)  # start of data: samples of a broken stream follow
    planted = with_segment(stream, kind, at, segment(marker, before + TOKEN + after))
    try:
        kept = rebuilt(planted, kind)
    except Refusal:
        return
    assert TOKEN not in kept
    if marker != 0xD9:  # an end in the middle, to decoders too
        assert decoded(kept, kind) == decoded(stream, kind)


@pytest.mark.parametrize("marker", [0xFE, *range(0xE0, 0xF0)])
def test_no_application_data_stays_that_no_decoder_needs(marker):
    for content in (TOKEN, b"JFXX\0" + TOKEN, b"Adobe" + TOKEN[:3], b"mrfx\x09" + TOKEN, b"SPIFF\0" + TOKEN):
        for stream, kind in ((jpeg(), "jpeg"), (jpegls(), "jpegls")):
            assert rebuilt(stream[:2] + segment(marker, content) + stream[2:], kind) == rebuilt(stream, kind)


def first_segment(content: bytes, marker: int, kind: str = "jpeg") -> bytes:
    stream = jpegls() if kind == "jpegls" else jpeg()
    kept = rebuilt(stream[:2] + segment(marker, content) + stream[2:], kind)
    assert kept[2:4] == bytes((0xFF, marker))
    return kept[6 : 4 + unpack_from(">H", kept, 4)[0]]


def test_what_decoders_need_stays_without_what_hangs_on_it():
    plain = b"JFIF\0\1\2\0\0\1\0\1"
    assert first_segment(plain + b"\0\0", 0xE0) == plain + b"\0\0"
    assert first_segment(plain + b"\1\1" + b"abc", 0xE0) == plain + b"\0\0"  # a thumbnail
    assert first_segment(b"Adobe\0d\x80\0\0\0\1", 0xEE) == b"Adobe\0d\x80\0\0\0\1"
    assert first_segment(b"AdobeQuinta\1" + TOKEN, 0xEE) == b"Adobe\0d\0\0\0\0\1"
    assert first_segment(b"mrfx\2" + TOKEN, 0xE8, "jpegls") == b"mrfx\2"


@pytest.mark.parametrize("marker", [0x01, 0xC8, 0xD8, 0xDE, 0xDF, 0xF0, 0xFD])
def test_unknown_markers_are_refused(marker):
    stream = jpeg()
    assert reason(stream[:2] + segment(marker, TOKEN) + stream[2:]) == "PIXEL_STREAM_MARKER"


@pytest.mark.parametrize("marker", [0xC0, 0xC4, 0xDA, 0xDB, 0xDC, 0xDD, 0xC3, 0xCC])
def test_known_segments_hold_nothing_behind_what_they_are_for(marker):
    stream = jpeg()
    assert reason(stream[:2] + segment(marker, TOKEN) + stream[2:]) == "MALFORMED"
    at = next((at for at in places(stream, "jpeg") if stream[at + 1 : at + 2] == bytes((marker,))), None)
    if at is not None:
        end = at + 2 + unpack_from(">H", stream, at + 2)[0]
        longer = segment(marker, stream[at + 4 : end] + TOKEN)
        assert reason(stream[:at] + longer + stream[end:]) == "MALFORMED"


@pytest.mark.parametrize(
    "marker", [0x51, 0x52, 0x53, 0x56, 0x59, 0x5C, 0x5D, 0x5E, 0x5F, 0x50, 0x60, 0x61, 0x74]
)
def test_known_segments_of_jpeg_2000_hold_nothing_else(marker):
    stream = jpeg2000()
    for at in in_headers(stream):
        planted = with_segment(stream, "jpeg2000", at, segment(marker, TOKEN))
        expected = "PIXEL_STREAM_MARKER" if marker in (0x60, 0x61, 0x74) else "MALFORMED"
        assert reason(planted, "jpeg2000") == expected


def test_parameters_of_jpegls_are_as_long_as_they_say():
    stream = jpegls()
    thresholds = b"\1" + pack(">5H", 255, 3, 7, 21, 64)
    plain = stream[:2] + segment(0xF8, thresholds) + stream[2:]
    assert rebuilt(plain, "jpegls") == plain + bytes(len(plain) % 2)
    for content in (thresholds + TOKEN, b"\2\1\1" + TOKEN, b"\4\2" + TOKEN):
        assert reason(stream[:2] + segment(0xF8, content) + stream[2:], "jpegls") == "MALFORMED"


@pytest.mark.parametrize("name", STREAMS)
def test_nothing_stays_behind_the_end(name):
    stream, kind = STREAMS[name]
    for behind in (TOKEN, bytes(8) + TOKEN, stream, b"\xff" * 5):
        assert rebuilt(stream + behind, kind) == stream + bytes(len(stream) % 2)
    assert rebuilt(stream + bytes(8 + len(stream) % 2), kind).rstrip(b"\0") == stream.rstrip(b"\0")


@pytest.mark.parametrize("name", STREAMS)
def test_streams_that_end_too_early_are_refused(name):
    stream, kind = STREAMS[name]
    assert reason(stream[: len(stream) // 2], kind) == "MALFORMED"
    assert reason(TOKEN + stream, kind) == "MALFORMED"


def with_tile_lengths(stream: bytes, lengths: list[int], behind: bytes = b"") -> bytes:
    """A list of tile-part lengths in front of the first tile part, 8-bit tile numbers and 32-bit lengths."""
    entries = b"".join(pack(">BI", tile, length) for tile, length in enumerate(lengths))
    at = stream.index(b"\xff\x90")
    return stream[:at] + segment(0x55, b"\0\x50" + entries + behind) + stream[at:]


def test_lengths_of_tile_parts_are_corrected():
    stream = jpeg2000()
    lengths, at = [], stream.index(b"\xff\x90")
    while stream[at + 1] == 0x90:
        lengths.append(unpack_from(">I", stream, at + 6)[0])
        at += lengths[-1]
    assert len(lengths) == 6
    clean = with_tile_lengths(stream, lengths)
    assert rebuilt(clean, "jpeg2000").rstrip(b"\0") == clean
    comment = segment(0x64, b"\0\1" + TOKEN)
    planted = stream
    for at in reversed([at for at in places(stream, "jpeg2000") if stream[at : at + 2] == b"\xff\x93"]):
        planted = with_segment(planted, "jpeg2000", at, comment)
    assert planted.count(TOKEN) == 6
    planted = with_tile_lengths(planted, [length + len(comment) for length in lengths])
    assert rebuilt(planted, "jpeg2000").rstrip(b"\0") == clean
    wrong = with_tile_lengths(stream, [length + 1 for length in lengths])
    longer = with_tile_lengths(stream, lengths, b"Qui")
    for planted in (wrong, longer):
        assert rebuilt(planted, "jpeg2000").rstrip(b"\0") == stream
    at = stream.index(b"\xff\x90")
    numbers = pack(">HIH", 0, lengths[0] + 3, 1)
    planted = stream[:at] + segment(0x90, numbers + b"Qui") + stream[at + 12 :]
    assert reason(planted, "jpeg2000") == "MALFORMED"


def test_lists_of_packet_lengths_say_what_is_there_or_go():
    stream, _ = STREAMS["jpeg 2000 with packet lengths"]
    assert stream.count(b"\xff\x58") >= 6  # and they stay: see the streams without text
    plain = jpeg2000()
    for at in in_headers(plain)[-2:]:
        if plain[at : at + 2] == b"\xff\x93":
            planted = with_segment(plain, "jpeg2000", at, segment(0x58, b"\0" + TOKEN))
            assert rebuilt(planted, "jpeg2000") == plain + bytes(len(plain) % 2)
    for dispensable in (0x57, 0x63):
        at = plain.index(b"\xff\x90")
        planted = plain[:at] + segment(dispensable, TOKEN) + plain[at:]
        assert rebuilt(planted, "jpeg2000") == plain + bytes(len(plain) % 2)


def test_restarts_are_part_of_a_scan_where_they_were_announced():
    stream = jpeg(restart_marker_blocks=2)
    assert b"\xff\xdd" in stream and b"\xff\xd0" in stream
    assert rebuilt(stream, "jpeg") == stream + bytes(len(stream) % 2)
    unannounced = stream.replace(b"\xff\xdd\0\4\0\2", b"")
    assert len(unannounced) == len(stream) - 6
    assert reason(unannounced) == "MALFORMED"


def test_a_high_throughput_stream_is_read():
    """Capabilities of ISO 15444-15, a last tile part that reaches to the end of the stream."""
    size = segment(0x51, pack(">H8IH", 0x4000, 8, 8, 0, 0, 8, 8, 0, 0, 1) + b"\7\1\1")
    capabilities = segment(0x50, pack(">IH", 0x00020000, 0))
    style = segment(0x52, b"\0\2\0\1\0\0\4\4\x40\1")
    steps = segment(0x5C, b"\x40\x48")
    tile = segment(0x90, pack(">HIBB", 0, 0, 0, 1))
    end = b"\xff\x93" + b"packets!" + b"\xff\xd9"
    stream = b"\xff\x4f" + size + capabilities + style + steps + tile + end
    assert rebuilt(stream, "jpeg2000") == stream + bytes(len(stream) % 2)
    planted = stream.replace(tile, tile + segment(0x64, b"\0\1" + TOKEN))
    assert rebuilt(planted, "jpeg2000") == stream + bytes(len(stream) % 2)
