"""The tables of the common data model as assets: one per contract, built from what crossed.

How a table is made is said in the `cdm` package, what it looks like in its contract.
"""

from collections.abc import Iterator, Mapping

import dagster as dg
import pyarrow as pa

from eucaim_pipelines import cdm
from eucaim_pipelines.assets.columns import column_lineage, column_schema
from eucaim_pipelines.assets.common import guarded, placed, table_metadata
from eucaim_pipelines.contracts.tables import TableContract
from eucaim_pipelines.quality.tiers import Tiers
from eucaim_pipelines.resources.lock import DatasetLock
from eucaim_pipelines.resources.site import Contracts
from eucaim_pipelines.resources.zones import ReleasableZone, Shelf


def table_assets(tiers: Tiers, tables: Mapping[str, TableContract]) -> Iterator[dg.AssetsDefinition]:
    """One asset per table, in the group of the lowest tier that needs it."""
    for _, tier in sorted(tiers.tiers.items()):
        for name in tier.tables:
            yield _table_asset(tiers.lowest(name), tables[name])


def read_inputs(table: str, dataset: str, shelf: Shelf, contracts: Contracts) -> cdm.CdmInputs:
    """What a table is built from; what it does not depend on is left empty."""
    needed = cdm.depends_on(contracts.tables()[table])

    def read(name: str) -> pa.Table:
        return shelf.read(f"deidentified/{name}") if name in needed else pa.table({})

    return cdm.CdmInputs(
        instances=read("instances"),
        records=shelf.read_all("deidentified/clinical_records") if "clinical_records" in needed else {},
        links=read("study_links"),
        source=contracts.source(dataset),
        contracts=contracts.tables(),
        vocabularies=contracts.vocabularies(),
    )


def _table_asset(tier: int, contract: TableContract) -> dg.AssetsDefinition:
    name = contract.name

    @dg.asset(
        key=["cdm", name],
        deps=[["deidentified", upstream] for upstream in cdm.depends_on(contract)],
        description=contract.description,
        metadata={"dagster/column_schema": column_schema(contract), "dagster/table_name": f"cdm.{name}"},
        **placed("release", f"tier_{tier}", "parquet"),
    )
    @guarded
    def table(
        context: dg.AssetExecutionContext, releasable: ReleasableZone, contracts: Contracts, lock: DatasetLock
    ) -> dg.MaterializeResult:
        shelf = releasable.shelf(context.partition_key)
        built = cdm.build(name, read_inputs(name, context.partition_key, shelf, contracts))
        shelf.write(f"cdm/{name}", built)
        return dg.MaterializeResult(
            metadata=table_metadata(shelf, f"cdm/{name}", built)
            | {
                "dagster/column_schema": column_schema(contract),
                "dagster/column_lineage": column_lineage(contract, contracts.source(context.partition_key)),
                "contract": f"{contract.name} {contract.version}",
                "contract_digest": contract.digest[:16],
            }
        )

    return table
