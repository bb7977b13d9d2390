"""The Dagster assets, checks and automation: glue around one domain call each."""

from pathlib import Path

import dagster as dg

from eucaim_pipelines.assets import (
    checks,
    deidentification,
    evidence,
    ingest,
    lineage,
    tables,
    tier,
    tier_2,
    tier_3,
    unmapped,
)
from eucaim_pipelines.contracts import folder as contracts_folder
from eucaim_pipelines.contracts.quasi_identifiers import load_quasi_identifiers
from eucaim_pipelines.contracts.tables import TableContract, load_tables
from eucaim_pipelines.quality.plan import known_checks
from eucaim_pipelines.quality.tiers import Tiers, load_tiers
from eucaim_pipelines.search.criteria import load_criteria


def all_assets(contracts: Path | None = None) -> list[dg.AssetsDefinition]:
    """Every asset; the tables and what each tier holds come from the contracts."""
    tiers, models = _contracts(contracts)
    load_quasi_identifiers(models, contracts)  # for its errors: what is wrong in it stops the start
    fixed = dg.load_assets_from_modules([ingest, deidentification, unmapped, evidence, lineage, tier_2])
    searched = tier_2.index_asset(load_criteria(contracts))
    made = [*tables.table_assets(tiers, models), searched, tier_3.file_structure(tiers.tables(3))]
    per_tier = [asset for number in tiers.tiers for asset in tier.tier_assets(number, tiers)]
    return [*fixed, *made, *per_tier]  # type: ignore[list-item]


def all_checks(contracts: Path | None = None) -> dict[int, list[dg.AssetChecksDefinition]]:
    """Every asset check that is not part of an asset, by the tier that can tell."""
    tiers, models = _contracts(contracts)
    findings = checks.finding_checks(tiers, models)
    return {n: [findings[n], checks.sweep_check(n, tiers.tables(n))] for n in sorted(tiers.tiers)}


def _contracts(folder: Path | None) -> tuple[Tiers, dict[str, TableContract]]:
    models = load_tables(contracts_folder(folder))
    return load_tiers(contracts_folder(folder) / "tiers.yaml", known_checks(models)), models
