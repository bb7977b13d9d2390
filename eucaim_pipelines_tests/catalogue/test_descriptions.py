"""The same release as Croissant and as RO-Crate: read by the projects' own libraries."""

import json
from pathlib import Path

import mlcroissant
from rocrate.rocrate import ROCrate

from eucaim_pipelines.catalogue.croissant import croissant
from eucaim_pipelines.catalogue.ro_crate import NAME, ro_crate
from eucaim_pipelines.contracts.tables import load_tables
from eucaim_pipelines_tests.catalogue.test_record import release, source

TABLES = {
    name: (f"../../tables/{name}/{digest}.parquet", digest)
    for name, digest in (("patient", "ab" * 32), ("image_study", "cd" * 32))
}


def test_croissant_is_what_mlcroissant_takes(tmp_path: Path) -> None:
    path = tmp_path / "croissant.json"
    path.write_text(json.dumps(croissant(source(), release(), TABLES)), encoding="utf-8")
    read = mlcroissant.Dataset(jsonld=path).metadata
    assert not read.ctx.issues.errors
    assert read.name == "lung" and read.version == release().version
    columns = {records.name: [field.name for field in records.fields] for records in read.record_sets}
    tables = load_tables()
    wanted = {name: [f"{name}/{column}" for column in tables[name].schema.names] for name in TABLES}
    assert {name: [c if "/" in c else f"{name}/{c}" for c in own] for name, own in columns.items()} == wanted
    assert {each.sha256 for each in read.distribution} == {digest for _, digest in TABLES.values()}


def test_a_wrong_croissant_is_refused(tmp_path: Path) -> None:
    described = croissant(source(), release(), TABLES)
    described["recordSet"][0]["field"][0]["source"]["fileObject"]["@id"] = "another.parquet"
    path = tmp_path / "croissant.json"
    path.write_text(json.dumps(described), encoding="utf-8")
    try:
        issues = mlcroissant.Dataset(jsonld=path).metadata.ctx.issues.errors
    except mlcroissant.ValidationError:
        return
    assert issues


def test_ro_crate_is_what_rocrate_takes(tmp_path: Path) -> None:
    documents = {"catalogue.ttl": ("Catalogue record", "text/turtle"), "report.html": ("Report", "text/html")}
    for name in documents:
        (tmp_path / name).write_text("x", encoding="utf-8")
    described = ro_crate(source(), release(), documents, TABLES)
    (tmp_path / NAME).write_text(json.dumps(described), encoding="utf-8")
    crate = ROCrate(tmp_path)
    assert crate.root_dataset["name"] == "Lung CT" and crate.root_dataset["version"] == release().version
    assert set(documents) <= {entity.id for entity in crate.data_entities}
    assert len(crate.root_dataset["hasPart"]) == len(documents) + len(TABLES)
    named = {each["@id"] for each in described["@graph"]}
    pointed = {
        value["@id"] for each in described["@graph"] for value in _values(each) if "://" not in value["@id"]
    }
    assert pointed <= named


def _values(node: dict) -> list[dict]:
    """Every reference that a node holds."""
    held = [v for value in node.values() for v in (value if isinstance(value, list) else [value])]
    return [value for value in held if isinstance(value, dict)]
