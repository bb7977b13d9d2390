"""Value sets: the codes that a field may hold, with labels and the spellings that stand for them.

Which field has which value set is said by the table contracts, not here.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from eucaim_pipelines.contracts import folder as contracts_folder
from eucaim_pipelines.contracts.codes import known_codes
from eucaim_pipelines.errors import ContractError

COLUMNS = ("code", "label", "aliases", "kind", "origin")
CATEGORY = "category"
"""Column that a vocabulary may have beside `COLUMNS`: code of the category that goes with each code."""
PREFIX = "EUCAIM:"
ONTOLOGY = "EUCAIM hyper-ontology v2.0"
"""How the origin of a row begins whose code must be one of that version."""
Form = Literal["bare", "prefixed"]
"""How a code is written: as the tables hold it, or as the compact URI that some readers ask for."""


def bare(code: str) -> str:
    """The code without its `EUCAIM:` prefix, as the tables hold it."""
    return code.removeprefix(PREFIX).strip()


def formed(code: str, form: Form) -> str:
    """The bare code in the form that a reader asks for."""
    return code if form == "bare" else f"{PREFIX}{code}"


def folded(text: str) -> str:
    """The spelling as `Vocabulary.aliases` holds it."""
    return " ".join(text.split()).casefold()


@dataclass(frozen=True)
class Vocabulary:
    """One value set of `data_contracts/vocabularies`.

    Attributes
    ----------
    labels
        Code to label, the root included.
    codes
        The codes that a cell may hold; without the root.
    root
        The concept above all codes, where the value set has one; small categories are pooled into it.
    aliases
        Folded spelling (labels included) to code.
    categories
        Code to the code of its category; empty where the vocabulary has none.
    """

    name: str
    labels: Mapping[str, str]
    codes: frozenset[str]
    root: str | None
    aliases: Mapping[str, str]
    categories: Mapping[str, str]

    def __contains__(self, code: object) -> bool:
        return code in self.codes

    def code(self, text: str | None) -> str | None:
        """Code for a code (bare or `EUCAIM:`), a label or an alias; letter case and spacing do not count."""
        if text is None:
            return None
        return self.bare_code(text) or self.aliases.get(folded(text))

    def bare_code(self, text: str) -> str | None:
        """The text, if it is itself a code of this vocabulary (bare or `EUCAIM:`)."""
        plain = bare(text)
        return plain if plain in self.codes else None

    def form(self, code: str, form: Form) -> str:
        """A code of this vocabulary, bare or prefixed, as a reader asks for it; KeyError for any other."""
        if code not in self.codes:
            raise KeyError(self.name)
        return formed(code, form)

    def code_within(self, text: str | None) -> str | None:
        """As `code`, else the code of the longest alias that occurs inside the text.

        Made for free-spelled names such as DICOM Manufacturer ("GE MEDICAL SYSTEMS, Inc").
        """
        exact = self.code(text)
        if exact is not None or text is None:
            return exact
        plain = folded(text)
        hits = [alias for alias in self.aliases if len(alias) > 2 and alias in plain]
        return self.aliases[max(hits, key=lambda alias: (len(alias), alias))] if hits else None


def load(name: str, folder: Path | None = None) -> Vocabulary:
    """The vocabulary of this name.

    Raises
    ------
    ContractError
        No such file, wrong columns, a code twice or that the ontology lacks, or one spelling for two codes;
        with file and line.
    """
    path = contracts_folder(folder) / "vocabularies" / f"{name}.csv"
    labels: dict[str, str] = {}
    codes: set[str] = set()
    aliases: dict[str, str] = {}
    root: str | None = None
    categories: dict[str, str] = {}
    for line, row in _rows(path):
        code = row["code"]
        if code in labels:
            raise _error(path, line, "The code occurs twice.", "Keep one row.")
        if row["origin"].startswith(ONTOLOGY) and code not in known_codes(folder):
            raise _error(path, line, f"{ONTOLOGY} has no such code.", "Choose one that it has.")
        labels[code] = row["label"]
        if row["kind"] == "root":
            root = code
            continue
        codes.add(code)
        if row.get(CATEGORY):
            categories[code] = row[CATEGORY]
        for spelling in (row["label"], *row["aliases"].split("|")):
            if spelling.strip() and aliases.setdefault(folded(spelling), code) != code:
                raise _error(
                    path, line, f"'{spelling}' already stands for another code.", "Keep one of them."
                )
    return Vocabulary(name, labels, frozenset(codes), root, aliases, categories)


def load_all(folder: Path | None = None) -> dict[str, Vocabulary]:
    """Every vocabulary of the folder by name."""
    base = contracts_folder(folder)
    return {path.stem: load(path.stem, base) for path in sorted((base / "vocabularies").glob("*.csv"))}


def _rows(path: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) not in (COLUMNS, (*COLUMNS, CATEGORY)):
                raise _error(
                    path,
                    1,
                    "The columns are not those of a vocabulary.",
                    f"Write {','.join(COLUMNS)}, and {CATEGORY} where each code has one.",
                )
            rows = [(reader.line_num, row) for row in reader]
    except OSError:
        raise _error(
            path, None, "There is no such vocabulary.", "Add the file or correct the name."
        ) from None
    for line, row in rows:
        complete = None not in row.values() and None not in row
        uncategorised = CATEGORY in row and (row["kind"] == "value") != bool(row[CATEGORY])
        if (
            not complete
            or uncategorised
            or not (row["code"] and row["label"] and row["origin"])
            or row["kind"] not in ("value", "root")
        ):
            raise _error(
                path,
                line,
                "Code, label, kind (value or root), origin and category, if there is one, must be filled.",
                "Fill them.",
            )
    return rows


def _error(path: Path, line: int | None, what: str, remedy: str) -> ContractError:
    return ContractError(file=str(path), line=line, what=what, remedy=remedy)
