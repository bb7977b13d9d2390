"""Searches a released object for every identity of its source; shares no code with the walker or profile.

Places, kinds and classes are returned, values never. Which values are looked at is said in `searched`.
"""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from eucaim_pipelines.deidentification import codes
from eucaim_pipelines.deidentification.searched import DATES, TEXT, Place, Value, searched
from eucaim_pipelines.deidentification.tables import well_known_uids
from eucaim_pipelines.dicom import reading, values

LONG_ENOUGH = 6
"""Characters from which on a value is searched as bytes; shorter ones are compared as whole values."""

NUMBER, TERM, LISTED = "equals a kept number", "equals a kept term", "equals a listed text"
CODE, WRITTEN = "equals a public code's meaning", "equals what the profile writes"
FIRST_OF_MONTH = "was the first of its month"
CLASSES = (NUMBER, TERM, LISTED, CODE, WRITTEN, FIRST_OF_MONTH)
"""Why a value of the source may stand in the output, at another place than its own but for the last."""

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

_CONTEXT_GROUP_VERSION, _CODE_MEANING = 0x00080106, 0x00080104
_DAY = 8
_NEW_UID = re.compile(r"2\.25\.\d{30,39}")
_NUMBERED = re.compile(r"(SEGMENT|ROI)_\d+")


class Residual(NamedTuple):
    """Something of the source that stands in the output: uid, date, text or bytes, and the source's tag."""

    kind: str
    tag: int


class Verified(NamedTuple):
    """What a search found.

    Attributes
    ----------
    residuals
        Hits that nothing explains: the object must not be released.
    explained
        How many values of the source, by tag and class of `CLASSES`, stand in the output because the profile
        keeps an equal value there; by chance, since they were not kept at their own place.
    """

    residuals: list[Residual]
    explained: Counter[tuple[int, str]]


def residuals(original: bytes, output: bytes, released: frozenset[str] = frozenset()) -> list[Residual]:
    """The residuals of `verify`."""
    return verify(original, output, released).residuals


def verify(
    original: bytes, output: bytes, released: frozenset[str] = frozenset(), *, first_of_month: bool = False
) -> Verified:
    """What identifies in the source and still stands in the output, outside its pixel samples.

    A value that stands unchanged at its own place explains itself where that place may hold numbers, terms or
    listed text; a name, an identifier, a date or a UID never does.

    Parameters
    ----------
    original, output
        Both files.
    released
        Texts that the de-identifier writes itself; they are no findings when the source holds them too.
    first_of_month
        Whether dates become the first of their month, so that a date that is one already stays.

    Raises
    ------
    Refusal
        When one of the two cannot be read.
    """
    before, after = list(searched(reading.parse(original))), list(searched(reading.parse(output)))
    result = _Output(before, after, released)
    found, explained = set(), Counter[tuple[int, str]]()
    for value in before:
        for finding in _findings(value, result, released):
            if finding.kind == "date" and first_of_month and result.only_first_days(value):
                explained[value.tag, FIRST_OF_MONTH] += 1
            else:
                found.add(finding)
        for each in result.explanations(value):
            explained[value.tag, each] += 1
    if output[:128] != bytes(128):
        found.add(Residual("bytes", 0))
    return Verified(sorted(found), explained)


