"""What the headers of a folder of images say that no vocabulary knows: makers, body parts, descriptions.

Headers are read by the project's own reader; texts that could tell who somebody is are counted, never kept.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from eucaim_pipelines.cdm.matching import Matcher
from eucaim_pipelines.contracts.words import fold
from eucaim_pipelines.deidentification.one_off.inputs import Input, Inputs, Reader
from eucaim_pipelines.dicom import reading, sop_classes
from eucaim_pipelines.dicom.values import text
from eucaim_pipelines.errors import Refusal, contained
from eucaim_pipelines.onboarding.drafts import TODO, ImagingDraft, ValueDraft
from eucaim_pipelines.onboarding.profiles import FEWEST_ROWS, reveals
from eucaim_pipelines.onboarding.values import Speller

FILES_PER_FOLDER = 5
"""As many files of a folder are read: more of a series say nothing new."""

_LIMIT = 4 * 1024**3
_PERSONS = (0x00100010, 0x00100020, 0x00101000, 0x00101001, 0x00080090, 0x00081050, 0x00081070, 0x00081048)
_WORDS = {"Modality": 0x00080060, "Manufacturer": 0x00080070, "BodyPartExamined": 0x00180015,
          "SeriesDescription": 0x0008103E, "StudyDescription": 0x00081030}  # fmt: skip
_SERIES, _PATIENT, _CLASS = 0x0020000E, 0x00100020, 0x00080016


@dataclass
class Headers:
    """What was read: keyword to spelling to the series and patients that have it; words of persons."""

    files: int = 0
    refused: int = 0
    series: dict[str, dict[str, set[str]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(set))
    )
    patients: dict[str, dict[str, set[str]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(set))
    )
    persons: set[str] = field(default_factory=set)


def read_headers(folder: Path) -> Headers:
    """Headers of a few files of every folder below, archives too, read strictly; refusals are counted.

    Raises
    ------
    SettingsError
        It is neither a folder nor an archive.
    """
    inputs = Inputs(folder)
    reader = Reader(inputs.sources, _LIMIT)
    headers = Headers()
    try:
        for item in _few(inputs.inputs):
            headers.files += 1
            try:
                with contained():
                    _note(headers, reader.read(item))
            except Refusal:
                headers.refused += 1
    finally:
        reader.close()
    return headers


def draft_imaging(headers: Headers, matcher: Matcher) -> ImagingDraft:
    """The part `imaging` of a contract: spellings without a code, and descriptions that repeat."""
    spellings = {
        keyword: {s: len(series) for s, series in each.items()} for keyword, each in headers.series.items()
    }
    speller = Speller(matcher, None)
    makers, bodies = matcher.vocabularies["manufacturer"], matcher.vocabularies["body_part"]
    unknown_makers = [s for s in spellings.get("Manufacturer", ()) if makers.code_within(s) is None]
    unknown_bodies = [s for s in spellings.get("BodyPartExamined", ()) if bodies.code(s) is None]
    told, untold = _descriptions(headers)
    modalities = Counter(spellings.get("Modality", {}))
    counts = ", ".join(f"{name} {count}" for name, count in sorted(modalities.items()))
    comments = [
        f"series that were seen, by modality: {counts}",
        f"{headers.files} files were read, {headers.refused} of them refused",
    ]
    if untold:
        comments.append(
            f"{untold} description(s) of series and studies are left out: fewer than {FEWEST_ROWS} patients "
            "have them, or they could tell who somebody is"
        )
    return ImagingDraft(
        series_descriptions=_released(told, speller),
        body_parts=speller.codes(sorted(s for s in unknown_bodies if not _personal(s, headers)), "body_part"),
        manufacturers=speller.codes(
            sorted(s for s in unknown_makers if not _personal(s, headers)), "manufacturer"
        ),
        comments=tuple(comments),
    )


def _released(told: Iterable[str], speller: Speller) -> tuple[ValueDraft, ...]:
    """The harmonised text that a description may become, where one is near enough."""
    if "series_description" not in speller.matcher.vocabularies:
        return tuple(ValueDraft(received, TODO, "the text that may be released") for received in told)
    labels = speller.matcher.vocabularies["series_description"].labels
    drafts = speller.codes(list(told), "series_description")
    return tuple(ValueDraft(d.spelling, labels.get(str(d.value), TODO), d.comment) for d in drafts)


def _descriptions(headers: Headers) -> tuple[list[str], int]:
    found: dict[str, set[str]] = {}
    for keyword in ("SeriesDescription", "StudyDescription"):
        for spelling, who in headers.patients.get(keyword, {}).items():
            found[spelling] = found.get(spelling, set()) | who
    told = [s for s, who in sorted(found.items()) if len(who) >= FEWEST_ROWS and not _personal(s, headers)]
    return told, len(found) - len(told)


def _personal(spelling: str, headers: Headers) -> bool:
    return reveals(spelling) or bool(set(fold(spelling).split()) & headers.persons)


def _few(items: Iterable[Input]) -> Iterator[Input]:
    """The first files of every folder, in the order of their paths."""
    seen: Counter[tuple[int, str]] = Counter()
    for item in items:
        folder = item.source, str(PurePath(item.path).parent)
        seen[folder] += 1
        if seen[folder] <= FILES_PER_FOLDER and item.refusal is None:
            yield item


def _note(headers: Headers, data: bytes) -> None:
    ds = reading.parse(data)
    for tag in _PERSONS:
        headers.persons |= {word for word in re.split(r"\s", fold(text(ds, tag) or "")) if len(word) > 2}
    if sop_classes.kind(text(ds, _CLASS) or "") is None:
        return
    words: Mapping[str, str | None] = {keyword: text(ds, tag) for keyword, tag in _WORDS.items()}
    for keyword, spelling in words.items():
        if spelling:
            headers.series[keyword][spelling].add(text(ds, _SERIES) or "")
            headers.patients[keyword][spelling].add(text(ds, _PATIENT) or "")
