"""Searches a released object for every identity of its source; shares no code with reader or engine.

Places, kinds and classes are returned, values never. How files are read is said in `files`, why a hit may
be no leak in `reasons`.
"""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from eucaim_pipelines.deidentification.verification import tables
from eucaim_pipelines.deidentification.verification.elements import Entry, Place
from eucaim_pipelines.deidentification.verification.files import PREAMBLE, Scanner
from eucaim_pipelines.deidentification.verification.output import Output
from eucaim_pipelines.deidentification.verification.reasons import (
    CODE,
    FIRST_OF_MONTH,
    LISTED,
    NUMBER,
    TERM,
    WRITTEN,
    Reasons,
    is_listed,
)
from eucaim_pipelines.deidentification.verification.values import (
    DATES,
    DAY,
    LONG_ENOUGH,
    Needle,
    Value,
    day_of,
)

CLASSES = (NUMBER, TERM, LISTED, CODE, WRITTEN, FIRST_OF_MONTH)
"""Why a value of the source may stand in the output, at another place than its own but for the last."""
_PRIVATE = 0x10000
"""Bit of a tag that is set in private groups."""


class Residual(NamedTuple):
    """Something of the source that stands in the output: uid, date, text or bytes, and the source's tag.

    Kind `private` is a private element, by its own tag, that the list of private numbers does not have.
    """

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


class Verifier:
    """Searches released objects for every identity of their source.

    Between objects only what bytes say by themselves is remembered, and not more than a few megabytes.

    Parameters
    ----------
    released
        Texts that the de-identifier writes itself; they are no findings when the source holds them too.
    first_of_month
        Whether dates become the first of their month, so that a date that is one already stays.
    """

    def __init__(self, released: frozenset[str] = frozenset(), *, first_of_month: bool = False) -> None:
        self._released, self._first_of_month = released, first_of_month
        self._scanner = Scanner()

    @property
    def remembered(self) -> int:
        """How many values are remembered."""
        return self._scanner.remembered

    def verify(self, original: bytes, output: bytes, samples: bytes | memoryview = b"") -> Verified:
        """What identifies in the source and still stands in the output, outside its pixel samples.

        A value that stands unchanged at its own place explains itself where that place may hold numbers,
        terms or listed text; a name, an identifier, a date or a UID never does.

        Parameters
        ----------
        original, output
            Both files.
        samples
            The value of the output's native pixel data, where it was not joined to what stands before it.

        Raises
        ------
        Refusal
            When one of the two cannot be read.
        """
        before = self._scanner.scan(original, around_samples=False)
        after = self._scanner.scan(output, samples, around_samples=True)
        sought = [entry for entry in before if entry[1].seeks]
        wanted: set[bytes] = set()
        uids: set[str] = set()
        for _, value in sought:
            forms = value.forms
            wanted.update(value.wanted() if forms is None else forms)
            if value.uids:
                uids.update(value.uids)
        residuals = set()
        kept_uids = {uid for _, value in after if value.uids for uid in value.uids} & uids
        if kept_uids:
            residuals = {Residual("uid", value.tag) for _, value in sought if kept_uids & set(value.uids)}
        if output[:128] != bytes(128):
            residuals.add(Residual("bytes", PREAMBLE))
        explained: Counter[tuple[int, str]] = Counter()
        searched = Output(after)
        present = searched.present(wanted)
        private = [entry for entry in after if entry[1].tag & _PRIVATE or _is_in_private(entry[0])]
        if present or private:
            reasons = Reasons(before, after, self._released, self._first_of_month)
            residuals |= _unlisted(private, reasons)
            hits = _Hits(searched, reasons, self._released, present)
            for place, value in sought:
                if not present.isdisjoint(value.forms or ()):
                    residuals |= hits.judge(place, value, explained)
        return Verified(sorted(residuals), explained)


def verify(
    original: bytes, output: bytes, released: frozenset[str] = frozenset(), *, first_of_month: bool = False
) -> Verified:
    """As `Verifier.verify`, for one object."""
    return Verifier(released, first_of_month=first_of_month).verify(original, output)


def residuals(original: bytes, output: bytes, released: frozenset[str] = frozenset()) -> list[Residual]:
    """The residuals of `verify`."""
    return verify(original, output, released).residuals


