"""Reason codes of the ledger in plain words, read from data_contracts/reasons.csv.

Nothing here decides a disposition.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Reason:
    """One reason code: what it means for the input and what the holder can do.

    `weight` orders what to mend first: 1 where patients may be mixed up, 2 where an image may show who
    it is, 3 otherwise, 4 for what is no image.
    """

    code: str
    disposition: str
    weight: int
    meaning: str
    remedy: str


def load_reasons(path: Path) -> Mapping[str, Reason]:
    """All reason codes by code; `path` is `reasons.csv` in the folder of data contracts."""
    with path.open(encoding="utf-8", newline="") as file:
        return {row["reason"]: Reason(row["reason"], row["disposition"], int(row["weight"]), row["meaning"],
                                      row["remedy"])
                for row in csv.DictReader(file)}  # fmt: skip
