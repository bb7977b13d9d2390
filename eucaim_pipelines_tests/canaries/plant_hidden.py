"""Values where only bytes can hold them: markers and tables of compressed streams, gaps and ends of a file.

Such an object is either held back or comes out without them; the same object without a value is taken.
"""

from collections.abc import Callable, Iterator
from struct import pack

from eucaim_pipelines_tests.canaries import raw
from eucaim_pipelines_tests.canaries.plant_kinds import finished, smallest
from eucaim_pipelines_tests.canaries.planting import Plant, Planted, Planter
from eucaim_pipelines_tests.canaries.raw import Element, Item
from eucaim_pipelines_tests.canaries.tokens import Tokens

CT = "1.2.840.10008.5.1.4.1.1.2"
JPEG, JPEG_LS, JPEG_2000, RLE = (f"1.2.840.10008.1.2.{end}" for end in ("4.50", "4.80", "4.90", "5"))


def segment(marker: int, payload: bytes) -> bytes:
    """One marker segment."""
    return pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def jpeg(
    start: bytes = b"", tables: bytes = b"", scans: bytes = b"", end: bytes = b"", frame: int = 0xC0
) -> bytes:
    """A JPEG or JPEG-LS image of 2 x 2 samples, as far as markers go, with room for more of them."""
    header = segment(frame, pack(">BHHB3B", 8, 2, 2, 1, 1, 0x11, 0))
    scan = segment(0xDA, bytes((1, 1, 0, 0, 0, 0))) + b"\x12\x34"
    return b"\xff\xd8" + start + header + tables + scan + scans + b"\xff\xd9" + end


def jpeg_2000(header: bytes = b"", tile: bytes = b"", end: bytes = b"") -> bytes:
    """A JPEG 2000 code stream of 2 x 2 samples with one tile part."""
    size = segment(0x51, pack(">H8IH3B", 0, 2, 2, 0, 0, 2, 2, 0, 0, 1, 7, 1, 1))
    style = segment(0x52, bytes((0, 0, 0, 1, 0, 0, 4, 4, 0, 1))) + segment(0x5C, bytes((0x20, 8)))
    data = b"\xff\x93" + bytes(4)
    part = segment(0x90, pack(">HIBB", 0, 12 + len(tile) + len(data), 0, 1)) + tile + data
    return b"\xff\x4f" + size + style + header + part + b"\xff\xd9" + end


def _rle(offsets: bytes = bytes(56), gap: bytes = b"") -> bytes:
    return pack("<II", 1, 64) + offsets + b"\x03\1\2\3\4" + b"\x80" + gap


Stream = Callable[[bytes], Element]
STREAMS: dict[str, tuple[str, Stream]] = {
    "comment": (JPEG, lambda t: raw.encapsulated(b"", jpeg(segment(0xFE, t)))),
    "Exif": (JPEG, lambda t: raw.encapsulated(b"", jpeg(segment(0xE1, b"Exif\0\0" + t)))),
    "JFIF thumbnail": (
        JPEG,
        lambda t: raw.encapsulated(b"", jpeg(segment(0xE0, b"JFIF\0\1\2\0\0\1\0\1\3\1" + t))),
    ),
    "Adobe": (JPEG, lambda t: raw.encapsulated(b"", jpeg(segment(0xEE, b"Adobe" + bytes(7) + t)))),
    "last application marker": (JPEG, lambda t: raw.encapsulated(b"", jpeg(segment(0xEF, t)))),
    "comment before the scan": (JPEG, lambda t: raw.encapsulated(b"", jpeg(tables=segment(0xFE, t)))),
    "comment after a scan": (JPEG, lambda t: raw.encapsulated(b"", jpeg(scans=segment(0xFE, t)))),
    "behind the image": (JPEG, lambda t: raw.encapsulated(b"", jpeg(end=t))),
    "a second image's comment": (JPEG, lambda t: raw.encapsulated(b"", jpeg(), jpeg(segment(0xFE, t)))),
    "a fragment of its own": (JPEG, lambda t: raw.encapsulated(b"", jpeg(), t)),
    "offset table": (JPEG, lambda t: raw.encapsulated(t + bytes(-len(t) % 4), jpeg())),
    "JPEG-LS comment": (JPEG_LS, lambda t: raw.encapsulated(b"", jpeg(segment(0xFE, t), frame=0xF7))),
    "JPEG-LS application": (
        JPEG_LS,
        lambda t: raw.encapsulated(b"", jpeg(segment(0xE8, b"mrfx" + t), frame=0xF7)),
    ),
    "JPEG 2000 comment": (JPEG_2000, lambda t: raw.encapsulated(b"", jpeg_2000(segment(0x64, b"\0\1" + t)))),
    "comment in a tile": (
        JPEG_2000,
        lambda t: raw.encapsulated(b"", jpeg_2000(tile=segment(0x64, b"\0\1" + t))),
    ),
    "behind the code stream": (JPEG_2000, lambda t: raw.encapsulated(b"", jpeg_2000(end=t))),
    "unused RLE offsets": (RLE, lambda t: raw.encapsulated(b"", _rle(t.ljust(56, b"\0")))),
}
CLEAN = {
    JPEG: raw.encapsulated(b"", jpeg()),
    JPEG_LS: raw.encapsulated(b"", jpeg(frame=0xF7)),
    JPEG_2000: raw.encapsulated(b"", jpeg_2000()),
    RLE: raw.encapsulated(b"", _rle()),
}


