"""Lineage: each object under its source's token, equal bytes whatever the order, and part of the release."""

from dataclasses import replace

import pyarrow as pa
import pytest

from eucaim_pipelines.catalogue.figures import load_figures, tables_behind
from eucaim_pipelines.contracts import folder as contracts_folder
from eucaim_pipelines.contracts.tables import load_tables
from eucaim_pipelines.release import lineage
from eucaim_pipelines.release.parquet import decode, encode
from eucaim_pipelines.release.publication import publish
from eucaim_pipelines.release.verification import Fault, Reading
from eucaim_pipelines_tests.release.test_manifest import CountingStore, content, image

RULES = {"profile_digest": "a" * 64, "rules_digest": "b" * 64, "key_id": "c" * 16}
FED = [("e" * 64, "patient"), ("d" * 64, "treatment"), ("e" * 64, "cancer_condition")]
FIGURES = [("image_study", "healthdcatap:numberOfRecords"), ("patient", "eucaim:hasBirthSex")]


def instances(patients=3, objects=4):
    """Rows whose names encode their place: patient, then object."""
    rows = [
        {
            "source_digest": f"{p:032x}{n:032x}",
            "PatientID": f"EUCAIM-{p}",
            "StudyInstanceUID": f"2.25.{p}",
            "SeriesInstanceUID": f"2.25.{p}.1",
            "SOPInstanceUID": f"2.25.{p}.1.{n}",
            "object_sha256": f"{n:032x}{p:032x}",
            "object_key": f"ds/imaging_data/EUCAIM-{p}/{n}.dcm",
        }
        for p in range(patients)
        for n in range(objects)
    ]
    return rows


def test_every_object_has_one_row_and_its_rules():
    table = lineage.build(pa.Table.from_pylist(instances()), FED, FIGURES, RULES)
    rows = [row for row in table.to_pylist() if row["step"] == lineage.OBJECT]
    assert {(r["source_token"], r["object_key"], r["sop_instance_uid"]) for r in rows} == {
        (r["source_digest"], r["object_key"], r["SOPInstanceUID"]) for r in instances()
    }
    assert len(rows) == 12 and all(RULES.items() <= row.items() for row in rows)
    told = [row for row in table.to_pylist() if row["step"] != lineage.OBJECT]
    assert [(r["source_token"], r["table"]) for r in told if r["step"] == lineage.TABLE] == sorted(
        FED, key=lambda pair: pair[1]
    )
    assert [(r["table"], r["figure"]) for r in told if r["step"] == lineage.FIGURE] == FIGURES
    assert all(row["patient_id"] is None and row["object_key"] is None for row in told)


def test_an_object_of_two_files_has_a_row_for_each():
    first = instances()[5]
    further = [("9" * 64, first["object_key"])]
    rows = lineage.build(pa.Table.from_pylist(instances()), FED, FIGURES, RULES, further).to_pylist()
    mine = [row for row in rows if row["object_key"] == first["object_key"]]
    assert {row["source_token"] for row in mine} == {first["source_digest"], "9" * 64}
    one, other = ({k: v for k, v in row.items() if k != "source_token"} for row in mine)
    assert one == other
    assert len([row for row in rows if row["step"] == lineage.OBJECT]) == 13


def test_equal_content_gives_equal_bytes_whatever_its_order():
    rows = instances()
    first = encode(lineage.build(pa.Table.from_pylist(rows), FED, FIGURES, RULES))
    shuffled = [*rows[1::2], *reversed(rows[::2])]
    again = lineage.build(pa.Table.from_pylist(shuffled), [*reversed(FED), *FED], FIGURES[::-1], RULES)
    assert encode(again) == first
    assert decode(first).schema.equals(lineage.SCHEMA, check_metadata=True)
    assert all(field.metadata[b"description"] for field in lineage.SCHEMA)


def test_a_dataset_without_images_or_tables_has_a_lineage_too():
    none = pa.Table.from_pylist(instances()).slice(0, 0)
    assert lineage.build(none, [], [], RULES).num_rows == 0
    assert lineage.build(none, FED, [], RULES).num_rows == 3


def test_the_sweep_is_handed_all_that_the_inventory_does_not_hold_in_its_place():
    made = pa.Table.from_pylist(instances())
    table = lineage.build(made, FED, FIGURES, RULES)
    texts = set(lineage.beyond(table, made)["text"].to_pylist())
    assert texts - {None} == {
        *(word for pair in (*FED, *FIGURES) for word in pair),
        *RULES.values(),
        *(lineage.OBJECT, lineage.TABLE, lineage.FIGURE),
    }
    at = table.column_names.index("study_uid")
    planted = table.set_column(at, table.schema.field(at), pa.array(["EUCAIM-1"] * table.num_rows))
    assert "EUCAIM-1" in lineage.beyond(planted, made)["text"].to_pylist(), "it stands in another column"


@pytest.fixture
def store(tmp_path):
    return CountingStore(tmp_path)


def test_lineage_is_part_of_the_version_shared_by_tiers_and_named_when_it_is_damaged(store):
    images = [image(store, patient, number) for patient in ("EUCAIM-a", "EUCAIM-b") for number in range(3)]
    table = lineage.build(pa.Table.from_pylist(instances()), FED, FIGURES, RULES)
    first = replace(content(images), lineage=encode(table))
    other = replace(first, lineage=encode(table.slice(1)))
    assert len({content(images).version, first.version, other.version}) == 3
    manifest, _ = publish(store, first, {"report.html": b"r"})
    (item,) = (each for each in manifest.files if each.name == lineage.NAME)
    store.written.clear()
    publish(store, replace(first, tier=2), {"report.html": b"r"})
    assert store.written == ["manifest.json", "report.html", "CURRENT"], "the lineage lies there already"
    whole = (store.root / item.key).read_bytes()
    for at in range(0, len(whole), 37):
        (store.root / item.key).write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert Reading(store).check(manifest)[1] == [Fault(item.key, "sha256")]


def test_the_tables_behind_a_figure_are_those_that_its_query_reads():
    tables = load_tables(contracts_folder())
    for figure in load_figures().values():
        behind = tables_behind(figure)
        assert behind and set(behind) <= tables.keys(), figure.name
        assert figure.query.count(" FROM ") + figure.query.count(" JOIN ") >= len(behind)
