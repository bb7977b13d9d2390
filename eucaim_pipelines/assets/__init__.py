"""The Dagster assets, checks and automation: glue around one domain call each."""

from pathlib import Path

import dagster as dg

from eucaim_pipelines.assets import checks, deidentification, ingest, tables, tier, tier_2, tier_3
from eucaim_pipelines.contracts import folder as contracts_folder
from eucaim_pipelines.contracts.tables import load_tables
from eucaim_pipelines.quality.plan import known_checks
from eucaim_pipelines.quality.tiers import load_tiers


def all_assets(contracts: Path | None = None) -> list[dg.AssetsDefinition]:
    """Every asset; the tables and what each tier holds come from the contracts."""
    models = load_tables(contracts_folder(contracts))
    tiers = load_tiers(contracts_folder(contracts) / "tiers.yaml", known_checks(models))
    fixed = dg.load_assets_from_modules([ingest, deidentification, tier_2, tier_3])
    per_tier = [asset for number in tiers.tiers for asset in tier.tier_assets(number, tiers.tables(number))]
    return [*fixed, *tables.table_assets(tiers, models), *per_tier]  # type: ignore[list-item]


def all_checks(contracts: Path | None = None) -> list[dg.AssetChecksDefinition]:
    """Every asset check that is not part of an asset."""
    models = load_tables(contracts_folder(contracts))
    tiers = load_tiers(contracts_folder(contracts) / "tiers.yaml", known_checks(models))
    sweeps = [checks.sweep_check(number, tiers.tables(number)) for number in tiers.tiers]
    return [*checks.finding_checks(tiers, models), *sweeps]
