"""The matrix of quality dimension and level: how many checks there are, and how many found something.

Numbers of checks tell nothing of people, so that both editions show the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from eucaim_pipelines.quality.findings import DIMENSIONS, Finding

LEVELS = ("patient", "clinical", "study", "series", "instance", "annotation")
OTHER = "dataset"
"""Level of findings about more than one table, such as those on linkage."""


@dataclass(frozen=True)
class Cell:
    """Checks of one dimension and level: all of them, those that found something, those that do not hold."""

    checks: int
    found: int
    failed: int

    @property
    def state(self) -> str:
        """One word for it, for colour and symbol."""
        if not self.checks:
            return "empty"
        return "failed" if self.failed else "found" if self.found else "good"


def levels(findings: Sequence[Finding], of_table: Mapping[str, str]) -> list[str]:
    """Levels in the order of EUCAIM's framework, and at the end the dataset as a whole where it occurs."""
    seen = {level(each, of_table) for each in findings}
    return [*LEVELS, *([OTHER] if OTHER in seen else [])]


def level(finding: Finding, of_table: Mapping[str, str]) -> str:
    """The level of a finding."""
    return of_table.get(finding.table, OTHER)


def matrix(findings: Sequence[Finding], of_table: Mapping[str, str]) -> dict[str, list[Cell]]:
    """Dimension to one cell per level."""
    columns = levels(findings, of_table)
    found: dict[str, list[Cell]] = {}
    for dimension in DIMENSIONS:
        mine = [each for each in findings if each.dimension == dimension]
        found[dimension] = [
            Cell(
                sum(level(each, of_table) == name for each in mine),
                sum(level(each, of_table) == name and each.failed > 0 for each in mine),
                sum(level(each, of_table) == name and not each.passed for each in mine),
            )
            for name in columns
        ]
    return found
