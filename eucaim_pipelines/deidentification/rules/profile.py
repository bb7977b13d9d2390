"""A profile: which rule each attribute follows, resolved for a SOP class and a place.

What a rule does to a value is the walker's matter (`images`); how the table came about, the generator's.
"""

from collections import ChainMap, Counter
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from pydicom.datadict import DicomDictionary

from eucaim_pipelines import contracts
from eucaim_pipelines.deidentification.options import Options
from eucaim_pipelines.dicom.tables import read_rows

_FILES = ("attribute_types.csv", "sop_class_modules.csv")
_TERM_LISTS = (
    "burned_in_allowed.csv",
    "coding_schemes.csv",
    "cs_terms.csv",
    "manufacturers.csv",
    "private.csv",
    "text_patterns.csv",
    "well_known_uids.csv",
)
TOP_LEVEL = ""
_DESCRIPTORS, _CHARACTERISTICS = "113105", "113108"


class Rule(NamedTuple):
    """What happens to one attribute at one place of one SOP class."""

    tag: int
    keyword: str
    vrs: frozenset[str]
    multiplicity: tuple[int, int | None, int]
    action: str
    handler: str
    argument: str
    empty: str
    """X, Z or D: what happens to a value that may not stay."""


@dataclass(frozen=True)
class Profile:
    """Rules of one profile.

    Attributes
    ----------
    name
        Name of its table in `data_contracts/deidentification`.
    digest
        SHA-256 over the profile, its term lists, the versions of the dictionaries it relies on, and the
        options where they are not the usual ones.
    options
        What the source chose; the rules are resolved for it.
    """

    name: str
    digest: str
    rows: tuple[dict[str, str], ...] = field(repr=False)
    types: dict[tuple[str, str], str] = field(repr=False)
    modules: dict[str, tuple[str, ...]] = field(repr=False)
    options: Options = field(default_factory=Options)

    @classmethod
    def load(cls, name: str = "eucaim", folder: Path | None = None) -> "Profile":
        """Read a profile.

        Parameters
        ----------
        name
            Name of its table.
        folder
            Folder of the profile's tables; `data_contracts/deidentification` by default. Term lists always
            come from there.
        """
        own = contracts.folder() / "deidentification"
        there = folder or own
        digest = sha256(f"pydicom {version('pydicom')} dicognito {version('dicognito')}".encode())
        for file in (f"{name}.csv", *_FILES):
            digest.update((there / file).read_bytes())
        for file in _TERM_LISTS:
            digest.update((own / file).read_bytes())
        kinds = read_rows(there / "attribute_types.csv")
        modules = read_rows(there / "sop_class_modules.csv")
        return cls(
            name=name,
            digest=digest.hexdigest(),
            rows=tuple(read_rows(there / f"{name}.csv")),
            types={(row["place"], row["keyword"]): row["type"] for row in kinds},
            modules={row["uid"]: tuple(row["modules"].split("|")) for row in modules},
        )

    def with_options(self, options: Options) -> "Profile":
        """The profile as a source chose it: without an option, its attributes follow the Basic Profile."""
        if options == self.options:
            return self
        missing = {_DESCRIPTORS: options.descriptors, _CHARACTERISTICS: options.patient_characteristics}
        off = {code for code, wanted in missing.items() if not wanted}
        rows = tuple(_without(row) if row["option"] in off else row for row in self.rows)
        digest = sha256(f"{self.digest} {options}".encode()).hexdigest()
        return replace(self, rows=rows, digest=digest, options=options)

    @property
    def editions(self) -> dict[str, int]:
        """Attributes by the edition of Table E.1-1 that they are from."""
        return dict(sorted(Counter(row["edition"] for row in self.rows if row["edition"]).items()))

    def rules(self, sop_class: str, place: str) -> ChainMap[int, Rule]:
        """Rules by tag at one place of a SOP class; tags that are not among the keys are removed.

        Parameters
        ----------
        sop_class
            SOP Class UID.
        place
            Keyword of the sequence whose item is walked; `TOP_LEVEL` for the data set itself. Below the top
            level an attribute's type depends on its sequence alone in 792 of the Standard's 794 cases, the
            stricter one is taken in the other two.
        """
        found: dict[int, Rule] = {}
        for keyword in self._typed.get(place, ()) if place else self._typed_at_top(sop_class):
            tag = self._tags.get(keyword)
            if tag is not None:
                kind = self._type(sop_class, place, keyword)
                rule = self._base[tag]
                found[tag] = rule._replace(empty=_resolve(rule.action, kind))
        return ChainMap(found, self._base)

    @cached_property
    def _base(self) -> dict[int, Rule]:
        """Rules of attributes that are optional at their place."""
        found = {}
        for row in self.rows:
            if not row["keyword"] or "X" in row["tag"]:
                continue
            tag = int(row["tag"][1:5] + row["tag"][6:10], 16)
            handler, _, argument = row["rule"].partition(":")
            vrs, empty = frozenset(row["vr"].split(" or ")), _resolve(row["action"], "3")
            found[tag] = Rule(
                tag, row["keyword"], vrs, _multiplicity(tag), row["action"], handler, argument, empty
            )
        return found

    @cached_property
    def _tags(self) -> dict[str, int]:
        return {rule.keyword: tag for tag, rule in self._base.items()}

    @cached_property
    def _typed(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for place, keyword in self.types:
            found.setdefault(place, []).append(keyword)
        return found

    def _typed_at_top(self, sop_class: str) -> list[str]:
        return [
            keyword for module in self.modules.get(sop_class, ()) for keyword in self._typed.get(module, ())
        ]

    def _type(self, sop_class: str, place: str, keyword: str) -> str:
        if place:
            return self.types.get((place, keyword), "3")
        modules = self.modules.get(sop_class, ())
        return min((self.types.get((module, keyword), "3") for module in modules), default="3")


def _without(row: dict[str, str]) -> dict[str, str]:
    action, _, rule = row["without"].partition(" ")
    return row | {"action": action, "rule": rule}


def _resolve(action: str, kind: str) -> str:
    """The first action of a composite that keeps an attribute of this type conformant."""
    if action in ("X", "Z", "D"):
        return action
    allowed = action.split("/") if "/" in action and "U" not in action else ["X", "Z", "D"]
    order = "XZD"
    wanted = order.index({"1": "D", "2": "Z", "3": "X"}[kind])
    return next((code for code in allowed if order.index(code) >= wanted), allowed[-1])


@cache
def _multiplicity(tag: int) -> tuple[int, int | None, int]:
    """Fewest and most values, and the step between allowed counts, of an attribute (PS3.6)."""
    entry = DicomDictionary.get(tag)
    low, _, high = (entry[1] if entry else "1").partition("-")
    if not high:
        return int(low), int(low), 1
    if high == "n":
        return int(low), None, 1
    if high.endswith("n"):
        return int(low), None, int(high[:-1])
    return int(low), int(high), 1
