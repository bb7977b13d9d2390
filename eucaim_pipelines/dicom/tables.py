"""The small tables of `data_contracts/dicom` and where they lie.

Reading rows only; what a row means is said by the module that uses it.
"""

import csv
from pathlib import Path

from eucaim_pipelines import contracts


def rows(name: str, folder: Path | None = None) -> list[dict[str, str]]:
    """Rows of `data_contracts/<name>`, from `folder` if one is given in its place."""
    return read_rows(contracts.folder(folder) / name)


def read_rows(path: Path) -> list[dict[str, str]]:
    """Rows of a CSV file; lines that start with `#` say where the table comes from."""
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(line for line in lines if not line.startswith("#")))
