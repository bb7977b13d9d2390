"""The matrix of quality dimension and level: how many checks there are, and how many found something.

Numbers of checks tell nothing of people, so that both editions show the same. Checks that only inform find no
defect, and count as those that hold.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from eucaim_pipelines.quality.findings import DIMENSIONS, LEVELS, Finding


@dataclass(frozen=True)
class Cell:
    """Checks of one dimension and level: all of them, those that found something, and errors among those."""

    checks: int
    found: int
    failed: int

    @property
    def state(self) -> str:
        """One word for it, for colour and symbol."""
        if not self.checks:
            return "empty"
        return "failed" if self.failed else "found" if self.found else "good"


def matrix(findings: Sequence[Finding], stopping: Collection[str] = ()) -> dict[str, list[Cell]]:
    """Dimension to one cell for each of `LEVELS`; `stopping` are the checks that keep a tier away."""
    return {
        dimension: [
            _cell([e for e in findings if (e.dimension, e.level) == (dimension, level)], stopping)
            for level in LEVELS
        ]
        for dimension in DIMENSIONS
    }


def _cell(findings: Sequence[Finding], stopping: Collection[str]) -> Cell:
    return Cell(
        len(findings),
        sum(each.failed > 0 and not each.informs for each in findings),
        sum(not e.passed and (e.severity == "error" or e.check in stopping) for e in findings),
    )
