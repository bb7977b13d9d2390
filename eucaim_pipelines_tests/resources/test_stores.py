"""Folder and S3 keep the same promises."""

import pickle

import pytest

from eucaim_pipelines.errors import MachineError
from eucaim_pipelines.release.store import StoreConflictError
from eucaim_pipelines.resources.stores import open_store


@pytest.fixture(params=["folder", "s3"])
def store(request, tmp_path):
    if request.param == "folder":
        return open_store(str(tmp_path), None, "us-east-1")
    endpoint, bucket = request.getfixturevalue("s3_endpoint"), request.getfixturevalue("bucket")
    return open_store(f"s3://{bucket}/some/prefix", endpoint, "us-east-1")


def test_a_key_is_written_once(store):
    assert store.put("ds/a", b"content") is True
    assert store.put("ds/a", b"content") is False
    with pytest.raises(StoreConflictError, match="ds/a"):
        store.put("ds/a", b"CONTENT")
    assert store.get("ds/a") == b"content"


def test_a_pointer_moves(store):
    store.replace("ds/CURRENT", b"1")
    store.replace("ds/CURRENT", b"2")
    assert store.get("ds/CURRENT") == b"2"


def test_what_is_absent_is_none_and_size_needs_no_reading(store):
    assert store.get("ds/a") is None and store.size("ds/a") is None
    store.put("ds/a", b"12345")
    assert store.size("ds/a") == 5
    for none in ("ds", "ds/a/b"):
        assert store.get(none) is None and store.size(none) is None


def test_folders_are_those_that_hold_a_key(store):
    assert store.folders("ds/tier_1") == []
    for key in ("ds/tier_1/b/manifest.json", "ds/tier_1/a/deep/er", "ds/tier_1/CURRENT", "ds/tier_10/c/d"):
        store.put(key, b"1")
    assert store.folders("ds/tier_1") == ["a", "b"]


def test_a_worker_process_can_take_it_along(store):
    store.put("ds/a", b"1")
    assert pickle.loads(pickle.dumps(store)).get("ds/a") == b"1"  # noqa: S301


def test_a_store_that_cannot_be_reached_is_the_machines_fault(monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    store = open_store("s3://bucket", "http://127.0.0.1:9", "us-east-1")
    with pytest.raises(MachineError, match="s3_endpoint"):
        store.put("ds/a", b"1")


def test_a_bucket_that_does_not_exist_is_named_as_a_setting(s3_endpoint):
    store = open_store("s3://no-such-bucket", s3_endpoint, "us-east-1")
    with pytest.raises(MachineError, match="bucket exists"):
        store.put("ds/a", b"1")
