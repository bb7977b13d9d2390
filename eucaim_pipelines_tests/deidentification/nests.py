"""Random objects for the properties: nests of any elements, and pairs of patients who share what they can.

What must hold of their released form is said in `test_properties`.
"""

import warnings
from collections.abc import Mapping
from struct import pack
from typing import Any, NamedTuple

from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.datadict import DicomDictionary
from pydicom.dataelem import RawDataElement
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from .objects import SYNTAXES, planted_object
from .written import BIG_ENDIAN, Element, file
from .written import SYNTAXES as WRITTEN

TOKEN = "Zqxwjk"
"""Stands in every text of a nest; no word of the Standard or of a product contains it."""
ROOT, DAY = "1.2.826.0.1.3680043.9.8877", "18930412"
_VALUES: Mapping[str, Any] = {
    "UI": ROOT + ".{}",
    "DA": DAY,
    "DT": DAY + "101112.5",
    "CS": TOKEN.upper() + "{}",
    "AS": TOKEN[:4],
    "PN": TOKEN + "^Ñandú{}=" + TOKEN,
    "UN": (TOKEN + "{}  ").encode(),
    "OB": (TOKEN + "{}  ").encode(),
    "OW": (TOKEN + "{}  ").encode(),
    "IS": TOKEN + "{}",
    "DS": TOKEN + "{}",
    "TM": TOKEN + "{}",
    "US": b"Zqxwjk",
    "FD": b"Zqxwjk  ",
    "AT": b"Zqxwjk  ",
}
_BINARY = frozenset(
    {"US", "SS", "UL", "SL", "FL", "FD", "AT", "OB", "OW", "OF", "OD", "OL", "OV", "SV", "UV"}
)
_DECIDING = frozenset({0x00080005, 0x00280301, 0x00080064, 0x00480010, 0x00280008})
"""Attributes that decide how texts are read or whether an object may enter at all."""
_TAGS = sorted(
    tag
    for tag, entry in DicomDictionary.items()
    if 0x00080000 < tag < 0x7F000000 and entry[0] != "SQ" and tag not in _DECIDING
)
_SEQUENCES = sorted(tag for tag, entry in DicomDictionary.items() if entry[0] == "SQ" and tag > 0x00080000)
_PRIVATE = (0x00090010, 0x00091001, 0x00191001, 0x2001100A, 0x20051010, 0x7FE11010)
_VRS = (*_VALUES, "LO", "SH", "ST", "LT", "UT", "UC", "AE", "UR")


def _element(tag: int, number: int, other_vr: str | None) -> Element:
    listed = str(DicomDictionary[tag][0]).split(" or ")[0] if tag in DicomDictionary else "LO"
    vr = other_vr or listed
    value = _VALUES.get(vr, TOKEN + "{}")
    if listed in _BINARY:
        value = bytes(8)  # numbers stay by a rule, whatever their bytes spell
    elif listed in ("IS", "DS"):
        value = TOKEN + "{}"  # a day would be a number where the file says no VR
    raw = value if isinstance(value, bytes) else value.format(number).encode()
    return tag, vr, raw.replace(b"{}", str(number).encode())


def _item(planted: list[tuple[int, int, str | None]], nested: list[Element]) -> list[Element]:
    by_tag = {tag: _element(tag, number, other_vr) for tag, number, other_vr in planted}
    return list((by_tag | {element[0]: element for element in nested}).values())


_PLANTED = st.lists(
    st.tuples(
        st.one_of(st.sampled_from(_TAGS), st.sampled_from(_PRIVATE)),
        st.integers(0, 999),
        st.one_of(st.none(), st.none(), st.sampled_from(_VRS)),
    ),
    max_size=12,
)
_ITEMS = st.recursive(
    st.builds(_item, _PLANTED, st.just([])),
    lambda inner: st.builds(
        _item,
        _PLANTED,
        st.lists(
            st.tuples(st.sampled_from(_SEQUENCES), st.just("SQ"), st.lists(inner, max_size=3)), max_size=4
        ),
    ),
    max_leaves=12,
)


def _in_an_image(planted: list[Element], syntax: str, undefined: bool) -> bytes:
    """A file that may enter, with everything planted but at the few places that decide whether it may."""
    order = ">" if syntax == BIG_ENDIAN else "<"
    image = {tag: (tag, vr, text.encode()) for tag, vr, text in _IMAGE}
    image |= {tag: (tag, "US", pack(order + "H", number)) for tag, number in _NUMBERS}
    image[0x7FE00010] = (0x7FE00010, "OW", bytes(range(32)))
    return file(
        [*({tag: (tag, vr, value) for tag, vr, value in planted} | image).values()],
        syntax,
        undefined=undefined,
    )


