"""Why a value of an output may stand there whatever its source says; one of six classes, or no reason.

Which hits are looked into is said in `verification`.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date

from eucaim_pipelines.deidentification.verification import tables
from eucaim_pipelines.deidentification.verification.elements import Entry, Place
from eucaim_pipelines.deidentification.verification.values import DATES, NUMBERS, TEXT, WORDS, Value, day_of

NUMBER, TERM, LISTED = "equals a kept number", "equals a kept term", "equals a listed text"
CODE, WRITTEN = "equals a public code's meaning", "equals what the profile writes"
FIRST_OF_MONTH = "was the first of its month"

CODES = frozenset({0x00080100, 0x00080102, 0x00080119})
_CONTEXT_GROUP_VERSION = 0x00080106
_MAPPING_RESOURCE, _SCHEME, _CODE_MEANING = 0x00080105, 0x00080102, 0x00080104
_IMPLEMENTATION_CLASS = 0x00020012
_CONSTANTS = {
    0x00080005: frozenset({"ISO_IR 192"}),
    0x00120062: frozenset({"YES"}),
    0x00280301: frozenset({"NO"}),
    0x00280303: frozenset({"MODIFIED", "REMOVED"}),
}
"""What the de-identifier says about an object with code strings of the Standard."""

_NUMBERED = re.compile(r"(SEGMENT|ROI)_\d+")
_PSEUDONYM = re.compile(r"EUCAIM-([0-9a-f]{16}|\d{30,39})")
_OWN_CLASS = re.compile(r"2\.25\.\d{30,39}")
_SHORTEST_SHIFT, _LONGEST_SHIFT = 182, 3650


class Reasons:
    """The reasons of one object's values.

    Parameters
    ----------
    before, after
        Values of the source and of the output.
    released
        Texts that the de-identifier writes itself.
    first_of_month
        Whether dates become the first of their month.
    """

    def __init__(
        self, before: Iterable[Entry], after: Iterable[Entry], released: frozenset[str], first_of_month: bool
    ) -> None:
        self.before, self.after = dict(before), dict(after)
        self._released, self._first_of_month = released, first_of_month
        self._known: dict[Place, str | None] = {}
        self._shifts: set[int] | None = None

    def of(self, place: Place, value: Value, text: str, *, of_person: bool = False) -> str | None:
        """Why an output's value may hold this text; None when nothing says so.

        A number of a person (`of_person`) is not excused by a term, a listed text or a code that looks like
        it: whoever has the output may know that it is one. At a kept number's own place it still is (§9).
        """
        if place not in self._known:
            self._known[place] = self._reason(place, value)
        reason = self._known[place]
        if of_person and reason in (TERM, LISTED, CODE):
            return None
        if reason == NUMBER and value.vr in WORDS and any(map(str.isalpha, text)):
            return None
        if reason is None and value.vr in TEXT and _is_within_pseudonym(value, text):
            return WRITTEN
        return reason

    def is_public(self, values: Mapping[Place, Value], place: Place, value: Value) -> bool:
        """Whether a code element says no more than a public code does; both files are asked the same."""
        if value.tag not in CODES:
            return False
        scheme = values.get((*place[:-1], _SCHEME))
        if scheme is None or len(scheme.parts) != 1 or len(value.parts) != 1:
            return False
        (name,), (code,) = scheme.parts, value.parts
        return tables.is_public_scheme(name) and (value.tag == _SCHEME or tables.is_public_code(name, code))

    def _reason(self, place: Place, value: Value) -> str | None:
        if value.tag >> 16 & 1:
            return self._private(place, value)
        if value.vr == "UI":
            software = value.tag == _IMPLEMENTATION_CLASS and all(map(_OWN_CLASS.fullmatch, value.parts))
            return WRITTEN if software else None
        if value.vr in DATES:
            return self._date(place, value)
        if value.tag == _CODE_MEANING:
            known = [part in self._released or tables.is_public_meaning(part) for part in value.parts]
            return CODE if known and all(known) else None
        if self.is_public(self.after, place, value):
            return CODE
        if value.parts and all(self._is_written(value.tag, part) for part in value.parts):
            return WRITTEN
        own = self.before.get(place)
        if value.tag in CODES and own is not None and not self.is_public(self.before, place, own):
            return None
        return self._kept(value, own)

    def _is_written(self, tag: int, text: str) -> bool:
        if text in self._released or text in _CONSTANTS.get(tag, ()):
            return True
        return tag in tables.may_stay() and _NUMBERED.fullmatch(text) is not None

    def _kept(self, value: Value, own: Value | None) -> str | None:
        """The reason of a value that the source has at the same place."""
        if own is None:
            return None
        if value.vr in NUMBERS and not value.parts:
            return NUMBER if own.raw == value.raw else None
        may_stay = value.tag in tables.may_stay() if value.vr in TEXT else value.vr in NUMBERS | {"CS"}
        if not may_stay:
            return None
        own_parts, parts = {_folded(part) for part in own.parts}, {_folded(part) for part in value.parts}
        if not parts - own_parts - {""} <= self._released:
            return None
        return LISTED if value.vr in TEXT else TERM if value.vr == "CS" else NUMBER

    def _private(self, place: Place, value: Value) -> str | None:
        """A private number that may stay explains itself where the source has it, its creator always."""
        if not is_listed(self.after, place, value):
            return None
        number = value.tag & 0xFFFF
        if number <= 0xFF:
            return LISTED
        creator = _creator(self.after, place, number >> 8)
        for block in (number >> 8, *range(0x10, 0x100)):
            if _creator(self.before, place, block) == creator:
                own = self.before.get((*place[:-1], value.tag & 0xFFFF00FF | block << 8))
                return NUMBER if own is not None and _numbers(value) <= _numbers(own) | {b"0"} else None
        return None

    def _date(self, place: Place, value: Value) -> str | None:
        own = self.before.get(place)
        if own is None:
            return None
        if value.tag == _CONTEXT_GROUP_VERSION:
            group = self.after.get((*place[:-1], _MAPPING_RESOURCE))
            public = group is not None and group.parts == ("DCMR",) and own.parts == value.parts
            return CODE if public else None
        if self._first_of_month:
            if own.parts == value.parts and all(part[6:8] == "01" for part in value.parts):
                return FIRST_OF_MONTH
            days = [(day_of(old), day_of(new)) for old, new in zip(own.parts, value.parts, strict=False)]
            return WRITTEN if all(old and new and new == old[:6] + "01" for old, new in days) else None
        moved = _shifts(own, value)
        return WRITTEN if len(moved) == 1 and moved == self._all_shifts() and _is_shift(*moved) else None

    def _all_shifts(self) -> set[int]:
        """By how many days dates of this object have moved: one number, or something is wrong."""
        if self._shifts is None:
            self._shifts = set()
            for place, value in self.after.items():
                own = self.before.get(place)
                if value.vr in DATES and own is not None and value.tag != _CONTEXT_GROUP_VERSION:
                    self._shifts |= _shifts(own, value)
        return self._shifts


def is_listed(after: Mapping[Place, Value], place: Place, value: Value) -> bool:
    """Whether a private element of an output is a private number that may stay, or a creator of such."""
    group, number = value.tag >> 16, value.tag & 0xFFFF
    if not group & 1 or any(tag >> 16 & 1 for tag in place[:-1:2]):
        return False
    if number <= 0xFF:
        return bool(value.parts) and (value.parts[0], group) in tables.private_creators()
    creator = _creator(after, place, number >> 8)
    return creator is not None and (creator, group, number & 0xFF) in tables.private_numbers()


def _creator(values: Mapping[Place, Value], place: Place, block: int) -> str | None:
    """Who has reserved a block of private elements (PS3.5 §7.8.1)."""
    creator = values.get((*place[:-1], place[-1] & 0xFFFF0000 | block))
    return creator.parts[0] if creator is not None and creator.parts else None


def _numbers(value: Value) -> set[bytes]:
    """Numbers of a private value as they are written; a binary value is one of them."""
    return {part.strip(b" \0") for part in bytes(value.raw).split(b"\\")}


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _shifts(own: Value, value: Value) -> set[int]:
    """Days between the dates of a source and those of its output, where both are dates."""
    pairs = [(day_of(old), day_of(new)) for old, new in zip(own.parts, value.parts, strict=False)]
    try:
        return {(_day(old) - _day(new)).days for old, new in pairs if old and new}
    except ValueError:
        return set()


def _day(digits: str) -> date:
    return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))


def _is_shift(days: int) -> bool:
    return _SHORTEST_SHIFT <= days <= _LONGEST_SHIFT and days % 7 == 0


def _is_within_pseudonym(value: Value, text: str) -> bool:
    """Whether a text is no more than some characters of a pseudonym's hash."""
    return len(value.parts) == 1 and all(
        _PSEUDONYM.fullmatch(part) is not None and text in part[7:] and text != part[7:]
        for part in value.parts
    )
