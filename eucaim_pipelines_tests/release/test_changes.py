"""What a release changes against the one before, and which one that is, whatever was published in between."""

from dataclasses import replace

import pyarrow as pa
import pytest

from eucaim_pipelines.release import manifest as manifests
from eucaim_pipelines.release.changes import IMAGES, Change, compare, earlier_tables
from eucaim_pipelines.release.parquet import encode
from eucaim_pipelines.release.publication import Content, publish
from eucaim_pipelines.resources.folder_store import FolderStore
from eucaim_pipelines_tests.release.test_manifest import content, image

KEYS = {"patient": ("patient_id",), "image_series": ("series_uid", "study_uid"), "segment": ("number",)}


class ReadStore(FolderStore):
    """A real folder that also tells what was read."""

    read: list[str] = []  # noqa: RUF012

    def get(self, key):
        self.read.append(key)
        return super().get(key)


@pytest.fixture
def store(tmp_path):
    ReadStore.read = []
    return ReadStore(tmp_path)


def made(store, patients, images=("EUCAIM-a", "EUCAIM-b"), **tables) -> Content:
    """A release of these patients (pseudonym to sex), an image of each of `images`."""
    table = pa.table({"patient_id": list(patients), "sex": list(patients.values())})
    found = {"patient": table, **tables}
    return replace(
        content([image(store, name, 1) for name in images]),
        tables={name: encode(each) for name, each in found.items()},
        rows={name: each.num_rows for name, each in found.items()},
    )


def compared(store, before: Content, now: Content) -> dict[str, Change]:
    publish(store, before, {})
    version = manifests.previous_version(store, "ds", 1, now.version)
    found = compare(store, now, version, KEYS)
    assert (found.version, found.previous) == (now.version, before.version)
    return {each.name: each for each in found.changes}


def test_rows_are_told_apart_by_their_key(store):
    before = made(store, {"a": "f", "b": "m", "c": "f"})
    now = made(store, {"a": "f", "b": "f", "d": None})
    assert compared(store, before, now)["patient"] == Change("patient", 3, 1, 1, 1, (1, 1, 1))


def test_people_behind_rows_are_counted_once(store):
    def series(numbers):
        rows = [{"series_uid": f"{n}", "study_uid": "1", "patient_id": "a"} for n in numbers]
        return pa.Table.from_pylist(rows)

    now = made(store, {"a": "f"}, image_series=series(range(7)))
    found = compared(store, made(store, {"a": "f"}, image_series=series(range(2))), now)
    assert found["image_series"] == Change("image_series", 7, 5, 0, 0, (1, 0, 0))


def test_rows_of_equal_key_are_counted(store):
    def segments(numbers):
        return pa.table({"number": list(numbers), "label": ["x"] * len(numbers)})

    before, now = (made(store, {"a": "f"}, segment=segments(n)) for n in ([1, 1, 2], [1, 1, 1, 2]))
    assert compared(store, before, now)["segment"] == Change("segment", 4, 1, 0, 0, (1, 0, 0))


def test_images_are_told_apart_by_their_content_and_counted_with_their_people(store):
    found = compared(
        store, made(store, {"a": "f"}), made(store, {"a": "f"}, images=("EUCAIM-b", "EUCAIM-c", "EUCAIM-d"))
    )
    assert found[IMAGES] == Change(IMAGES, 3, 2, 0, 1, (2, 0, 1))


def test_a_new_table_and_new_columns_are_told(store):
    before, now = made(store, {"a": "f"}), made(store, {"a": "f"}, segment=pa.table({"number": [1, 2]}))
    now = replace(now, tables=now.tables | {"patient": encode(pa.table({"patient_id": ["a"], "age": [3]}))})
    publish(store, before, {})
    found = compare(store, now, before.version, KEYS)
    assert {each.name: (each.added, each.changed) for each in found.changes} == {
        "patient": (0, 0), "segment": (2, 0), IMAGES: (0, 0),
    }  # fmt: skip
    assert found.columns == ("patient.age", "patient.sex")


def test_only_what_differs_is_read(store):
    before = made(store, {"a": "f"}, segment=pa.table({"number": [1]}))
    now = made(
        store, {"a": "m"}, segment=pa.table({"number": [1]}), images=("EUCAIM-a", "EUCAIM-b", "EUCAIM-c")
    )
    publish(store, before, {})
    ReadStore.read.clear()
    compare(store, now, before.version, KEYS)
    assert [key for key in store.read if key.endswith(".parquet")] == [
        item.key for item, _ in before.table_items() if item.name == "patient"
    ]


def test_a_table_that_the_store_has_lost_is_said_and_stops_nothing(store):
    before, now = made(store, {"a": "f"}), made(store, {"a": "m"})
    publish(store, before, {})
    (store.root / before.table_items()[0][0].key).unlink()
    found = compare(store, now, before.version, KEYS)
    assert found.lost == ("patient",)
    assert [each.name for each in found.changes] == [IMAGES]


def test_the_first_release_follows_none(store):
    first = made(store, {"a": "f"})
    assert manifests.previous_version(store, "ds", 1, first.version) is None
    assert compare(store, first, None, KEYS).changes == ()
    assert publish(store, first, {})[0].previous is None


def test_a_release_names_the_one_that_it_followed_and_putting_it_again_changes_nothing(store):
    first, second = made(store, {"a": "f"}), made(store, {"a": "m"})
    publish(store, first, {"report.html": b"first"})
    published, _ = publish(store, second, {"report.html": b"second, after the first"})
    again, new = publish(store, second, {"report.html": b"second, after the first"})
    assert published.previous == first.version
    assert (again.to_bytes(), new) == (published.to_bytes(), False)


def test_content_that_comes_back_is_the_release_that_it_was(store):
    first, second, third = (made(store, {"a": sex}) for sex in "fmx")
    for each in (first, second, third):
        publish(store, each, {"report.html": f"report of {each.version}".encode()})
    assert manifests.previous_version(store, "ds", 1, second.version) == first.version
    back, new = publish(store, second, {"report.html": f"report of {second.version}".encode()})
    assert new and back.previous == first.version
    assert manifests.current_version(store, "ds", 1) == second.version


@pytest.mark.parametrize("fails_at", ["report.html", "CURRENT"])
def test_after_a_crash_a_version_still_follows_what_its_report_says(store, fails_at, monkeypatch):
    """The second release is cut off, the third is published, then the second's content comes back."""
    first, second, third = (made(store, {"a": sex}) for sex in "fmx")
    publish(store, first, {})

    def broken(self, path, data, real=FolderStore._write):
        if path.name == fails_at:
            raise OSError("cut off")
        real(self, path, data)

    with monkeypatch.context() as patch, pytest.raises(OSError, match="cut off"):
        patch.setattr(FolderStore, "_write", broken)
        publish(store, second, {"report.html": b"after the first"})
    publish(store, third, {})
    assert manifests.previous_version(store, "ds", 1, second.version) == first.version
    publish(store, second, {"report.html": b"after the first"})
    assert manifests.current_version(store, "ds", 1) == second.version


@pytest.mark.parametrize("lost", [False, True])
def test_an_earlier_release_of_which_a_table_is_gone_or_altered_is_no_release_to_compare_with(store, lost):
    before = made(store, {"a": "f"}, segment=pa.table({"number": [1]}))
    publish(store, before, {})
    assert set(earlier_tables(store, before, before.version)) == {"patient", "segment"}
    (segment,) = (store.root / "ds/tables/segment").iterdir()
    segment.unlink() if lost else segment.write_bytes(encode(pa.table({"number": [2]})))
    assert earlier_tables(store, before, before.version) == {}
