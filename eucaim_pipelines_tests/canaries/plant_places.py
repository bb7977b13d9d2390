"""Values where the table does not look: the rest of the dictionary, wrong VRs, private and unknown elements.

What kinds of objects hold besides is planted in `plant_contents`.
"""

from collections.abc import Iterator
from itertools import product

from pydicom.datadict import DicomDictionary

from eucaim_pipelines.dicom.tables import rows
from eucaim_pipelines_tests.canaries import raw
from eucaim_pipelines_tests.canaries.plant_kinds import NEEDED, Plan, finished, smallest
from eucaim_pipelines_tests.canaries.plant_table import attach, nested, sow
from eucaim_pipelines_tests.canaries.planting import BINARY, CHARSETS, Plant, Planted, Planter
from eucaim_pipelines_tests.canaries.raw import Item
from eucaim_pipelines_tests.canaries.tokens import Tokens

CT, MR, PET = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4", "1.2.840.10008.5.1.4.1.1.128"
SR, SEG = "1.2.840.10008.5.1.4.1.1.88.33", "1.2.840.10008.5.1.4.1.1.66.4"
_OWN_VALUES = NEEDED | {0x00080018, 0x0020000D, 0x0020000E, 0x00100010, 0x00100020}
_NUMBERS = frozenset(BINARY) | {"IS", "DS"}
_REFERENCE = 0x00081155
"""Under another VR the object is refused, because a reference is lost."""
_NAME, _NUMBER = 0x00100010, 0x00200013
KNOWN_CREATOR = "SIEMENS MR HEADER"
"""Two of its elements may stay (private.csv): a b-value and a direction, if they are in their range."""
_KNOWN = {
    "pattern:models": "SOMATOM",
    "pattern:versions": "syngo CT VA48A",
    "pattern:kernels": "B31f",
    "pattern:filters": "WEDGE_2",
    "pattern:sequence_names": "tfl3d1",
    "pattern:coils": "HEAD",
    "pattern:contrast": "ULTRAVIST 370",
    "pattern:routes": "IV",
    "pattern:radiopharmaceuticals": "FDG",
    "pattern:methods": "OSEM 3i 21s",
    "pattern:rescale_types": "HU",
    "pattern:labels": "Lung",
    "pattern:algorithms": "nnU-Net",
    "pattern:code_versions": "1.2",
    "vocabulary:manufacturers": "SIEMENS",
    "label:SEGMENT": "Lesion",
    "label:ROI": "GTV",
    "terms": "NONE",
}
"""A value that stays under a rule, to which something is added."""


def objects(tokens: Tokens) -> Iterator[Planted]:
    """Objects of five classes, in all encodings."""
    for uid, syntax in zip((CT, MR, PET, SR, SEG), (*raw.SYNTAXES, raw.EXPLICIT), strict=True):
        yield _both(uid, Planter(tokens, syntax), _rest_of_the_dictionary)
    for syntax in raw.SYNTAXES:
        yield _both(CT, Planter(tokens, syntax), _unknown)
        yield _both(MR, Planter(tokens, syntax), _private)
        yield _both(PET, Planter(tokens, syntax), _malformed)
        yield _both(CT, Planter(tokens, syntax), _mixed)
        yield _both(CT, Planter(tokens, syntax), _words)
        yield _both(CT, Planter(tokens, syntax), _after_known_words)
    for syntax in (raw.EXPLICIT, raw.BIG_ENDIAN):
        yield _both(CT, Planter(tokens, syntax), _other_vr)
    for encoding, syntax in zip(CHARSETS, raw.SYNTAXES * 2, strict=False):
        yield _both(CT, Planter(tokens, syntax, encoding), _other_letters)


def _both(uid: str, planter: Planter, plant: Plan) -> Planted:
    """Plant at the top level and three sequences deep."""
    top, path = smallest(planter, uid), nested(uid)
    deep: Item = {}
    plant(planter, top, ())
    plant(planter, deep, path)
    attach(top, deep, path)
    return finished(planter, top, f"{uid} {plant.__name__.strip('_').replace('_', ' ')}")


