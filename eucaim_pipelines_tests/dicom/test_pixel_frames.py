"""Frames of compressed pixel data: their fragments, their offset table, RLE, and real objects."""

import warnings
from pathlib import Path
from struct import pack, unpack_from

import numpy as np
import pydicom
import pytest

from eucaim_pipelines.dicom import transfer_syntaxes
from eucaim_pipelines.dicom.pixel_streams import check, fragments, rebuild
from eucaim_pipelines.errors import Refusal
from eucaim_pipelines_tests.dicom.streams import STREAMS, TOKEN, decoded, jpeg, places, segment, value

END = b"\xfe\xff\xdd\xe0\0\0\0\0"


def rle(*segments: bytes, order: tuple[int, ...] = (0, 1), gap: bytes = b"", unused: bytes = b"") -> bytes:
    starts, body = {}, gap
    for index in order:
        starts[index] = 64 + len(body)
        body += segments[index]
    header = pack(f"<{1 + len(segments)}I", len(segments), *(starts[index] for index in range(len(segments))))
    return (header + unused).ljust(64, b"\0") + body


def test_an_rle_frame_holds_its_segments_and_nothing_else():
    first, second = b"\xfd\7\3abcd\0", b"\1xy\xfb\0\0"  # eight samples each
    plain = rle(first, second)
    for planted in (
        rle(first, second, gap=b"Quintanillas"),
        rle(first, second, unused=TOKEN),
        rle(first, second, order=(1, 0)),
        rle(first + TOKEN + b"!", second + b"\0\0" + TOKEN + b"!"),
    ):
        (frame,) = fragments(rebuild(value(planted), 1, "rle", 8))[1]
        assert bytes(frame) == plain
        check(value(planted), "rle")
    (frame,) = fragments(rebuild(value(rle(first, second, gap=b"Quintanillas")), 1, "rle"))[1]
    assert bytes(frame) == plain
    for broken in (bytes(64), plain[:66], plain[:32]):
        with pytest.raises(Refusal):
            check(value(broken), "rle")


@pytest.mark.parametrize("more", [b"Quintanilla", b"Quintanilla " * 9, b""])
@pytest.mark.parametrize("stated", [0, 40])
def test_an_rle_run_ends_with_the_last_sample(more, stated):
    """A literal run may say that it is longer than what is left of its frame, or of its segment."""
    length = min(127, 3 + len(more) + stated)
    planted = b"\xfb\0" + bytes([length]) + b"abcd" + more  # six samples, then two, and what follows
    (frame,) = fragments(rebuild(value(rle(planted, b"\xf9\0")), 1, "rle", 8))[1]
    assert bytes(frame) == rle(b"\xfb\0\1ab\0", b"\xf9\0")
    exact = rle(b"\xfb\0\1ab\0", b"\xf9\0")
    (frame,) = fragments(rebuild(value(exact), 1, "rle", 8))[1]
    assert bytes(frame) == exact


def test_the_offset_table_is_computed_anew():
    frames = [jpeg(quality=30), jpeg(quality=90)]
    parts = [frame + bytes(len(frame) % 2) for frame in frames]
    hidden = pack("<HHI", 0xFFFE, 0xE000, 12) + b"Quintanilla!"
    source = hidden + b"".join(pack("<HHI", 0xFFFE, 0xE000, len(part)) + part for part in parts)
    new = rebuild(source, 2, "jpeg")
    assert TOKEN not in bytes(new)
    table, kept = fragments(new)
    assert kept == parts
    assert unpack_from("<2I", table) == (0, len(parts[0]) + 8)
    with pytest.raises(Refusal):
        rebuild(source, 3, "jpeg")


def test_fragments_get_an_even_length():
    stream, kind = STREAMS["jpeg-ls"]
    assert len(stream) % 2
    for parts in ([stream], [stream[:101], stream[101:]]):
        items = b"".join(pack("<HHI", 0xFFFE, 0xE000, len(part)) + part for part in [b"", *parts])
        (kept,) = fragments(rebuild(items, 1, kind))[1]
        assert bytes(kept) == stream + b"\0"


def test_a_frame_may_span_fragments():
    frames = [STREAMS["progressive"][0], STREAMS["baseline"][0]]
    source = value(*frames, per_frame=4)
    table, kept = fragments(rebuild(source, 2, "jpeg"))
    assert kept == fragments(source)[1] and len(kept) == 8
    assert unpack_from("<2I", table) == (0, sum(8 + len(part) for part in kept[:4]))
    at = places(frames[0], "jpeg")[-3]
    frames[0] = frames[0][:at] + segment(0xFE, TOKEN * 300) + frames[0][at:]
    table, kept = fragments(rebuild(value(*frames, per_frame=4), 2, "jpeg"))
    assert len(kept) == 5 and not any(TOKEN in bytes(part) for part in kept)
    assert decoded(bytes(kept[0]), "jpeg") == decoded(frames[0], "jpeg")


def test_items_fill_the_value():
    source = value(jpeg())
    assert fragments(source + END)[1] == fragments(source)[1]
    for broken in (source + b"Quinta", source[:-2], source + TOKEN, source[:8]):
        with pytest.raises(Refusal):
            fragments(broken)


def compressed_objects() -> list[Path]:
    folder = Path(pydicom.__file__).parent / "data" / "test_files"
    return sorted(path for path in folder.iterdir() if path.suffix == ".dcm")


def test_samples_of_real_objects_are_the_same():
    same = []
    for path in compressed_objects():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ds = pydicom.dcmread(path, force=True)
            syntax = ds.file_meta.get("TransferSyntaxUID", "") if "file_meta" in ds.__dict__ else ""
            kind = transfer_syntaxes.stream(syntax)
            if kind in (None, "native") or "PixelData" not in ds:
                continue
            try:
                new = rebuild(ds.PixelData, int(ds.get("NumberOfFrames", 1)), kind, ds.Rows * ds.Columns)
            except Refusal:
                assert path.name == "GDCMJ2K_TextGBR.dcm"  # boxes of a JP2 file, which PS3.5 §A.4.4 excludes
                continue
            check(ds.PixelData, kind)
            assert fragments(rebuild(new, int(ds.get("NumberOfFrames", 1)), kind))[1] == fragments(new)[1]
            try:
                before = ds.pixel_array.copy()
            except (RuntimeError, ValueError):
                continue  # 12-bit JPEG and a broken stream: no decoder at hand reads the source either
            ds.PixelData = bytes(new) + END
            ds["PixelData"].is_undefined_length = True
            assert np.array_equal(before, ds.pixel_array), path.name
            same.append(path.name)
    assert len(same) >= 30
