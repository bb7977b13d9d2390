"""The lists of `data_contracts/onboarding` that profiles and suggestions go by, read strictly.

Words and codes of the ontology are read in `contracts`, because matching needs them too.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, get_args

from eucaim_pipelines.contracts import folder as contracts_folder
from eucaim_pipelines.contracts.source_columns import Kind
from eucaim_pipelines.contracts.words import fold
from eucaim_pipelines.errors import ContractError

FOLDER = "onboarding"


class Meaning(NamedTuple):
    """What a column with this meaning is, and the field of the common data model that it fills, if any."""

    kind: str
    table: str
    field: str


@dataclass(frozen=True)
class Lists:
    """What profiles and suggestions go by.

    Spellings of "no value"; of units, in lower case, to UCUM; English terms to what such columns are; names
    of elements of older models to table and field.
    """

    missing: frozenset[str]
    units: Mapping[str, str]
    meanings: Mapping[str, tuple[Meaning, ...]]
    template_names: Mapping[str, tuple[str, str]]

    def unit(self, header: str) -> str | None:
        """The UCUM code of the unit that a header ends with or has in brackets: `Dosis (Gy)`, `psa_ng/ml`."""
        plain = header.casefold().replace("_", " ").replace("[", "(").replace("]", ")")
        inside = plain.rpartition("(")[2].partition(")")[0] if "(" in plain else ""
        for text in (inside, plain.split()[-1] if plain.split() else ""):
            if text.strip() in self.units:
                return self.units[text.strip()]
        return None


def load_lists(folder: Path | None = None) -> Lists:
    """The lists.

    Raises
    ------
    ContractError
        A file is missing, has other columns, or names a kind of column that does not exist.
    """
    base = contracts_folder(folder) / FOLDER
    meanings: dict[str, list[Meaning]] = {}
    path = base / "meanings.csv"
    for line, row in _rows(path, ("english", "is", "table", "field")):
        if row["is"] not in get_args(Kind) or bool(row["table"]) != bool(row["field"]):
            raise ContractError(
                file=str(path),
                line=line,
                what="A meaning has a kind of column, and both table and field or neither.",
                remedy=f"Kinds: {', '.join(get_args(Kind))}.",
            )
        meanings.setdefault(fold(row["english"]), []).append(Meaning(row["is"], row["table"], row["field"]))
    return Lists(
        missing=frozenset(
            row["spelling"].casefold() for _, row in _rows(base / "missing.csv", ("spelling",))
        ),
        units={r["spelling"]: r["unit"] for _, r in _rows(base / "units.csv", ("spelling", "unit"))},
        template_names={
            fold(row["element"]): (row["table"], row["field"])
            for _, row in _rows(base / "template_names.csv", ("element", "table", "field"))
        },
        meanings={english: tuple(found) for english, found in meanings.items()},
    )


def _rows(path: Path, columns: tuple[str, ...]) -> list[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            rows = [(reader.line_num, row) for row in reader]
    except OSError:
        raise ContractError(
            file=str(path), line=None, what="There is no such list.", remedy="Restore it."
        ) from None
    if tuple(reader.fieldnames or ()) != columns or any(
        None in row or None in row.values() for _, row in rows
    ):
        raise ContractError(
            file=str(path), line=1, what="The columns are others.", remedy=f"Write {','.join(columns)}."
        )
    return rows
