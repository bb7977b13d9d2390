"""Demo exports written once per test session, and a reader of their files that uses no pipeline code."""

import csv
import json
import tarfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from eucaim_pipelines.contracts import folder as contracts_folder
from eucaim_pipelines.demo import write_exports

EXPORTS = ("2026-01", "2026-02.zip", "2026-03.tar")


@dataclass(frozen=True)
class Demo:
    """A folder that `write_exports` filled."""

    folder: Path

    @property
    def truth(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / "truth.json").read_text(encoding="utf-8"))["datasets"])

    def files(self, dataset_id: str) -> Iterator[tuple[str, bytes | None]]:
        """Key in the truth and content of every file of the three exports; no content for links."""
        root = self.folder / "landing" / dataset_id
        for path in sorted((root / EXPORTS[0]).rglob("*")):
            if path.is_symlink() or path.is_file():
                key = f"{EXPORTS[0]}/{path.relative_to(root / EXPORTS[0]).as_posix()}"
                yield key, None if path.is_symlink() else path.read_bytes()
        with zipfile.ZipFile(root / EXPORTS[1]) as archive:
            for name in archive.namelist():
                yield f"{EXPORTS[1]}/{name}", archive.read(name)
        with tarfile.open(root / EXPORTS[2]) as tape:
            for member in tape.getmembers():
                if member.isfile():
                    stream = tape.extractfile(member)
                    assert stream is not None
                    yield f"{EXPORTS[2]}/{member.name}", stream.read()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    folder = tmp_path_factory.mktemp("demo")
    write_exports(folder)
    return Demo(folder)


@pytest.fixture(scope="session")
def clean_demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    folder = tmp_path_factory.mktemp("clean")
    write_exports(folder, clean=True)
    return Demo(folder)


@pytest.fixture(scope="session")
def reasons() -> dict[str, str]:
    """Disposition of every reason code of the contract."""
    with (contracts_folder() / "reasons.csv").open(encoding="utf-8", newline="") as file:
        return {row["reason"]: row["disposition"] for row in csv.DictReader(file)}
