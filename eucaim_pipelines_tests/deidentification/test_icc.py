"""Colour profiles: colours are the same, and no word, date or name leaves with them."""

from io import BytesIO
from pathlib import Path
from struct import pack, unpack_from

import pydicom
import pytest
from PIL import Image, ImageCms

from eucaim_pipelines.deidentification.engine import icc

TOKEN = b"Quintanilla"
WIDE = TOKEN.decode().encode("utf-16-be")
GREY_CURVE = b"curv" + bytes(4) + pack(">I4H", 4, 0, 9000, 30000, 65535)


def fixed(*numbers: float) -> bytes:
    return pack(f">{len(numbers)}i", *(round(each * 65536) for each in numbers))


def xyz(*numbers: float) -> bytes:
    return b"XYZ " + bytes(4) + fixed(*numbers)


COLOUR = {
    b"rXYZ": xyz(0.4361, 0.2225, 0.0139),
    b"gXYZ": xyz(0.3851, 0.7169, 0.0971),
    b"bXYZ": xyz(0.1431, 0.0606, 0.7141),
    b"wtpt": xyz(0.9642, 1, 0.8249),
    b"rTRC": GREY_CURVE,
    b"gTRC": GREY_CURVE,
    b"bTRC": b"para" + bytes(4) + pack(">HH", 0, 0) + fixed(2.2),
    b"chad": b"sf32" + bytes(4) + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1),
}
TABLE_8 = b"mft1" + bytes(4) + b"\3\3\2\0" + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1) + bytes(range(256)) * 3
TABLE_8 += bytes(range(24)) + bytes(range(256)) * 3
TABLE_16 = b"mft2" + bytes(4) + b"\3\3\2\0" + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1) + pack(">HH", 2, 2)
TABLE_16 += pack(">6H", *[0, 65535] * 3) + pack(">24H", *range(24)) + pack(">6H", *[0, 65535] * 3)
LINEAR = b"curv" + bytes(8)


def staged(gap: bytes = b"") -> bytes:
    """Three curves, a grid of 2 x 2 x 2 and three curves, with bytes between them."""
    gap += bytes(-len(gap) % 4)
    grid = b"\2\2\2".ljust(16, b"\0") + b"\1\0\0\0" + bytes(range(24))
    curves = 32 + len(gap)
    after = curves + 36 + len(gap)
    offsets = pack(">5I", curves, 0, 0, after, after + len(grid) + len(gap))
    return b"mAB " + bytes(4) + b"\3\3\0\0" + offsets + gap + LINEAR * 3 + gap + grid + gap + LINEAR * 3


def profile(
    tags: dict[bytes, bytes], behind: bytes = b"", version: int = 2, **fields: tuple[int, bytes]
) -> bytes:
    head = bytearray(128)
    head[8], head[12:24], head[36:40] = version, b"mntrRGB XYZ ", b"acsp"
    head[24:36] = pack(">6H", 2019, 6, 4, 1, 2, 3)
    head[68:80] = fixed(0.9642, 1, 0.8249)
    for at, content in fields.values():
        head[at : at + len(content)] = content
    start, table, body = 132 + 12 * len(tags), pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += pack(">4sII", name, start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    whole = bytes(head) + table + body
    return pack(">I", len(whole)) + whole[4:] + behind


def tags_of(data: bytes) -> dict[bytes, bytes]:
    found = {}
    for index in range(unpack_from(">I", data, 128)[0]):
        name, offset, length = unpack_from(">4sII", data, 132 + 12 * index)
        assert offset % 4 == 0 and offset + length <= len(data)
        found[name] = data[offset : offset + length]
    return found


def cleaned(data: bytes) -> bytes:
    kept = icc.cleaned(data)
    assert kept is not None and unpack_from(">I", kept)[0] == len(kept) and len(kept) % 4 == 0
    assert TOKEN not in kept and WIDE not in kept
    ImageCms.ImageCmsProfile(BytesIO(kept))
    return kept


def colours(data: bytes) -> bytes:
    ramp = Image.linear_gradient("L").resize((32, 32))
    picture = Image.merge("RGB", (ramp, ramp.rotate(90), ramp.rotate(180)))
    source = ImageCms.ImageCmsProfile(BytesIO(data))
    return ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB")).tobytes()


@pytest.mark.parametrize("version", [2, 4])
def test_colours_are_the_same(version):
    source = profile(COLOUR, version=version)
    kept = cleaned(source)
    assert {name: tags_of(kept)[name] for name in COLOUR} == COLOUR
    assert kept[8:24] == source[8:24] and colours(kept) == colours(source)
    assert tags_of(kept)[b"desc"][:4] == (b"mluc" if version == 4 else b"desc")
    assert icc.cleaned(kept) == kept


TEXTS = {
    "text": b"text" + bytes(4) + TOKEN + b"\0",
    "desc": b"desc" + bytes(4) + pack(">I", 12) + TOKEN + b"\0" + bytes(78),
    "mluc": b"mluc" + bytes(4) + pack(">II4sII", 1, 12, b"enUS", len(WIDE), 28) + WIDE,
    "dtim": b"dtim" + bytes(4) + pack(">6H", 2019, 6, 4, 1, 2, 3) + TOKEN,
    "sig ": b"sig " + bytes(4) + b"Quin" + TOKEN,
    "ui08": b"ui08" + bytes(4) + TOKEN,
    "data": b"data" + bytes(8) + TOKEN,
    "vcgt": b"vcgt" + bytes(4) + TOKEN,
    "mmod": b"mmod" + bytes(4) + TOKEN,
    "dict": b"dict" + bytes(4) + WIDE,
    "pseq": b"pseq" + bytes(4) + pack(">I", 1) + TOKEN,
    "view": b"view" + bytes(4) + TOKEN,
}
NAMES = [
    b"desc",
    b"cprt",
    b"dmnd",
    b"dmdd",
    b"vued",
    b"calt",
    b"targ",
    b"tech",
    b"meta",
    b"pseq",
    b"psid",
    b"vcgt",
]
NAMES += [b"mmod", b"view", b"Quin", b"rTRC", b"wtpt", b"A2B0", b"chad", b"lumi"]


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("name", NAMES)
def test_no_text_stays_under_whatever_name(kind, name):
    kept = icc.cleaned(profile({**COLOUR, name: TEXTS[kind]}))
    if name == b"rTRC":
        assert kept is None
    else:
        assert kept is not None and TOKEN not in kept and WIDE not in kept and b"Quin" not in kept
        assert colours(kept) == colours(profile({k: v for k, v in COLOUR.items() if k != name}))


@pytest.mark.parametrize(("at", "length"), [(4, 4), (10, 2), (24, 12), (40, 4), (44, 3), (48, 16), (80, 48)])
def test_nothing_of_the_header_stays_but_what_colours_need(at, length):
    source = profile(COLOUR, planted=(at, (TOKEN * 5)[:length]))
    assert cleaned(source) == cleaned(profile(COLOUR))


def test_the_date_is_a_constant():
    assert unpack_from(">6H", cleaned(profile(COLOUR)), 24) == (2000, 1, 1, 0, 0, 0)


@pytest.mark.parametrize("at", [8, 12, 16, 20, 36, 64])
def test_a_header_that_says_something_else_is_no_profile(at):
    assert icc.cleaned(profile(COLOUR, planted=(at, b"Quin"))) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [*COLOUR.items(), (b"A2B0", TABLE_8), (b"A2B1", TABLE_16), (b"B2A0", staged()), (b"gamt", TABLE_8)],
)
def test_a_value_ends_where_its_type_says(name, value):
    kept = tags_of(cleaned(profile({**COLOUR, name: value})))
    assert kept[name].rstrip(b"\0") == value.rstrip(b"\0")
    for longer in (value + TOKEN, value + bytes(4) + WIDE, value[:4] + b"Quin" + value[8:] + TOKEN):
        assert tags_of(cleaned(profile({**COLOUR, name: longer}))) == kept
    assert icc.cleaned(profile({**COLOUR, name: value[:-2]})) != profile({**COLOUR, name: value})


