"""The crossing of local values without a code: never the values, but which columns hold some, and how many.

What may be told of them is decided in `report.vocabulary`; what becomes of it in a release, in `staged`.
"""

from dataclasses import asdict

import dagster as dg

from eucaim_pipelines.assets.common import counted, guarded, placed
from eucaim_pipelines.assets.staged import UNMAPPED
from eucaim_pipelines.release.publication import json_bytes
from eucaim_pipelines.report import vocabulary
from eucaim_pipelines.resources.lock import DatasetLock
from eucaim_pipelines.resources.site import Contracts
from eucaim_pipelines.resources.zones import ReleasableZone, RestrictedZone


@dg.asset(
    key=["deidentified", "unmapped_fields"],
    deps=[["restricted", "unmapped_values"]],
    **placed("release", "deidentification", "json"),
)
@guarded
def unmapped_fields(
    context: dg.AssetExecutionContext,
    restricted: RestrictedZone,
    releasable: ReleasableZone,
    contracts: Contracts,
    lock: DatasetLock,
) -> dg.MaterializeResult:
    """Columns with values that have no code: how many, and what comes near those that 10 patients have."""
    dataset = context.partition_key
    unmapped = restricted.shelf(dataset).read("unmapped_values")
    columns = vocabulary.columns(unmapped, contracts.matcher().nearest_of_all)
    found = json_bytes([asdict(each) for each in columns])
    releasable.shelf(dataset).write_bytes(f"deidentified/{UNMAPPED}", found)
    counts = {
        "columns": len(columns),
        "values": unmapped.num_rows,
        "rows": sum(each.rows for each in columns),
    }
    return dg.MaterializeResult(metadata=counted(**counts))
