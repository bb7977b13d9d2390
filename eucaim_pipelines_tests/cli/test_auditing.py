"""`eucaim audit verify` as a process: what it says of a log that another key wrote in part."""

import os
import subprocess
import sys
from pathlib import Path

from eucaim_pipelines.deidentification.keys.pseudonyms import SiteKey
from eucaim_pipelines.deidentification.keys.signing import public_key
from eucaim_pipelines.release.audit_log import AuditLog
from eucaim_pipelines.settings import write_settings

COMMAND = [sys.executable, "-c", "from eucaim_pipelines.cli import console; console()"]


def test_a_log_that_another_key_began_says_so(tmp_path: Path) -> None:
    SiteKey.generate(tmp_path / "key")
    places = {name: name for name in ("landing", "restricted", "sources", "release")}
    write_settings(tmp_path / "settings.yaml", {**places, "key_file": "key"})
    forger = SiteKey(bytes(32))
    AuditLog(tmp_path / "restricted", forger).append("release_published", "lung", tier=1)
    AuditLog(tmp_path / "restricted", SiteKey.load(tmp_path / "key")).append("run_started", "lung")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EUCAIM")}
    ran = subprocess.run(
        [*COMMAND, "audit", "verify"],
        env=kept | {"EUCAIM_SETTINGS": str(tmp_path / "settings.yaml")},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stderr
    assert "3 lines hold" in ran.stdout
    assert "line 2, " in ran.stdout and public_key(forger) in ran.stdout
