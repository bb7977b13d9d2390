"""A site of its own for a test: folders, a fixed key, settings, and the `eucaim` command as typed.

Nothing of the pipeline is replaced; commands run in processes of their own.
"""

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from eucaim_pipelines.contracts import folder as contracts_folder
from eucaim_pipelines.ingest.ledger import Ledger
from eucaim_pipelines.ingest.records import Reception
from eucaim_pipelines.settings import write_settings

KEY = "0123456789abcdef" * 4
COMMAND = Path(sys.executable).with_name("eucaim")


@dataclass(frozen=True)
class Ran:
    """How a command ended: exit code, and standard output with standard error."""

    code: int
    text: str


@dataclass(frozen=True)
class Site:
    """Everything of one site below one folder."""

    folder: Path
    said: list[str] = field(default_factory=list)

    @classmethod
    def make(cls, folder: Path, **settings: Any) -> "Site":
        """Write key and settings; `settings` replace or add to those of a site that is all in one folder."""
        for name in ("restricted", "release", "home"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "key").write_text(KEY + "\n", encoding="ascii")
        (folder / "key").chmod(0o600)
        values = {
            "landing": "landing",
            "restricted": "restricted",
            "release": "release",
            "dagster_home": "home",
            "key_file": "key",
            "sources": str(contracts_folder() / "sources"),
            "workers": 1,
        }
        write_settings(folder / "settings.yaml", values | settings)
        return cls(folder)

    @property
    def log(self) -> Path:
        return self.folder / "log"

    @property
    def landing(self) -> Path:
        return self.folder / "landing"

    @property
    def release(self) -> Path:
        return self.folder / "release"

    @property
    def restricted(self) -> Path:
        return self.folder / "restricted"

    def environment(self) -> dict[str, str]:
        """Variables for a command: this site's settings and no others; lines wide enough not to be broken."""
        kept = {n: v for n, v in os.environ.items() if not n.startswith(("EUCAIM_", "DAGSTER_"))}
        return kept | {"EUCAIM_SETTINGS": str(self.folder / "settings.yaml"), "COLUMNS": "300"}

    def eucaim(self, *args: str) -> Ran:
        """Run a command to its end; what it prints is remembered in `said`."""
        result = subprocess.run(
            [str(COMMAND), *args],
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=900,  # a bound for what hangs; busy machines are slow
        )
        self.said.append(result.stdout)
        return Ran(result.returncode, result.stdout)

    def start(self, *args: str) -> "subprocess.Popen[bytes]":
        """Start a command in a process group of its own; what it prints goes to the file `log`."""
        with self.log.open("wb") as log:
            return subprocess.Popen(
                [str(COMMAND), *args],
                env=self.environment(),
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def receptions(self, dataset: str) -> dict[str, Reception]:
        """What the ledger holds, by `<export>/<path>`."""
        with Ledger(self.restricted / dataset / "ledger.sqlite") as ledger:
            return {f"{r.export}/{r.path}": r for r in ledger.receptions()}

    def balance(self, dataset: str) -> dict[str, int]:
        with Ledger(self.restricted / dataset / "ledger.sqlite") as ledger:
            return ledger.balance()

    def shelf(self, dataset: str, name: str) -> pa.Table:
        """A table of the restricted zone."""
        return pq.read_table(self.restricted / dataset / f"{name}.parquet")

    def tiers(self, dataset: str) -> list[int]:
        """Tiers that have a newest release."""
        return [tier for tier in (1, 2, 3) if (self.release / dataset / f"tier_{tier}/CURRENT").exists()]

    def version_folder(self, dataset: str, tier: int) -> Path:
        """Where CURRENT points to."""
        folder = self.release / dataset / f"tier_{tier}"
        return folder / (folder / "CURRENT").read_text(encoding="ascii").split()[0]

    def manifest(self, dataset: str, tier: int) -> dict[str, Any]:
        return dict(json.loads((self.version_folder(dataset, tier) / "manifest.json").read_bytes()))

    def table(self, dataset: str, tier: int, name: str) -> pa.Table:
        """A table of a release, found as a reader finds it: through CURRENT and manifest."""
        key = next(item["key"] for item in self.manifest(dataset, tier)["tables"] if item["name"] == name)
        return pq.read_table(BytesIO((self.release / key).read_bytes()))

    def objects(self, dataset: str, tier: int) -> list[str]:
        """Keys of the images that a release names."""
        lists = [self.release / item["key"] for item in self.manifest(dataset, tier)["objects"]]
        return [key for part in lists for key in pq.read_table(part).column("key").to_pylist()]

    def manifests(self) -> dict[str, bytes]:
        """Every manifest and pointer of the release folder, by key."""
        paths = [*self.release.rglob("manifest.json"), *self.release.rglob("CURRENT")]
        return {path.relative_to(self.release).as_posix(): path.read_bytes() for path in sorted(paths)}

    def traces(self) -> dict[str, tuple[int, int]]:
        """Inode and time of every file of the release: they change with every write."""
        files = (path for path in self.release.rglob("*") if path.is_file())
        return {p.as_posix(): (p.stat().st_ino, p.stat().st_mtime_ns) for p in files}


def write_export(site: Site, dataset: str, export: str, files: dict[str, bytes], completed: str) -> None:
    """A folder of files in landing, and its marker unless `completed` is empty."""
    folder = site.landing / dataset / export
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    if completed:
        complete(site, dataset, export, completed)


def complete(site: Site, dataset: str, export: str, time_of_day: str) -> None:
    """Write an export's marker."""
    (site.landing / dataset / f"{export}._COMPLETE").write_text(time_of_day + "\n", encoding="utf-8")


def wait_for(condition: Any, process: "subprocess.Popen[bytes]", seconds: float = 60) -> None:
    """Wait until something is the case while a process runs; fails if it ends or time runs out."""
    until = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, "the run ended before it could be interrupted"
        assert time.monotonic() < until, "what was waited for did not come"
        time.sleep(0.01)
