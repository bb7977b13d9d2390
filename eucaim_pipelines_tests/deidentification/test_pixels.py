"""Text in pixels: gone in every kind of picture, nothing else touched, and said only where it was done."""

import pickle
from io import BytesIO

import numpy as np
import pytest
from pydicom import Dataset, dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import (
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGLSLossless,
    RLELossless,
)

from eucaim_pipelines.deidentification.images import Deidentifier
from eucaim_pipelines.deidentification.options import Options
from eucaim_pipelines.deidentification.pixels.cleaning import PixelCleaner, available
from eucaim_pipelines.dicom.examination import examine
from eucaim_pipelines.errors import Refusal

from .objects import to_bytes
from .pictures import MG, NAME, NUMBER, compressed, image, read, region, speckle, stored, written

pytestmark = pytest.mark.xdist_group("ocr")
BANNER = ((NAME, 4, 6), (NUMBER, 180, 6))
MARKS = (("RMLO", 270, 215), ("5 cm", 6, 205))
SCREEN = written(speckle(), *BANNER, *MARKS)
CLEANER = PixelCleaner(installed=True)


def clean(data: bytes) -> bytes:
    return CLEANER.clean(data, examine(data).row)


def readable(frames: np.ndarray) -> str:
    return " ".join(read(frame) for frame in frames)


def assert_unreadable(frames: np.ndarray) -> None:
    text = readable(frames)
    for part in (*NAME.split(), NUMBER, NUMBER[:6], NUMBER[-5:]):
        assert part not in text


def test_the_reader_of_these_tests_can_read():
    assert all(word in read(SCREEN[..., None]) for word in (*NAME.split(), NUMBER, "RMLO", "5CM"))