def clean(tokens: Tokens) -> Iterator[Planted]:
    """The same objects with nothing to hide."""
    for syntax, pixels in CLEAN.items():
        planter = Planter(tokens, syntax)
        item = smallest(planter, CT)
        item[0x7FE00010] = pixels
        yield finished(planter, item, syntax)


def objects(tokens: Tokens, name: str) -> Iterator[Planted]:
    """One hiding place: a stream in its own syntax, any other place in all encodings."""
    if name in STREAMS:
        syntax, build = STREAMS[name]
        planter, token = _with_token(tokens, syntax, name)
        item = smallest(planter, CT)
        item[0x7FE00010] = build(token)
        yield finished(planter, item, name)
        return
    for syntax in raw.SYNTAXES:
        planter, token = _with_token(tokens, syntax, name)
        item = smallest(planter, CT)
        made = finished(planter, item, name, PLACES[name](item, token, syntax) or b"")
        yield made._replace(data=made.data + token) if name == "behind the file" else made


def _with_token(tokens: Tokens, syntax: str, name: str) -> tuple[Planter, bytes]:
    planter, token = Planter(tokens, syntax), tokens.text()
    planter.plants.append(Plant(token, "text", (), 0x7FE00010, "OB", name))
    return planter, token.encode()


def _behind_the_pixels(item: Item, token: bytes, syntax: str) -> None:
    item[0x7FE00010] = Element("OB", bytes((1, 2, 3, 4)) + token)


def _delimiter(item: Item, token: bytes, syntax: str) -> bytes:
    order = ">" if syntax == raw.BIG_ENDIAN else "<"
    return pack(order + "HHI", 0xFFFE, 0xE0DD, len(token)) + token


def _out_of_order(item: Item, token: bytes, syntax: str) -> bytes:
    return raw.encode({0x00100010: Element("PN", token)}, syntax)


def _command(item: Item, token: bytes, syntax: str) -> None:
    item[0x00000600] = Element("AE", token)


def _directory(item: Item, token: bytes, syntax: str) -> None:
    item[0x00041220] = Element("SQ", [{0x00100010: Element("PN", token)}])
    item[0x00041130] = Element("CS", token)


def _too_deep(item: Item, token: bytes, syntax: str) -> None:
    inner: Item = {0x00100010: Element("PN", token)}
    for _ in range(70):
        inner = {0x0040A730: Element("SQ", [inner])}
    item |= inner


PLACES: dict[str, Callable[[Item, bytes, str], bytes | None]] = {
    "behind the file": lambda item, token, syntax: None,
    "behind the last element": lambda item, token, syntax: token,
    "in a delimiter that belongs to nothing": _delimiter,
    "an element out of order": _out_of_order,
    "behind the pixels": _behind_the_pixels,
    "command group": _command,
    "media directory": _directory,
    "too deep": _too_deep,
}
