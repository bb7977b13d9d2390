"""Every release of a dataset is what was published, whichever version it is; what is not is named."""

import hashlib
import json

import pyarrow as pa
import pytest

from eucaim_pipelines.cli.verifying import _tell, _Told
from eucaim_pipelines.deidentification.keys.pseudonyms import SiteKey
from eucaim_pipelines.deidentification.keys.signing import public_key
from eucaim_pipelines.errors import DataError
from eucaim_pipelines.release import manifest as manifests
from eucaim_pipelines.release import trace
from eucaim_pipelines.release.parquet import encode
from eucaim_pipelines.release.publication import publish
from eucaim_pipelines.release.verification import Fault, Reading, versions
from eucaim_pipelines.resources.folder_store import FolderStore
from eucaim_pipelines_tests.release.test_manifest import content, image

KEY = SiteKey(bytes(range(32)))
PUBLIC = public_key(KEY)
FOLDER = "ds/tier_1"


class Reader(FolderStore):
    """A real folder that also notes which keys are read whole."""

    read: list[str] = []  # noqa: RUF012

    def pieces(self, key):
        self.read.append(key)
        return super().pieces(key)


@pytest.fixture
def store(tmp_path):
    return Reader(tmp_path)


def release(store, images, tier=1):
    """One more release, sealed with its trace as a run does."""
    made, _ = publish(
        store,
        content(images, tier),
        {"report.html": f"of {len(images)} images".encode(), trace.RECORD: b"{}"},
        lambda manifest: trace.leave(store, manifest, "holder", KEY),
    )
    return made


@pytest.fixture
def made(store):
    """Three versions of one tier, the oldest first."""
    images = [image(store, patient, n) for patient in ("EUCAIM-a", "EUCAIM-b") for n in range(3)]
    return [release(store, images[:count]) for count in (2, 4, 6)]


def problems(store, logged=None):
    """Everything that does not hold, as keys; a trace is named by its own text."""
    found, faults = versions(store, "ds", 1, logged)
    told = [fault.key for fault in faults] + [each.fault.key for each in found if each.fault is not None]
    reading = Reading(store)
    for manifest in (each.manifest for each in found if each.published and each.manifest is not None):
        told += [fault.key for fault in reading.check(manifest)[1]]
        wrong = trace.problems(store, manifest, PUBLIC)
        told += [f"{'; '.join(wrong)} {trace.key(manifest)}"] if wrong else []
    return told


def test_every_version_is_found_the_newest_first_and_holds(store, made):
    found, faults = versions(store, "ds", 1)
    assert (len(found), faults) == (3, [])
    assert (found[0].version, found[0].newest) == (made[-1].version, True)
    assert {each.version for each in found[1:]} == {each.version for each in made[:-1]}
    assert all(each.published and each.fault is None for each in found)
    assert problems(store) == []


def test_one_changed_byte_of_any_file_of_any_version_is_named(store, made):
    paths = sorted(path for path in store.root.rglob("*") if path.is_file())
    assert len(paths) > 3 * 4 + 6
    for path in paths:
        key, whole = path.relative_to(store.root).as_posix(), path.read_bytes()
        for at in {0, len(whole) // 3, len(whole) // 2, len(whole) - 1}:
            path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            assert any(key in told for told in problems(store)), (key, at)
        path.write_bytes(whole)
    assert problems(store) == []


def test_any_file_that_is_gone_is_named(store, made):
    for path in sorted(path for path in store.root.rglob("*") if path.is_file()):
        key, whole = path.relative_to(store.root).as_posix(), path.read_bytes()
        path.unlink()
        assert any(key in told for told in problems(store)), key
        path.write_bytes(whole)


def test_a_changed_manifest_is_told_by_pointer_trace_or_log(store, made):
    for each in made:
        key = manifests.manifest_key("ds", 1, each.version)
        whole = store.get(key)
        body = json.loads(whole) | {"issued": "2020-01-01"}
        forged = manifests.Manifest.from_bytes(json.dumps(body).encode()).to_bytes()
        (store.root / key).write_bytes(forged)
        assert any(key in told for told in problems(store))
        # Whoever also writes a trace or a pointer anew is found out by the audit log.
        logged = {each.version: {hashlib.sha256(whole).hexdigest()}}
        assert key in problems(store, logged)
        (store.root / key).write_bytes(whole)


def test_a_version_that_is_gone_is_missed_by_the_one_that_followed_it_and_by_the_log(store, made):
    for number, each in enumerate(made):
        folder = store.root / FOLDER / each.version
        kept = {path: path.read_bytes() for path in folder.iterdir()}
        for path in kept:
            path.unlink()
        key = manifests.manifest_key("ds", 1, each.version)
        found, _ = versions(store, "ds", 1)
        assert Fault(key, "missing") in [one.fault for one in found], number
        found, _ = versions(store, "ds", 1, {each.version: {"0" * 64}})
        assert Fault(key, "missing") in [one.fault for one in found]
        for path, data in kept.items():
            path.write_bytes(data)


def test_content_that_comes_back_does_not_hide_what_stood_between(store, made):
    images = [image(store, "EUCAIM-a", n) for n in range(2)]
    assert release(store, images).version == made[0].version
    path = store.root / FOLDER / made[1].version / "report.html"
    path.write_bytes(b"of 5 images")
    assert problems(store) == [f"{FOLDER}/{made[1].version}/report.html"]


def test_what_an_interrupted_run_left_is_no_release(store, made):
    images = [image(store, "EUCAIM-c", n) for n in range(2)]

    def interrupted(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        publish(store, content(images), {"report.html": b"r"}, interrupted)
    found, faults = versions(store, "ds", 1)
    assert [each.published for each in found].count(False) == 1 and faults == []
    assert problems(store) == []
    (store.root / FOLDER / "2026.01.01-00000000").mkdir()
    (store.root / FOLDER / "2026.01.01-00000000/.partial-1").write_bytes(b"half")
    assert len(versions(store, "ds", 1)[0]) == 4


def test_what_tiers_and_versions_share_is_read_once(store, made):
    images = [image(store, patient, n) for patient in ("EUCAIM-a", "EUCAIM-b") for n in range(3)]
    release(store, images, tier=2)
    store.read.clear()
    reading = Reading(store)
    told = [
        reading.check(each.manifest) for tier in (1, 2) for each in versions(store, "ds", tier)[0] if each
    ]
    assert [wrong for _, wrong in told] == [[]] * 4
    images_read = [key for key in store.read if key.endswith(".dcm")]
    assert len(images_read) == len(set(images_read)) == 6
    assert sum(checked for checked, _ in told) > len(store.read)


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (lambda data: data[:-1], "size"),
        (lambda data: bytes([data[0] ^ 1]) + data[1:], "sha256"),
        (None, "missing"),
    ],
)
def test_what_is_wrong_is_said(store, made, damage, what):
    newest = made[-1]
    assert Reading(store).check(newest) == (1 + 2 + 2 + 6, [])
    for key in (
        newest.tables[0].key,
        newest.files[0].key,
        manifests.listed(store, "ds", newest.objects[0])[0][0],
    ):
        path = store.root / key
        whole = path.read_bytes()
        path.unlink() if damage is None else path.write_bytes(damage(whole))
        assert Reading(store).check(newest)[1] == [Fault(key, what)]
        path.write_bytes(whole)


