"""A search of released bytes for everything that identifies in the source; uses pydicom and tables only.

It shares no code with the engine or its verifier, and knows no rule of the profile.
"""

import csv
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from pydicom import Dataset
from pydicom.charset import python_encoding
from pydicom.dataelem import DataElement
from pydicom.sr._concepts_dict import concepts
from pydicom.uid import UID_dictionary

from eucaim_pipelines import contracts
from eucaim_pipelines.dicom.values import quiet

LONG_ENOUGH = 6
"""Characters from which on a value is searched as bytes (§9 of the rules)."""

_TEXT = frozenset({"PN", "LO", "SH", "ST", "LT", "UT", "UC", "AE", "UR"})
_PUBLIC_CONSTANTS = frozenset({"ContextGroupVersion", "CodingSchemeVersion", "CodingSchemeDesignator"})
_LETTER = re.compile(r"[^\W\d_]")
_TOKEN, _SHAPED = re.compile("[0-9a-f]{16}"), re.compile("[A-Z0-9]{12}")
_MADE = {
    "AccessionNumber": _SHAPED,
    "StudyID": _SHAPED,
    "TrackingID": _TOKEN,
    "TextValue": _TOKEN,
    "ContainerIdentifier": _TOKEN,
    "SpecimenIdentifier": _TOKEN,
    "AnnotationGroupLabel": _TOKEN,
    "LUTLabel": _TOKEN,
    "StackID": re.compile("[0-9]{1,3}|[0-9a-f]{16}"),
    "SegmentLabel": re.compile("SEGMENT_[0-9]+"),
    "ROIName": re.compile("ROI_[0-9]+"),
    "PatientID": re.compile("EUCAIM-[0-9a-f]{16}"),
    "VerifyingObserverName": re.compile("EUCAIM-[0-9a-f]{16}"),
    "PatientName": re.compile("EUCAIM-[0-9a-f]{16}"),
    "DeidentificationMethod": re.compile("eucaim_pipelines eucaim [0-9a-f]{12}"),
    "CodeValue": re.compile("[0-9a-f]{16}"),
}
"""What the de-identifier makes itself looks like this."""
_CODED = frozenset({"CodeValue", "LongCodeValue", "CodingSchemeDesignator", "CodeMeaning"})
_CODE = re.compile(r"[0-9]{6,18}|[a-z]-[0-9a-f]{4,5}|c[0-9]{5,7}|[0-9]{1,5}-[0-9]|\{(?:suvbw\}g/ml|pixels\})")
"""Codes of SNOMED CT and RT, NCI Thesaurus, UMLS and LOINC, and a unit; pydicom knows the others."""
_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


def unexplained(
    before: Dataset, after: Dataset, released: bytes, public: frozenset[str]
) -> list[tuple[str, str]]:
    """Keyword and kind of everything of the source that stands in the output without an explanation.

    Parameters
    ----------
    before, after
        Source and output as pydicom reads them.
    released
        Bytes of the output.
    public
        Texts, case-folded, that may stand in any output: product names that the test lists, words that the
        de-identifier writes itself.
    """
    with quiet():
        haystack, elements = _without_pixels(released, after), list(_elements(after))
    texts = "\n".join(text for element in elements if element.VR in _TEXT for text in _texts(element))
    dates = {text[:8] for element in elements if element.VR in ("DA", "DT") for text in _texts(element)}
    uids = {uid for element in elements if element.VR == "UI" for uid in _texts(element)}
    words = public | _public_words(elements)
    found = set()
    encodings = _encodings(before)
    with quiet():
        for element in _elements(before):
            for kind, value in _identities(element):
                if kind == "uid":
                    hit = value in uids or (len(value) >= LONG_ENOUGH and value.encode() in haystack)
                elif kind == "date":
                    hit = value in dates or value in texts
                elif not _LETTER.search(value):
                    hit = value in texts
                else:
                    hit = any(form in haystack for form in _forms(value, encodings))
                if hit and (kind == "uid" or not any(value.casefold() in word for word in words)):
                    found.add((element.keyword or "private", kind))
    return sorted(found)


