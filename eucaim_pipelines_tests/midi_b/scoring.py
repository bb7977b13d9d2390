"""The score: ten rows, one per action, over all objects that identities were put into.

How many checks an action had, and how many of them passed; a check is an answer of the key.
"""

from collections import Counter
from collections.abc import Iterable
from io import BytesIO
from itertools import islice
from pathlib import Path as FilePath
from typing import NamedTuple

import pydicom
from pydicom import Dataset

from eucaim_pipelines.deidentification.images import Deidentifier, Subject
from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms, SiteKey
from eucaim_pipelines.deidentification.options import Options
from eucaim_pipelines.deidentification.pixels.cleaning import available
from eucaim_pipelines.deidentification.rules.profile import Profile
from eucaim_pipelines.dicom.values import quiet
from eucaim_pipelines.errors import Refusal
from eucaim_pipelines_tests.midi_b import pixels
from eucaim_pipelines_tests.midi_b.answers import ACTIONS, Answer, Path, elements, passed, text_of
from eucaim_pipelines_tests.midi_b.injection import inject
from eucaim_pipelines_tests.midi_b.people import person
from eucaim_pipelines_tests.midi_b.sample import risky, sample, written


class Score(NamedTuple):
    """Checks by action, and the failed ones by action and innermost attribute."""

    checks: Counter[str]
    failures: Counter[tuple[str, str]]
    objects: int
    not_released: Counter[str]

    def share(self, action: str) -> float:
        """Passed checks of an action, in percent."""
        failed = sum(count for (name, _), count in self.failures.items() if name == action)
        return 100 * (1 - failed / self.checks[action]) if self.checks[action] else 0.0

    def table(self) -> str:
        """The ten rows."""
        lines = [f"{self.objects} objects", f"{'action':<18}{'checks':>9}{'failed':>8}{'passed':>11}"]
        for action in ACTIONS:
            failed = sum(count for (name, _), count in self.failures.items() if name == action)
            lines.append(f"{action:<18}{self.checks[action]:>9}{failed:>8}{self.share(action):>10.3f}%")
        return "\n".join(lines)


class _Mapping:
    """Old to new as first seen; one old must not get two new ones, nor two old the same."""

    def __init__(self) -> None:
        self._new: dict[str, str] = {}
        self._old: dict[str, str] = {}

    def agrees(self, old: str, new: str) -> bool:
        pairs = list(zip(old.split("\\"), new.split("\\"), strict=False))
        return old.count("\\") == new.count("\\") and all(
            self._new.setdefault(one, two) == two and self._old.setdefault(two, one) == one
            for one, two in pairs
        )


class Scorer:
    """Scores one de-identifier on the sample.

    Parameters
    ----------
    deidentifier
        Which one.
    cleaning
        The same with pixels cleaned; None where the extra `[ocr]` is not installed.
    """

    def __init__(self, deidentifier: Deidentifier, cleaning: Deidentifier | None = None) -> None:
        self.deidentifier, self.cleaning = deidentifier, cleaning
        self.checks: Counter[str] = Counter()
        self.failures: Counter[tuple[str, str]] = Counter()
        self.not_released: Counter[str] = Counter()
        self.objects = 0
        self._maps = {"uid_consistent": _Mapping(), "patid_consistent": _Mapping()}

    def score(self, shared: FilePath, step: int = 1) -> Score:
        """Put identities into the sample (every `step`-th object), de-identify it and check every answer."""
        for number, (study, ds) in enumerate(islice(sample(shared), 0, None, step)):
            with quiet():
                answers = inject(ds, person(study), number)
            self._object(ds, answers)
        looked_at: set[str] = set()
        for number, (study, ds) in enumerate(islice(risky(shared), 0, None, step)):
            with quiet():
                inject(ds, person(study), number)
                mask = pixels.draw(ds, person(study))
            self._drawn(self.deidentifier, ds, mask)
            if self.cleaning and "NumberOfFrames" not in ds and ds.Modality not in looked_at:
                looked_at.add(ds.Modality)
                self._drawn(self.cleaning, ds, mask)
        return Score(self.checks, self.failures, self.objects, self.not_released)

    def _object(self, ds: Dataset, answers: Iterable[Answer]) -> None:
        self.objects += 1
        data = written(ds)
        released = self._released(self.deidentifier, ds, data)
        if released is None:
            return
        with quiet():
            before, after = (pydicom.dcmread(BytesIO(each)) for each in (data, released))
            places = dict(elements(after))
            whole = _outside_pixels(released, after)
            for answer in answers:
                if answer.action in self._maps:
                    self._count(answer, self._consistent(answer, places))
                else:
                    self._count(answer, passed(answer, places, whole))
            if pixels.has_pixels(before):
                self._count(Answer("pixels_retained", (0x7FE00010,)), pixels.same_samples(before, after))

    def _drawn(self, deidentifier: Deidentifier, ds: Dataset, mask: pixels.Mask) -> None:
        """An object that is not released hides its pixels too (the benchmark has people look at them)."""
        self.objects += 1
        data = written(ds)
        released = self._released(deidentifier, ds, data)
        hidden = True
        if released is not None:
            with quiet():
                before, after = (pydicom.dcmread(BytesIO(each)) for each in (data, released))
                hidden = not pixels.visible(mask, before, after)
        self._count(Answer("pixels_hidden", (0x7FE00010,)), hidden)

    def _released(self, deidentifier: Deidentifier, ds: Dataset, data: bytes) -> bytes | None:
        pseudonyms = deidentifier.pseudonyms
        subject = Subject(pseudonyms.patient(ds.PatientID, ds.get("IssuerOfPatientID"), ds.StudyInstanceUID))
        try:
            return deidentifier.deidentify_verified(data, subject).data
        except Refusal as refusal:
            self.not_released[refusal.reason] += 1
            return None

    def _consistent(self, answer: Answer, places: dict[Path, pydicom.DataElement]) -> bool:
        element = places.get(answer.path)
        new = "" if element is None else text_of(element)
        return not new or self._maps[answer.action].agrees(answer.text, new)

    def _count(self, answer: Answer, good: bool) -> None:
        self.checks[answer.action] += 1
        if not good:
            name = pydicom.datadict.keyword_for_tag(answer.path[-1]) or "private"
            self.failures[answer.action, name] += 1


def _outside_pixels(data: bytes, ds: Dataset) -> bytes:
    for keyword in ("PixelData", "FloatPixelData", "DoubleFloatPixelData"):
        if keyword in ds and ds[keyword].value:
            return data.replace(ds[keyword].value, b"", 1)
    return data


def midi_b(shared: FilePath) -> Score:
    """The score of the profile under a fixed key."""
    profile, pseudonyms = Profile.load(), Pseudonyms(SiteKey(bytes(range(32))))
    cleaning = Deidentifier(profile, pseudonyms, options=Options(pixels="clean")) if available() else None
    return Scorer(Deidentifier(profile, pseudonyms), cleaning).score(shared)
