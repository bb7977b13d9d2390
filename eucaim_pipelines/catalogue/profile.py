"""EUCAIM DCAT-AP v2.0 as data: every property, its cardinality, what it may hold, where its value is from.

Read from data_contracts/catalogue; the record is checked against it by shapes that derive from it (`shapes`).
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, cast

from rdflib import URIRef

from eucaim_pipelines.catalogue.terms import expanded
from eucaim_pipelines.contracts import folder as contracts_folder
from eucaim_pipelines.errors import ContractError

Source = Literal["contract", "computed", "fixed", "unused"]
MANDATORY, BLANK = "M", "M, or blank in the transition"
_CONDITION = "C if "
_COLUMNS = ("of", "label", "property", "cardinality", "requirement", "holds", "source", "key", "say")

PLACEHOLDER = (
    r"^\W*(to\s*do|tbd|tbc|t\.b\.d\.?|n/?a|none|null|unknown|empty|xxx+|\?+|-+|\.+|placeholder|lorem ipsum.*"
    r"|to be (defined|determined|confirmed|decided|completed|designated|announced).*)\W*$"
)
"""Texts that stand for nothing, without regard to case."""


@dataclass(frozen=True)
class Property:
    """One property of the profile.

    Attributes
    ----------
    of
        What has it: Dataset, Distribution, or a part of these (Agent, Contact, Period, …).
    label
        Its name in plain words.
    paths
        Its term; several where one of them is enough.
    least, most
        How often it stands; `most` is None for any number.
    requirement
        M, R or O; `C if …`: mandatory where that property is true; `BLANK`: mandatory, yet may be left out.
    holds
        text, count, decimal, boolean, date, version, hex, iri; `iri under PREFIX`; `iri with` one at least
        of what follows; `authority LIST` (authorities.csv), `vocabulary NAME`; `node PART`, or a bare `node`.
    source
        Whether the source contract says it, the pipeline computes it, it is the same for all, or not used.
    key
        The key below `catalogue` of the source contract, or what is computed.
    say
        What a data manager can do about it, or why it is not used.
    """

    of: str
    label: str
    paths: tuple[URIRef, ...]
    least: int
    most: int | None
    requirement: str
    holds: str
    source: Source
    key: str
    say: str

    @property
    def mandatory(self) -> bool:
        """Whether a record without it does not conform."""
        return self.requirement == MANDATORY

    @property
    def needed_if(self) -> URIRef | None:
        """The property that makes this one mandatory where it is true."""
        condition = self.requirement.partition(_CONDITION)[2]
        return expanded(condition) if condition else None

    @property
    def part(self) -> str | None:
        """The part of the record that it holds, if that has properties of its own."""
        return self.holds.removeprefix("node ") if self.holds.startswith("node ") else None

    def keys(self, within: str = "") -> str:
        """Its keys in the source contract, to be named to a person."""
        if not self.key:
            return within
        return " or ".join(f"{within}.{key}" for key in self.key.split("|"))


@cache
def load_properties(folder: Path | None = None) -> tuple[Property, ...]:
    """Every property of data_contracts/catalogue/properties.csv, in its order.

    Raises
    ------
    ContractError
        A column or a value is not what it must be, with the line.
    """
    path = contracts_folder(folder) / "catalogue" / "properties.csv"
    return tuple(_property(path, line, row) for line, row in _rows(path, _COLUMNS))


@cache
def load_authorities(folder: Path | None = None) -> dict[str, dict[str, str]]:
    """The few terms of authorities that records need: list to IRI to label."""
    path = contracts_folder(folder) / "catalogue" / "authorities.csv"
    lists: dict[str, dict[str, str]] = {}
    for _, row in _rows(path, ("list", "iri", "label", "origin")):
        lists.setdefault(row["list"], {})[row["iri"]] = row["label"]
    return lists


def parts(name: str, properties: tuple[Property, ...]) -> tuple[Property, ...]:
    """The properties of one part of the record."""
    return tuple(each for each in properties if each.of == name)


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != columns:
            raise _error(path, 1, "The columns are not those of this file.", f"Write {','.join(columns)}.")
        for row in reader:
            yield reader.line_num, row


def _property(path: Path, line: int, row: dict[str, str]) -> Property:
    form = re.fullmatch(r"(\d+)\.\.(\d+|n)", row["cardinality"])
    if form is None or row["source"] not in ("contract", "computed", "fixed", "unused"):
        raise _error(
            path, line, "Cardinality or source is not known.", "Write 1..n, and contract or computed."
        )
    if row["source"] == "unused" and not row["say"]:
        raise _error(path, line, "A property that is not used has no reason.", "Fill the column say.")
    return Property(
        of=row["of"],
        label=row["label"],
        paths=tuple(expanded(name) for name in row["property"].split("|")),
        least=int(form[1]),
        most=None if form[2] == "n" else int(form[2]),
        requirement=row["requirement"],
        holds=row["holds"],
        source=cast(Source, row["source"]),
        key=row["key"],
        say=row["say"],
    )


def _error(path: Path, line: int, what: str, remedy: str) -> ContractError:
    return ContractError(file=str(path), line=line, what=what, remedy=remedy)