def _profile() -> Iterator[tuple[int, str, str]]:
    """Tag, first VR and rule of every attribute of the profile that can stand in a data set."""
    for row in rows("deidentification/eucaim.csv"):
        if row["keyword"] and "X" not in row["tag"]:
            tag = int(row["tag"][1:5] + row["tag"][6:10], 16)
            if tag >> 16 not in (0, 2) and tag not in _OWN_VALUES:
                yield tag, row["vr"].split(" or ")[0], row["rule"]


def _rest_of_the_dictionary(planter: Planter, item: Item, place: tuple[int, ...]) -> None:
    listed = {row["tag"] for row in rows("deidentification/eucaim.csv") if row["option"]}
    for tag, (vrs, *_) in sorted(DicomDictionary.items()):
        vr, label = vrs.split(" or ")[0], f"({tag >> 16:04X},{tag & 0xFFFF:04X})"
        if (
            tag >> 16 in (0, 2, 0xFFFE)
            or (tag in _OWN_VALUES and not place)
            or tag in item
            or vr == "NONE"
            or label in listed
        ):
            continue
        sow(planter, item, tag, vr, place, "dictionary")


def _unknown(planter: Planter, item: Item, place: tuple[int, ...]) -> None:
    """Group lengths, tags that no dictionary knows, repeating groups, padding, signatures."""
    for group in (0x0008, 0x0010, 0x0020):
        item[group << 16] = raw.number("UL", "I", 4, syntax=planter.syntax)
        planter.put(item, group << 16, "UL", place, "group length")
    vrs = ("LO", "UN", "UT", "SQ", "OB", "PN", "DA", "UI", "UC", "UR", "IS")
    for number, vr in enumerate(vrs):
        for group in (0x0006, 0x0010, 0x0018, 0x0028, 0x0040, 0x7777 + 1, 0xFFFA):
            sow(planter, item, group << 16 | 0xEE00 + number, vr, place, "tag unknown")
    for group, (number, vr) in product(range(0, 0x20, 2), _GROUPS.items()):
        sow(planter, item, 0x50000000 | group << 16 | number, vr, place, "curve")
        sow(planter, item, 0x60000000 | group << 16 | number + 1, vr, place, "overlay")
    if planter.syntax in (raw.EXPLICIT, raw.DEFLATED):
        child: Item = {}
        planter.put(child, _NUMBER, "IS", (*place, 0x00081140), "sequence as UN")
        planter.put(child, _NAME, "PN", (*place, 0x00081140), "sequence as UN")
        item[0x00081140] = raw.unknown_sequence([child])


_GROUPS = {0x0022: "LO", 0x0040: "CS", 0x1500: "LO", 0x2500: "LO", 0x3000: "OB", 0x4000: "LT", 0x2600: "SQ"}


def _private(planter: Planter, item: Item, place: tuple[int, ...]) -> None:
    for block, group in enumerate((0x0009, 0x0019, 0x0029, 0x2001, 0x2005, 0x7053, 0x7FE1, 0xFFE1)):
        creator = group << 16 | 0x10 + block
        planter.put(item, creator, "LO", place, "private creator")
        for number, vr in enumerate(("LO", "UN", "SQ", "PN", "DA", "UI", "OB", "DS", "US", "IS", "FD", "UT")):
            tag = group << 16 | (0x10 + block) << 8 | number
            sow(planter, item, tag, vr, place, "private")
        sow(planter, item, group << 16 | 0xFF01, "LO", place, "private without creator")
    item[0x00190020] = raw.text("LO", KNOWN_CREATOR)
    for number, vr in ((0x0B, "IS"), (0x0C, "IS"), (0x0D, "FD"), (0x0E, "FD"), (0x0F, "LO"), (0x10, "SQ")):
        sow(planter, item, 0x00192000 | number, vr, place, "private of a known creator")
    item[0x00290020] = raw.text("LO", "SIEMENS CSA HEADER")
    for number, vr in ((0x2008, "CS"), (0x2009, "LO"), (0x2010, "OB"), (0x2020, "OB")):
        sow(planter, item, 0x00290000 | number, vr, place, "private")