_IMAGE = (
    (0x00080005, "CS", "ISO_IR 192"),
    (0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.2"),
    (0x00080018, "UI", ROOT + ".1"),
    (0x00080060, "CS", "CT"),
    (0x0020000D, "UI", ROOT + ".2"),
    (0x0020000E, "UI", ROOT + ".3"),
    (0x00280004, "CS", "MONOCHROME2"),
)
_NUMBERS = (
    (0x00280002, 1),
    (0x00280010, 4),
    (0x00280011, 4),
    (0x00280100, 16),
    (0x00280101, 16),
    (0x00280102, 15),
    (0x00280103, 0),
)
NESTS = st.builds(_in_an_image, _ITEMS, st.sampled_from(WRITTEN), st.booleans())
"""Files in which every element that may hold anything holds the token, the root or the day."""


class Sighting(NamedTuple):
    """One object of one of two patients, made of few values so that patients share them."""

    patient: int
    pooled: bool
    day: str
    character_set: str
    name: bytes
    label: bytes
    concept: str
    text: str
    number: str
    creator: str
    signed: bool
    syntax: str
    vr: str


_CHOICES: Mapping[str, tuple[Any, ...]] = {
    "patient": (0, 1),
    "pooled": (False, True),
    "day": ("20190604", "20201231"),
    "character_set": ("ISO_IR 100", "ISO_IR 126", "ISO_IR 144", "ISO_IR 192"),
    "name": (b"\xc4\xe5\xf1\xef", b"Liver "),
    "label": (b"\xc4\xe5\xf1\xef", b"Liver "),
    "concept": ("112039", "121071", "121033", "121031"),
    "text": ("Lesion 1", "91"),
    "number": ("91", "45"),
    "creator": ("SIEMENS MR HEADER", "GEMS_PARM_01", "QUARNDORF"),
    "signed": (False, True),
    "syntax": tuple(SYNTAXES),
    "vr": ("SH", "LO", "UN"),
}


def _one_after_the_other(changes: list[tuple[str, Any]]) -> list[Sighting]:
    seen = [Sighting(**{name: choices[0] for name, choices in _CHOICES.items()})]
    for name, value in changes:
        seen.append(seen[-1]._replace(**{name: value}))
    return seen


SIGHTINGS = st.builds(
    _one_after_the_other,
    st.lists(
        st.sampled_from([(name, value) for name, choices in _CHOICES.items() for value in choices]),
        min_size=4,
        max_size=9,
    ),
)
"""What one de-identifier sees: each object is the one before but for one change."""


def sighted(sighting: Sighting) -> Dataset:
    """The object of a sighting: equal values at many places, of which only some may share a replacement."""
    with warnings.catch_warnings(action="ignore"):
        ds = planted_object(StudyDate=sighting.day, SpecificCharacterSet=sighting.character_set)
        ds.PatientName = ds.ReferringPhysicianName = "Quintanilla"
        ds.PatientComments = ds.SeriesDescription = "Quintanilla"
        ds.PatientID = f"HOSP-{sighting.patient}" if not sighting.pooled else "HOSP-0"
        ds.PixelRepresentation = int(sighting.signed)
        ds.StudyID = "17"
        ds.add_new("PixelPaddingValue", "SS" if sighting.signed else "US", 17)
        for tag in (0x00080050, 0x00080070, 0x00081090, 0x00620020):
            ds._dict[Tag(tag)] = _raw(tag, sighting.vr, sighting.name)
        segment = Dataset()
        segment.SegmentNumber = len(sighting.text)
        segment._dict[Tag(0x00620005)] = _raw(0x00620005, "LO", sighting.label)
        ds.SegmentSequence = Sequence([segment])
        ds.ContentSequence = Sequence(
            [
                _content("TEXT", sighting, TextValue=sighting.text),
                _content("DATE", sighting, Date=sighting.day),
                _content("UIDREF", sighting, UID="1.2.826.0.1.3680043.77.2"),
            ]
        )
        measured = Dataset()
        measured.NumericValue = sighting.number
        number = _content("NUM", sighting)
        number.MeasuredValueSequence = Sequence([measured])
        ds.ContentSequence.append(number)
        block = ds.private_block(0x0019, sighting.creator, create=True)
        block.add_new(0x0C, "IS", sighting.number.split(".")[0])
    return ds


def _raw(tag: int, vr: str, value: bytes) -> RawDataElement:
    return RawDataElement(Tag(tag), vr, len(value), value, 0, False, True)


def _content(kind: str, sighting: Sighting, **values: str) -> Dataset:
    item, name = Dataset(), Dataset()
    item.RelationshipType, item.ValueType = "CONTAINS", kind
    name.CodeValue, name.CodingSchemeDesignator, name.CodeMeaning = sighting.concept, "DCM", sighting.text
    item.ConceptNameCodeSequence = Sequence([name])
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item
