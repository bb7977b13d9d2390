"""Schemathesis asks what the OpenAPI description allows, and what it does not: no answer is a 5xx."""

import os
import subprocess
import sys
from pathlib import Path

from eucaim_pipelines.search.control import Control
from eucaim_pipelines_tests.search.population import KEY, collection, tables
from eucaim_pipelines_tests.search.serving import Fixed, served

EXAMPLES = os.environ.get("EUCAIM_SCHEMATHESIS_EXAMPLES", "40")


def test_nothing_that_can_be_asked_ends_in_a_5xx(tmp_path: Path) -> None:
    with served(Fixed(collection(*tables(80, seed=5), Control(KEY))), tmp_path, limit=1_000_000) as client:
        command = [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{client.address}/openapi.json"),
            *("--checks", "not_a_server_error", "--max-examples", EXAMPLES, "--seed", "1"),
            *("--header", f"X-API-Key: {client.key}", "--no-color"),
        ]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=1200)
        asked = (tmp_path / ".search" / "requests.jsonl").read_text().splitlines()
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert len(asked) > int(EXAMPLES), "it has asked"
    assert any('"status": 200' in line for line in asked) and any('"status": 400' in line for line in asked)
