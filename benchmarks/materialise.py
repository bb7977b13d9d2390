"""`eucaim materialise` of many objects, from a folder and from an S3 server, against `cp -r` in the same run.

Each way is killed once on its way and called again; the tree is then checked by `sha256sum`. The S3 server
(moto) is one Python process on this machine, and is most of what its line measures.
"""

import argparse
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import boto3
from moto.server import ThreadedMotoServer

from eucaim_pipelines.resources.stores import open_store
from eucaim_pipelines_tests.release.made import DATASET, Made

PATIENTS = 100
EUCAIM = str(Path(sys.executable).with_name("eucaim"))


def main() -> None:
    """Publish the release twice, lay it out in every way, print one line each."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--objects", type=int, default=10_000)
    options.add_argument("--bytes", type=int, default=100_000)
    chosen = options.parse_args()
    made = Made(PATIENTS, chosen.objects // PATIENTS, chosen.bytes)
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        made.publish(open_store(str(place / "release"), None, "us-east-1"))
        print(
            f"{chosen.objects:,} objects of {chosen.bytes:,} bytes{'seconds':>19}{'MB/s':>8}{'of cp -r':>10}"
        )
        copied = _timed(["cp", "-r", str(place / "release"), str(place / "copy")])
        _say("cp -r", copied, copied, made)
        shutil.rmtree(place / "copy")
        folder = {"EUCAIM_RELEASE": str(place / "release")}
        for name, more in (("folder, copied", []), ("folder, --link", ["--link"])):
            _laid(name, folder, place, more, copied, made)
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        host, port = server.get_host_and_port()
        os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test")  # noqa: S106
        endpoint = f"http://{host}:{port}"
        boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1").create_bucket(Bucket="made")
        made.publish(open_store("s3://made", endpoint, "us-east-1"))
        remote = {"EUCAIM_RELEASE": "s3://made", "EUCAIM_S3_ENDPOINT": endpoint}
        _laid("S3 (moto)", remote, place, [], copied, made)
        server.stop()


def _laid(
    name: str, settings: dict[str, str], place: Path, more: list[str], copied: float, made: Made
) -> None:
    """Lay out once in one go, and once killed early and resumed; check, print, remove."""
    environment = {n: v for n, v in os.environ.items() if not n.startswith("EUCAIM_")} | settings
    whole, resumed = place / "whole", place / "resumed"
    _say(name, _timed([EUCAIM, "materialise", DATASET, str(whole), *more], environment), copied, made)
    _say(
        "  read again", _timed([EUCAIM, "materialise", DATASET, str(whole), *more], environment), copied, made
    )
    command = [EUCAIM, "materialise", DATASET, str(resumed), *more]
    process = subprocess.Popen(command, env=environment, start_new_session=True)
    some = made.patients * made.images // 10
    while sum(1 for _ in (place / ".resumed.partial").rglob("*.dcm")) < some and process.poll() is None:
        time.sleep(0.01)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    if process.wait() != -signal.SIGKILL or resumed.exists():
        sys.exit("The command was at its end before it could be killed, or left a tree although it was.")
    _say("  killed, resumed", _timed(command, environment), copied, made)
    for tree in (whole, resumed):
        subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=tree, check=True)
        subprocess.run(["chmod", "-R", "u+w", str(tree)], check=True)
        shutil.rmtree(tree)


def _timed(command: list[str], environment: dict[str, str] | None = None) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    os.sync()
    return time.perf_counter() - started


def _say(name: str, seconds: float, copied: float, made: Made) -> None:
    megabytes = made.patients * made.images * made.size / 1e6
    print(f"{name:<28}{seconds:>27.2f}{megabytes / seconds:>8.0f}{seconds / copied:>10.1f}", flush=True)


if __name__ == "__main__":
    main()
