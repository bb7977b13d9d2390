"""The crossing of lineage: source files by their tokens, with the objects and tables that they became.

What lineage holds is said in `release.lineage`; hashes of source files stay in the ledger.
"""

import json
from collections.abc import Iterator
from pathlib import PurePosixPath

import dagster as dg

from eucaim_pipelines.assets.common import guarded, placed, table_metadata
from eucaim_pipelines.catalogue import figures
from eucaim_pipelines.contracts.sources import SourceContract
from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms
from eucaim_pipelines.ingest.combination import CURRENT
from eucaim_pipelines.ingest.ledger import Ledger
from eucaim_pipelines.release import lineage as lineages
from eucaim_pipelines.resources.lock import DatasetLock
from eucaim_pipelines.resources.site import Contracts, Pseudonymisation
from eucaim_pipelines.resources.zones import ReleasableZone, RestrictedZone, Shelf


@dg.asset(
    key=["deidentified", "lineage"],
    deps=[["restricted", "clinical_records"], ["deidentified", "instances"]],
    **placed("release", "deidentification", "parquet"),
)
@guarded
def lineage(
    context: dg.AssetExecutionContext,
    restricted: RestrictedZone,
    releasable: ReleasableZone,
    contracts: Contracts,
    pseudonymisation: Pseudonymisation,
    lock: DatasetLock,
) -> dg.MaterializeResult:
    """Which source file (by token), under which rules, became which object and fed which tables."""
    dataset = context.partition_key
    shelf, source = releasable.shelf(dataset), contracts.source(dataset)
    pseudonyms = pseudonymisation.pseudonyms(source)
    with restricted.ledger(dataset) as ledger:
        fed = list(_fed(ledger, restricted.shelf(dataset), source, pseudonyms))
    rules = json.loads(shelf.read_bytes("deidentified/made_under.json"))
    told = [
        (table, figure.property)
        for figure in figures.load_figures(contracts.folder).values()
        for table in figures.tables_behind(figure)
    ]
    further = [
        (token, row["object_key"])
        for row in shelf.read("deidentified/annotations").to_pylist()
        for token in row["source_digests"][1:]
        if row["object_key"]
    ]
    table = lineages.build(shelf.read("deidentified/instances"), fed, told, rules, further)
    shelf.write("deidentified/lineage", table)
    return dg.MaterializeResult(metadata=table_metadata(shelf, "deidentified/lineage", table))


def _fed(
    ledger: Ledger, shelf: Shelf, source: SourceContract, pseudonyms: Pseudonyms
) -> Iterator[tuple[str, str]]:
    """Token of a clinical file of which rows count now, and a table that they go into.

    Of two files of one name in one export, both are named: rows are told apart by export and name.
    """
    fates = shelf.read("clinical_dispositions").group_by(["file", "export", "name", "reason"]).aggregate([])
    counting = {(r["file"], r["export"], r["name"]) for r in fates.to_pylist() if r["reason"] == CURRENT}
    tables = {spec.name: {"patient", *(each.table for each in spec.tables)} for spec in source.clinical}
    if source.linkage.timepoints is not None:
        tables[source.linkage.timepoints] = {"image_study"}
    for export, path, sha256 in ledger.table_files():
        name = PurePosixPath(path).name
        for spec in source.files_for(name):
            if (spec.name, export, name) in counting:
                yield from ((pseudonyms.digest("source", sha256), each) for each in tables[spec.name])
