"""k, l and unique share of generated tables, told by our query and by pycanon.

Prints both and their seconds, and fails if any number differs. pycanon's requirements clash with ours, so it
runs as another program (`risk_peer.py`), in an environment of its own, on the same Parquet files.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from eucaim_pipelines.quality.risk.groups import People

PEER = "pycanon==1.3.6"
HERE = Path(__file__).parent
ENVIRONMENT = HERE.parent / ".risk"
SENSITIVE = ("stage", "histology")
TABLES = {
    "hospital, mostly unique": {"sex": 2, "age": 18, "diagnosis": 40, "scanner": 60, "interval": 400},
    "screening, alike": {"sex": 2, "age": 6, "maker": 3},
    "one rare patient": {"sex": 2, "age": 4, "maker": 2},
    "half of it missing": {"sex": 3, "age": 10, "site": 20, "maker": 5},
}
"""Fields to how many values they have; drawn with a long tail, as diagnoses and scanners are."""


def main() -> None:
    """Generate each table, let both measure it, compare."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rows", type=int, default=100_000)
    chosen = options.parse_args()
    peer, same = _peer(), True
    print(f"{f'tables of {chosen.rows:,} rows':<28}{'':>9}{'k':>7}{'l':>4}{'unique':>10}{'seconds':>9}")
    with tempfile.TemporaryDirectory() as scratch:
        for name, fields in TABLES.items():
            path = Path(scratch) / "table.parquet"
            pq.write_table(_table(name, fields, chosen.rows), path)
            ours, theirs = _ours(path, list(fields)), _theirs(peer, path, list(fields))
            for first, who, found in ((name, "ours", ours), ("", "pycanon", theirs)):
                k, diverse, unique, seconds = found
                print(f"{first:<28}{who:>9}{k:>7}{diverse:>4}{unique:>10.5f}{seconds:>9.2f}", flush=True)
            same &= ours[:3] == theirs[:3]
    print("All numbers are equal." if same else "Numbers differ.")
    sys.exit(0 if same else 1)


def _table(name: str, fields: dict[str, int], rows: int) -> pa.Table:
    """Texts drawn from a seed. pycanon drops rows with an empty cell, so missing is written as a value."""
    random = np.random.default_rng(len(name))
    columns = {
        field: np.minimum(random.geometric(3 / (values + 1), rows), values)
        for field, values in fields.items()
    } | {field: random.integers(0, 6, rows) for field in SENSITIVE}
    texts = {field: np.char.add(field, drawn.astype(str)) for field, drawn in columns.items()}
    if name == "half of it missing":
        texts = {field: np.where(random.random(rows) < 0.5, "missing", text) for field, text in texts.items()}
    if name == "one rare patient":
        texts["maker"][rows // 2] = "seen nowhere else"
    return pa.table({field: pa.array(text, pa.string()) for field, text in texts.items()})


def _ours(path: Path, fields: list[str]) -> tuple[int, int, float, float]:
    table = pq.read_table(path)
    started = time.perf_counter()
    with People(table) as people:
        found = people.groups(fields, SENSITIVE)
    seconds = time.perf_counter() - started
    return found.smallest or 0, found.least_diverse or 0, found.unique_share, seconds


def _theirs(python: Path, path: Path, fields: list[str]) -> tuple[int, int, float, float]:
    command = [str(python), str(HERE / "risk_peer.py"), str(path), ",".join(fields), ",".join(SENSITIVE)]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)  # noqa: S603
    return told["k"], told["l"], told["unique"], told["seconds"]


def _peer() -> Path:
    """The interpreter of the environment in which pycanon stands; made at the first call."""
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        print(f"Setting up {ENVIRONMENT.name} (once)")
        venv.create(ENVIRONMENT, with_pip=True)
        install = [
            str(python),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            PEER,
            "pyarrow",
        ]
        subprocess.run(install, check=True)  # noqa: S603
    return python


if __name__ == "__main__":
    main()
