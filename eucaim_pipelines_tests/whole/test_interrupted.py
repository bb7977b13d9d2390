"""Runs that are killed, stores that go away: no half release, and the next run completes it to the byte."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
from moto.server import MotoRequestHandler

from eucaim_pipelines_tests.whole.conftest import BREAST, Run
from eucaim_pipelines_tests.whole.sites import Site, wait_for

pytestmark = pytest.mark.xdist_group("breast")


def test_the_uninterrupted_run_is_green(breast: Run) -> None:
    assert breast.ran.code == 0, breast.ran.text
    assert breast.site.tiers(BREAST) == [1]


def test_a_killed_run_leaves_no_release_and_the_next_one_completes_it(
    breast: Run, breast_landing: Path, tmp_path: Path
) -> None:
    site = Site.make(tmp_path, landing=str(breast_landing))
    running = site.start("run", BREAST)
    wait_for(lambda: any(site.release.rglob("*.dcm")), running)
    os.killpg(running.pid, signal.SIGKILL)
    assert running.wait(10) == -signal.SIGKILL
    stored = {path.name for path in site.release.rglob("*.dcm")}
    assert 0 < len(stored) < len(breast.site.objects(BREAST, 1)), "the run was not in the midst of its images"
    assert site.manifests() == {}
    assert site.balance(BREAST)["published"] <= 3, "only clinical tables count before a release"

    after = site.eucaim("run", BREAST)
    assert after.code == 0, after.text
    assert site.manifests() == breast.site.manifests()
    assert {path.name for path in site.release.rglob("*.dcm")} >= stored
    assert site.eucaim("verify", BREAST).code == 0


class Bucket:
    """A bucket on an S3 server of this process, which can go away and come back with what it holds."""

    def __init__(self, name: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.name = name
        self.back()
        self._client().create_bucket(Bucket=name)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def back(self) -> None:
        """The server answers."""
        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=self.port, verbose=False)
        self._server.start()

    def gone(self) -> None:
        """Connections are refused."""
        self._server.stop()
        assert self._server._server is not None
        self._server._server.server_close()

    def content(self, end: str = "") -> dict[str, bytes]:
        """Objects by key without the prefix of the setting."""
        client, found = self._client(), {}
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=self.name):
            for entry in page.get("Contents", ()):
                key = entry["Key"]
                if key.endswith(end):
                    found[key.removeprefix("held/here/")] = client.get_object(Bucket=self.name, Key=key)[
                        "Body"
                    ].read()
        return found

    def keys(self) -> list[str]:
        listed = self._client().list_objects_v2(Bucket=self.name)
        return [entry["Key"] for entry in listed.get("Contents", ())]

    def _client(self):  # type: ignore[no-untyped-def]
        return boto3.client("s3", endpoint_url=self.endpoint, region_name="us-east-1")


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    # One request a connection: a server that is gone must not go on answering on connections it had.
    monkeypatch.setattr(MotoRequestHandler, "protocol_version", "HTTP/1.0", raising=False)
    bucket = Bucket("releases")
    yield bucket
    bucket.gone()


def test_a_store_that_goes_away_leaves_no_half_release_and_s3_holds_what_a_folder_holds(
    breast: Run, breast_landing: Path, store: Bucket, tmp_path: Path
) -> None:
    site = Site.make(
        tmp_path,
        landing=str(breast_landing),
        release=f"s3://{store.name}/held/here",
        s3_endpoint=store.endpoint,
    )
    running = site.start("run", BREAST)
    wait_for(lambda: bool(store.keys()), running)
    store.gone()
    assert running.wait(120) == 3
    assert "object store" in site.log.read_text(encoding="utf-8")
    store.back()
    half = store.keys()
    assert half
    assert not [key for key in half if key.endswith(("manifest.json", "CURRENT"))]

    after = site.eucaim("run", BREAST)
    assert after.code == 0, after.text
    written = store.content()
    assert {key: data for key, data in written.items() if key.endswith(("manifest.json", "CURRENT"))} == (
        breast.site.manifests()
    )
    assert {key for key in written if key.endswith(".dcm")} == set(breast.site.objects(BREAST, 1))
    assert site.eucaim("verify", BREAST).code == 0
