"""Making objects: what is read back, what is remembered, and what stays in the restricted zone."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from eucaim_pipelines.deidentification import reading_back
from eucaim_pipelines.deidentification.images import Deidentifier, Subject
from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms, SiteKey
from eucaim_pipelines.deidentification.rules.profile import Profile
from eucaim_pipelines.dicom import second_reading
from eucaim_pipelines.errors import Refusal
from eucaim_pipelines.ingest.exports import Entry, Export
from eucaim_pipelines.ingest.ledger import Ledger
from eucaim_pipelines.ingest.records import Reading
from eucaim_pipelines.release import objects
from eucaim_pipelines.release.object_tables import actions_table, unknown_terms_table
from eucaim_pipelines.resources.folder_store import FolderStore
from eucaim_pipelines_tests.deidentification.objects import planted_object, to_bytes


@pytest.fixture(scope="module")
def deidentifier():
    return Deidentifier(Profile.load(), Pseudonyms(SiteKey(bytes(range(32)))))


@pytest.fixture
def make(tmp_path, deidentifier):
    """De-identify CT images, one file each, and say what became of them."""
    landing = tmp_path / "export"
    landing.mkdir()
    export = Export("export", landing, "folder", datetime(2026, 1, 1, tzinfo=UTC))

    def run(count=3, **options):
        with Ledger(tmp_path / "ledger.sqlite") as ledger, ThreadPoolExecutor(1) as pool:
            ledger.register(export)
            for n in range(count):
                data = to_bytes(planted_object(SOPInstanceUID=f"1.2.{n}", PatientPosition="VALLE"))
                (landing / f"{n}.dcm").write_bytes(data)
                uids = {"SOPInstanceUID": f"1.2.{n}", "PatientID": "HOSP-00417733"}
                entry = Entry(f"{n}.dcm", len(data), n, len(data))
                ledger.record("export", [Reading(entry, hashlib.sha256(data).hexdigest(), header=uids)])
            work = [objects.Work(reception, Subject("EUCAIM-1")) for reception in ledger.receptions()]
            store = FolderStore(tmp_path / "release")
            making = objects.Making(deidentifier, store, "ct", 2**30, "key", **options)
            made = objects.make_objects(
                ledger, work, {"export": export}, making, pool, lambda done, total: None
            )
            return made, ledger.structures(making.recipe)

    return run


@pytest.fixture
def read_back(monkeypatch):
    seen = []
    monkeypatch.setattr(second_reading, "read_every_element", seen.append)
    monkeypatch.setattr(reading_back, "sampled", lambda deidentifier, sha256: False)
    return seen


def test_only_a_new_structure_is_read_back(make, read_back):
    made, structures = make(3)
    assert len(made) == 3 and len(read_back) == 1 and len(structures) == 1
    make(5)
    assert len(read_back) == 1, "the ledger knows the structure"


def test_all_are_read_back_when_that_is_asked_for(make, read_back):
    make(3, read_all=True)
    assert len(read_back) == 3


def test_the_sample_is_one_in_a_hundred_and_keyed(deidentifier):
    hashes = [hashlib.sha256(str(n).encode()).hexdigest() for n in range(5000)]
    ours = {each for each in hashes if reading_back.sampled(deidentifier, each)}
    other = Deidentifier(deidentifier.profile, Pseudonyms(SiteKey(bytes(32))))
    assert 25 <= len(ours) <= 75
    assert ours != {each for each in hashes if reading_back.sampled(other, each)}


def test_an_object_that_cannot_be_read_back_is_held(make, monkeypatch):
    def fail(data):
        raise Refusal("OUTPUT_UNREADABLE")

    monkeypatch.setattr(second_reading, "read_every_element", fail)
    made, structures = make(2)
    assert {item.refusal for item in made.values()} == {"OUTPUT_UNREADABLE"}
    assert not structures and not any(item.key for item in made.values())


def test_unknown_terms_go_into_their_own_table_only(make):
    made, _ = make(3)
    terms = unknown_terms_table(made.values()).to_pylist()
    assert {"keyword": "PatientPosition", "term": "VALLE", "objects": 3} in terms
    actions = actions_table(made.values()).to_pylist()
    assert not any("VALLE" in str(row) for row in actions)
    assert not any("VALLE" in str(item.row) for item in made.values())
