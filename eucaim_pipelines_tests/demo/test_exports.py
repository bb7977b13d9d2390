"""Writing the demo: same bytes for the same seed, no defect when clean, tables that contracts can read."""

import filecmp
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from eucaim_pipelines.contracts import folder as contracts_folder
from eucaim_pipelines.contracts.sources import Column, load_source
from eucaim_pipelines.demo import DemoExistsError, write_exports
from eucaim_pipelines.demo.exports import PLANS
from eucaim_pipelines.ingest.clinical_files import read
from eucaim_pipelines.ingest.combination import REASON
from eucaim_pipelines_tests.demo.conftest import Demo

DATASETS = sorted(PLANS)


def test_the_same_seed_gives_the_same_bytes_and_times_in_another_process(demo: Demo, tmp_path: Path) -> None:
    code = "import pathlib, sys; from eucaim_pipelines.demo import write_exports"
    code += "; write_exports(pathlib.Path(sys.argv[1]))"
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True, env=environment)
    first, second = (_files(folder) for folder in (demo.folder, tmp_path))
    assert sorted(first) == sorted(second)
    for name, path in first.items():
        assert filecmp.cmp(path, second[name], shallow=False), name
        assert "truth" in name or path.stat().st_mtime == second[name].stat().st_mtime


def _files(folder: Path) -> dict[str, Path]:
    return {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}


def test_another_seed_gives_other_identities() -> None:
    plan = PLANS["demo_breast_mg"]
    one, other = (
        {made.made.sop_uid for export in plan(seed, True).exports for made in export.files if made.made}
        for seed in (1, 2)
    )
    assert not one & other


def test_what_is_there_is_never_overwritten(demo: Demo) -> None:
    with pytest.raises(DemoExistsError):
        write_exports(demo.folder)


def test_the_demo_is_small(demo: Demo) -> None:
    files = _files(demo.folder)
    assert sum(path.stat().st_size for path in files.values()) < 150_000_000
    assert sum(truth["counts"]["received"] for truth in demo.truth.values()) <= 3_500


@pytest.mark.parametrize("dataset_id", DATASETS)
def test_clean_exports_have_no_defect(clean_demo: Demo, dataset_id: str) -> None:
    truth = clean_demo.truth[dataset_id]
    assert truth["tier_reached"] == 3
    assert truth["counts"]["quarantined"] == truth["counts"]["pending"] == 0
    assert set(truth["reasons"]) == {"RELEASED", "ROWS_READ", "SAME_CONTENT", "SUPERSEDED"}
    assert truth["patients_only_in_images"] == truth["patients_only_in_tables"] == 0
    for rows in truth["rows"].values():
        assert rows["unmapped"] == rows["duplicate_keys"] == rows["refused"] == 0
    assert not (clean_demo.folder / "landing" / dataset_id / "2026-04").exists()


@pytest.mark.parametrize("dataset_id", DATASETS)
@pytest.mark.parametrize("which", ["demo", "clean_demo"])
def test_source_contracts_describe_the_tables(
    request: pytest.FixtureRequest, which: str, dataset_id: str
) -> None:
    exports: Demo = request.getfixturevalue(which)
    truth = exports.truth[dataset_id]
    source = load_source(contracts_folder() / "sources" / f"{dataset_id}.yaml")
    received = dict.fromkeys(truth["rows"], 0)
    refused, unmapped_now = 0, {}
    for key, data in exports.files(dataset_id):
        specs = source.files_for(key.rsplit("/", 1)[-1])
        assert bool(specs) == (truth["receptions"][key]["reason"] == "ROWS_READ")
        for spec in specs if data is not None else ():
            rows = read(data, spec).to_pylist()
            received[spec.name] += len(rows)
            refused += sum(row[REASON] is not None for row in rows)
            for row in rows:
                own = (spec.name, *(row[spec.declared[field]] for field in spec.key))
                unmapped_now[own] = sum(_unmapped(row, name, column) for name, column in spec.columns.items())
    assert received == {name: rows["received"] for name, rows in truth["rows"].items()}
    assert refused == sum(rows["refused"] for rows in truth["rows"].values())
    assert sum(unmapped_now.values()) == sum(rows["unmapped"] for rows in truth["rows"].values())


def _unmapped(row: dict[str, Any], name: str, column: Column) -> int:
    """Values of a cell that stand in no value map, by the plainest reading of the source contract."""
    cell = row[name]
    if cell is None:
        return 0
    if column.split is not None:
        found = re.fullmatch(column.split.pattern, cell)
        return sum(
            found is None or found[key] not in part.values for key, part in column.split.fields.items()
        )
    cells = cell.split(column.separator) if column.separator else [cell]
    return sum(column.kind == "code" and part.strip() not in column.values for part in cells)
