"""The trace of a release: what the tracing service is told, signed, recomputed, and sent once."""

import base64
import hashlib
import json
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eucaim_pipelines.deidentification.keys.pseudonyms import SiteKey
from eucaim_pipelines.deidentification.keys.signing import public_key
from eucaim_pipelines.errors import SiteKeyError
from eucaim_pipelines.ingest.ledger import Ledger
from eucaim_pipelines.release import trace
from eucaim_pipelines.release.audit_check import check
from eucaim_pipelines.release.publication import publish
from eucaim_pipelines.release.trace_sending import NotSent, send
from eucaim_pipelines.resources.folder_store import FolderStore
from eucaim_pipelines.resources.records import Audit, Traces
from eucaim_pipelines_tests.release.test_manifest import content, image
from eucaim_pipelines_tests.release.tracing_service import Service, serving

KEY = SiteKey(bytes(range(32)))
PUBLIC = public_key(KEY)
RECORD = b'{"record": 1}'


def sha3(data: bytes) -> str:
    return base64.b64encode(hashlib.sha3_256(data).digest()).decode()


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """A store with a release and its trace."""
    store = FolderStore(tmp_path_factory.mktemp("release"))
    images = [image(store, patient, n) for patient in ("EUCAIM-a", "EUCAIM-b") for n in range(2)]
    manifest, _ = publish(store, content(images), {trace.RECORD: RECORD})
    trace.leave(store, manifest, "holder", KEY)
    return store, manifest


def test_the_first_release_is_a_creation_whose_hashes_anybody_can_compute(released):
    store, manifest = released
    said = json.loads(store.get(trace.key(manifest)))["trace"]["message"]
    folder = f"ds/tier_1/{manifest.version}"
    lists = "".join(f"{i.sha256}\n" for i in sorted(manifest.objects, key=lambda i: i.sha256))
    expected = {
        "index": sha3(store.get(f"{folder}/manifest.json")),
        "catalogue": sha3(RECORD),
        "images": sha3(lists.encode()),
        "clinicalData": sha3(f"{manifest.tables[0].sha256}\n".encode()),
    }
    assert (said["userAction"], said["datasetId"], said["userId"]) == ("CREATE_DATASET", "ds", "holder")
    assert "details" not in said
    assert said["resources"] == [
        {"id": f"tier_1/{manifest.version}/{name}", "contentHash": value, "contentHashType": "SHA3_256"}
        for name, value in expected.items()
    ]
    assert trace.problems(store, manifest, PUBLIC) == []


def test_every_other_release_is_an_update(tmp_path):
    store = FolderStore(tmp_path)
    images = [image(store, "EUCAIM-a", n) for n in range(2)]
    publish(store, content(images[:1]), {})
    for release in (content(images), content(images[:1], tier=2)):
        manifest, _ = publish(store, release, {})
        said = trace.message(store, manifest, "holder")
        assert (said["userAction"], said["details"]) == ("UPDATE_DATASET", "RELEASE")


def test_a_trace_is_left_once_whatever_the_setting_says_later(released):
    store, manifest = released
    first = store.get(trace.key(manifest))
    assert trace.leave(store, manifest, "somebody else", KEY) == first
    assert store.get(trace.key(manifest)) == first


@given(where=st.floats(0, 1, exclude_max=True), change=st.integers(1, 255))
def test_any_changed_byte_of_a_trace_is_told(released, where, change):
    store, manifest = released
    path = store.root / trace.key(manifest)
    whole = path.read_bytes()
    at = int(where * len(whole))
    try:
        path.write_bytes(whole[:at] + bytes([whole[at] ^ change]) + whole[at + 1 :])
        assert len(trace.problems(store, manifest, PUBLIC)) == 1
    finally:
        path.write_bytes(whole)


def test_a_signature_in_other_letters_is_told(released):
    store, manifest = released
    path = store.root / trace.key(manifest)
    whole = path.read_bytes()
    signature = json.loads(whole)["signature"]
    try:
        path.write_bytes(whole.replace(signature.encode(), signature.upper().encode()))
        assert trace.problems(store, manifest, PUBLIC) == ["its signature is wrong"]
    finally:
        path.write_bytes(whole)


def test_a_trace_of_another_release_or_under_another_key_is_told(released, tmp_path):
    store, manifest = released
    path = store.root / trace.key(manifest)
    whole = path.read_bytes()
    assert trace.problems(store, manifest, "ab" * 32) == ["it was signed with another key"]
    other = FolderStore(tmp_path)
    another, _ = publish(other, content([image(other, "EUCAIM-c", 1)]), {})
    try:
        path.write_bytes(trace.leave(other, another, "holder", KEY))
        assert trace.problems(store, manifest, PUBLIC) == ["it is the trace of another release"]
        path.unlink()
        assert trace.problems(store, manifest, PUBLIC) == ["there is none"]
    finally:
        path.write_bytes(whole)


@pytest.fixture
def service() -> Iterator[Service]:
    with serving() as server:
        yield server


