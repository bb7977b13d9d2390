"""A tree that is laid out from a release: whole or not there, verified, resumed, updated."""

import fcntl
import hashlib
import json
import os
import stat
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from eucaim_pipelines.contracts.tables import load_tables
from eucaim_pipelines.errors import DataError, MachineError, SettingsError
from eucaim_pipelines.release import copying, materialise, subset, tree
from eucaim_pipelines.release.materialise import Done
from eucaim_pipelines.release.tree import Entry, Tree
from eucaim_pipelines.resources.stores import open_store
from eucaim_pipelines_tests.release.made import DATASET, Made


@pytest.fixture(params=["folder", "s3"])
def store(request, tmp_path):
    if request.param == "folder":
        return open_store(str(tmp_path / "release"), None, "us-east-1")
    endpoint, bucket = request.getfixturevalue("s3_endpoint"), request.getfixturevalue("bucket")
    return open_store(f"s3://{bucket}/some/prefix", endpoint, "us-east-1")


@pytest.fixture
def folder(tmp_path):
    """A release in a folder: what concerns files of this disk."""
    return open_store(str(tmp_path / "release"), None, "us-east-1")


def lay(store, manifest, target: Path, patients=None, link=False) -> Done:
    return materialise.materialise(store, tree.plan(store, manifest, patients, link), target, link)


def files(target: Path) -> dict[str, bytes]:
    return {p.relative_to(target).as_posix(): p.read_bytes() for p in target.rglob("*") if p.is_file()}


def assert_whole(target: Path, images: int) -> None:
    """Everything is there, as `sha256sum` itself says, nothing more, and nobody may write."""
    subprocess.run(["sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS"], cwd=target, check=True)
    listed = {line.split("  ")[1] for line in (target / "SHA256SUMS").read_text().splitlines()}
    assert set(files(target)) == listed | {"SHA256SUMS", "release.json"}
    assert sum(path.endswith(".dcm") for path in listed) == images
    for path in (target, *target.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o555 if path.is_dir() else 0o444), path
    assert not target.with_name(f".{target.name}.partial").exists()


def test_a_release_becomes_a_tree(store, tmp_path):
    manifest = Made().publish(store)
    done = lay(store, manifest, tmp_path / "tree")
    assert_whole(tmp_path / "tree", 12)
    assert done.changed and done.fetched == done.files == 12 + 5 + 3
    about = json.loads((tmp_path / "tree/release.json").read_bytes())
    assert (about["tier"], about["version"], about["patients"]) == (3, manifest.version, "all")
    assert (tmp_path / "tree/manifest.json").read_bytes() == manifest.to_bytes()


def test_a_second_call_changes_nothing(store, tmp_path):
    manifest = Made().publish(store)
    lay(store, manifest, tmp_path / "tree")
    before = {p: p.stat().st_ino for p in (tmp_path / "tree").rglob("*")}
    assert not lay(store, manifest, tmp_path / "tree").changed
    assert {p: p.stat().st_ino for p in (tmp_path / "tree").rglob("*")} == before
    assert_whole(tmp_path / "tree", 12)


def test_what_was_altered_in_the_tree_is_fetched_again_and_nothing_else(store, tmp_path):
    manifest = Made().publish(store)
    lay(store, manifest, tmp_path / "tree")
    victim = next((tmp_path / "tree").rglob("*.dcm"))
    victim.chmod(0o644)
    victim.write_bytes(bytes(victim.stat().st_size))
    victim.chmod(0o444)
    done = lay(store, manifest, tmp_path / "tree")
    assert (done.changed, done.fetched) == (True, 1)
    assert_whole(tmp_path / "tree", 12)


def test_a_newer_release_replaces_the_tree_and_removes_what_is_gone(store, tmp_path):
    lay(store, Made().publish(store), tmp_path / "tree")
    newer = Made(patients=2, images=5, remark="second").publish(store)
    done = lay(store, newer, tmp_path / "tree")
    assert done.fetched_bytes < 2 * 5_000 + 40_000 and done.fetched < done.files - 7
    assert_whole(tmp_path / "tree", 10)
    assert not list((tmp_path / "tree/imaging_data").glob("P2"))


