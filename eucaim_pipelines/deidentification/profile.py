"""A profile: which rule each attribute follows, resolved for a SOP class and a place.

What a rule does to a value is the walker's matter (`images`); how the table came about, the generator's.
"""

from dataclasses import dataclass, field
from functools import cache, cached_property
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from pydicom.datadict import DicomDictionary

from eucaim_pipelines import contracts
from eucaim_pipelines.dicom.tables import read_rows

_FILES = ("attribute_types.csv", "sop_class_modules.csv")
_TERM_LISTS = (
    "coding_schemes.csv",
    "cs_terms.csv",
    "manufacturers.csv",
    "text_patterns.csv",
    "well_known_uids.csv",
)
TOP_LEVEL = ""


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
        SHA-256 over the profile, its term lists and the versions of the dictionaries it relies on.
    """

    name: str
    digest: str
    rows: tuple[dict[str, str], ...] = field(repr=False)
    types: dict[tuple[str, str], str] = field(repr=False)
    modules: dict[str, tuple[str, ...]] = field(repr=False)

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

    def rules(self, sop_class: str, place: str) -> dict[int, Rule]:
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
        found = dict(self._base)
        for keyword in self._typed.get(place, ()) if place else self._typed_at_top(sop_class):
            tag = self._tags.get(keyword)
            if tag is not None:
                kind = self._type(sop_class, place, keyword)
                found[tag] = found[tag]._replace(empty=_resolve(found[tag].action, kind))
        return found

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