@pytest.mark.parametrize("status", [302, 401, 500])
def test_any_other_answer_is_no_yes_and_no_redirect_is_followed(service, status):
    service.status = status
    with pytest.raises(NotSent, match=f"status {status}"):
        send(service.url, b"{}", "secret")
    assert len(service.told) == 1


def test_a_token_that_no_header_can_hold_is_told(service):
    with pytest.raises(NotSent, match="Error"):
        send(service.url, b"{}", "two\nlines")
    assert service.told == []


def test_a_service_that_is_not_there_is_told():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(NotSent, match="ConnectionRefusedError"):
        send(f"http://127.0.0.1:{port}/traces", b"{}", None)


def test_a_trace_is_sent_once_and_again_where_the_service_was_down(released, service, tmp_path):
    store, manifest = released
    (tmp_path / "key").write_text(bytes(range(32)).hex())
    (tmp_path / "token").write_text("a bearer's token\n")
    for name in ("key", "token"):
        (tmp_path / name).chmod(0o600)
    with Ledger(tmp_path / "ds" / "ledger.sqlite") as ledger:
        ledger.note(version_tier_1=manifest.version)
    audit = Audit(folder=str(tmp_path), key_file=str(tmp_path / "key"))
    traces = Traces(folder=str(tmp_path), user="holder", url=service.url, token_file=str(tmp_path / "token"))
    service.status = 503
    assert traces.pay(store, "ds", 1, audit) == "status 503"
    assert traces.owed("ds", 1) == manifest.version
    service.status = 204
    assert [traces.pay(store, "ds", 1, audit) for _ in range(2)] == [None, None]
    assert traces.owed("ds", 1) is None and traces.owed("ds", 2) is None
    body = trace.sent(store.get(trace.key(manifest)))
    assert service.told == [("/api/v2/traces?from=here", "Bearer a bearer's token", body)] * 2
    assert json.loads(body) == trace.message(store, manifest, "holder")
    lines = check(tmp_path, PUBLIC).lines
    assert [(line.event, line.told.get("why")) for line in lines] == [
        ("trace_not_sent", "status 503"),
        ("trace_sent", None),
    ]
    assert {line.told["sha3_256"] for line in lines} == {sha3(body)}


def test_releases_that_came_while_the_service_was_down_are_told_in_their_order(service, tmp_path):
    store = FolderStore(tmp_path / "release")
    images = [image(store, "EUCAIM-a", n) for n in range(4)]
    (tmp_path / "key").write_text(bytes(range(32)).hex())
    (tmp_path / "key").chmod(0o600)
    audit = Audit(folder=str(tmp_path), key_file=str(tmp_path / "key"))
    traces = Traces(folder=str(tmp_path), user="holder", url=service.url)
    made = []
    for number, status in enumerate((503, 503, 204, 204), start=1):
        manifest, _ = publish(store, content(images[:number]), {})
        made.append(manifest.version)
        traces.leave(store, manifest, audit)
        with Ledger(tmp_path / "ds" / "ledger.sqlite") as ledger:
            ledger.note(version_tier_1=manifest.version)
        service.status = status
        traces.pay(store, "ds", 1, audit)
    told = [json.loads(body) for _, _, body in service.told]
    versions = [each["resources"][0]["id"].split("/")[1] for each in told]
    assert versions == [made[0], made[0], *made]
    assert [each["userAction"] for each in told[2:]] == ["CREATE_DATASET", *["UPDATE_DATASET"] * 3]
    assert traces.owed("ds", 1) is None


def test_content_that_comes_back_is_told_as_an_update(service, tmp_path):
    store = FolderStore(tmp_path / "release")
    images = [image(store, "EUCAIM-a", n) for n in range(2)]
    (tmp_path / "key").write_text(bytes(range(32)).hex())
    (tmp_path / "key").chmod(0o600)
    audit = Audit(folder=str(tmp_path), key_file=str(tmp_path / "key"))
    traces = Traces(folder=str(tmp_path), user="holder", url=service.url)
    for count in (1, 2, 1):
        manifest, _ = publish(store, content(images[:count]), {}, lambda m: traces.leave(store, m, audit))
        with Ledger(tmp_path / "ds" / "ledger.sqlite") as ledger:
            ledger.note(version_tier_1=manifest.version)
        assert traces.pay(store, "ds", 1, audit) is None
    told = [json.loads(body) for _, _, body in service.told]
    assert [each["userAction"] for each in told] == ["CREATE_DATASET", "UPDATE_DATASET", "UPDATE_DATASET"]
    assert told[2]["resources"] == told[0]["resources"] and told[2]["details"] == "RELEASE"
    assert traces.owed("ds", 1) is None


def test_a_token_that_others_may_read_starts_nothing(tmp_path):
    (tmp_path / "token").write_text("token")
    (tmp_path / "token").chmod(0o644)
    with pytest.raises(SiteKeyError, match="chmod 600"):
        Traces(folder=str(tmp_path), user="holder", token_file=str(tmp_path / "token")).check()


def test_nothing_is_owed_where_no_service_is_named(tmp_path):
    assert Traces(folder=str(tmp_path), user="holder").owed("ds", 1) is None