class _Output:
    """The output's values: those that nothing explains, to be searched, and the explained ones by class."""

    def __init__(self, before: list[Value], after: list[Value], released: frozenset[str]) -> None:
        own = {value.place: value for value in before}
        sources = {part for value in before if value.vr == "UI" for part in value.parts}
        self.dates = {value.place: set(value.parts) for value in after if value.vr in DATES}
        self.uids = {part for value in after if value.vr == "UI" for part in value.parts}
        self.texts: set[str] = set()
        self.places: dict[str, dict[str, set[Place]]] = {}
        self._hits: dict[str, tuple[str, ...]] = {}
        searched_bytes: set[bytes] = set()
        kept_bytes: dict[str, set[bytes]] = {}
        for value in after:
            if value.vr in DATES or (value.vr == "UI" and _is_new_uid(value, sources)):
                continue
            explanation = _explanation(value, own, released)
            if explanation is None:
                self.texts.update(value.parts)
                searched_bytes.add(value.raw)
                continue
            kept_bytes.setdefault(explanation, set()).add(value.raw)
            for part in value.parts:
                places = self.places.setdefault(part, {}).setdefault(explanation, set())
                if len(places) < 2:  # enough to know whether it stands anywhere but at one given place
                    places.add(value.place)
        self.haystack = b"\n".join(searched_bytes)
        self._kept = {name: b"\n".join(kept) for name, kept in kept_bytes.items()}

    def kept_dates(self, value: Value) -> set[str]:
        """Dates that stand at their own place as they were."""
        return self.dates.get(value.place, set()) & set(filter(None, value.parts))

    def only_first_days(self, value: Value) -> bool:
        """Whether every date that was kept is the first of its month."""
        return all(part[6:_DAY] == "01" for part in self.kept_dates(value))

    def explanations(self, value: Value) -> Iterator[str]:
        """Classes of the hits of one identifying value, one for each of its texts."""
        if value.vr not in TEXT and value.vr not in DATES:
            return
        for part in filter(None, value.parts):
            known = self.places.get(part)
            if known is not None:
                yield from (name for name, places in known.items() if places - {value.place})
            elif len(part) >= LONG_ENOUGH:
                if part not in self._hits:
                    self._hits[part] = self._in_kept_bytes(part[:_DAY] if value.vr in DATES else part)
                yield from self._hits[part]

    def _in_kept_bytes(self, text: str) -> tuple[str, ...]:
        forms = set(_forms(text))
        return tuple(name for name, kept in self._kept.items() if any(form in kept for form in forms))


def _is_new_uid(value: Value, sources: set[str]) -> bool:
    """Digits of a generated UID hold short numbers by chance; UIDs themselves are compared as a whole."""
    return all(_NEW_UID.fullmatch(part) is not None and part not in sources for part in value.parts)


def _explanation(value: Value, own: dict[Place, Value], released: frozenset[str]) -> str | None:
    """Why a value of the output may stand there whatever the source says; None when nothing says so."""
    if value.vr == "UI":
        return None
    if value.tag == _CODE_MEANING:
        known = (p in released or p.casefold() in codes.meanings() or _is_code(p) for p in value.parts)
        return CODE if all(known) else None
    if all(part in released or _NUMBERED.fullmatch(part) for part in value.parts):
        return WRITTEN
    source = own.get(value.place)
    if source is None or value.tag >> 16 & 1:
        return None
    if value.vr in TEXT and value.tag not in _MAY_STAY:
        return None
    if not {_folded(part) for part in value.parts} <= {_folded(p) for p in source.parts} | released | {""}:
        return None
    return LISTED if value.vr in TEXT else TERM if value.vr == "CS" else NUMBER


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _is_code(text: str) -> bool:
    scheme, _, value = text.partition(" ")
    return codes.is_public(value, scheme) or (len(text) == 64 and text.casefold() in _cut_meanings())


@cache
def _cut_meanings() -> frozenset[str]:
    return frozenset(text[:64] for text in codes.meanings() if len(text) > 64)


def _findings(value: Value, result: _Output, released: frozenset[str]) -> Iterator[Residual]:
    haystack = result.haystack
    if value.vr in DATES:
        if result.kept_dates(value) and value.tag != _CONTEXT_GROUP_VERSION:
            yield Residual("date", value.tag)
        elif any(len(part) >= _DAY and part[:_DAY].encode("latin-1") in haystack for part in value.parts):
            yield Residual("bytes", value.tag)
    elif value.vr == "UI":
        for part in filter(None, value.parts):
            if part not in well_known_uids() and (
                part in result.uids or (len(part) >= LONG_ENOUGH and part.encode("latin-1") in haystack)
            ):
                yield Residual("uid", value.tag)
    elif value.vr in TEXT:
        for part in value.parts:
            if not part or part in released:
                continue
            if part in result.texts:
                yield Residual("text", value.tag)
            elif len(part) >= LONG_ENOUGH and any(form in haystack for form in _forms(part)):
                yield Residual("bytes", value.tag)


def _forms(text: str) -> Iterator[bytes]:
    for encoding in ("utf-8", "latin-1", "utf-16-le"):
        try:
            yield text.encode(encoding)
        except UnicodeEncodeError:
            continue
