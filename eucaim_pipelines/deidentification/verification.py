"""Searches a released object for every identity of its source; shares no code with the walker or profile.

Places and kinds are returned, values never.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

from pydicom import Dataset
from pydicom.datadict import DicomDictionary

from eucaim_pipelines.deidentification import codes
from eucaim_pipelines.deidentification.tables import well_known_uids
from eucaim_pipelines.dicom import reading, values

LONG_ENOUGH = 6
"""Characters from which on a value is searched as bytes; shorter ones are compared as whole values."""

_TEXT = frozenset({"PN", "LO", "SH", "ST", "LT", "UT", "UC", "AE", "UR", "UN"})
_DATES = frozenset({"DA", "DT"})
_SEARCHED = _TEXT | {"UI", "CS", "IS", "DS", "AS"} | _DATES
_SINGLE_VALUED = frozenset({"ST", "LT", "UT", "UR", "UN"})
_PIXELS = frozenset({0x7FE00010, 0x7FE00008, 0x7FE00009})
_CODES = frozenset({0x00080100, 0x00080102, 0x00080119})
_MAY_STAY_KEYWORDS = """
    AlgorithmName AlgorithmVersion AttenuationCorrectionMethod CodeMeaning CodeValue
    CodingSchemeDesignator CodingSchemeVersion ContrastBolusAgent ContrastBolusRoute
    ConvolutionKernel FilterType ImagedNucleus LUTLabel LongCodeValue Manufacturer
    ManufacturerModelName ModalityLUTType OpticalPathIdentifier PositionReferenceIndicator
    ProtocolName PulseSequenceName ROIName Radiopharmaceutical RadiopharmaceuticalRoute
    ReceiveCoilName ReconstructionMethod ReferencedOpticalPathIdentifier RescaleType
    ScatterCorrectionMethod SegmentAlgorithmName SegmentDescription SegmentLabel SequenceName
    SeriesDescription SoftwareVersions StackID StudyDescription TimezoneOffsetFromUTC
    TransmitCoilName
"""
_MAY_STAY = frozenset(values.tag_of(keyword) for keyword in _MAY_STAY_KEYWORDS.split())
"""Text that a reader needs and that was let through by a term, a pattern or the source's map."""

_CONTEXT_GROUP_VERSION = 0x00080106
_DAY = 8
_NEW_UID = re.compile(r"2\.25\.\d{30,39}")
_NUMBERED = re.compile(r"(SEGMENT|ROI)_\d+")
_Path = tuple[int, ...]


class Residual(NamedTuple):
    """Something of the source that stands in the output: uid, date, text or bytes, and the source's tag."""

    kind: str
    tag: int


class _Value(NamedTuple):
    path: _Path
    tag: int
    vr: str
    raw: bytes
    parts: tuple[str, ...]


def residuals(original: bytes, output: bytes, released: frozenset[str] = frozenset()) -> list[Residual]:
    """What identifies in the source and still stands in the output, outside its pixel samples.

    A value that stands unchanged at its own place explains itself where that place may hold numbers, terms or
    listed text; a name, an identifier, a date or a UID never does.

    Parameters
    ----------
    original, output
        Both files.
    released
        Texts that the de-identifier writes itself; they are no findings when the source holds them too.

    Raises
    ------
    Refusal
        When one of the two cannot be read.
    """
    source, result = reading.parse(original), reading.parse(output)
    before = list(_walk(source, (), 0))
    after = list(_walk(result, (), 0))
    own = {(value.path, value.tag): value for value in before}
    unexplained = [value for value in after if not _explained(value, own, released)]
    sources = {part for value in before if value.vr == "UI" for part in value.parts}
    unexplained = [value for value in unexplained if not (value.vr == "UI" and _is_new_uid(value, sources))]
    texts = {part for value in unexplained if value.vr not in _DATES for part in value.parts}
    haystack = b"\n".join(value.raw for value in unexplained if value.vr not in _DATES)
    dates = {(value.path, value.tag): set(value.parts) for value in after if value.vr in _DATES}
    uids = {part for value in after if value.vr == "UI" for part in value.parts}
    found = {
        finding for value in before for finding in _findings(value, texts, haystack, dates, uids, released)
    }
    if output[:128] != bytes(128):
        found.add(Residual("bytes", 0))
    return sorted(found)


def _is_new_uid(value: _Value, sources: set[str]) -> bool:
    """Digits of a generated UID hold short numbers by chance; UIDs themselves are compared as a whole."""
    return all(_NEW_UID.fullmatch(part) is not None and part not in sources for part in value.parts)


