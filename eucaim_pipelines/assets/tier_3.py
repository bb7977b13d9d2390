"""EUCAIM's common file structure: Tier 3's own asset.

Layout and columns are said in `release.file_structure`.
"""

from collections.abc import Sequence
from typing import cast

import dagster as dg

from eucaim_pipelines.assets.common import counted, guarded, placed
from eucaim_pipelines.assets.staged import FILES
from eucaim_pipelines.contracts.vocabularies import Form
from eucaim_pipelines.release import file_structure as structure
from eucaim_pipelines.resources.lock import DatasetLock
from eucaim_pipelines.resources.site import Contracts
from eucaim_pipelines.resources.zones import ReleasableZone


def file_structure(names: Sequence[str]) -> dg.AssetsDefinition:
    """The asset that writes these tables of the model, and the views over them, as EUCAIM asks for them."""

    @dg.asset(
        key=["tier_3", "file_structure"],
        deps=[["cdm", name] for name in names],
        description="The two mandatory views and clinical_data/ as CSV, to lie beside imaging_data/.",
        **placed("release", "tier_3", "csv"),
    )
    @guarded
    def written(
        context: dg.AssetExecutionContext,
        releasable: ReleasableZone,
        contracts: Contracts,
        lock: DatasetLock,
    ) -> dg.MaterializeResult:
        shelf = releasable.shelf(context.partition_key)
        tables = {name: shelf.read(f"cdm/{name}") for name in names}
        files = structure.build(tables, contracts.tables(), cast(Form, contracts.csv_codes))
        shelf.write_files(f"tier_3/{FILES}", files)
        rows = {f"rows_{name}": table.num_rows for name, table in tables.items()}
        return dg.MaterializeResult(metadata=counted(files=len(files), **rows))

    return written
