"""The ledger remembers readings, refuses to be out of balance, and survives a crash in the middle."""

import sqlite3
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from eucaim_pipelines.errors import DataError, MachineError
from eucaim_pipelines.ingest.exports import Entry, Export
from eucaim_pipelines.ingest.ledger import Ledger
from eucaim_pipelines.ingest.records import MadeObject, Reading

EXPORT = Export("one", Path("/nowhere"), "folder", datetime(2026, 1, 31, tzinfo=UTC))


def reading(path="a.dcm", sop="1.2.3"):
    header = {"SOPInstanceUID": sop, "SeriesInstanceUID": "1.2", "StudyInstanceUID": "1", "PatientID": " P1 "}
    return Reading(Entry(path, 10, 99, 10), f"sha-{path}", "content", header=header)


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as opened:
        opened.register(EXPORT)
        yield opened


def test_what_was_read_is_recognised_by_size_and_time(ledger):
    ledger.record("one", [reading()])
    assert ledger.known("one") == {"a.dcm": (10, 99, "sha-a.dcm")}


def test_a_patient_id_is_compared_trimmed(ledger):
    ledger.record("one", [reading()])
    (found,) = ledger.receptions()
    assert found.patient_id == "P1"


def test_a_reception_without_disposition_is_out_of_balance(ledger):
    ledger.record("one", [reading()])
    with pytest.raises(DataError, match="does not balance"):
        ledger.check_balance()
    (found,) = ledger.receptions()
    ledger.dispose({found.id: ("pending", "AWAITS_RELEASE")})
    ledger.check_balance()
    assert ledger.balance()["pending"] == 1


def test_a_file_that_was_listed_but_not_recorded_is_named_as_lost(ledger):
    ledger.record("one", [reading()])
    with pytest.raises(DataError, match="1 listed file"):
        ledger.listed("one", ["a.dcm", "b.dcm"])


def test_a_reception_that_got_lost_is_out_of_balance(ledger):
    ledger.record("one", [reading(), reading("b.dcm", "1.2.4")])
    ledger.listed("one", ["a.dcm", "b.dcm"])
    ledger._db.execute("DELETE FROM receptions WHERE path = 'b.dcm'")
    ledger.dispose({found.id: ("pending", "AWAITS_RELEASE") for found in ledger.receptions()})
    with pytest.raises(DataError, match="1 export"):
        ledger.check_balance()


def test_an_archive_that_could_be_unpacked_at_last_is_no_reception_itself(ledger):
    ledger.record("one", [Reading(Entry("one", 10, 99, 10), refusal="ARCHIVE_DAMAGED")])
    ledger.record("one", [reading()])
    ledger.listed("one", ["a.dcm"])
    assert [found.path for found in ledger.receptions()] == ["a.dcm"]


def test_a_file_that_could_not_be_read_is_tried_again(ledger):
    ledger.record("one", [Reading(Entry("a.dcm", 10, 99, 10), refusal="UNREADABLE")])
    assert ledger.known("one")["a.dcm"][0] == -1


def test_a_failed_batch_leaves_nothing_behind(ledger):
    def readings():
        yield reading()
        raise RuntimeError("killed")

    with pytest.raises(RuntimeError):
        ledger.record("one", readings())
    assert ledger.receptions() == []


def test_what_was_made_is_remembered_per_recipe_and_subject(ledger):
    made = MadeObject(
        "sha",
        "EUCAIM-1|",
        key="k",
        bytes=3,
        object_sha256="o",
        row={"Rows": 2},
        actions=(("t", "keep", "", 1),),
        structure="s",
        unknown_terms=(("PatientPosition", "VALLE"),),
    )
    ledger.remember("recipe", [made])
    assert ledger.made("recipe") == {("sha", "EUCAIM-1|"): made}
    assert ledger.made("another") == {}


def test_a_ledger_that_cannot_be_opened_is_the_machines_fault(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MachineError):
        Ledger(tmp_path / "file" / "ledger.sqlite")


def test_a_full_disk_is_the_machines_fault_and_keeps_what_was_there(ledger, tmp_path):
    ledger.record("one", [reading()])
    ledger._db.execute("PRAGMA max_page_count = 1")
    big = [reading(f"{n}.dcm", f"1.2.{n}") for n in range(2000)]
    with pytest.raises(MachineError):
        ledger.record("one", big)
    count = (
        sqlite3.connect(tmp_path / "ledger.sqlite").execute("SELECT COUNT(*) FROM receptions").fetchone()[0]
    )
    assert count == 1


def test_a_ledger_of_the_first_version_gets_the_columns_it_lacks(tmp_path):
    db = sqlite3.connect(tmp_path / "old.sqlite")
    db.execute("CREATE TABLE objects (sha256 TEXT, recipe TEXT, subject TEXT, refusal TEXT, key TEXT,"
               " bytes INTEGER, object_sha256 TEXT, row TEXT, actions TEXT)")  # fmt: skip
    db.execute("INSERT INTO objects VALUES ('sha', 'recipe', 'x', NULL, 'k', 3, 'o', NULL, '[]')")
    db.commit()
    db.close()
    with Ledger(tmp_path / "old.sqlite") as ledger:
        (made,) = ledger.made("recipe").values()
        assert (made.structure, made.unknown_terms) == (None, ())
        assert ledger.structures("recipe") == frozenset()


def test_no_day_of_a_patient_lies_after_the_newest_export(tmp_path):
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        for name, day in (("b", 4), ("a", 9), ("c", 2)):
            ledger.register(Export(name, tmp_path, "folder", datetime(2026, 3, day, tzinfo=UTC)))
        assert ledger.last_day() == date(2026, 3, 10)
