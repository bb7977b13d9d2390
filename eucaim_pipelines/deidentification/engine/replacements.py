"""What happens to one value: one method per rule of the profile.

The walk, files, keys and verification are elsewhere; a method sees one element and the items around it.
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from eucaim_pipelines.deidentification import dates
from eucaim_pipelines.deidentification.engine import icc
from eucaim_pipelines.deidentification.engine.content import (
    AGE,
    BIRTH,
    TRACKING_IDENTIFIER,
    YEARS_PER_UNIT,
    concept,
)
from eucaim_pipelines.deidentification.keys import identifiers
from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms
from eucaim_pipelines.deidentification.options import DatePolicy
from eucaim_pipelines.deidentification.rules import codes, tables
from eucaim_pipelines.deidentification.rules.profile import Rule
from eucaim_pipelines.dicom import values
from eucaim_pipelines.dicom.elements import DataSet
from eucaim_pipelines.dicom.transfer_syntaxes import Encoding

REMOVED = "REMOVED"
DUMMIES = {"CS": "OTHER", "DA": "19000101", "DT": "19000101000000", "TM": "000000"}
DUMMIES |= dict.fromkeys(("LO", "SH", "ST", "LT", "UT", "UC", "AE"), REMOVED)
"""What stands in the place of a value that may not stay where the Standard asks for one, by VR."""

CONTEXTUAL = frozenset(
    {"code", "label", "context_version", "content_text", "content_date", "content_number", "charset"}
    | {"dimensions", "dimension_values", "pixels", "marks"}
)
"""Rules whose result depends on more than the value, its VR and its place."""

_NUMBERS = {
    "IS": re.compile(rb"[+-]?\d{1,12}"),
    "DS": re.compile(rb"[+-]?(?:\d{1,24}(?:\.\d{0,24})?|\.\d{1,24})(?:[eE][+-]?\d{1,3})?"),
}
_SIZES = {"US": 2, "SS": 2, "UL": 4, "SL": 4, "FL": 4, "FD": 8, "UV": 8, "SV": 8, "AT": 4}
_LETTERS = re.compile(rb"[A-Za-z ^=,.'-]{6,}+\0*+")
"""Binary numbers that spell something: no measurement does, and eight letters fit a double."""
_SINGLE_VALUED = frozenset({"ST", "LT", "UT", "UR"})
_REFERENCE = re.compile(r"[0-9]{1,3}")

Action = tuple[int, str, str]
"""Tag, action and reason."""


class Source(NamedTuple):
    """What a source allows besides the vocabularies, ready for look-up, and what it chose (`Options`)."""

    descriptions: Mapping[str, str]
    manufacturers: Mapping[str, str]
    body_parts: frozenset[bytes]
    segment_labels: Mapping[str, str]
    dates: DatePolicy
    characteristics: bool


class Replacements:
    """The rules of the profile, applied to the values of one person's objects.

    Every method takes the rule, the VR, the value bytes, the data set or item that holds the element and the
    one around it; it returns the bytes that may stay, or None when the value may not. What it did besides
    stands in `actions`, and terms that no list knows in `unknown_terms`, until the caller takes them.
    """

    def __init__(
        self, pseudonyms: Pseudonyms, source: Source, encoding: Encoding, pseudonym: str, pooled_age: bool
    ) -> None:
        self.pseudonyms, self.source, self.encoding = pseudonyms, source, encoding
        self.pseudonym, self.pooled_age = pseudonym, pooled_age
        self.kept_dimensions: tuple[int, ...] | None = None
        self.birth_dates: frozenset[bytes] = frozenset()
        self.actions: list[Action] = []
        self.unknown_terms: list[tuple[int, str]] = []

    def apply(
        self, rule: Rule, vr: str, value: bytes, ds: DataSet, parent: DataSet | None
    ) -> tuple[bytes | None, Action | None]:
        """Bytes in the place of a value, None when the attribute goes; and what was done, if anything."""
        kept: bytes | None = None
        if value and rule.handler != "clear":
            kept = getattr(self, rule.handler)(rule, vr, value, ds, parent)
        if kept is not None:
            return kept, (rule.tag, rule.action, rule.handler)
        if not value and rule.action != "X":
            return b"", None
        if rule.handler == "charset":  # only the data set itself names one
            return None, (rule.tag, "X", rule.handler)
        done = (rule.tag, rule.empty, rule.handler)
        if rule.empty == "X":
            return None, done
        if rule.empty == "Z":
            return b"", done
        return (self.pseudonym if vr == "PN" else DUMMIES.get(vr, "")).encode(), done

    def number(self, rule: Rule, vr: str, value: bytes, ds: DataSet, parent: DataSet | None) -> bytes | None:
        size = _SIZES.get(vr)
        if size is None:
            pattern = _NUMBERS.get(vr)
            if pattern is None or not fits(rule, value.count(b"\\") + 1):
                return None
            *parts, last = value.rstrip(b" \0").split(b"\\")
            parts += [last] if last.strip(b" ") else []  # what ends with a backslash has said all it says
            return value if all(pattern.fullmatch(part.strip(b" ")) for part in parts) else None
        if len(value) % size or not fits(rule, len(value) // size) or _LETTERS.fullmatch(value):
            return None
        return value

    def binary(self, rule: Rule, vr: str, value: bytes, ds: DataSet, parent: DataSet | None) -> bytes | None:
        return value

    def icc(self, rule: Rule, vr: str, value: bytes, ds: DataSet, parent: DataSet | None) -> bytes | None:
        return icc.cleaned(value)

    def uid(self, rule: Rule, vr: str, value: bytes, ds: DataSet, parent: DataSet | None) -> bytes | None:
        parts = value.decode("latin-1").rstrip("\0 ").split("\\")
        if not fits(rule, len(parts)):
            return None
        new = [self.pseudonyms.uid(part.strip("\0 "), self.pseudonym) if part else "" for part in parts]
        return "\\".join(new).encode()

    def terms(self, rule: Rule, vr: str, value: bytes, ds: DataSet, parent: DataSet | None) -> bytes | None:
        all_terms = tables.terms()
        allowed = all_terms.get(rule.keyword) or all_terms["*"]
        if rule.keyword == "BodyPartExamined":
            allowed = allowed | self.source.body_parts
        parts = [part.strip(b" \0") for part in value.split(b"\\")]
        if not fits(rule, len(parts)):
            return None
        kept = [part if part in allowed or not part else b"OTHER" for part in parts]
        if kept != parts:
            self.actions.append((rule.tag, "Z", "unknown term"))
            self.unknown_terms += [
                (rule.tag, values.decode(part, ["ascii"])) for part in parts if part and part not in allowed
            ]
            if not any(part in allowed for part in parts):
                return None
        return b"\\".join(kept)

    def date(self, rule: Rule, vr: str, value: bytes, ds: DataSet, parent: DataSet | None) -> bytes | None:
        released = dates.released_da if vr == "DA" else dates.released_dt
        return self._each(
            rule, value, lambda text: released(text, self.pseudonym, self.pseudonyms, self.source.dates)
        )

    def time(self, rule: Rule, vr: str, value: bytes, ds: DataSet, parent: DataSet | None) -> bytes | None:
        if self.source.dates == "remove":  # times alone stay only under an option that is not used then
            return None
        return self._each(rule, value, dates.kept_time)

    def age(self, rule: Rule, vr: str, value: bytes, ds: DataSet, parent: DataSet | None) -> bytes | None:
        return self._each(rule, value, partial(dates.pooled_age, pooled=self.pooled_age))

    def _each(self, rule: Rule, value: bytes, keep: Callable[[str], str | None]) -> bytes | None:
        parts = [keep(part.strip(" \0")) for part in value.decode("latin-1").split("\\")]
        if not fits(rule, len(parts)) or None in parts:
            return None
        return "\\".join(part for part in parts if part is not None).encode("utf-8")

    def _text(self, value: bytes, ds: DataSet) -> str:
        return values.decode(value, values.charset(ds)).strip(" \0\t\r\n")

    def pattern(self, rule: Rule, vr: str, value: bytes, ds: DataSet, parent: DataSet | None) -> bytes | None:
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
        self, rule: Rule, vr: str, value: bytes, ds: DataSet, parent: DataSet | None
    ) -> bytes | None:
        name = " ".join(self._text(value, ds).split()).casefold()
        kept = self.source.manufacturers.get(name) or tables.manufacturers().get(name)
        return kept.encode("utf-8") if kept else None

    def map(self, rule: Rule, vr: str, value: bytes, ds: DataSet, parent: DataSet | None) -> bytes | None:
        kept = self.source.descriptions.get(self._text(value, ds))
        return kept.encode("utf-8") if kept else None

    def label(self, rule: Rule, vr: str, value: bytes, ds: DataSet, parent: DataSet | None) -> bytes | None:
        text = self._text(value, ds)
        if tables.patterns()["labels"].fullmatch(text) or (
            text.isascii() and text.casefold() in codes.meanings()
        ):
            return text.encode("ascii")
        if text in self.source.segment_labels:
            return self.source.segment_labels[text].encode("utf-8")
        number = values.whole_number(ds, 0x00620004 if rule.argument == "SEGMENT" else 0x30060022)
        return f"{rule.argument}_{number or 0}".encode()

    def token(self, rule: Rule, vr: str, value: bytes, ds: DataSet, parent: DataSet | None) -> bytes | None:
        return self.pseudonyms.token(rule.argument, self._text(value, ds)).encode()

    def reference(
        self, rule: Rule, vr: str, value: bytes, ds: DataSet, parent: DataSet | None
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
        self, rule: Rule, vr: str, value: bytes, ds: DataSet, parent: DataSet | None
    ) -> bytes | None:
        return identifiers.shaped_identifier(rule.keyword, self._text(value, ds), self.pseudonyms).encode()

    def patient(self, rule: Rule, vr: str, value: bytes, ds: DataSet, parent: DataSet | None) -> bytes | None:
        return self.pseudonym.encode()

    def constant(
        self, rule: Rule, vr: str, value: bytes, ds: DataSet, parent: DataSet | None
    ) -> bytes | None:
        return REMOVED.encode()

    def charset(self, rule: Rule, vr: str, value: bytes, ds: DataSet, parent: DataSet | None) -> bytes | None:
        return None if parent is not None else b"ISO_IR 192"

    def marks(self, rule: Rule, vr: str, value: bytes, ds: DataSet, parent: DataSet | None) -> bytes | None:
        return None  # written anew at the top level once the walk is over

    def context_version(
        self, rule: Rule, vr: str, value: bytes, ds: DataSet, parent: DataSet | None
    ) -> bytes | None:
        public = values.text(ds, 0x00080105) == "DCMR" and re.fullmatch(
            rb"(199\d|20[0-4]\d)(0[1-9]|1[0-2])([0-2]\d|3[01])(\d{6}(\.\d{6})?)?[ \0]*", value
        )
        return value if public else None

    def dimension_values(
        self, rule: Rule, vr: str, value: bytes, ds: DataSet, parent: DataSet | None
    ) -> bytes | None:
        kept = self.kept_dimensions
        if kept is None or len(value) % 4:
            return None if len(value) % 4 else value
        cells = [value[index : index + 4] for index in range(0, len(value), 4)]
        return b"".join(cells[index] for index in kept if index < len(cells))

    # Structured content (PS3.15 E.3.3)

    def content_text(
        self, rule: Rule, vr: str, value: bytes, ds: DataSet, parent: DataSet | None
    ) -> bytes | None:
        if concept(ds) == TRACKING_IDENTIFIER:
            return self.pseudonyms.token("tracking", self._text(value, ds)).encode()
        return REMOVED.encode()

    def content_date(
        self, rule: Rule, vr: str, value: bytes, ds: DataSet, parent: DataSet | None
    ) -> bytes | None:
        birth = concept(ds) in BIRTH or value[:8] in self.birth_dates
        return b"" if birth else self.date(rule, vr, value, ds, parent)

    def content_number(
        self, rule: Rule, vr: str, value: bytes, ds: DataSet, parent: DataSet | None
    ) -> bytes | None:
        kept = self.number(rule, vr, value, ds, parent)
        if kept is None or parent is None:
            return kept
        is_age = (concept(parent) or concept(ds)) in AGE
        unit = next((values.text(item, 0x00080100) for item in values.items(ds, 0x004008EA)), None)
        years = YEARS_PER_UNIT.get(unit or ("a" if is_age else ""))
        found = values.numbers(ds, rule.tag)
        if not is_age:  # whatever lasts ninety years may be somebody's age
            reaches = years is not None and found and max(found) * years >= dates.POOLED_AGE_YEARS
            return self._pooled(rule, years) if reaches and years is not None else kept
        if not self.source.characteristics or not found or years is None:
            return None
        if not self.pooled_age and found[0] * years < dates.POOLED_AGE_YEARS:
            return kept
        return self._pooled(rule, years)

    def _pooled(self, rule: Rule, years: float) -> bytes | None:
        """Ninety years in units of so many years."""
        if rule.keyword != "NumericValue":
            return None
        return f"{round(dates.POOLED_AGE_YEARS / years)}".encode()


def fits(rule: Rule, count: int) -> bool:
    """Whether a number of values is one that the dictionary allows."""
    low, high, step = rule.multiplicity
    return count >= low and (high is None or count <= high) and (step == 1 or count % step == 0)
