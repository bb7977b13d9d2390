"""Hierarchies of generalisation: how a value reads a step less exactly, and another step; one CSV each.

Which field uses which is said in risk/quasi_identifiers.yaml; what a step would win is measured in
`quality.risk`.
"""

import csv
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pyarrow as pa

from eucaim_pipelines.contracts import folder as contracts_folder
from eucaim_pipelines.errors import ContractError

_RANGE, _VALUE, _LABEL = ["from", "to"], ["value"], "label"


@dataclass(frozen=True)
class Hierarchy:
    """Steps from exact to coarse; above the last one stands leaving the field out.

    Attributes
    ----------
    steps
        Their names, the finest first.
    rows
        `value` and its text at each step; or, of numbers, `low` (included) and `high` (not included), which
        have no gap to their neighbours. A value that no row names stays as it is at every step.
    """

    name: str
    steps: tuple[str, ...]
    rows: pa.Table

    @property
    def of_numbers(self) -> bool:
        """Whether rows are ranges."""
        return "low" in self.rows.column_names


def load_hierarchies(folder: Path | None = None) -> dict[str, Hierarchy]:
    """Every hierarchy of `<folder>/risk/hierarchies` by name.

    Raises
    ------
    ContractError
        Other columns, an empty cell, a range that leaves a gap, a value that occurs twice, or a step that
        tells apart what the step before it does not; with file and line.
    """
    paths = sorted((contracts_folder(folder) / "risk" / "hierarchies").glob("*.csv"))
    return {path.stem: _load(path) for path in paths}


def _load(path: Path) -> Hierarchy:
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        names = list(reader.fieldnames or ())
        rows = [(reader.line_num, row) for row in reader]
    keys = _RANGE if names[:2] == _RANGE else _VALUE
    steps = tuple(name for name in names[len(keys) :] if name != _LABEL)
    if names[: len(keys)] != keys or not steps or len({*names}) != len(names):
        raise _error(path, 1, "The columns are value, or from and to, and then the steps.")
    for line, row in rows:
        if None in row or any(not row[step] for step in steps):
            raise _error(path, line, "A step is empty, or the line has other cells than the header.")
    _nested(path, steps, rows)
    keyed = _ranges(path, rows) if keys is _RANGE else _values(path, rows)
    texts = {f"step_{number}": [row[step] for _, row in rows] for number, step in enumerate(steps, 1)}
    return Hierarchy(path.stem, steps, pa.table({**keyed, **texts}))


def _nested(path: Path, steps: tuple[str, ...], rows: list[tuple[int, dict[str, str]]]) -> None:
    """What one step calls alike, every later step calls alike."""
    for finer, coarser in pairwise(steps):
        seen: dict[str, str] = {}
        for line, row in rows:
            if seen.setdefault(row[finer], row[coarser]) != row[coarser]:
                raise _error(path, line, f"'{coarser}' tells apart what '{finer}' does not.")


def _values(path: Path, rows: list[tuple[int, dict[str, str]]]) -> dict[str, pa.Array]:
    seen: set[str] = set()
    for line, row in rows:
        if not row["value"] or row["value"] in seen:
            raise _error(path, line, "The value is empty or occurs twice.")
        seen.add(row["value"])
    return {"value": pa.array([row["value"] for _, row in rows], pa.string())}


def _ranges(path: Path, rows: list[tuple[int, dict[str, str]]]) -> dict[str, pa.Array]:
    ends: list[tuple[float, float]] = []
    for line, row in rows:
        try:
            low, high = float(row["from"] or "-inf"), float(row["to"] or "inf")
        except ValueError:
            raise _error(path, line, "from and to are numbers, or empty where there is no end.") from None
        if not low < high or (ends and ends[-1][1] != low):
            raise _error(path, line, "A range begins where the one above it ends, and is not empty.")
        ends.append((low, high))
    lows, highs = zip(*ends, strict=True) if ends else ((), ())
    return {"low": pa.array(lows, pa.float64()), "high": pa.array(highs, pa.float64())}


def _error(path: Path, line: int, what: str) -> ContractError:
    return ContractError(
        file=str(path), line=line, what=what, remedy="See data_contracts/README.md for its form."
    )
