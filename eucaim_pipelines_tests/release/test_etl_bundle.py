"""The ETL bundle: its manifest says `complete` last, its files are the tables, its report tells no cell."""

import csv
import re
from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from eucaim_pipelines.contracts import synthetic, vocabularies
from eucaim_pipelines.contracts.tables import load_tables
from eucaim_pipelines.errors import DataError, MachineError
from eucaim_pipelines.release import etl_bundle, subset
from eucaim_pipelines.release import manifest as manifests
from eucaim_pipelines.release.file_structure import cdm_csv
from eucaim_pipelines.release.parquet import encode
from eucaim_pipelines.release.publication import Content, object_lists, publish
from eucaim_pipelines.resources.folder_store import FolderStore

CONTRACTS = load_tables()
EMPTY = ("tumor", "body_site")
SIZES = {name: 1 if name == "dataset" else 7 for name in CONTRACTS if name not in EMPTY} | {"patient": 40}
AWKWARD = ['a "quoted" word', "two\nlines", "two\r\nlines", "", None, " spaces ", "NA", "null", "ж漢é", ",;|"]
FROM_TEXT = {
    "bool": lambda cell: {"true": True, "false": False}[cell],
    "date32[day]": date.fromisoformat,
    "double": float,
    "string": str,
}


@pytest.fixture(scope="module")
def tables():
    return synthetic.rows(CONTRACTS, vocabularies.load_all(), SIZES)


@pytest.fixture
def store(tmp_path, tables):
    store = FolderStore(tmp_path / "release")
    instances = pa.table({n: [] for n in ("PatientID", "object_key", "object_bytes", "object_sha256")})
    content = Content(
        dataset_id="ds",
        tier=3,
        newest_export=datetime(2026, 3, 1, tzinfo=UTC),
        software="eucaim_pipelines 0",
        instances=instances,
        object_items=object_lists("ds", instances),
        tables={name: encode(table) for name, table in tables.items()},
        rows={name: table.num_rows for name, table in tables.items()},
        rules={},
        files={"unmapped_fields.csv": b"file,field,values\nclinical,stage,20+\n"},
    )
    publish(store, content, {})
    return store


@pytest.fixture
def bundle(store):
    return etl_bundle.read(store, manifests.current(store, "ds", 3), CONTRACTS)


def lines(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.mark.parametrize("name", sorted(CONTRACTS))
def test_a_csv_file_gives_back_its_table(tables, name):
    table, contract = tables[name], CONTRACTS[name]
    for number, field in enumerate(table.schema):
        if field.type == pa.string() and table.num_rows:
            cells = (AWKWARD * table.num_rows)[number : number + table.num_rows]
            table = table.set_column(number, field.name, pa.array(cells, pa.string()))
    texts = subset.read_texts(cdm_csv(table, contract))
    assert texts.column_names == list(contract.cdm_columns)
    for column in contract.cdm_columns:
        read = FROM_TEXT.get(str(table.schema.field(column).type), int)
        cells = [None if cell is None else read(cell) for cell in texts[column].to_pylist()]
        assert cells == table[column].to_pylist(), column


def test_a_complete_bundle_has_a_file_for_each_line_of_its_manifest(bundle, tmp_path):
    written = etl_bundle.write(bundle, tmp_path / "out")
    assert written[-1].name == "ds__manifest.csv"
    manifest = lines(tmp_path / "out/ds__manifest.csv")
    assert {line["status"] for line in manifest} == {"complete"}
    assert {line["exported_at"] for line in manifest} == {"2026-03-01"}
    assert {line["cdm_table"]: int(line["row_count"]) for line in manifest} == SIZES
    assert {p.name for p in (tmp_path / "out").iterdir()} == {f"ds__{n}.csv" for n in SIZES} | {
        "ds__manifest.csv",
        "ds__report.md",
    }
    for line in manifest:
        rows = lines(tmp_path / f"out/ds__{line['cdm_table']}.csv")
        assert len(rows) == int(line["row_count"])
        assert list(rows[0]) == list(CONTRACTS[line["cdm_table"]].cdm_columns)


def test_a_bundle_that_could_not_be_finished_never_says_complete(bundle, tmp_path):
    etl_bundle.write(bundle, tmp_path)
    (tmp_path / "ds__report.md").unlink()
    (tmp_path / "ds__report.md").mkdir()
    with pytest.raises(MachineError, match="cannot be written"):
        etl_bundle.write(bundle, tmp_path)
    assert {line["status"] for line in lines(tmp_path / "ds__manifest.csv")} == {"in_progress"}
    (tmp_path / "ds__report.md").rmdir()
    etl_bundle.write(bundle, tmp_path)
    assert {line["status"] for line in lines(tmp_path / "ds__manifest.csv")} == {"complete"}


def test_what_an_earlier_bundle_left_goes_and_other_datasets_stay(bundle, tmp_path):
    others = {"ds2__tumor.csv", "ds__b__tumor.csv", "ds__b__manifest.csv", "ds___tumor.csv", "notes.txt"}
    (tmp_path / "out").mkdir()
    for name in ("ds__tumor.csv", "ds__tumor.csv.partial", "ds__body_site.csv", *others):
        (tmp_path / "out" / name).write_text("old")
    written = {path.name for path in etl_bundle.write(bundle, tmp_path / "out")}
    assert {path.name for path in (tmp_path / "out").iterdir()} == written | others


def test_equal_releases_give_equal_bytes(bundle, tmp_path):
    first = {p.name: p.read_bytes() for p in etl_bundle.write(bundle, tmp_path / "one")}
    assert {p.name: p.read_bytes() for p in etl_bundle.write(bundle, tmp_path / "two")} == first


def test_the_report_shows_no_small_count_and_no_cell(bundle, tables):
    report = etl_bundle.report(bundle)
    assert "| patient | 40+ |" in report and "| episode | <10 |" in report
    assert "| clinical | stage | 20+ |" in report
    assert not re.search(r"\| [1-9] \|$", report.split("## Coverage")[0], re.MULTILINE)
    for patient in tables["patient"]["patient_id"].to_pylist():
        assert patient not in report


def test_a_table_that_was_altered_is_not_exported(store):
    manifest = manifests.current(store, "ds", 3)
    store.local(manifest.tables[0].key).write_bytes(b"other")
    with pytest.raises(DataError, match=r"^sha256"):
        etl_bundle.read(store, manifest, CONTRACTS)
