"""The walk over one object: a new data set is built, as bytes, from the elements the profile allows.

Default deny. What happens to one value is said in `replacements`; what is remembered of it, here.
"""

from collections import ChainMap
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from eucaim_pipelines.deidentification.engine.replacements import CONTEXTUAL, Action, Replacements
from eucaim_pipelines.deidentification.rules import codes, private_numbers, tables
from eucaim_pipelines.deidentification.rules.private_numbers import PrivateNumber
from eucaim_pipelines.deidentification.rules.profile import TOP_LEVEL, Rule
from eucaim_pipelines.dicom import pixel_streams, transfer_syntaxes, values, writing
from eucaim_pipelines.dicom.elements import LONG_VRS, DataSet, Value
from eucaim_pipelines.errors import Refusal

_CODE_TAGS = frozenset({0x00080100, 0x00080102, 0x00080119, 0x00080120})
_CODE_VRS = {0x00080100: "SH", 0x00080102: "SH", 0x00080103: "SH", 0x00080104: "LO", 0x00080119: "UC"}
_LONGEST_REMEMBERED = 1024
"""Bytes; longer values hardly repeat."""
_LONGEST_SHORT = 0xFFFE
_MEMORY = 4_000_000
"""Bytes after which the memory of one person's objects of one class starts anew, about."""
_ENTRY = 500
"""Bytes that a remembered value takes besides itself, about."""


class Outcome(NamedTuple):
    """What becomes of one element: its encoded form and value (None when it goes), and what was done."""

    encoded: bytes | None
    element: tuple[str, bytes] | None
    actions: tuple[Action, ...]
    unknown_terms: tuple[tuple[int, str], ...]


class Place:
    """The rules of one place and what is remembered there under one character set.

    A replacement depends on rule (so on SOP class and place), VR, character set, byte order, person and value
    without padding alike: place and character set name this memory; SOP class, byte order and person name
    the `Walker` that owns it; VR and raw value are its keys.
    """

    def __init__(self, rules: ChainMap[int, Rule]) -> None:
        self.own, self.base = rules.maps
        self.outcomes: dict[tuple[int, str, Value], Outcome] = {}