def kept_texts(element: DataElement) -> Iterator[tuple[str, str]]:
    """Keyword and text of an element of an output, where the text is neither empty nor made.

    Coded entries are left out: a test of their own says what they may hold.
    """
    if element.VR not in _TEXT or element.keyword in _CODED:
        return
    made = _MADE.get(element.keyword)
    for text in filter(None, _texts(element)):
        if text not in ("REMOVED", "OTHER") and (made is None or made.fullmatch(text) is None):
            yield element.keyword or "private creator", text


def _elements(ds: Dataset) -> Iterator[DataElement]:
    for element in ds:
        if element.VR == "SQ":
            for item in element.value:
                yield from _elements(item)
        elif element.keyword not in _PIXELS:
            yield element


def _texts(element: DataElement) -> list[str]:
    if isinstance(element.value, bytes):
        value = element.value.rstrip(b"\0 ")
        printable = len(value) < 256 and all(32 <= byte < 127 for byte in value)
        return [value.decode("ascii")] if printable else []
    if element.value is None:
        return []
    values = [element.value] if isinstance(element.value, str) or element.VM < 2 else element.value
    return [str(value).strip(" \0") for value in values]


def _identities(element: DataElement) -> Iterator[tuple[str, str]]:
    if element.keyword in _PUBLIC_CONSTANTS:
        return
    for text in filter(None, _texts(element)):
        if element.VR == "UI":
            if text not in standard_uids():
                yield "uid", text
        elif element.VR in ("DA", "DT"):
            if len(text) >= 8:
                yield "date", text[:8]
        elif (element.VR in _TEXT or isinstance(element.value, bytes)) and len(text) >= LONG_ENOUGH:
            yield "text", text
            if element.VR == "PN":
                yield from (("text", part) for part in re.split("[=^]", text) if len(part) >= LONG_ENOUGH)


def _without_pixels(data: bytes, ds: Dataset) -> bytes:
    for keyword in _PIXELS:
        if keyword in ds and ds[keyword].value:
            start = data.find(ds[keyword].value)
            assert start > 0, "The pixel data must stand in the file as it was read"
            data = data[:start] + data[start + len(ds[keyword].value) :]
    if ds.file_meta.TransferSyntaxUID.is_deflated:
        raise AssertionError("A deflated file must be searched as its plain form")
    return data


def _encodings(ds: Dataset) -> set[str]:
    names = {"ISO_IR 192", "ISO_IR 100"}
    for element in _elements(ds):
        if element.keyword == "SpecificCharacterSet":
            names.update(filter(None, _texts(element)))
    return {python_encoding[name] for name in names if name in python_encoding} | {"utf-16-le"}


def _forms(text: str, encodings: set[str]) -> Iterator[bytes]:
    for encoding in encodings:
        try:
            yield text.encode(encoding)
        except UnicodeEncodeError:
            continue


def _public_words(elements: list[DataElement]) -> set[str]:
    """Terms of code strings, public codes and their meanings, that stand in the output."""
    found = set()
    for element in elements:
        texts = [text.casefold() for text in _texts(element)]
        if element.VR == "CS":
            found.update(texts)
        elif element.keyword in ("CodeValue", "CodeMeaning"):
            found.update(text for text in texts if text in _dictionary() or _CODE.fullmatch(text))
    return found


@cache
def _dictionary() -> frozenset[str]:
    found = set()
    for keywords in concepts.values():
        for codes in keywords.values():
            found.update(str(value).casefold() for value in codes)
            found.update(str(entry[0]).casefold()[:64] for entry in codes.values())
    return frozenset(found)


@cache
def standard_uids() -> frozenset[str]:
    """UIDs of the Standard, by pydicom's dictionary and the project's list."""
    path: Path = contracts.folder() / "deidentification" / "well_known_uids.csv"
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return frozenset(UID_dictionary) | {row["uid"] for row in csv.DictReader(lines)}
