"""The smallest object of each allowed SOP class that the project takes, and the file meta around it.

What a kind of object holds besides is planted in `plant_contents` and `plant_reports`.
"""

from collections.abc import Callable, Iterable, Iterator
from struct import pack

from eucaim_pipelines.dicom.tables import rows
from eucaim_pipelines_tests.canaries import raw
from eucaim_pipelines_tests.canaries.planting import CHARSETS, Plant, Planted, Planter
from eucaim_pipelines_tests.canaries.raw import Element, Item
from eucaim_pipelines_tests.canaries.tokens import Tokens

Plan = Callable[[Planter, Item, tuple[int, ...]], None]
"""Plants values into an item that lies at a place."""

_MODALITIES = {
    "1.2.840.10008.5.1.4.1.1.2": "CT",
    "1.2.840.10008.5.1.4.1.1.4": "MR",
    "1.2.840.10008.5.1.4.1.1.128": "PT",
    "1.2.840.10008.5.1.4.1.1.130": "PT",
    "1.2.840.10008.5.1.4.1.1.1.2": "MG",
    "1.2.840.10008.5.1.4.1.1.1.1": "DX",
    "1.2.840.10008.5.1.4.1.1.1": "CR",
    "1.2.840.10008.5.1.4.1.1.12.1": "XA",
    "1.2.840.10008.5.1.4.1.1.12.2": "RF",
    "1.2.840.10008.5.1.4.1.1.13.1": "MG",
    "1.2.840.10008.5.1.4.1.1.20": "NM",
    "1.2.840.10008.5.1.4.1.1.77.1.6": "SM",
}
_OTHERS = {"sr": "SR", "seg": "SEG", "rtstruct": "RTSTRUCT", "rwv": "RWV", "ann": "ANN"}
_WITH_PIXELS = frozenset({"image", "seg", "parametric_map"})
NEEDED = frozenset(
    {0x00080005, 0x00080008, 0x00080016, 0x00080060, 0x00080064, 0x00280301, 0x00480010}
    | {0x00280002, 0x00280004, 0x00280006, 0x00280008, 0x00280010, 0x00280011, 0x00280100, 0x00280101}
    | {0x00280102, 0x00280103, 0x7FE00008, 0x7FE00009, 0x7FE00010}
)
"""Top-level attributes that decide whether an object is taken at all: no token can stand there."""


def kinds() -> dict[str, str]:
    """Kind of every allowed SOP class but ultrasound, which is held back before anything is made of it."""
    return {row["uid"]: row["kind"] for row in rows("dicom/sop_classes.csv") if row["modality"] != "US"}


def modality(uid: str) -> str:
    """A modality for a SOP class."""
    kind = kinds()[uid]
    fitting = [known for known in _MODALITIES if uid == known or uid.startswith(known + ".")]
    return _OTHERS.get(kind) or (_MODALITIES[max(fitting, key=len)] if fitting else "OT")


def smallest(planter: Planter, uid: str) -> Item:
    """An object that is taken: identifiers, and 2 x 2 samples where the kind has any."""
    syntax = planter.syntax
    item: Item = {
        0x00080005: raw.text("CS", CHARSETS[planter.encoding]),
        0x00080008: raw.text("CS", "ORIGINAL\\PRIMARY"),
        0x00080016: raw.text("UI", uid),
        0x00080060: raw.text("CS", modality(uid)),
    }
    for tag in (0x00080018, 0x0020000D, 0x0020000E):
        planter.put(item, tag, "UI", group="table")
    for tag, vr in ((0x00100010, "PN"), (0x00100020, "LO")):
        planter.put(item, tag, vr, group="table")
    if kinds()[uid] in _WITH_PIXELS:
        item |= {
            0x00280002: raw.number("US", "H", 1, syntax=syntax),
            0x00280004: raw.text("CS", "MONOCHROME2"),
            0x00280010: raw.number("US", "H", 2, syntax=syntax),
            0x00280011: raw.number("US", "H", 2, syntax=syntax),
            0x00280100: raw.number("US", "H", 8, syntax=syntax),
            0x00280101: raw.number("US", "H", 8, syntax=syntax),
            0x00280102: raw.number("US", "H", 7, syntax=syntax),
            0x00280103: raw.number("US", "H", 0, syntax=syntax),
            0x00280301: raw.text("CS", "NO"),
            0x7FE00010: Element("OB", bytes((1, 2, 3, 4))),
        }
    return item


def planted_in_all_encodings(made: Iterable[tuple[str, Plan]], tokens: Tokens) -> Iterator[Planted]:
    """Objects of SOP classes, each planted by a function of its own, named after both."""
    for uid, plant in made:
        for syntax in raw.SYNTAXES:
            planter = Planter(tokens, syntax)
            item = smallest(planter, uid)
            plant(planter, item, ())
            yield finished(planter, item, f"{uid} {plant.__name__.strip('_').replace('_', ' ')}")


def finished(planter: Planter, item: Item, name: str, behind: bytes = b"") -> Planted:
    """The file, with tokens in its preamble and its file meta group; `behind` follows the last element."""
    meta: Item = {0x00020001: Element("OB", b"\0\1"), 0x00020002: item[0x00080016]}
    for tag, vr in (
        *((0x00020003, "UI"), (0x00020012, "UI"), (0x00020013, "SH"), (0x00020016, "AE")),
        *((0x00020017, "AE"), (0x00020018, "AE"), (0x00020026, "UR"), (0x00020027, "UR")),
        *((0x00020028, "UR"), (0x00020100, "UI"), (0x00020102, "OB"), (0x00020200, "LO")),
    ):
        planter.put(meta, tag, vr, group="file meta")
    token = planter.tokens.text()
    planter.plants.append(Plant(token, "text", (), 0, "", "preamble"))
    preamble = pack("<4s60s", b"II*\0", token.encode())
    data = raw.file(item, planter.syntax, meta, preamble, behind)
    return Planted(name, planter.syntax, data, tuple(planter.plants))
