"""A release: pointer → manifest → objects; equal content gives equal bytes and no put."""

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from eucaim_pipelines.errors import MachineError
from eucaim_pipelines.release import manifest as manifests
from eucaim_pipelines.release.parquet import decode, encode
from eucaim_pipelines.release.publication import Content, object_lists, publish
from eucaim_pipelines.release.store import StoreConflictError
from eucaim_pipelines.resources.folder_store import FolderStore

PATIENTS = pa.table({"patient_id": ["EUCAIM-a", "EUCAIM-b"]})


class CountingStore(FolderStore):
    """A real folder that also counts what is written to it."""

    written: list[str] = []  # noqa: RUF012

    def _write(self, path, data):
        self.written.append(path.name)
        super()._write(path, data)


def image(store, patient, number):
    data = f"image {patient} {number}".encode()
    item = manifests.item("image", "", data)
    key = f"ds/imaging_data/{patient}/1/2/{item.sha256[:32]}.dcm"
    store.put(key, data)
    return {"PatientID": patient, "object_key": key, "object_bytes": item.bytes, "object_sha256": item.sha256}


def content(instances, tier=1):
    table = pa.Table.from_pylist(instances)
    return Content(
        dataset_id="ds",
        tier=tier,
        newest_export=datetime(2026, 3, 1, tzinfo=UTC),
        software="eucaim_pipelines 0",
        instances=table,
        object_items=object_lists("ds", table),
        tables={"patient": encode(PATIENTS)},
        rows={"patient": 2},
        rules={"source": "digest"},
    )


@pytest.fixture
def store(tmp_path):
    return CountingStore(tmp_path)


@pytest.fixture
def instances(store):
    return [image(store, patient, number) for patient in ("EUCAIM-a", "EUCAIM-b") for number in range(3)]


def test_the_version_is_the_newest_exports_date_and_the_contents_digest(instances):
    version = content(instances).version
    assert version.startswith("2026.03.01-") and len(version) == 19
    assert content(list(reversed(instances))).version == version
    assert content(instances[1:]).version != version


def test_the_pointer_moves_last(store, instances):
    store.written.clear()
    publish(store, content(instances), {"report.html": b"r"})
    assert store.written[-3:] == ["manifest.json", "report.html", "CURRENT"]


def test_an_unchanged_release_is_not_put_again(store, instances):
    first, new = publish(store, content(instances), {"report.html": b"r"})
    store.written.clear()
    again, newer = publish(store, content(instances), {"report.html": b"r"})
    assert (new, newer, store.written) == (True, False, [])
    assert again.to_bytes() == first.to_bytes()


def test_a_new_image_leaves_the_other_patients_list_as_it_is(store, instances):
    publish(store, content(instances), {})
    store.written.clear()
    publish(store, content([*instances, image(store, "EUCAIM-b", 9)]), {})
    assert sum(name.endswith(".parquet") for name in store.written) == 1


def test_an_image_that_is_gone_stops_the_release_before_anything_is_put(store, instances):
    (store.root / instances[0]["object_key"]).unlink()
    store.written.clear()
    with pytest.raises(MachineError, match="not in the store"):
        publish(store, content(instances), {})
    assert store.written == []


def test_a_key_never_changes(store):
    assert store.put("ds/a", b"1") is True
    assert store.put("ds/a", b"1") is False
    with pytest.raises(StoreConflictError):
        store.put("ds/a", b"2")
    assert store.get("ds/a") == b"1"


def test_a_key_cannot_leave_the_folder(store):
    with pytest.raises(MachineError):
        store.put("ds/../../a", b"1")


def test_parquet_keeps_types_and_no_trace_of_rows_that_were_filtered_away():
    table = pa.table({"a": ["keep", "SECRETVALUE"]})
    data = encode(table.slice(0, 1))
    assert decode(data).to_pylist() == [{"a": "keep"}]
    assert b"SECRET" not in data
    with pytest.raises(TypeError):
        encode(pa.table({"a": pa.array(["keep", "SECRETVALUE"]).dictionary_encode()}))