FORGED = {
    "a version that was followed": {"previous": ["x"]},
    "one outside the dataset": {"previous": "../../x"},
    "a key outside the dataset": {"tables": [{"key": "ds/../x"}]},
    "a key of another dataset": {"tables": [{"key": "other/x"}]},
    "a key that no folder can hold": {"tables": [{"key": "ds/" + "x" * 256}]},
    "a key that does not print": {"tables": [{"key": "ds/\0"}]},
    "a key that is none": {"objects": [{"key": None}]},
    "a size that is none": {"files": [{"bytes": "1"}]},
    "rows that are none": {"objects": [{"rows": "1"}]},
}


def forge(store, manifest, **changes):
    """Change a manifest that the pointer does not hold, or the first of its items."""
    body = json.loads(manifest.to_bytes())
    for name, change in changes.items():
        body[name] = [body[name][0] | change[0], *body[name][1:]] if isinstance(change[0], dict) else change
    data = json.dumps(body, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    (store.root / manifests.manifest_key("ds", 1, manifest.version)).write_text(data)


def test_a_manifest_that_nobody_here_would_write_is_named_and_nothing_of_it_is_followed(store, made):
    (store.root / FOLDER / made[1].version / "report.html").write_bytes(b"of 5 images")
    key = manifests.manifest_key("ds", 1, made[0].version)
    for name, changes in FORGED.items():
        forge(store, made[0], **changes)
        assert sorted(problems(store)) == sorted([key, f"{FOLDER}/{made[1].version}/report.html"]), name


@pytest.mark.parametrize("place", ["manifest.json", "trace.json", "CURRENT"])
def test_garbage_is_named(store, made, place):
    place = f"{FOLDER}/{place if place == 'CURRENT' else f'{made[0].version}/{place}'}"
    for garbage in (b"", b"\xff\0", b"null", b"[" * 100_000, b'{"a":' * 100_000):
        (store.root / place).write_bytes(garbage)
        assert any(place in told for told in problems(store)), garbage[:9]


def test_a_pointer_to_no_version_is_not_followed(store, made):
    for version in ("../../../x", "/etc", "a\0b", "x" * 5000, "\x1b[2J"):
        (store.root / FOLDER / "CURRENT").write_text(f"{version}\n{'0' * 64}\n")
        assert problems(store) == [f"{FOLDER}/CURRENT"], version[:9]


NO_LISTS = (
    {"key": ["ds/x"]},
    {"key": ["ds/../../x"], "bytes": [1], "sha256": ["0" * 64]},
    {"key": [None], "bytes": [1], "sha256": ["0" * 64]},
    {"key": [["ds/x"]], "bytes": [1], "sha256": ["0" * 64]},
)


def test_a_list_of_images_that_is_none_is_named_though_its_hash_is_right(store, made):
    key = made[0].objects[0].key
    for data in (b"PAR1" * 9, *(encode(pa.table(columns)) for columns in NO_LISTS)):
        (store.root / key).write_bytes(data)
        item = manifests.item("objects", key, data)
        forge(store, made[0], objects=[{"bytes": item.bytes, "sha256": item.sha256}])
        found, _ = versions(store, "ds", 1)
        [manifest] = [each.manifest for each in found if each.version == made[0].version]
        assert Reading(store).check(manifest)[1] == [Fault(key, "unreadable")]
        with pytest.raises(DataError, match=key):
            manifests.listed(store, "ds", manifest.objects[0])


def test_a_folder_where_a_file_should_be_is_a_file_that_is_missing(store, made):
    for key in (made[0].objects[0].key, manifests.manifest_key("ds", 1, made[0].version), trace.key(made[0])):
        path = store.root / key
        whole = path.read_bytes()
        path.unlink()
        path.mkdir()
        assert any(key in told for told in problems(store)), key
        path.rmdir()
        path.write_bytes(whole)


def test_the_name_of_a_strange_folder_stays_on_its_line(capsys):
    _tell([Fault("ds/tier_1/new\nline\x1b[2J/manifest.json", "missing")], _Told())
    assert capsys.readouterr().out == "  missing: 'ds/tier_1/new\\nline\\x1b[2J/manifest.json'\n"
