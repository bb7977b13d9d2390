"""A table that lost a column since the delivery before stops the run before anything changes."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from eucaim_pipelines.contracts.source_model import SourceContract
from eucaim_pipelines.errors import Fault
from eucaim_pipelines.ingest.clinical_rows import current_rows, reinterpret
from eucaim_pipelines.ingest.exports import Export
from eucaim_pipelines.ingest.ledger import Ledger
from eucaim_pipelines.ingest.lost_columns import LostColumnsError, lost_columns, stop_where_columns_are_lost
from eucaim_pipelines.ingest.reception import list_exports, receive
from eucaim_pipelines_tests.cdm.public_shapes import workbook

FILE = {
    "name": "people", "files": "people*.csv", "delivery": "snapshot", "key": ["patient"],
    "columns": {
        "ID": {"field": "patient", "is": "patient_id"},
        "Sex": {"is": "ignore"},
        "Age": {"field": "age", "is": "age"},
    },
}  # fmt: skip
FULL, LESS = b"ID,Sex,Age\nP1,F,60\n", b"ID,Perez\nP1,F\n"


class Landing:
    """A landing folder and a ledger; a delivery is received as in a run."""

    def __init__(self, folder, *specs):
        self.folder, self.source = folder, contract(*specs)
        self.tables = folder / "tables"
        self.exports = []

    def deliver(self, name, **files):
        place = self.folder / name
        place.mkdir()
        for file, content in files.items():
            (place / file.replace("__", ".")).write_bytes(content)
        day = len(self.exports) + 1
        self.exports.append(Export(name, place, "folder", datetime(2026, 1, day, tzinfo=UTC)))

    def run(self):
        listing = list_exports(self.exports)
        with Ledger(self.folder / "ledger.sqlite") as ledger, ThreadPoolExecutor(1) as executor:
            places = {"tables": self.tables, "limit": 10**6}
            stop_where_columns_are_lost(ledger, self.exports, listing, self.source, **places)
            receive(ledger, self.exports, listing, self.source, executor, progress=lambda *_: None, **places)

    def receptions(self):
        with Ledger(self.folder / "ledger.sqlite") as ledger:
            return {(r.export, r.path): (r.clinical_file, r.refusal) for r in ledger.receptions()}


def contract(*specs):
    return SourceContract.model_validate({"dataset_id": "d", "tier": 1, "clinical": specs or (FILE,)})


def test_a_lost_column_stops_the_run_and_is_named_by_the_contract(tmp_path):
    landing = Landing(tmp_path)
    landing.deliver("january", people_1__csv=FULL)
    landing.run()
    before = landing.receptions()
    landing.deliver("february", people_2__csv=LESS)
    with pytest.raises(LostColumnsError) as told:
        landing.run()
    assert told.value.columns == ("Sex", "Age") and told.value.fault is Fault.DATA
    assert "people*.csv" in str(told.value) and "Perez" not in str(told.value)
    assert landing.receptions() == before
    assert len(list(landing.tables.iterdir())) == 1


def test_a_run_goes_on_once_the_column_is_back_or_out_of_the_contract(tmp_path):
    landing = Landing(tmp_path)
    landing.deliver("january", people__csv=FULL)
    landing.run()
    landing.deliver("february", people__csv=LESS)
    kept = {name: column for name, column in FILE["columns"].items() if name == "ID"}
    landing.source = contract(FILE | {"columns": kept, "other_columns": "ignore"})
    landing.run()
    assert landing.receptions()["february", "people.csv"] == ("people", None)


def test_a_first_delivery_and_another_file_have_lost_nothing(tmp_path):
    landing = Landing(tmp_path)
    landing.deliver("january", people__csv=LESS, notes__csv=b"x\n")
    landing.run()
    assert landing.receptions()["january", "people.csv"] == ("people", "TABLE_COLUMNS")
    landing.deliver("february", people__csv=LESS + b"P2,F\n")
    landing.run()


def test_what_was_received_before_is_not_looked_at_again(tmp_path):
    landing = Landing(tmp_path)
    landing.deliver("january", people__csv=LESS)
    landing.run()
    landing.deliver("february", people__csv=FULL)
    landing.run()
    landing.run()


def test_a_file_that_cannot_be_read_has_lost_nothing():
    spec = contract().clinical[0]
    assert lost_columns(b"\xff", FULL, spec) == () == lost_columns(LESS, b"\xff", spec)
    assert lost_columns(FULL, LESS, spec) == ()
    assert lost_columns(b"ID,Age\n", FULL, spec) == ("Sex",)
    assert lost_columns(b"ID,Age\n", b"Age,ID\n", spec) == ()


def test_sheets_of_one_workbook_are_read_one_by_one(tmp_path):
    def sheet(name):
        return FILE | {"name": name, "files": "all*.xlsx", "format": "xlsx", "sheet": name}

    landing = Landing(tmp_path, sheet("one"), sheet("two"))
    rows = [["ID", "Sex", "Age"], ["P1", "F", 60]]
    landing.deliver("january", all__xlsx=workbook(one=rows, two=[*rows, ["P2", "M", 50]]))
    landing.run()
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        found = current_rows(ledger, landing.source, landing.tables)
    assert {name: combined.rows["ID"].to_pylist() for name, combined in found.items()} == {
        "one": ["P1"],
        "two": ["P1", "P2"],
    }
    landing.deliver("february", all__xlsx=workbook(one=rows, two=[["ID", "Age"], ["P1", 61]]))
    with pytest.raises(LostColumnsError, match="Sex"):
        landing.run()
    shutil.rmtree(tmp_path / "february")
    landing.exports.pop()
    landing.deliver("march", all__xlsx=workbook(one=rows))
    landing.run()
    assert landing.receptions()["march", "all.xlsx"] == ("one", "NO_COLUMNS")


def test_a_snapshot_of_a_header_alone_is_refused_and_the_one_before_still_counts(tmp_path):
    landing = Landing(tmp_path)
    landing.deliver("january", people__csv=FULL)
    landing.deliver("february", people__csv=b"ID,Sex,Age\n")
    landing.run()
    assert landing.receptions()["february", "people.csv"] == ("people", "TABLE_EMPTY")
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        reinterpret(ledger, landing.source, landing.tables)
        found = current_rows(ledger, landing.source, landing.tables)["people"]
    assert landing.receptions()["february", "people.csv"] == ("people", "TABLE_EMPTY")
    assert found.rows["ID"].to_pylist() == ["P1"] and found.counts() == {"ROW_CURRENT": 1}
