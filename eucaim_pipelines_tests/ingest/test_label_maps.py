"""Which files are a label map and its JSON, and that the pair has one fate in the ledger."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from eucaim_pipelines.contracts.sources import SourceContract
from eucaim_pipelines.ingest import inventory
from eucaim_pipelines.ingest.exports import Entry, Export
from eucaim_pipelines.ingest.label_maps import pairs
from eucaim_pipelines.ingest.ledger import Ledger
from eucaim_pipelines.ingest.reception import list_exports, receive
from eucaim_pipelines_tests.annotations import mapped
from eucaim_pipelines_tests.annotations.drawings import Grid
from eucaim_pipelines_tests.annotations.mapped import LIMIT, as_json, described, segment

GRID = Grid()
NUMBERS, WHERE = mapped.voxels(GRID), mapped.affine(GRID)
FILE = mapped.nifti(NUMBERS, WHERE)
PACKED = mapped.nifti(NUMBERS, WHERE, packed=True)
JSON = as_json(described([segment(n) for n in (1, 2, 3)]))
SOURCE = SourceContract.model_validate({"dataset_id": "ct", "tier": 3})


def entry(path, refusal=None):
    return Entry(path, 1, 1, 1, refusal)


def test_a_pair_has_one_name_in_one_folder():
    found = pairs(
        [entry(path) for path in ("a/x.nii.gz", "a/x.json", "b/x.json", "Y.NII", "Y.Json", "z.nii")]
    )
    assert found == {"a/x.json": "a/x.nii.gz", "Y.Json": "Y.NII"}


def test_nothing_is_paired_that_would_be_guessed_or_must_not_be_opened():
    assert pairs([entry("x.nii"), entry("x.nii.gz"), entry("x.json")]) == {}
    assert pairs([entry("x.nii"), entry("x.json", "LINK")]) == {}


class Inbox:
    """A landing folder of one dataset and the ledger that it is read into."""

    def __init__(self, folder):
        self.folder, self.read = folder, 0

    def ledger(self):
        return Ledger(self.folder / "ledger.sqlite")

    def receive(self, limit=LIMIT, **exports):
        """Write exports, name → path → content, and read what is new."""
        found = []
        for day, (name, files) in enumerate(exports.items(), start=1):
            for path, data in files.items():
                (self.folder / name / path).parent.mkdir(parents=True, exist_ok=True)
                (self.folder / name / path).write_bytes(data)
            found.append(Export(name, self.folder / name, "folder", datetime(2026, 1, day, tzinfo=UTC)))
        with self.ledger() as ledger, ThreadPoolExecutor(1) as pool:
            look = receive(
                ledger, found, list_exports(found), SOURCE, pool,
                tables=self.folder / "tables", limit=limit, progress=lambda *_: None,
            )  # fmt: skip
            self.read = look.read
            inventory.decide(ledger)
            ledger.check_balance()
            self.rows = inventory.dicom_instances(ledger).to_pylist()
            return {f"{r.export}/{r.path}": (r.disposition, r.reason) for r in ledger.receptions()}


@pytest.fixture
def inbox(tmp_path):
    return Inbox(tmp_path)


WAITS = ("pending", "AWAITS_RELEASE")


def test_both_files_wait_together_and_the_inventory_has_the_annotation_once(inbox):
    assert inbox.receive(one={"m/x.nii.gz": PACKED, "m/x.json": JSON}) == {
        "one/m/x.json": WAITS, "one/m/x.nii.gz": WAITS,
    }  # fmt: skip
    [row] = inbox.rows
    assert (row["Modality"], row["Rows"], row["NumberOfFrames"]) == ("SEG", 24, 3)


ALONE = {
    "a label map without JSON": ({"x.nii": FILE}, "LABEL_MAP_WITHOUT_JSON"),
    "a packed one": ({"x.nii.gz": PACKED}, "LABEL_MAP_WITHOUT_JSON"),
    "one under another name": ({"mask": PACKED}, "LABEL_MAP_WITHOUT_JSON"),
    "JSON without a label map": ({"x.json": JSON}, "JSON_WITHOUT_LABEL_MAP"),
    "other JSON": ({"x.json": b'{"RepetitionTime": 2}'}, "NOT_DICOM"),
    "another packed file": ({"x.txt.gz": b"\x1f\x8bnothing"}, "ARCHIVE_COMPRESSED"),
}


@pytest.mark.parametrize("name", ALONE)
def test_half_of_a_pair_is_held_for_what_it_lacks(inbox, name):
    files, reason = ALONE[name]
    assert inbox.receive(one=files) == {f"one/{next(iter(files))}": ("quarantined", reason)}


def test_two_label_maps_of_one_json_are_none(inbox):
    found = inbox.receive(one={"x.nii": FILE, "x.nii.gz": PACKED, "x.json": JSON})
    assert [reason for _, reason in found.values()] == ["JSON_WITHOUT_LABEL_MAP"] + 2 * [
        "LABEL_MAP_WITHOUT_JSON"
    ]


TOGETHER = {
    "no JSON": (FILE, b"{", "LABEL_MAP_JSON"),
    "no label map": (b"nothing", JSON, "NOT_A_LABEL_MAP"),
    "numbers of an image": (mapped.nifti(NUMBERS.astype("f4") / 2, WHERE), JSON, "NOT_A_LABEL_MAP"),
    "JSON of an image": (FILE, JSON.replace(b'"SEG"', b'"MR"'), "NOT_A_LABEL_MAP"),
    "no place": (mapped.changed(FILE, "sform_code", 0), JSON, "LABEL_MAP_UNPLACED"),
    "no UID": (FILE, JSON.replace(b'"00080018"', b'"00080019"'), "MISSING_UID"),
    "cut": (FILE[:-1], JSON, "TRUNCATED"),
}


@pytest.mark.parametrize("name", TOGETHER)
def test_a_pair_is_held_together(inbox, name):
    label_map, said, reason = TOGETHER[name]
    found = inbox.receive(one={"x.nii": label_map, "x.json": said})
    assert found == {"one/x.json": ("quarantined", reason), "one/x.nii": ("quarantined", reason)}
    assert inbox.rows == []


def test_a_pair_larger_than_the_limit_is_held_until_the_limit_is_raised(inbox):
    files = {"x.nii": FILE, "x.json": JSON}
    assert set(inbox.receive(len(FILE) - 1, one=files).values()) == {("quarantined", "TOO_LARGE")}
    with inbox.ledger() as ledger:
        ledger.reread("TOO_LARGE")
    assert set(inbox.receive(one=files).values()) == {WAITS}


def test_equal_content_is_a_duplicate_and_another_label_map_corrects(inbox):
    again = {"other.nii.gz": PACKED, "other.json": JSON + b"\n"}
    found = inbox.receive(one={"x.nii": FILE, "x.json": JSON}, two=again)
    assert found["two/other.nii.gz"] == found["two/other.json"] == ("duplicate", "SAME_CONTENT")
    better = {"x.nii": mapped.nifti(NUMBERS[::-1].copy(), WHERE), "x.json": JSON}
    found = inbox.receive(one={}, two={}, three=better)
    assert found["one/x.nii"] == found["one/x.json"] == ("duplicate", "SUPERSEDED")
    assert found["three/x.nii"] == WAITS


def test_two_contents_of_one_annotation_in_one_export_are_held(inbox):
    other = mapped.nifti(NUMBERS[::-1].copy(), WHERE)
    found = inbox.receive(one={"x.nii": FILE, "x.json": JSON, "y.nii": other, "y.json": JSON})
    assert set(found.values()) == {("quarantined", "UID_CONFLICT")}


def test_label_maps_of_equal_voxels_keep_their_own_patients(inbox):
    other = as_json(
        described([segment(1)], PatientID="EUCAIM-2", SOPInstanceUID="2.25.40", SeriesInstanceUID="2.25.41")
    )
    inbox.receive(one={"x.nii": FILE, "x.json": JSON, "y.nii": FILE, "y.json": other})
    assert sorted(row["PatientID"] for row in inbox.rows) == ["EUCAIM-1", "EUCAIM-2"]


def test_a_pair_is_read_once_and_again_as_a_whole_when_half_of_it_changes(inbox):
    assert inbox.receive(one={"x.nii": FILE})["one/x.nii"][1] == "LABEL_MAP_WITHOUT_JSON"
    assert set(inbox.receive(one={"x.json": JSON}).values()) == {WAITS}
    assert inbox.read == 2
    inbox.receive(one={})
    assert inbox.read == 0
    path = inbox.folder / "one/x.json"
    path.write_bytes(b"{")
    os.utime(path, ns=(1, 1))
    assert set(inbox.receive(one={}).values()) == {("quarantined", "LABEL_MAP_JSON")}


def test_a_ledger_of_an_earlier_version_gets_the_column(tmp_path):
    import sqlite3

    with Ledger(tmp_path / "ledger.sqlite"):
        pass
    db = sqlite3.connect(tmp_path / "ledger.sqlite")
    db.execute("ALTER TABLE receptions DROP COLUMN described_by")
    db.commit()
    db.close()
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        assert ledger.label_maps() == {}