def test_a_reader_sees_the_old_tree_until_the_new_one_is_whole(folder, tmp_path):
    lay(folder, Made().publish(folder), tmp_path / "tree")
    before = files(tmp_path / "tree")
    newer = Made(images=6, remark="second").publish(folder)
    plan = tree.plan(folder, newer)
    gone = next(e for e in plan.entries if e.key and e.path not in before)
    folder.local(gone.key).unlink()
    with pytest.raises(DataError, match="missing"):
        materialise.materialise(folder, plan, tmp_path / "tree")
    assert files(tmp_path / "tree") == before


@pytest.mark.parametrize("link", [False, True])
@pytest.mark.parametrize("change", ["missing", "size", "sha256"])
def test_a_release_that_changes_is_an_error_and_the_rest_is_kept_for_the_next_call(
    folder, tmp_path, change, link
):
    manifest = Made().publish(folder)
    plan = tree.plan(folder, manifest, linked=link)
    entry = [e for e in plan.entries if e.path.endswith(".dcm")][-1]
    victim = folder.local(entry.key)
    whole = victim.read_bytes()
    victim.unlink()
    if change != "missing":
        victim.write_bytes(whole[1:] if change == "size" else bytes(len(whole)))
    with pytest.raises(DataError, match=f"^{change}: {entry.key}"):
        materialise.materialise(folder, plan, tmp_path / "tree", link)
    assert not (tmp_path / "tree").exists()
    victim.unlink(missing_ok=True)
    victim.write_bytes(whole)
    materialise.materialise(folder, plan, tmp_path / "tree", link)
    assert_whole(tmp_path / "tree", 12)


def test_an_object_list_that_was_altered_is_not_believed(folder):
    manifest = Made().publish(folder)
    folder.local(manifest.objects[0].key).write_bytes(b"other")
    with pytest.raises(DataError, match=r"^sha256"):
        tree.plan(folder, manifest)


def test_what_an_interrupted_call_left_is_read_again_before_it_is_kept(folder, tmp_path):
    manifest = Made().publish(folder)
    images = [e for e in tree.plan(folder, manifest).entries if e.path.endswith(".dcm")]
    partial = tmp_path / ".tree.partial"
    for number, entry in enumerate(images[:4]):
        path = partial / entry.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(folder.get(entry.key) if number else bytes(entry.size))
        path.chmod(0o444)
    (partial / "imaging_data/.partial-x.dcm").write_bytes(b"half")
    done = lay(folder, manifest, tmp_path / "tree")
    assert done.files - done.fetched == 3
    assert_whole(tmp_path / "tree", 12)


def test_links_share_files_with_the_release_and_only_where_asked_for(folder, tmp_path):
    manifest = Made().publish(folder)
    shared = lambda: {  # noqa: E731
        e.path
        for e in tree.plan(folder, manifest).entries
        if copying.shares(tmp_path / "tree" / e.path, folder, e)
    }
    lay(folder, manifest, tmp_path / "tree")
    assert not shared()
    assert lay(folder, manifest, tmp_path / "tree", link=True).way == "link"
    assert len(shared()) == 12 + 5
    assert_whole(tmp_path / "tree", 12)
    lay(folder, manifest, tmp_path / "tree")
    assert not shared()


def test_a_link_that_changed_with_the_release_is_seen_by_the_next_call(folder, tmp_path):
    manifest = Made().publish(folder)
    lay(folder, manifest, tmp_path / "tree", link=True)
    image = next((tmp_path / "release").rglob("*.dcm"))
    image.chmod(0o644)
    with image.open("r+b") as stream:
        stream.write(b"X")
    with pytest.raises(DataError, match=r"^sha256"):
        lay(folder, manifest, tmp_path / "tree", link=True)


def test_chosen_patients_have_their_images_and_rows_only(store, tmp_path):
    manifest = Made().publish(store)
    assert tree.people(store, manifest) == {"P0", "P1", "P2"}
    lay(store, manifest, tmp_path / "tree", patients={"P0", "P2"})
    assert_whole(tmp_path / "tree", 8)
    for name, rows in {"patient": 2, "episode": 2, "episode_event": 4, "dataset": 1}.items():
        table = subset.read_texts((tmp_path / f"tree/clinical_data/{name}.csv").read_bytes())
        assert table.num_rows == rows, name
    view = (tmp_path / "tree/clinical_mandatory_view.csv").read_bytes()
    assert subset.read_texts(view).to_pydict() == {
        "patient_id": ["P0", "P2"],
        "remark": ['a "quoted",\nbroken line', None],
    }
    assert not [path for path, data in files(tmp_path / "tree").items() if "P1" in path or b"P1" in data]


