"""What a check found: one row per check, counts only.

Running the checks lives in `expectations` and `linkage`; what a tier makes of them in `verdict`.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields

import pyarrow as pa

from eucaim_pipelines.contracts.rules import DIMENSIONS, LEVELS, Dimension, Level, Severity

__all__ = ["DIMENSIONS", "LEVELS", "SCHEMA", "Dimension", "Finding", "Level", "Severity", "finding",
           "from_table", "to_table"]  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """The outcome of one check; never a cell's value, and no number inside a sentence.

    The sentence holds no number so that one finding serves both editions of the report: the local one
    shows the counts, the shareable one shows them under disclosure control.

    Attributes
    ----------
    check
        Identifier, `<table>.<field>.<kind>` or `linkage.<what>`; tiers and source contracts name it.
    checked, failed
        Rows looked at, and rows that do not hold.
    patients, studies
        Distinct patients and imaging studies among the failed rows; 0 where a row belongs to none.
    share
        Part of the checked rows that hold, 0 to 1; 1 where there was nothing to check.
    passed
        `share` is at least the check's threshold.
    dimension
        One of the six of the EUCAIM data-quality framework (Data Holders Handbook v1.0).
    level
        What an entry is about: patient, clinical, study, series, instance or annotation.
    informs
        The check only informs: by its own rule any share holds, and what it finds is no defect.
    waived
        By whom, until when and why the holder lets a failed check pass for a while; None where nobody does,
        or no longer.
    """

    check: str
    table: str
    field: str | None
    dimension: Dimension
    severity: Severity
    checked: int
    failed: int
    patients: int
    share: float
    passed: bool
    sentence: str
    remedy: str
    level: Level = "clinical"
    waived: str | None = None
    informs: bool = False
    studies: int = 0


_TYPES: dict[object, pa.DataType] = {int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
SCHEMA = pa.schema([pa.field(f.name, _TYPES.get(f.type, pa.string())) for f in fields(Finding)])


def finding(
    check: str,
    *,
    table: str,
    field: str | None = None,
    dimension: Dimension,
    severity: Severity,
    level: Level = "clinical",
    checked: int,
    failed: int,
    patients: int = 0,
    studies: int = 0,
    at_least: float = 1.0,
    sentence: str,
    remedy: str,
) -> Finding:
    """A finding whose share and outcome follow from its counts.

    Parameters
    ----------
    at_least
        Smallest share of the checked rows that must hold, 0 to 1.
    """
    share = 1.0 if checked == 0 else (checked - failed) / checked
    return Finding(
        check, table, field, dimension, severity, checked, failed, patients, share, share >= at_least,
        sentence, remedy, level, informs=at_least == 0, studies=studies,
    )  # fmt: skip


def to_table(findings: Iterable[Finding]) -> pa.Table:
    """Findings as Arrow, ordered by check, so that equal findings give equal bytes."""
    rows = [asdict(each) for each in sorted(findings, key=lambda each: each.check)]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def from_table(table: pa.Table) -> list[Finding]:
    """The inverse of `to_table`."""
    return [Finding(**row) for row in table.select(SCHEMA.names).to_pylist()]
