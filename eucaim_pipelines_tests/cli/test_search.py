"""`eucaim serve` as a process of its own: keys, an answer, no key no service, a port that is taken."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

from eucaim_pipelines.deidentification.keys.pseudonyms import SiteKey
from eucaim_pipelines.settings import write_settings
from eucaim_pipelines_tests.search.test_node import FIRST, Site

COMMAND = [sys.executable, "-c", "from eucaim_pipelines.cli import console; console()"]


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    """Variables that name the settings of a site with one released dataset."""
    Site(tmp_path).release(FIRST, "first")
    SiteKey.generate(tmp_path / "key")
    places = {"landing": "landing", "restricted": "r", "sources": "s", "release": "release"}
    write_settings(
        tmp_path / "settings.yaml", {**places, "key_file": "key", "search_provider": "Hospital of Tests"}
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith("EUCAIM")}
    return kept | {"EUCAIM_SETTINGS": str(tmp_path / "settings.yaml")}


def call(settings: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *arguments], env=settings, capture_output=True, text=True, timeout=120)


def test_a_client_with_a_key_is_answered_by_the_process(settings: dict[str, str]) -> None:
    made = call(settings, "serve-key", "explorer")
    assert made.returncode == 0, made.stderr
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [*COMMAND, "serve", "--port", str(port)], env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    try:
        address = f"http://127.0.0.1:{port}/search?gender=male"
        asked = Request(address, headers={"X-API-Key": made.stdout.strip()})
        answer = answered(server, asked)
        assert '"name": "first"' in answer and '"provider": "Hospital of Tests"' in answer
        taken = call(settings, "serve", "--port", str(port))
        assert taken.returncode == 3 and f"Port {port}" in taken.stderr and "Traceback" not in taken.stderr
    finally:
        server.send_signal(signal.SIGTERM)
        said = b"".join(server.communicate(timeout=60))
    assert b"male" not in said and b"Traceback" not in said
    assert call(settings, "serve-key", "explorer", "--revoke").returncode == 0
    assert call(settings, "serve-key", "explorer", "--revoke").returncode == 2


def answered(server: subprocess.Popen[bytes], asked: Request) -> str:
    for _ in range(600):
        assert server.poll() is None, server.communicate()
        try:
            with urlopen(asked, timeout=30) as answer:  # noqa: S310 - loopback
                return str(answer.read().decode())
        except URLError:
            time.sleep(0.1)
    raise AssertionError("no answer")


def test_no_key_no_service(settings: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "key").unlink()
    refused = call(settings, "serve", "--port", "1")
    assert refused.returncode == 2 and "key file cannot be read" in refused.stderr