GREY_16 = SCREEN.astype(np.int16) - 1000
GREY_16[120, 160] = 32_000  # one hot pixel, so that the whole range shows nearly nothing
KINDS = {
    "grey": image(SCREEN),
    "white is zero": image(255 - SCREEN, "MONOCHROME1"),
    "16 bits, signed": image(GREY_16),
    "yellow on black": image(np.stack([SCREEN, SCREEN, SCREEN // 4], axis=-1), "RGB"),
    "full of colour differences": image(
        np.stack([SCREEN, np.full_like(SCREEN, 128), np.full_like(SCREEN, 128)], axis=-1), "YBR_FULL"
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_names_go_and_marks_stay(kind):
    source = KINDS[kind]
    before = np.frombuffer(
        source.PixelData, f"{'i' if kind.startswith('16') else 'u'}{source.BitsAllocated // 8}"
    )
    after = stored(clean(to_bytes(source)))
    before = before.reshape(after.shape)
    assert_unreadable(after[..., :1])
    assert "RMLO" in readable(after[..., :1]) and "5CM" in readable(after[..., :1])
    changed = (before != after).any(axis=(0, 3))
    assert changed[4:22].any()
    assert not changed[30:].any()  # everything below the banner is as it was, the marks included


@pytest.mark.parametrize("size", [8, 24])
def test_small_letters_large_ones_and_letters_at_the_border_go(size):
    grey = written(speckle(), ("KOWALSKA", 0, 0), ("JADWIGA", 150, 238 - size), size=size)
    assert_unreadable(stored(clean(to_bytes(image(grey)))))


def test_text_that_nobody_notices_goes_too():
    """A contrast stretch brings it back."""
    grey = written(np.zeros((480, 640), np.uint8), *BANNER, level=9)
    grey[300:400, 200:400] = 220
    assert not stored(clean(to_bytes(image(grey))))[:, :40].any()


def test_what_is_blanked_is_black_on_the_screen():
    dark = {"grey": 0, "white is zero": 255, "16 bits, signed": -1000, "yellow on black": (0, 0, 0)}
    dark["full of colour differences"] = (0, 128, 128)
    for kind, value in dark.items():
        after = stored(clean(to_bytes(KINDS[kind])))
        assert (after[0, 8:18, 6:140] == value).all(), kind


def test_only_the_regions_of_an_ultrasound_stay():
    edges = {"SequenceOfUltrasoundRegions": region(20, 40, 300, 200)}
    inside = written(SCREEN, ("KOWALSKA", 100, 120))
    after = stored(clean(to_bytes(image(inside, **edges))))
    outside = np.ones(inside.shape, bool)
    outside[40:201, 20:301] = False
    assert not after[0, ..., 0][outside].any()
    assert np.array_equal(after[0, 60:110, 20:301, 0], inside[60:110, 20:301])
    assert_unreadable(after)


def test_regions_that_cannot_be_are_as_good_as_none():
    after = stored(clean(to_bytes(image(SCREEN, SequenceOfUltrasoundRegions=region(400, 0, 900, 90)))))
    assert np.array_equal(after[0, 30:, :, 0], SCREEN[30:])
    assert_unreadable(after)


def cine(where: range, frames: int = 9) -> np.ndarray:
    """Frames of moving noise; on some of them stands a name."""
    found = np.stack([speckle(160, 240, seed) for seed in range(frames)])
    for number in where:
        found[number] = written(found[number], (NAME, 20, 8))
    return found


@pytest.mark.parametrize("where", [range(4, 5), range(2, 3), range(9)], ids=["middle", "projection", "all"])
def test_a_name_that_passes_by_in_a_cine_goes_from_all_frames(where):
    before = cine(where)
    after = stored(clean(to_bytes(image(before))))
    assert after.shape == (9, 160, 240, 1)
    assert_unreadable(after[[*where][:2]])
    assert not after[:, 12:18, 40:100].any()
    assert np.array_equal(after[:, 40:, :, 0], before[:, 40:])


def encoded_by_pydicom(source: Dataset, syntax: str) -> bytes:
    ds = dcmread(BytesIO(to_bytes(source)))
    ds.compress(syntax, generate_instance_uid=False)
    out = BytesIO()
    ds.save_as(out)
    return out.getvalue()


STREAMS = {
    "JPEG": lambda ds: compressed(ds, JPEGBaseline8Bit, "JPEG", quality=95),
    "JPEG 2000": lambda ds: compressed(ds, JPEG2000Lossless, "JPEG2000", no_jp2=True),
    "JPEG-LS": lambda ds: encoded_by_pydicom(ds, JPEGLSLossless),
    "RLE": lambda ds: encoded_by_pydicom(ds, RLELossless),
}


@pytest.mark.parametrize("name", STREAMS)
def test_compressed_pictures_come_out_uncompressed(name):
    data = STREAMS[name](image(SCREEN))
    after = clean(data)
    assert_unreadable(stored(after))
    before = dcmread(BytesIO(data)).pixel_array
    assert np.array_equal(stored(after)[0, 30:, :, 0], before[30:])


def test_a_compressed_colour_cine_is_rgb_afterwards():
    frames = np.repeat(cine(range(3), 3)[..., None], 3, axis=3)
    data = compressed(image(frames, "YBR_FULL_422"), JPEGBaseline8Bit, "JPEG", quality=95)
    after = dcmread(BytesIO(clean(data)))
    assert (after.PhotometricInterpretation, after.PlanarConfiguration, after.SamplesPerPixel) == (
        "RGB",
        0,
        3,
    )
    assert_unreadable(stored(clean(data)))


def test_an_uncompressed_picture_keeps_its_encoding_and_every_other_element():
    planar = image(np.stack([SCREEN, SCREEN, SCREEN // 4]).transpose(1, 2, 0), "RGB", PlanarConfiguration=1)
    planar.PixelData = np.stack([SCREEN, SCREEN, SCREEN // 4]).tobytes()
    for syntax, words in ((ImplicitVRLittleEndian, GREY_16), (ExplicitVRBigEndian, GREY_16.byteswap())):
        for ds in (image(words), planar):
            data = to_bytes(ds, syntax)
            before, after = dcmread(BytesIO(data)), dcmread(BytesIO(clean(data)))
            assert after.file_meta.TransferSyntaxUID == syntax
            assert np.array_equal(after.pixel_array[30:], before.pixel_array[30:])
            assert_unreadable(after.pixel_array.reshape(1, 240, 320, -1)[..., :1])
            del before.PixelData, after.PixelData, after.BurnedInAnnotation
            assert before == after


def test_a_mammogram_loses_its_label_and_keeps_its_side():
    breast = np.zeros((1700, 900), np.uint16)
    breast[300:1300, :500] = np.random.default_rng(3).integers(1390, 1410, (1000, 500))
    letters = written(np.zeros((1700, 900), np.uint8), ("LCC", 650, 200), size=80)
    letters = written(letters, (f"{NAME} {NUMBER}", 420, 1600), size=26)
    breast[letters > 128] = 4000
    source = image(breast, Modality="MG", SOPClassUID=MG, BurnedInAnnotation="YES", BitsStored=12, HighBit=11)
    after = stored(clean(to_bytes(source)))
    assert "LCC" in read(after[0, 150:350, 500:])
    assert_unreadable(after[:, 1500:, 300:])
    assert np.array_equal(after[0, :1450, :, 0], breast[:1450])


def test_what_stands_beside_the_stored_bits_goes():
    hidden = SCREEN.astype(np.uint16) | np.uint16(0x8000)
    after = stored(clean(to_bytes(image(hidden, BitsStored=12, HighBit=11))))
    assert after.max() < 0x1000


def cleaning(profile, pseudonyms, installed: bool = True) -> Deidentifier:
    return Deidentifier(profile, pseudonyms, options=Options(pixels="clean"), cleaner=PixelCleaner(installed))


def test_the_header_says_what_was_done(profile, pseudonyms, subject):
    out = dcmread(
        BytesIO(cleaning(profile, pseudonyms).deidentify_verified(to_bytes(KINDS["grey"]), subject).data)
    )
    codes = {item.CodeValue for item in out.DeidentificationMethodCodeSequence}
    assert "113101" in codes and "113102" not in codes
    assert out.BurnedInAnnotation == "NO"
    assert_unreadable(stored(to_bytes(out)))


def test_the_header_of_a_picture_that_needs_no_cleaning_does_not_say_so(profile, pseudonyms, subject):
    source = image(SCREEN.astype(np.uint16), Modality="CT", SOPClassUID="1.2.840.10008.5.1.4.1.1.2")
    out = dcmread(BytesIO(cleaning(profile, pseudonyms).deidentify(to_bytes(source), subject).data))
    assert "113101" not in {item.CodeValue for item in out.DeidentificationMethodCodeSequence}
    assert "BurnedInAnnotation" not in out
    assert out.PixelData == source.PixelData


@pytest.mark.parametrize("chosen", [Options(), Options(pixels="clean")], ids=["not asked for", "no extra"])
def test_without_cleaning_a_risky_picture_is_held_back(chosen, profile, pseudonyms, subject):
    deidentifier = Deidentifier(profile, pseudonyms, options=chosen, cleaner=PixelCleaner(installed=False))
    with pytest.raises(Refusal) as refused:
        deidentifier.deidentify(to_bytes(KINDS["grey"]), subject)
    assert refused.value.reason == "BURNED_IN_RISK"
    assert refused.value.header["PatientID"] == NUMBER


def test_with_and_without_the_extra_are_two_ways_of_making_an_object(profile, pseudonyms):
    with_it, without = (cleaning(profile, pseudonyms, installed) for installed in (True, False))
    assert with_it.digest != without.digest != Deidentifier(profile, pseudonyms).digest
    assert pickle.loads(pickle.dumps(with_it)).digest == with_it.digest  # noqa: S301 - as a worker receives it


def test_the_extra_is_there_and_says_nothing(capfd):
    assert available()
    clean(to_bytes(KINDS["grey"]))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    "changes",
    [{"PixelData": encapsulate([b"\xff\xd8" + bytes(100)])}, {"BitsAllocated": 64}],
    ids=["broken", "unknown"],
)
def test_pixels_that_cannot_be_read_are_refused_without_a_word(changes, capfd):
    ds = image(SCREEN)
    data = compressed(ds, JPEGBaseline8Bit, "JPEG")
    row = examine(data).row
    broken = dcmread(BytesIO(data))
    for keyword, value in changes.items():
        setattr(broken, keyword, value)
    out = BytesIO()
    broken.save_as(out)
    with pytest.raises(Refusal) as refused:
        CLEANER.clean(out.getvalue(), row)
    assert refused.value.reason == "PIXELS_UNREADABLE"
    assert refused.value.__cause__ is None
    assert capfd.readouterr() == ("", "")