def _explained(value: _Value, own: dict[tuple[_Path, int], _Value], released: frozenset[str]) -> bool:
    if value.vr in _DATES or value.vr == "UI":
        return False
    if value.tag == 0x00080104:
        return all(
            part in released or part.casefold() in codes.meanings() or _is_code(part) for part in value.parts
        )
    if all(part in released or _NUMBERED.fullmatch(part) for part in value.parts):
        return True
    source = own.get((value.path, value.tag))
    if source is None or value.tag >> 16 & 1:
        return False
    if value.vr in _TEXT and value.tag not in _MAY_STAY:
        return False
    return {_folded(part) for part in value.parts} <= {_folded(part) for part in source.parts} | released | {
        ""
    }


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _is_code(text: str) -> bool:
    scheme, _, value = text.partition(" ")
    return codes.is_public(value, scheme) or (len(text) == 64 and text.casefold() in _cut_meanings())


@cache
def _cut_meanings() -> frozenset[str]:
    return frozenset(text[:64] for text in codes.meanings() if len(text) > 64)


def _findings(
    value: _Value,
    texts: set[str],
    haystack: bytes,
    dates: dict[tuple[_Path, int], set[str]],
    uids: set[str],
    released: frozenset[str],
) -> Iterator[Residual]:
    if value.vr in _DATES:
        kept = dates.get((value.path, value.tag), set()) & set(filter(None, value.parts))
        if kept and value.tag != _CONTEXT_GROUP_VERSION:
            yield Residual("date", value.tag)
        elif any(len(part) >= _DAY and part[:_DAY].encode("latin-1") in haystack for part in value.parts):
            yield Residual("bytes", value.tag)
    elif value.vr == "UI":
        for part in filter(None, value.parts):
            if part not in well_known_uids() and (
                part in uids or (len(part) >= LONG_ENOUGH and part.encode("latin-1") in haystack)
            ):
                yield Residual("uid", value.tag)
    elif value.vr in _TEXT:
        for part in value.parts:
            if not part or part in released:
                continue
            if part in texts:
                yield Residual("text", value.tag)
            elif len(part) >= LONG_ENOUGH and any(form in haystack for form in _forms(part)):
                yield Residual("bytes", value.tag)


def _is_public(ds: Dataset, tag: int, scheme: str) -> bool:
    """Whether a code element says no more than a public code does; both files are asked the same."""
    if tag == 0x00080102:
        return True
    return codes.is_public(values.text(ds, tag) or "", scheme)


def _forms(text: str) -> Iterator[bytes]:
    for encoding in ("utf-8", "latin-1", "utf-16-le"):
        try:
            yield text.encode(encoding)
        except UnicodeEncodeError:
            continue


def _walk(ds: Dataset, path: _Path, depth: int) -> Iterator[_Value]:
    encodings = values.charset(ds)
    scheme = values.text(ds, 0x00080102)
    public = scheme is not None and codes.is_public_scheme(scheme)
    for key, found in list(ds._dict.items()):
        element: Any = found
        tag = int(key)
        if tag in _PIXELS:
            continue
        vr = element.VR or DicomDictionary.get(tag, ("UN",))[0]
        if vr == "SQ":
            for index, child in enumerate(values.items(ds, tag)):
                yield from _walk(child, (*path, tag, index), depth + 1)
            continue
        if vr not in _SEARCHED or (public and tag in _CODES and _is_public(ds, tag, scheme or "")):
            continue
        raw = values.raw(ds, tag) or b""
        if not raw or (vr == "UN" and not _printable(raw)):
            continue
        yield _Value(path, tag, vr, raw, _parts(raw, vr, encodings))


def _parts(raw: bytes, vr: str, encodings: list[str]) -> tuple[str, ...]:
    if vr in ("IS", "DS"):
        return (raw.decode("latin-1").strip(" \0"),)
    text = values.decode(raw, encodings).strip(" \0\t\r\n")
    if vr in _SINGLE_VALUED:
        return (text,)
    parts = [part.strip(" \0") for part in text.split("\\")]
    if vr == "PN":
        groups = [group for part in parts for group in part.split("=")]
        parts += groups + [
            name.strip() for group in groups for name in group.split("^") if len(name.strip()) > 2
        ]
    return tuple(dict.fromkeys(parts))


def _printable(raw: bytes) -> bool:
    return len(raw) < 256 and all(32 <= byte < 127 for byte in raw.rstrip(b"\0 "))
