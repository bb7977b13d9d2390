"""What happens to one value: one method per rule of the profile.

The walk, files, keys and verification are elsewhere; a method sees one element and the items around it.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from string import ascii_letters
from typing import NamedTuple

from pydicom import Dataset

from eucaim_pipelines.deidentification import dates
from eucaim_pipelines.deidentification.engine import icc
from eucaim_pipelines.deidentification.keys import identifiers
from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms
from eucaim_pipelines.deidentification.options import DatePolicy
from eucaim_pipelines.deidentification.rules import codes, tables
from eucaim_pipelines.deidentification.rules.profile import Rule
from eucaim_pipelines.dicom import pixel_streams
from eucaim_pipelines.dicom.transfer_syntaxes import Encoding
from eucaim_pipelines_tests.reference import values

REMOVED = "REMOVED"
DUMMIES = {"CS": "OTHER", "DA": "19000101", "DT": "19000101000000", "TM": "000000"}
DUMMIES |= dict.fromkeys(("LO", "SH", "ST", "LT", "UT", "UC", "AE"), REMOVED)
_NUMBERS = {
    "IS": re.compile(rb" *(?:[+-]?\d{1,12} *(?:\\ *|$))*[ \0]*"),
    "DS": re.compile(
        rb" *(?:[+-]?(?:\d{1,24}(?:\.\d{0,24})?|\.\d{1,24})(?:[eE][+-]?\d{1,3})? *(?:\\ *|$))*[ \0]*"
    ),
}
_SIZES = {"US": 2, "SS": 2, "UL": 4, "SL": 4, "FL": 4, "FD": 8, "UV": 8, "SV": 8, "AT": 4}
_SINGLE_VALUED = frozenset({"ST", "LT", "UT", "UR"})
_TRACKING_IDENTIFIER = ("DCM", "112039")
_BIRTH = {("DCM", "121031"), ("SCT", "184099003"), ("SCT", "21840007"), ("LN", "21112-8")}
_AGE = {
    ("DCM", "121033"),
    ("SCT", "397669002"),
    ("SCT", "424144002"),
    ("SCT", "445518008"),
    ("LN", "30525-0"),
    ("LN", "29553-5"),
    ("LN", "21611-9"),
    ("LN", "21612-7"),
}
_YEARS_PER_UNIT = {"a": 1.0, "mo": 1 / 12, "wk": 7 / 365.25, "d": 1 / 365.25}
LETTERS = ascii_letters + " ^=,.'-"
_REFERENCE = re.compile(r"[0-9]{1,3}")


class Context(NamedTuple):
    """What the replacement of a value may depend on besides the value and its place."""

    pseudonym: str
    pooled_age: bool
    frames: int
    area: int
    stream: str
    descriptions: Mapping[str, str]
    manufacturers: Mapping[str, str]
    body_parts: frozenset[bytes]
    kept_dimensions: tuple[int, ...] | None
    date_policy: DatePolicy = "shift"
    characteristics: bool = True
    birth_date: str | None = None


class Replacements:
    """The rules of the profile, applied to the values of one object.

    Every method takes the rule, the VR, the value bytes, the data set or item that holds the element and the
    one around it; it returns the bytes that may stay, or None when the value may not.
    """

    def __init__(
        self,
        pseudonyms: Pseudonyms,
        context: Context,
        encoding: Encoding,
        actions: Counter[tuple[int, str, str]],
    ) -> None:
        self.pseudonyms, self.context, self.encoding, self.actions = pseudonyms, context, encoding, actions
        self.unknown_terms: set[tuple[int, str]] = set()

    def number(self, rule: Rule, vr: str, value: bytes, ds: Dataset, parent: Dataset | None) -> bytes | None:
        size = _SIZES.get(vr)
        if size is None:
            pattern = _NUMBERS.get(vr)
            if pattern is None or pattern.fullmatch(value) is None or not fits(rule, value.count(b"\\") + 1):
                return None
            return value
        if len(value) % size or not fits(rule, len(value) // size):
            return None
        letters = value.rstrip(b"\0 ")
        return None if len(letters) >= 6 and all(chr(byte) in LETTERS for byte in letters) else value

    def binary(self, rule: Rule, vr: str, value: bytes, ds: Dataset, parent: Dataset | None) -> bytes | None:
        return value

    def pixels(self, rule: Rule, vr: str, value: bytes, ds: Dataset, parent: Dataset | None) -> bytes | None:
        if parent is not None:
            return None
        if self.context.stream == "native":
            return value
        return pixel_streams.rebuild(value, self.context.frames, self.context.stream, self.context.area)

    def icc(self, rule: Rule, vr: str, value: bytes, ds: Dataset, parent: Dataset | None) -> bytes | None:
        return icc.cleaned(value)

    def uid(self, rule: Rule, vr: str, value: bytes, ds: Dataset, parent: Dataset | None) -> bytes | None:
        parts = value.decode("latin-1").rstrip("\0 ").split("\\")
        if not fits(rule, len(parts)):
            return None
        person = self.context.pseudonym
        new = [self.pseudonyms.uid(part.strip("\0 "), person) if part else "" for part in parts]
        return "\\".join(new).encode()

    def terms(self, rule: Rule, vr: str, value: bytes, ds: Dataset, parent: Dataset | None) -> bytes | None:
        all_terms = tables.terms()
        allowed = all_terms.get(rule.keyword) or all_terms["*"]
        if rule.keyword == "BodyPartExamined":
            allowed = allowed | self.context.body_parts
        parts = [part.strip(b" \0") for part in value.split(b"\\")]
        if not fits(rule, len(parts)):
            return None
        kept = [part if part in allowed or not part else b"OTHER" for part in parts]
        if kept != parts:
            self.actions[rule.tag, "Z", "unknown term"] += 1
            self.unknown_terms |= {
                (rule.tag, values.decode(part, ["ascii"])) for part in parts if part and part not in allowed
            }
            if not any(part in allowed for part in parts):
                return None
        return b"\\".join(kept)

    def date(self, rule: Rule, vr: str, value: bytes, ds: Dataset, parent: Dataset | None) -> bytes | None:
        released = dates.released_da if vr == "DA" else dates.released_dt
        return self._each(
            rule,
            value,
            lambda text: released(text, self.context.pseudonym, self.pseudonyms, self.context.date_policy),
        )

    def time(self, rule: Rule, vr: str, value: bytes, ds: Dataset, parent: Dataset | None) -> bytes | None:
        if (
            self.context.date_policy == "remove"
        ):  # times alone stay only under an option that is not used then
            return None
        return self._each(rule, value, dates.kept_time)

    def age(self, rule: Rule, vr: str, value: bytes, ds: Dataset, parent: Dataset | None) -> bytes | None:
        return self._each(rule, value, partial(dates.pooled_age, pooled=self.context.pooled_age))

    def _each(self, rule: Rule, value: bytes, keep: Callable[[str], str | None]) -> bytes | None:
        parts = [keep(part.strip(" \0")) for part in value.decode("latin-1").split("\\")]
        if not fits(rule, len(parts)) or None in parts:
            return None
        return "\\".join(part for part in parts if part is not None).encode("utf-8")

    def _text(self, value: bytes, ds: Dataset) -> str:
        return values.decode(value, values.charset(ds)).strip(" \0\t\r\n")

    def pattern(self, rule: Rule, vr: str, value: bytes, ds: Dataset, parent: Dataset | None) -> bytes | None:
        pattern = tables.patterns()[rule.argument]
        text = self._text(value, ds)
        parts = [text] if vr in _SINGLE_VALUED else [part.strip() for part in text.split("\\")]
        kept = [
            part if not part or pattern.fullmatch(part) or self._is_label(rule, part) else ""
            for part in parts
        ]
        return "\\".join(kept).encode("ascii", "ignore") if any(kept) and fits(rule, len(parts)) else None

    def _is_label(self, rule: Rule, text: str) -> bool:
        return rule.argument == "labels" and text.isascii() and text.casefold() in codes.meanings()

    def vocabulary(
        self, rule: Rule, vr: str, value: bytes, ds: Dataset, parent: Dataset | None
    ) -> bytes | None:
        name = " ".join(self._text(value, ds).split()).casefold()
        kept = self.context.manufacturers.get(name) or tables.manufacturers().get(name)
        return kept.encode("utf-8") if kept else None

    def map(self, rule: Rule, vr: str, value: bytes, ds: Dataset, parent: Dataset | None) -> bytes | None:
        kept = self.context.descriptions.get(self._text(value, ds))
        return kept.encode("utf-8") if kept else None

    def label(self, rule: Rule, vr: str, value: bytes, ds: Dataset, parent: Dataset | None) -> bytes | None:
        text = self._text(value, ds)
        if tables.patterns()["labels"].fullmatch(text) or (
            text.isascii() and text.casefold() in codes.meanings()
        ):
            return text.encode("ascii")
        numbers = values.numbers(ds, 0x00620004 if rule.argument == "SEGMENT" else 0x30060022, self._little())
        return f"{rule.argument}_{int(numbers[0]) if numbers else 0}".encode()

    def token(self, rule: Rule, vr: str, value: bytes, ds: Dataset, parent: Dataset | None) -> bytes | None:
        return self.pseudonyms.token(rule.argument, self._text(value, ds)).encode()

    def reference(
        self, rule: Rule, vr: str, value: bytes, ds: Dataset, parent: Dataset | None
    ) -> bytes | None:
        parts = [part.strip() for part in self._text(value, ds).split("\\")]
        if not fits(rule, len(parts)):
            return None
        kept = [
            part if _REFERENCE.fullmatch(part) else self.pseudonyms.token(rule.argument, part)
            for part in parts
        ]
        return "\\".join(kept).encode()

    def identifier(
        self, rule: Rule, vr: str, value: bytes, ds: Dataset, parent: Dataset | None
    ) -> bytes | None:
        return identifiers.shaped_identifier(rule.keyword, self._text(value, ds), self.pseudonyms).encode()

    def patient(self, rule: Rule, vr: str, value: bytes, ds: Dataset, parent: Dataset | None) -> bytes | None:
        return self.context.pseudonym.encode()

    def constant(
        self, rule: Rule, vr: str, value: bytes, ds: Dataset, parent: Dataset | None
    ) -> bytes | None:
        return REMOVED.encode()

    def charset(self, rule: Rule, vr: str, value: bytes, ds: Dataset, parent: Dataset | None) -> bytes | None:
        return None if parent is not None else b"ISO_IR 192"

    def marks(self, rule: Rule, vr: str, value: bytes, ds: Dataset, parent: Dataset | None) -> bytes | None:
        return None  # written anew at the top level once the walk is over

    def context_version(
        self, rule: Rule, vr: str, value: bytes, ds: Dataset, parent: Dataset | None
    ) -> bytes | None:
        public = values.text(ds, 0x00080105) == "DCMR" and re.fullmatch(
            rb"(199\d|20[0-4]\d)(0[1-9]|1[0-2])([0-2]\d|3[01])(\d{6}(\.\d{6})?)?[ \0]*", value
        )
        return value if public else None

    def dimension_values(
        self, rule: Rule, vr: str, value: bytes, ds: Dataset, parent: Dataset | None
    ) -> bytes | None:
        kept = self.context.kept_dimensions
        if kept is None or len(value) % 4:
            return None if len(value) % 4 else value
        cells = [value[index : index + 4] for index in range(0, len(value), 4)]
        return b"".join(cells[index] for index in kept if index < len(cells))

    # Structured content (PS3.15 E.3.3)

    def content_text(
        self, rule: Rule, vr: str, value: bytes, ds: Dataset, parent: Dataset | None
    ) -> bytes | None:
        if concept(ds) == _TRACKING_IDENTIFIER:
            return self.pseudonyms.token("tracking", self._text(value, ds)).encode()
        return REMOVED.encode()

    def content_date(
        self, rule: Rule, vr: str, value: bytes, ds: Dataset, parent: Dataset | None
    ) -> bytes | None:
        birth = concept(ds) in _BIRTH or value[:8] == (self.context.birth_date or "-").encode()
        return b"" if birth else self.date(rule, vr, value, ds, parent)

    def content_number(
        self, rule: Rule, vr: str, value: bytes, ds: Dataset, parent: Dataset | None
    ) -> bytes | None:
        kept = self.number(rule, vr, value, ds, parent)
        if kept is None or parent is None:
            return kept
        is_age = (concept(parent) or concept(ds)) in _AGE
        units = [values.text(item, 0x00080100) for item in values.items(ds, 0x004008EA)]
        unit = units[0] if units and units[0] else "a" if is_age else ""
        years, found = _YEARS_PER_UNIT.get(unit), values.numbers(ds, rule.tag, self._little())
        if is_age and (not self.context.characteristics or not found or years is None):
            return None
        if not found or years is None:
            return kept
        oldest = found[0] if is_age else max(found)
        if oldest * years < dates.POOLED_AGE_YEARS and not (is_age and self.context.pooled_age):
            return kept
        return f"{round(dates.POOLED_AGE_YEARS / years)}".encode() if rule.keyword == "NumericValue" else None

    def _little(self) -> bool:
        return self.encoding.little_endian


def concept(ds: Dataset) -> tuple[str, str] | None:
    """Scheme and value of a content item's concept name."""
    for item in values.items(ds, 0x0040A043):
        scheme, value = values.text(item, 0x00080102), values.text(item, 0x00080100)
        if scheme and value:
            return scheme, value
    return None


def fits(rule: Rule, count: int) -> bool:
    """Whether a number of values is one that the dictionary allows."""
    low, high, step = rule.multiplicity
    return count >= low and (high is None or count <= high) and (step == 1 or count % step == 0)