def test_tables_without_a_patient_are_reached_as_their_contracts_say():
    contracts = load_tables()
    without = {n for n, c in contracts.items() if "patient_id" not in c.schema.names} - {"dataset"}
    assert set(subset.THROUGH) == without
    for name, (field, other) in subset.THROUGH.items():
        assert (field, other, field) in {
            (r.field, r.to_table, r.to_field) for r in contracts[name].relationships
        }


def test_a_lower_tier_has_its_tables_as_they_are(store, tmp_path):
    lay(store, Made().publish(store, tier=1), tmp_path / "tree", patients={"P1"})
    assert_whole(tmp_path / "tree", 4)
    assert {p.name for p in (tmp_path / "tree/tables").iterdir()} == {f"{n}.parquet" for n in Made().tables()}


def test_a_disk_without_room_is_refused_before_anything_is_fetched(folder, tmp_path):
    manifest = Made().publish(folder)
    plan = tree.plan(folder, manifest)
    huge = Entry("imaging_data/P0/1/2/" + "0" * 32 + ".dcm", 1 << 60, "0" * 64, plan.entries[0].key)
    with pytest.raises(MachineError, match=r"no room: .* needed"):
        materialise.materialise(folder, Tree(DATASET, plan.about, (*plan.entries, huge)), tmp_path / "tree")
    assert not files(tmp_path / ".tree.partial") and not (tmp_path / "tree").exists()


@pytest.mark.parametrize(
    "name",
    [
        "../../../x/1/2/" + "0" * 32,
        "P0/../../" + "0" * 32,
        "P0/1/2/x",
        "P0/1/" + "0" * 32,
        "/P0/1/2/" + "0" * 32,
    ],
)
def test_a_key_that_no_release_makes_never_becomes_a_path(folder, name):
    manifest = Made().publish(folder)
    with pytest.raises(DataError, match="no release of ours"):
        tree._image(manifest, f"{DATASET}/imaging_data/{name}.dcm")


@pytest.mark.parametrize("name", ["../../outside", "/outside", "patient/x", ""])
def test_a_table_that_no_release_makes_never_becomes_a_path(folder, tmp_path, name):
    manifest = Made().publish(folder, tier=1)
    named = replace(manifest, tables=(replace(manifest.tables[0], name=name),))
    with pytest.raises(DataError, match="no release of ours"):
        lay(folder, named, tmp_path / "tree")
    assert not list(tmp_path.rglob("outside*")) and not (tmp_path / "tree").exists()


def test_other_folders_are_left_alone(folder, tmp_path):
    manifest = Made().publish(folder)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/thesis.txt").write_text("precious")
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    for name in ("mine", "mine/thesis.txt", "link", "release/made/tree", "x" * 250 + ("/" + "y" * 250) * 16):
        with pytest.raises((SettingsError, MachineError)):
            lay(folder, manifest, tmp_path / name)
    assert files(tmp_path / "mine") == {"thesis.txt": b"precious"}


def test_two_calls_do_not_work_at_one_place(folder, tmp_path):
    manifest = Made().publish(folder)
    (tmp_path / ".tree.partial").mkdir()
    handle = os.open(tmp_path / ".tree.partial", os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    with pytest.raises(MachineError, match="Another command"):
        lay(folder, manifest, tmp_path / "tree")
    os.close(handle)
    lay(folder, manifest, tmp_path / "tree")


def test_links_need_a_folder(s3_endpoint, bucket, tmp_path):
    store = open_store(f"s3://{bucket}", s3_endpoint, "us-east-1")
    with pytest.raises(SettingsError, match="--link"):
        lay(store, Made().publish(store), tmp_path / "tree", link=True)


def test_digests_are_of_the_bytes_that_were_published(folder, tmp_path):
    manifest = Made().publish(folder)
    lay(folder, manifest, tmp_path / "tree")
    for path, data in files(tmp_path / "tree").items():
        if path.endswith(".dcm"):
            assert hashlib.sha256(data).hexdigest()[:32] == Path(path).stem
