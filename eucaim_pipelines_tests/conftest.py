"""Places that tests share: the real DICOM objects beside the project, and an S3 server of this machine.

Data that a single test needs is made in that test.
"""

import os
from pathlib import Path

import boto3
import pytest
from hypothesis import HealthCheck, settings
from moto.server import ThreadedMotoServer

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"

# No law is judged by the clock: a busy machine would fail it.
settings.register_profile(
    "unhurried", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared material beside the project."""
    if not SHARED.is_dir():
        pytest.skip("../shared is not beside the project")
    return SHARED


@pytest.fixture(scope="session", autouse=True)
def read_back_everything():
    """In tests every object that is made is read back element by element."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EUCAIM_VERIFY", "full")
        yield


@pytest.fixture(scope="session")
def s3_endpoint():
    """URL of an S3 server on loopback, started for the tests and stopped after them."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    before = {name: os.environ.get(name) for name in keys}
    os.environ.update(keys)
    yield f"http://{host}:{port}"
    for name, value in before.items():
        os.environ.pop(name) if value is None else os.environ.update({name: value})
    server.stop()


@pytest.fixture
def bucket(s3_endpoint):
    """Name of an empty bucket on the S3 server."""
    client = boto3.client("s3", endpoint_url=s3_endpoint, region_name="us-east-1")
    name = f"bucket-{os.urandom(4).hex()}"
    client.create_bucket(Bucket=name)
    return name
