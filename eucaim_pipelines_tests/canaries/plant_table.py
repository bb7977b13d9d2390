"""A value in every row of PS3.15 Table E.1-1, at the top level and three sequences deep, in every SOP class.

Places that the table does not name are planted in `plant_places`.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import cycle, product

from pydicom.datadict import DicomDictionary, tag_for_keyword

from eucaim_pipelines.dicom.tables import rows
from eucaim_pipelines_tests.canaries import raw
from eucaim_pipelines_tests.canaries.plant_kinds import NEEDED, finished, kinds, smallest
from eucaim_pipelines_tests.canaries.planting import Planted, Planter
from eucaim_pipelines_tests.canaries.raw import Element, Item
from eucaim_pipelines_tests.canaries.tokens import Tokens

_PATHS = {
    "image": ("SharedFunctionalGroupsSequence", "DerivationImageSequence", "SourceImageSequence"),
    "seg": ("SegmentSequence", "AnatomicRegionSequence", "AnatomicRegionModifierSequence"),
    "sr": ("ContentSequence", "ContentSequence", "ContentSequence"),
    "rtstruct": ("StructureSetROISequence", "DerivationCodeSequence", "EquivalentCodeSequence"),
    "ann": ("AnnotationGroupSequence", "MeasurementsSequence", "MeasurementValuesSequence"),
    "rwv": ("ReferencedSeriesSequence", "ReferencedInstanceSequence", "PurposeOfReferenceCodeSequence"),
    "parametric_map": (
        *("PerFrameFunctionalGroupsSequence", "RealWorldValueMappingSequence"),
        "MeasurementUnitsCodeSequence",
    ),
}
"""Sequences that stay, so that what lies inside is decided by its own rule."""

_NEW_VRS = cycle(("LO", "UN", "UT", "SH", "PN", "SQ", "OB"))
_INSTANCE_NUMBER, _COMMENTS = 0x00200013, 0x00104000


def table(lines: Iterable[Mapping[str, str]]) -> list[tuple[int, str]]:
    """Tag and VR of every row; a row of a repeating group stands for all its groups.

    Tags that are newer than the dictionary have no VR.
    """
    found = []
    for row in lines:
        label = row["tag"]
        if label.startswith("(50XX"):
            numbers = {0x0022: "LO", 0x0030: "SH", 0x2500: "LO", 0x2600: "SQ", 0x3000: "OB"}
            found += [
                (0x50000000 | g << 16 | number, vr) for g in (0, 2, 0x1E) for number, vr in numbers.items()
            ]
        elif label.startswith("(60XX"):
            number, vr = int(label[6:10], 16), {"3000": "OW", "4000": "LT"}[label[6:10]]
            found += [(0x60000000 | group << 16 | number, vr) for group in range(0, 0x20, 2)]
        elif label.startswith("(GGGG"):
            found += [(0x00290010, "LO"), (0x00291001, "LO"), (0x7FE10010, "LO"), (0x7FE11001, "OB")]
        else:
            found.append((int(label[1:5] + label[6:10], 16), row["vr"].split(" or ")[0]))
    return found


def profile() -> list[tuple[int, str]]:
    """Every row of the table and some more: what the profile does not keep just because of its VR."""
    own = rows("deidentification/eucaim.csv")
    return table(row for row in own if row["option"] or row["action"] != "K")


def objects(tokens: Tokens) -> Iterator[Planted]:
    """One object of each SOP class; CT, report, segmentation and structure set in every encoding."""
    turns = cycle(raw.SYNTAXES)
    every = {
        "1.2.840.10008.5.1.4.1.1.2",
        "1.2.840.10008.5.1.4.1.1.88.33",
        "1.2.840.10008.5.1.4.1.1.66.4",
        "1.2.840.10008.5.1.4.1.1.481.3",
    }
    for uid in kinds():
        for syntax in raw.SYNTAXES if uid in every else (next(turns),):
            yield _object(uid, profile(), Planter(tokens, syntax))


def nested(uid: str) -> tuple[int, ...]:
    """Tags of three sequences within each other that stay in objects of a SOP class."""
    return tuple(tag_for_keyword(keyword) or 0 for keyword in _PATHS[kinds()[uid]])


def _object(uid: str, listed: list[tuple[int, str]], planter: Planter) -> Planted:
    top, deep, path = smallest(planter, uid), Item(), nested(uid)
    for (tag, vr), (item, place) in product(listed, ((top, ()), (deep, path))):
        if tag >> 16 in (0, 2) or (item is top and (tag in top or tag in NEEDED)):
            continue
        sow(planter, item, tag, vr or next(_NEW_VRS), place, "table")
    attach(top, deep, path)
    return finished(planter, top, uid)


def sow(planter: Planter, item: Item, tag: int, vr: str, place: tuple[int, ...], group: str) -> None:
    """Plant one attribute; a sequence gets an item with text and a number, which stays if the item does."""
    if vr == "SQ":
        child: Item = {}
        planter.put(child, _INSTANCE_NUMBER, "IS", (*place, tag), group)
        planter.put(child, _COMMENTS, "LT", (*place, tag), group)
        item[tag] = Element("SQ", [child])
        return
    planter.put(item, tag, vr, place, group, _many(tag))


def attach(top: Item, deep: Item, path: tuple[int, ...]) -> None:
    """Put an item at the end of a path of sequences, beside whatever items stand there."""
    for tag in reversed(path):
        deep = {tag: Element("SQ", [deep])}
    for tag, element in deep.items():
        known = top.get(tag)
        before = known.value if known is not None and isinstance(known.value, list) else []
        top[tag] = Element("SQ", [*before, *element.value])


def _many(tag: int) -> int:
    """Two values where an attribute may have several, else as many as it must have."""
    low, _, high = DicomDictionary[tag][1].partition("-") if tag in DicomDictionary else ("1", "", "")
    return max(int(low), 2) if high else int(low)