class _Holders:
    """Where a text stands in an output."""

    def __init__(self) -> None:
        self.unexplained: dict[Place, bool] = {}
        """Place, and whether the text is a whole value there; some places are enough."""
        self.whole: dict[str, set[Place]] = {}
        self.within: set[str] = set()

    def classes(self, place: Place) -> set[str]:
        """Classes of the hits of a text that stood at `place` in the source."""
        if self.whole:
            return {name for name, places in self.whole.items() if places - {place}} - {FIRST_OF_MONTH}
        return self.within - {FIRST_OF_MONTH}


class _Hits:
    """Judges the values of a source whose bytes occur in the output."""

    def __init__(
        self, output: Output, reasons: Reasons, released: frozenset[str], present: set[bytes]
    ) -> None:
        self.output, self.reasons, self.released, self.present = output, reasons, released, present
        self._holders: dict[tuple[Needle, str, bool], _Holders] = {}

    def judge(self, place: Place, value: Value, explained: Counter[tuple[int, str]]) -> set[Residual]:
        """Residuals of one value; its explained hits are counted."""
        if self.reasons.is_public(self.reasons.before, place, value):
            return set()
        found, own = set(), self.reasons.after.get(place)
        of_person = value.vr == "PN" or not tables.of_persons().isdisjoint(place[::2])
        ignored: tuple[Place, ...] = ()
        if value.vr in DATES and own is not None and own.vr in DATES:
            ignored = (place,)
            kind = self._kept_date(place, value, own)
            if kind == FIRST_OF_MONTH:
                explained[value.tag, kind] += 1
            elif kind is not None:
                found.add(Residual(kind, value.tag))
        for needle in value.needles:
            if self.present.isdisjoint(needle.forms):
                continue
            holders = self._found(needle, value.vr, of_person and _is_number_like(needle.text))
            if needle.text not in self.released:
                found |= {
                    Residual(_kind(value, whole), value.tag)
                    for there, whole in holders.unexplained.items()
                    if there not in ignored
                }
            if needle.counted:
                for name in holders.classes(place):
                    explained[value.tag, name] += 1
        return found

    def _kept_date(self, place: Place, value: Value, own: Value) -> str | None:
        """What it means that a date, or its day, stands at its own place as it was; None when it does not."""
        reason = self.reasons.of(place, own, "")
        if reason in (WRITTEN, CODE, FIRST_OF_MONTH):
            return FIRST_OF_MONTH if reason == FIRST_OF_MONTH else None
        return "date" if _days(value) & _days(own) else None

    def _found(self, needle: Needle, vr: str, of_person: bool) -> _Holders:
        key = needle, vr, of_person
        holders = self._holders.get(key)
        if holders is None:
            holders = self._holders[key] = _Holders()
            held: Iterable[Entry] = ()
            if len(needle.text) >= (DAY if vr in DATES else LONG_ENOUGH):
                held = self.output.holding(needle.forms)
            elif vr not in DATES and vr != "UI":
                held = self.output.having(needle.text, needle.forms)
            for place, value in held:
                self._note(holders, place, value, needle.text, of_person)
        return holders

    def _note(self, holders: _Holders, place: Place, value: Value, text: str, of_person: bool) -> None:
        whole = text in value.parts
        reason = self.reasons.of(place, value, text, of_person=of_person)
        if reason is None:
            if len(holders.unexplained) < 3:
                holders.unexplained[place] = whole
        elif whole:
            places = holders.whole.setdefault(reason, set())
            if len(places) < 2:  # enough to know whether it stands anywhere but at one given place
                places.add(place)
        else:
            holders.within.add(reason)


def _kind(value: Value, whole: bool) -> str:
    if value.vr == "UI":
        return "uid"
    return "text" if whole and value.vr not in DATES else "bytes"


def _is_number_like(text: str) -> bool:
    return len(text) >= LONG_ENOUGH and any(map(str.isdigit, text))


def _days(value: Value) -> set[str]:
    return {day_of(part) or part for part in value.parts if part}


def _is_in_private(place: Place) -> bool:
    return len(place) > 1 and any(tag & _PRIVATE for tag in place[:-1:2])


def _unlisted(entries: Iterable[Entry], reasons: Reasons) -> set[Residual]:
    """Private elements that are none of the private numbers that may stay."""
    found = set()
    for place, value in entries:
        tag = next((tag for tag in place[::2] if tag >> 16 & 1), None)
        if tag is not None and not is_listed(reasons.after, place, value):
            found.add(Residual("private", tag))
    return found
