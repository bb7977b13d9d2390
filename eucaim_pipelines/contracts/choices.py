"""Where EUCAIM's public artefacts contradict one another: what was chosen, what was refused, and why.

The value sets and tables themselves lie in their own files; each choice is checked against them here.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from eucaim_pipelines.contracts import folder as contracts_folder
from eucaim_pipelines.contracts.tables import TableContract
from eucaim_pipelines.contracts.vocabularies import Vocabulary
from eucaim_pipelines.errors import ContractError

COLUMNS = ("kind", "where", "chosen", "refused", "sources", "reason")


@dataclass(frozen=True)
class Choice:
    """One choice: of codes in a value set, or of columns in a table (`where`)."""

    kind: str
    where: str
    chosen: tuple[str, ...]
    refused: tuple[str, ...]
    sources: str
    reason: str


def load_choices(
    vocabularies: Mapping[str, Vocabulary],
    tables: Mapping[str, TableContract],
    folder: Path | None = None,
) -> tuple[Choice, ...]:
    """The choices in the order of `choices.csv`.

    Raises
    ------
    ContractError
        Other columns, an empty cell, a value set or table that does not exist, a chosen code or column
        that is not there, or a refused one that is; with file and line.
    """
    path = contracts_folder(folder) / "choices.csv"
    known = {
        "code": {name: vocabulary.codes for name, vocabulary in vocabularies.items()},
        "column": {name: frozenset(table.fields) for name, table in tables.items()},
    }
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        if tuple(reader.fieldnames or ()) != COLUMNS:
            raise _error(path, 1, f"The columns are not {','.join(COLUMNS)}.")
        return tuple(_choice(path, reader.line_num, row, known) for row in reader)


def _choice(
    path: Path,
    line: int,
    row: Mapping[str, str | None],
    known: Mapping[str, Mapping[str, frozenset[str]]],
) -> Choice:
    cells = {name: row.get(name) or "" for name in COLUMNS}
    if None in row or not all(cells[name] for name in COLUMNS if name != "refused"):
        raise _error(path, line, "A cell is missing, or there is one too many; only refused may be empty.")
    there = known.get(cells["kind"], {}).get(cells["where"])
    if there is None:
        raise _error(path, line, "There is no such kind (code or column), value set or table.")
    chosen, refused = (tuple(filter(None, cells[name].split("|"))) for name in ("chosen", "refused"))
    if not there.issuperset(chosen):
        raise _error(path, line, f"'{cells['where']}' lacks something that is said to be chosen.")
    if not there.isdisjoint(refused):
        raise _error(path, line, f"'{cells['where']}' has something that is said to be refused.")
    return Choice(cells["kind"], cells["where"], chosen, refused, cells["sources"], cells["reason"])


def _error(path: Path, line: int, what: str) -> ContractError:
    return ContractError(
        file=str(path), line=line, what=what, remedy="Correct the row, or what it speaks of."
    )
