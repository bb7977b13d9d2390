"""The walk over one object: a new data set is built from the elements the profile allows.

Default deny. What happens to one value is said in `replacements`.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

from pydicom import Dataset
from pydicom.datadict import DicomDictionary

from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms
from eucaim_pipelines.deidentification.rules import codes, private_numbers, tables
from eucaim_pipelines.deidentification.rules.profile import TOP_LEVEL, Rule
from eucaim_pipelines.dicom.transfer_syntaxes import Encoding
from eucaim_pipelines_tests.reference import values, writing
from eucaim_pipelines_tests.reference.replacements import DUMMIES, Context, Replacements

_CODE_TAGS = (0x00080100, 0x00080119, 0x00080120, 0x00080102)


class Walker:
    """Builds the released data set of one object.

    Parameters
    ----------
    rules
        Rules of the object's SOP class at a place (keyword of the sequence; empty at the top level).
    """

    def __init__(
        self,
        rules: Callable[[str], dict[int, Rule]],
        pseudonyms: Pseudonyms,
        context: Context,
        encoding: Encoding,
        *,
        private: bool = True,
    ) -> None:
        self.private, self.kept_private = private, False
        self.numbers: list[tuple[private_numbers.PrivateNumber, bytes]] = []
        self.rules, self.pseudonyms, self.context, self.encoding = rules, pseudonyms, context, encoding
        self.actions: Counter[tuple[int, str, str]] = Counter()
        self.replacements = Replacements(pseudonyms, context, encoding, self.actions)

    def walk(self, ds: Dataset, place: str = TOP_LEVEL, parent: Dataset | None = None) -> Dataset:
        """New data set of what may stay of `ds`, at every depth."""
        rules, out, encoding = self.rules(place), Dataset(), self.encoding
        triple = self._triple(ds) if place and any(tag in ds._dict for tag in _CODE_TAGS) else None
        for key, found in list(ds._dict.items()):
            element: Any = found
            tag = int(key)
            if tag >> 16 & 1:
                self._private(
                    out, ds, key, values.raw(ds, tag), element.VR or "UN", nested=parent is not None
                )
                continue
            rule = rules.get(tag)
            if rule is None:
                self.actions[tag, "X", "not listed"] += 1
                continue
            vr = element.VR or _implicit_vr(rule)
            if vr not in rule.vrs:
                self.actions[tag, "X", "other VR"] += 1
                continue
            if vr == "SQ":
                if rule.handler != "marks" and (rule.handler != "clear" or rule.empty == "Z"):
                    out._dict[key] = writing.sequence(tag, self._items(rule, ds, tag, top=parent is None))
                self.actions[tag, rule.action, rule.handler] += 1
                continue
            value = values.raw(ds, tag) or b""
            kept: bytes | None
            if rule.handler == "code":
                kept = triple.get(tag) if triple is not None else None
                if kept is None:
                    self.actions[tag, "X", "code"] += 1
                    continue
            elif not value or rule.handler == "clear":
                kept = None
            else:
                kept = getattr(self.replacements, rule.handler)(rule, vr, value, ds, parent)
            if kept is None:
                kept = self._cleared(rule, vr, value)
                if kept is None:
                    continue
            else:
                self.actions[tag, rule.action, rule.handler] += 1
            encapsulated = rule.handler == "pixels" and self.context.stream != "native"
            out._dict[key] = writing.element(tag, vr, kept, encoding, encapsulated=encapsulated)
        for tag, kept in (triple or {}).items():
            if kept is not None and tag not in out._dict:
                added = writing.element(tag, str(DicomDictionary[tag][0]), kept, encoding)
                out._dict[added.tag] = added
        if parent is None:
            for tag, (vr, kept) in private_numbers.standard_values(
                self.numbers, encoding.little_endian
            ).items():
                if tag not in out._dict:
                    added = writing.element(tag, vr, kept, encoding)
                    out._dict[added.tag] = added
        out.set_original_encoding(encoding.implicit_vr, encoding.little_endian, "utf-8")
        return out

    def _private(
        self, out: Dataset, ds: Dataset, key: Any, value: bytes | None, vr: str, *, nested: bool
    ) -> None:
        tag = int(key)
        block = tag & ~0xFFFF | (tag & 0xFF00) >> 8
        creator = values.text(ds, block) if tag & 0xFFFF > 0xFF and self.private else None
        number = private_numbers.known(creator, tag >> 16, tag & 0xFF) if creator and value else None
        kept = private_numbers.kept(number, vr, value, self.encoding.little_endian) if number else None
        if number is None or kept is None:
            return
        named = writing.element(block, "LO", number.creator.encode(), self.encoding)
        out._dict[named.tag] = named
        out._dict[key] = writing.element(tag, number.vr, kept, self.encoding)
        if not nested:
            self.numbers.append((number, kept))
        self.kept_private = True

    def _items(self, rule: Rule, ds: Dataset, tag: int, *, top: bool) -> list[Dataset]:
        if rule.handler == "clear":
            return []
        children = values.items(ds, tag)
        if rule.handler == "dimensions" and top and self.context.kept_dimensions is not None:
            children = [children[index] for index in self.context.kept_dimensions]
        if rule.handler == "dummy_code":
            return [self._dummy_code()] if children else []
        return [self.walk(child, rule.keyword, ds) for child in children]

    def _dummy_code(self) -> Dataset:
        out = Dataset()
        for tag, vr, text in ((0x00080100, "SH", "PERSON"), (0x00080102, "SH", codes.LOCAL_SCHEME)):
            added = writing.element(tag, vr, text.encode(), self.encoding)
            out._dict[added.tag] = added
        meaning = writing.element(0x00080104, "LO", codes.LOCAL_MEANING.encode(), self.encoding)
        out._dict[meaning.tag] = meaning
        return out

    def _cleared(self, rule: Rule, vr: str, value: bytes) -> bytes | None:
        """What stands in the place of a value that may not stay; None when the attribute goes."""
        if rule.handler == "charset" and value:
            return None
        if not value and rule.action != "X":
            return b""
        self.actions[rule.tag, rule.empty, rule.handler] += 1
        if rule.empty == "X":
            return None
        if rule.empty == "Z":
            return b""
        return (self.context.pseudonym if vr == "PN" else DUMMIES.get(vr, "")).encode()

    def _triple(self, ds: Dataset) -> dict[int, bytes | None]:
        """Released code elements of an item, all decided together; None removes one."""
        scheme = values.text(ds, 0x00080102)
        plain, long, urn = (values.text(ds, tag) for tag in (0x00080100, 0x00080119, 0x00080120))
        if plain is None and long is None and urn is None:
            if scheme is None:
                return {}
            kept_scheme = scheme if codes.is_public_scheme(scheme) else codes.LOCAL_SCHEME
            return {0x00080102: kept_scheme.encode()}
        code = codes.released(plain or long or urn, scheme, self.pseudonyms)
        value_tag = 0x00080119 if code.public and plain is None and len(code.value) > 16 else 0x00080100
        version = values.text(ds, 0x00080103)
        if not (code.public and version and tables.patterns()["code_versions"].fullmatch(version)):
            version = None
        return {
            value_tag: code.value.encode(),
            0x00080102: code.scheme.encode(),
            0x00080103: version.encode() if version else None,
            0x00080104: code.meaning.encode("ascii", "replace"),
        }


def _implicit_vr(rule: Rule) -> str:
    return next((vr for vr in ("SQ", "OW", "US") if vr in rule.vrs), min(rule.vrs))
