"""What Dagster shows of columns follows from the contracts, and names only columns that exist."""

import dagster as dg
import pytest

from eucaim_pipelines.assets.columns import INSTANCES, RECORDS, column_lineage, column_schema
from eucaim_pipelines.assets.tables import table_assets
from eucaim_pipelines.contracts import folder
from eucaim_pipelines.contracts.source_model import OFFSET_SUFFIX
from eucaim_pipelines.contracts.sources import load_sources
from eucaim_pipelines.contracts.tables import load_tables
from eucaim_pipelines.dicom.inventory_schema import schema
from eucaim_pipelines.quality.plan import known_checks
from eucaim_pipelines.quality.tiers import load_tiers

TABLES = load_tables()
SOURCES = load_sources(folder() / "sources")


def record_columns(source):
    for spec in source.clinical:
        yield from (f"{spec.name}.{name}" for name in ("patient_id", "record_id", *spec.fields))
        yield from (f"{spec.name}.{name}{OFFSET_SUFFIX}" for name in spec.fields)


@pytest.mark.parametrize("source", SOURCES.values(), ids=lambda source: source.dataset_id)
def test_lineage_names_columns_that_exist_once_each(source):
    known = {RECORDS: set(record_columns(source)), INSTANCES: set(schema().names)}
    for contract in TABLES.values():
        lineage = column_lineage(contract, source).deps_by_column
        assert lineage.keys() <= contract.fields.keys()
        for deps in lineage.values():
            assert len(set(deps)) == len(deps)
            assert all(dep.column_name in known[dep.asset_key] for dep in deps)


def test_lineage_follows_the_mapping_its_unit_and_the_days_of_a_date():
    lineage = column_lineage(TABLES["treatment"], SOURCES["demo_lung_ct"]).deps_by_column
    assert lineage["treatment_type"] == [dg.TableColumnDep(RECORDS, "treatments.treatment")]
    days = [dg.TableColumnDep(RECORDS, f"treatments.start_date{OFFSET_SUFFIX}")]
    assert lineage["treatment_offset_from_diagnosis"] == lineage["treatment_offset_unit"] == days
    assert "treatment_intent" not in lineage


def test_image_columns_come_from_the_inventory():
    lineage = column_lineage(TABLES["image_series"], SOURCES["demo_lung_ct"]).deps_by_column
    assert dg.TableColumnDep(INSTANCES, "Modality") in lineage["series_modality"]


@pytest.mark.parametrize("name", TABLES)
def test_the_column_schema_says_what_the_contract_says(name):
    contract = TABLES[name]
    columns = {column.name: column for column in column_schema(contract).columns}
    assert list(columns) == list(contract.fields)
    for field in contract.fields.values():
        column = columns[field.name]
        assert (column.type, column.description) == (str(field.type), field.description)
        assert column.constraints.nullable == field.nullable
        said = " ".join(column.constraints.other)
        assert all(word in said for word in (field.unit, field.value_set, field.concept) if word)


def test_every_table_of_a_tier_is_an_asset_with_its_column_schema():
    tiers = load_tiers(folder() / "tiers.yaml", known_checks(TABLES))
    assets = {asset.key.path[-1]: asset for asset in table_assets(tiers, TABLES)}
    assert assets.keys() == TABLES.keys()
    for name, asset in assets.items():
        assert asset.metadata_by_key[asset.key]["dagster/column_schema"] == column_schema(TABLES[name])