def _malformed(planter: Planter, item: Item, place: tuple[int, ...]) -> None:
    """Letters in numbers, dates, times, ages and UIDs of the right VR; and after a good value."""
    good = {"DA": "20190604{}", "TM": "101112{}", "AS": "068Y{}", "UI": "1.2.840.10008.1.1{}", "DS": "1.5 {}"}
    for tag, vr, _ in _profile():
        if vr in _NUMBERS | {"DA", "DT", "TM", "AS", "UI"} and tag not in item:
            planter.as_text(item, tag, vr, place, "malformed", good.get(vr, "{}") if tag & 2 else "{}")


def _other_vr(planter: Planter, item: Item, place: tuple[int, ...]) -> None:
    """Every attribute of the profile under a VR that is not its own."""
    others = ("LO", "UN", "UT", "OB", "PN", "SQ", "CS")
    for index, (tag, vr, _) in enumerate(_profile()):
        other = next(name for name in others[index % 7 :] + others if name != vr)
        if tag not in item and tag not in (nested(CT)[0], _REFERENCE):
            sow(planter, item, tag, other, place, "other VR")


def _mixed(planter: Planter, item: Item, place: tuple[int, ...]) -> None:
    """A value that may stay with a word beside it; the form changes from encoding to encoding."""
    turn = raw.SYNTAXES.index(planter.syntax)
    for index, (tag, vr, rule) in enumerate(_profile()):
        if rule in _KNOWN and tag not in item:
            group, form = _FORMS[(index + turn) % len(_FORMS)]
            _word(planter, item, tag, vr, place, group, form.replace("{known}", _KNOWN[rule]))


_FORMS = (
    *(("mixed", "{known}\\{word}"), ("after a known value", "{known} {word}")),
    *(("mixed", "{word} {known}"), ("mixed", "{known}^{word}")),
)


def _after_known_words(planter: Planter, item: Item, place: tuple[int, ...]) -> None:
    """Words behind beginnings that patterns know."""
    for tag, vr, form in (
        *(
            (0x00181020, "LO", "syngo {word}"),
            (0x00081090, "LO", "SIGNA {word}"),
            (0x00180031, "LO", "Tc-99m {word}"),
        ),
        *((0x00181250, "SH", "8HD {word}"), (0x00620009, "LO", "BAMF {word}"), (0x00180024, "SH", "*{word}")),
        *(
            (0x00181210, "SH", "B31f {word}"),
            (0x00180010, "LO", "IV {word}"),
            (0x00181160, "SH", "WEDGE {word}"),
        ),
        *(
            (0x00541103, "LO", "OSEM {word}"),
            (0x00620005, "LO", "Lesion {word}"),
            (0x00620006, "ST", "GTV {word}"),
        ),
        *((0x00189005, "SH", "{word}_1"), (0x00281054, "LO", "HU {word}"), (0x00181040, "LO", "oral {word}")),
    ):
        _word(planter, item, tag, vr, place, "open pattern", form)


def _words(planter: Planter, item: Item, place: tuple[int, ...]) -> None:
    """Words, as names are, in every attribute whose values are not simply removed."""
    for tag, vr, rule in _profile():
        if tag not in item and vr != "SQ" and rule not in ("number", "clear", "binary"):
            _word(planter, item, tag, vr, place, "word", "{word}")


def _word(
    planter: Planter, item: Item, tag: int, vr: str, place: tuple[int, ...], group: str, form: str
) -> None:
    word = planter.tokens.word()
    planter.plants.append(Plant(word, "text", place, tag, vr, group))
    item[tag] = raw.text(vr, form.replace("{word}", word))


def _other_letters(planter: Planter, item: Item, place: tuple[int, ...]) -> None:
    """Text that has no letter of ASCII, in the object's character set."""
    script = planter.encoding if planter.encoding != "utf-8" else "iso2022_jp"
    for tag, vr, _ in _profile():
        if vr not in ("LO", "SH", "ST", "LT", "UT", "UC", "PN") or tag in item:
            continue
        token = planter.tokens.script(script)
        planter.plants.append(Plant(token, "script", place, tag, vr, "letters"))
        item[tag] = raw.text(vr, token, planter.encoding)
