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
from eucaim_pipelines.onboarding.spellings import shared
from eucaim_pipelines.onboarding.values import Speller

FILES_PER_FOLDER = 5
"""As many files of a folder are read: more of a series say nothing new."""

_LIMIT = 4 * 1024**3
_PERSONS = (0x00100010, 0x00100020, 0x00101000, 0x00101001, 0x00080090, 0x00081050, 0x00081070, 0x00081048)
_WORDS = {"Manufacturer": 0x00080070, "BodyPartExamined": 0x00180015,
          "SeriesDescription": 0x0008103E, "StudyDescription": 0x00081030}  # fmt: skip
_SERIES, _PATIENT, _CLASS, _MODALITY = 0x0020000E, 0x00100020, 0x00080016, 0x00080060


@dataclass
class Headers:
    """What was read: series by modality; keyword to spelling to its patients; words of persons."""

    files: int = 0
    refused: int = 0
    modalities: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
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
    speller = Speller(matcher, None)
    makers, bodies = matcher.vocabularies["manufacturer"], matcher.vocabularies["body_part"]
    found = {
        "manufacturer": {
            s: p for s, p in headers.patients["Manufacturer"].items() if makers.code_within(s) is None
        },
        "body_part": {
            s: p for s, p in headers.patients["BodyPartExamined"].items() if bodies.code(s) is None
        },
        "series_description": _descriptions(headers),
    }
    told = {name: [s for s in shared(each) if not _personal(s, headers)] for name, each in found.items()}
    counts = ", ".join(f"{name} {len(series)}" for name, series in sorted(headers.modalities.items()))
    return ImagingDraft(
        series_descriptions=_released(told["series_description"], speller),
        body_parts=speller.codes(told["body_part"], "body_part"),
        manufacturers=speller.codes(told["manufacturer"], "manufacturer"),
        left_out=sum(len(each) - len(told[name]) for name, each in found.items()),
        comments=(
            f"series that were seen, by modality: {counts}",
            f"{headers.files} files were read, {headers.refused} of them refused",
        ),
    )


def _released(told: Iterable[str], speller: Speller) -> tuple[ValueDraft, ...]:
    """The harmonised text that a description may become, where one is near enough."""
    if "series_description" not in speller.matcher.vocabularies:
        return tuple(ValueDraft(received, TODO, "the text that may be released") for received in told)
    labels = speller.matcher.vocabularies["series_description"].labels
    drafts = speller.codes(list(told), "series_description")
    return tuple(ValueDraft(d.spelling, labels.get(str(d.value), TODO), d.comment) for d in drafts)


def _descriptions(headers: Headers) -> dict[str, set[str]]:
    """Descriptions of series and of studies together: a spelling of both has the patients of both."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for keyword in ("SeriesDescription", "StudyDescription"):
        for spelling, who in headers.patients[keyword].items():
            found[spelling] |= who
    return found


def _personal(spelling: str, headers: Headers) -> bool:
    return bool(set(fold(spelling).split()) & headers.persons)


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
            headers.patients[keyword][spelling] |= {text(ds, _PATIENT) or ""} - {""}
    headers.modalities[text(ds, _MODALITY) or ""].add(text(ds, _SERIES) or "")