class Walker:
    """Builds the released data sets of one person's objects of one SOP class and encoding.

    Parameters
    ----------
    rules
        Rules at a place (keyword of the sequence; empty at the top level).
    private
        Whether the private numbers of `private.csv` stay.
    """

    def __init__(
        self, rules: Callable[[str], ChainMap[int, Rule]], replacements: Replacements, *, private: bool
    ) -> None:
        self.rules, self.replacements, self.private = rules, replacements, private
        self.encoding = replacements.encoding
        self._places: dict[tuple[str, bytes], Place] = {}
        self._remembered = 0
        self._begin()

    def rebuild(
        self, ds: DataSet, row: Mapping[str, Any], kept_dimensions: tuple[int, ...] | None
    ) -> tuple[DataSet, dict[int, bytes]]:
        """The released form of a data set, and its encoded elements by tag but for the pixel data.

        `actions`, `unknown_terms`, `kept_private` and `pixels` then say what was met on the way.
        """
        self._begin()
        self._frames = row["NumberOfFrames"] or 1, (row["Rows"] or 0) * (row["Columns"] or 0)
        self.replacements.kept_dimensions = kept_dimensions
        self.replacements.birth_dates = frozenset({str(row["PatientBirthDate"] or "-")[:8].encode()})
        return self._walk(ds, TOP_LEVEL, None)

    def _begin(self) -> None:
        self._frames = 1, 0
        self.actions: list[Action] = []
        self.unknown_terms: list[tuple[int, str]] = []
        self.kept_private = False
        self.pixels: tuple[int, str, bytes | memoryview] | None = None

    def _walk(self, ds: DataSet, where: str, parent: DataSet | None) -> tuple[DataSet, dict[int, bytes]]:
        place = self._place(where, ds.characters)
        out, encoded = DataSet(ds.encoding, ds.transfer_syntax, b"ISO_IR 192"), dict[int, bytes]()
        known, kept, actions = place.outcomes, out.elements, self.actions
        creators: dict[int, str] = {}
        numbers: list[tuple[PrivateNumber, bytes]] = []
        for tag, (vr, value) in ds.elements.items():
            if tag & 0x10000:
                private = self._private(out, encoded, creators, tag, vr, value)
                if private and parent is None:
                    numbers.append(private)
                continue
            outcome = known.get((tag, vr, value)) if type(value) is bytes else None
            if outcome is None:
                rule = place.own.get(tag) or place.base.get(tag)
                if rule is None:
                    actions.append((tag, "X", "not listed"))
                    continue
                if isinstance(value, list) or rule.handler in ("pixels", "code"):
                    self._structure(out, encoded, rule, vr, value, ds, parent)
                    continue
                outcome = self._outcome(place, rule, vr, value, ds, parent)
            actions += outcome.actions
            if outcome.unknown_terms:
                self.unknown_terms += outcome.unknown_terms
            if outcome.encoded is not None and outcome.element is not None:
                encoded[tag], kept[tag] = outcome.encoded, outcome.element
        if where and not _CODE_TAGS.isdisjoint(ds.elements):
            self._code(out, encoded, ds)
        if numbers:
            self._standard_numbers(out, encoded, numbers)
        return out, encoded

    def _place(self, where: str, characters: bytes) -> Place:
        if self._remembered > _MEMORY:
            self._places.clear()
            self._remembered = 0
        place = self._places.get((where, characters))
        if place is None:
            place = self._places[where, characters] = Place(self.rules(where))
        return place

    def _outcome(
        self, place: Place, rule: Rule, vr: str, value: Value, ds: DataSet, parent: DataSet | None
    ) -> Outcome:
        """Decide about a value, and remember it if the decision holds wherever the value stands here."""
        tag, replacements = rule.tag, self.replacements
        if vr not in rule.vrs or not isinstance(value, bytes):
            return Outcome(None, None, ((tag, "X", "other VR"),), ())
        replacements.actions, replacements.unknown_terms = [], []
        new, done = replacements.apply(rule, vr, value, ds, parent)
        actions = (*replacements.actions, *([done] if done else []))
        unknown = tuple(replacements.unknown_terms)
        if new is None:
            outcome = Outcome(None, None, actions, unknown)
        else:
            new = writing.padded(vr, new)
            if len(new) > _LONGEST_SHORT and vr not in LONG_VRS:
                raise Refusal("MALFORMED")  # more values than the element can hold once they are replaced
            encoded = writing.element(tag, vr, new, self.encoding)
            outcome = Outcome(encoded, (vr, new), actions, unknown)
        if len(value) <= _LONGEST_REMEMBERED and rule.handler not in CONTEXTUAL:
            place.outcomes[tag, vr, value] = outcome
            self._remembered += _ENTRY + 3 * len(value)
        return outcome

    def _structure(
        self,
        out: DataSet,
        encoded: dict[int, bytes],
        rule: Rule,
        vr: str,
        value: Value,
        ds: DataSet,
        parent: DataSet | None,
    ) -> None:
        """Sequences, pixel data, and the elements of a code, which are decided together."""
        tag = rule.tag
        if rule.handler == "code":
            return
        if vr not in rule.vrs:
            self.actions.append((tag, "X", "other VR"))
        elif isinstance(value, list):
            self.actions.append((tag, rule.action, rule.handler))
            # Marks are written at the top level once the walk is over, and no item can be a dummy.
            if rule.handler == "marks" or (rule.handler == "clear" and rule.empty != "Z"):
                return
            walked = [] if rule.handler == "clear" else self._items(rule, value, ds, top=parent is None)
            out.elements[tag] = (vr, [item for item, _ in walked])
            encoded[tag] = writing.sequence(
                tag, [b"".join(_ordered(found)) for _, found in walked], self.encoding
            )
        elif parent is not None:
            self.actions.append((tag, rule.empty, rule.handler))
        else:
            self.actions.append((tag, rule.action, rule.handler))
            stream = transfer_syntaxes.stream(ds.transfer_syntax)
            if stream not in (None, "native"):
                value = pixel_streams.rebuild(value, self._frames[0], stream, self._frames[1])
            self.pixels = tag, vr, value
            out.elements[tag] = (vr, value)

    def _items(
        self, rule: Rule, items: list[DataSet], ds: DataSet, *, top: bool
    ) -> list[tuple[DataSet, dict[int, bytes]]]:
        if rule.handler == "dimensions" and top and self.replacements.kept_dimensions is not None:
            items = [items[index] for index in self.replacements.kept_dimensions]
        if rule.handler == "dummy_code":
            return [self._person(ds)] if items else []
        return [self._walk(item, rule.keyword, ds) for item in items]

    def _person(self, ds: DataSet) -> tuple[DataSet, dict[int, bytes]]:
        out, encoded = DataSet(ds.encoding, ds.transfer_syntax, b"ISO_IR 192"), dict[int, bytes]()
        for tag, text in (
            (0x00080100, "PERSON"),
            (0x00080102, codes.LOCAL_SCHEME),
            (0x00080104, codes.LOCAL_MEANING),
        ):
            put(out, encoded, tag, _CODE_VRS[tag], text)
        return out, encoded

    def _code(self, out: DataSet, encoded: dict[int, bytes], ds: DataSet) -> None:
        """Write the code of an item, all of its elements decided together (PS3.3 Table 8.8-1)."""
        released = self._triple(ds)
        for tag, text in released.items():
            put(out, encoded, tag, _CODE_VRS[tag], text)
        for tag in ds.elements:
            if tag in _CODE_VRS or tag == 0x00080120:
                self.actions.append((tag, "C" if tag in released else "X", "code"))

    def _triple(self, ds: DataSet) -> dict[int, str]:
        scheme = values.text(ds, 0x00080102)
        plain, long, urn = (values.text(ds, tag) for tag in (0x00080100, 0x00080119, 0x00080120))
        if plain is None and long is None and urn is None:
            if scheme is None:
                return {}
            return {0x00080102: scheme if codes.is_public_scheme(scheme) else codes.LOCAL_SCHEME}
        code = codes.released(plain or long or urn, scheme, self.replacements.pseudonyms)
        value_tag = 0x00080119 if code.public and plain is None and len(code.value) > 16 else 0x00080100
        released = {value_tag: code.value, 0x00080102: code.scheme, 0x00080104: code.meaning}
        version = values.text(ds, 0x00080103)
        if code.public and version and tables.patterns()["code_versions"].fullmatch(version):
            released[0x00080103] = version
        return released

    def _private(
        self,
        out: DataSet,
        encoded: dict[int, bytes],
        creators: dict[int, str],
        tag: int,
        vr: str,
        value: Value,
    ) -> tuple[PrivateNumber, bytes] | None:
        """Keep a listed number with its creator; nothing else that is private stays."""
        number, block = tag & 0xFFFF, tag & ~0xFFFF | (tag & 0xFF00) >> 8
        if self.private and isinstance(value, bytes):
            if 0x10 <= number <= 0xFF:
                creators[tag] = value.decode("latin-1").strip(" \0")
            elif block in creators:
                listed = private_numbers.known(creators[block], tag >> 16, tag & 0xFF)
                if listed is not None:
                    kept = private_numbers.kept(listed, vr, value, self.encoding.little_endian)
                    if kept is not None:
                        put(out, encoded, block, "LO", listed.creator)
                        encoded[tag] = writing.element(tag, listed.vr, kept, self.encoding)
                        out.elements[tag] = (listed.vr, kept)
                        self.kept_private = True
                        self.actions.append((tag, "K", "private number"))
                        return listed, kept
        self.actions.append((tag, "X", "private"))
        return None

    def _standard_numbers(
        self, out: DataSet, encoded: dict[int, bytes], numbers: list[tuple[PrivateNumber, bytes]]
    ) -> None:
        """Write private numbers to their standard attributes too, where these are absent."""
        found = private_numbers.standard_values(numbers, self.encoding.little_endian)
        for tag, (vr, value) in found.items():
            if tag not in out.elements:
                encoded[tag] = writing.element(tag, vr, value, self.encoding)
                out.elements[tag] = (vr, value)


def put(out: DataSet, encoded: dict[int, bytes], tag: int, vr: str, text: str) -> None:
    """Write one element of plain text, in place of what stands there."""
    value = writing.padded(vr, text.encode("ascii", "replace"))
    encoded[tag] = writing.element(tag, vr, value, out.encoding)
    out.elements[tag] = (vr, value)


def _ordered(encoded: dict[int, bytes]) -> list[bytes]:
    return [encoded[tag] for tag in sorted(encoded)]