def test_nothing_stays_between_the_stages_of_a_table():
    kept = tags_of(cleaned(profile({**COLOUR, b"A2B0": staged(TOKEN)})))
    assert kept[b"A2B0"] == tags_of(cleaned(profile({**COLOUR, b"A2B0": staged()})))[b"A2B0"]


@pytest.mark.parametrize(
    "value",
    [
        b"curv" + bytes(4) + pack(">I", len(WIDE) // 2) + WIDE,
        b"curv" + bytes(4) + pack(">I", 6) + TOKEN + b"!",
        b"curv" + bytes(4) + pack(">I", 0xFFFFFFFF) + TOKEN,
        b"para" + bytes(4) + pack(">HH", 4, 0) + (TOKEN * 3)[:28],
        b"para" + bytes(4) + pack(">HH", 9, 0) + TOKEN,
    ],
)
def test_letters_are_no_curve(value):
    assert icc.cleaned(profile({**COLOUR, b"rTRC": value})) is None


@pytest.mark.parametrize("name", [b"wtpt", b"bkpt", b"lumi"])
def test_letters_are_no_colour(name):
    kept = cleaned(profile({**COLOUR, name: b"XYZ " + bytes(4) + (TOKEN + b"!")}))
    assert name not in tags_of(kept)


def test_a_tag_that_reaches_over_others_brings_nothing_of_them():
    source = bytearray(profile({b"cprt": TEXTS["text"], **COLOUR}))
    at = bytes(source).index(b"rTRC")
    offset = unpack_from(">I", source, at + 4)[0]
    source[at + 8 : at + 12] = pack(">I", len(source) - offset)  # to the end of the profile
    assert cleaned(bytes(source)) == cleaned(profile(COLOUR))
    source[at + 4 : at + 12] = pack(">II", 144, len(source) - 144)  # over the tag table and everything
    assert icc.cleaned(bytes(source)) is None


def test_bytes_behind_the_profile_and_tags_unknown_or_named_twice_go():
    assert cleaned(profile(COLOUR, behind=TOKEN)) == cleaned(profile(COLOUR))
    assert cleaned(profile({**COLOUR, b"Quin": GREY_CURVE})) == cleaned(profile(COLOUR))
    whole = profile({**COLOUR, b"qTRC": LINEAR}).replace(b"qTRC", b"rTRC")
    assert tags_of(cleaned(whole)) == tags_of(cleaned(profile(COLOUR)))


@pytest.mark.parametrize(
    "source", [b"", b"no profile", bytes(200), profile({}), profile({b"rTRC": GREY_CURVE})]
)
def test_what_has_no_colours_is_left_out(source):
    assert icc.cleaned(source) is None


def test_a_real_profile_shows_the_same_colours():
    folder = Path(pydicom.__file__).parent / "data"
    ds = next(
        found
        for found in (
            pydicom.dcmread(path) for path in sorted(folder.rglob("*.dcm")) if "hotmetal" in path.name
        )
        if "ICCProfile" in found
    )
    assert b"Copyright" in ds.ICCProfile and b"Copyright" not in cleaned(ds.ICCProfile)
    assert colours(cleaned(ds.ICCProfile)) == colours(ds.ICCProfile)
