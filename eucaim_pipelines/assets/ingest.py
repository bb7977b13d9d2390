"""Assets of the restricted zone: what was received, what the headers say, clinical rows, links.

Nothing here leaves this machine; the crossings are in `deidentification`.
"""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import dagster as dg
import pyarrow as pa

from eucaim_pipelines.assets.common import counted, guarded, placed, progress_to, table_metadata
from eucaim_pipelines.assets.state import Places, dataset_state, seen
from eucaim_pipelines.cdm import coding, linkage, people
from eucaim_pipelines.cdm.link_file import link_faults, link_file, without_link_file
from eucaim_pipelines.contracts.sources import SourceContract
from eucaim_pipelines.dicom.reading import reader_digest
from eucaim_pipelines.ingest import inventory
from eucaim_pipelines.ingest.clinical_rows import current_rows, mass_removals, reinterpret
from eucaim_pipelines.ingest.combination import DISPOSITIONS
from eucaim_pipelines.ingest.exports import unfinished_markers
from eucaim_pipelines.ingest.ledger import Ledger
from eucaim_pipelines.ingest.lost_columns import stop_where_columns_are_lost
from eucaim_pipelines.ingest.reception import list_exports, receive
from eucaim_pipelines.resources.lock import DatasetLock
from eucaim_pipelines.resources.records import Traces
from eucaim_pipelines.resources.site import Contracts, Pseudonymisation
from eucaim_pipelines.resources.stores import Store
from eucaim_pipelines.resources.workers import Workers
from eucaim_pipelines.resources.zones import RestrictedZone

LINK_FAULTS = "link_faults.json"


@dg.asset(key=["restricted", "received_files"], **placed("restricted", "ingest", "sqlite"))
@guarded
def received_files(
    context: dg.AssetExecutionContext,
    restricted: RestrictedZone,
    contracts: Contracts,
    pseudonymisation: Pseudonymisation,
    workers: Workers,
    store: Store,
    traces: Traces,
    lock: DatasetLock,
) -> dg.MaterializeResult:
    """The ledger: every file of every complete export, its hash and its one disposition with a reason."""
    dataset = context.partition_key
    source = contracts.source(dataset)
    state = dataset_state(dataset, Places(restricted, contracts, pseudonymisation, store, traces))
    exports = restricted.exports(dataset)
    listing, tables = list_exports(exports), restricted.shelf(dataset).path("tables")
    limit = restricted.max_file_bytes
    with restricted.ledger(dataset) as ledger, workers.executor() as executor:
        stop_where_columns_are_lost(ledger, exports, listing, source, tables=tables, limit=limit)
        store.open().sweep(dataset)
        _forget_what_was_read_otherwise(ledger, source, restricted, contracts)
        look = receive(
            ledger,
            exports,
            listing,
            source,
            executor,
            tables=tables,
            limit=limit,
            progress=progress_to(context, "files read"),
        )
        inventory.decide(ledger)
        ledger.note(seen=seen(state), source=source.digest)
        balance = ledger.balance()
    if bare := unfinished_markers(Path(restricted.landing), dataset):
        context.log.warning(f"{bare} marker(s) hold no ISO time; their exports are not touched")
    context.log.info(f"{look.listed} files in {look.exports} exports, {look.read} of them new")
    return dg.MaterializeResult(metadata=counted(exports=look.exports, new=look.read, **balance))


def _forget_what_was_read_otherwise(
    ledger: Ledger, source: SourceContract, restricted: RestrictedZone, contracts: Contracts
) -> None:
    """What was read under other rules is read again: under another contract, limit, or way of reading."""
    reader, limit = reader_digest(contracts.folder), str(restricted.max_file_bytes)
    if ledger.fact("reader") not in (None, reader):
        ledger.reread()
    if ledger.fact("limit") != limit:
        ledger.reread("TOO_LARGE")
    if ledger.fact("source") != source.digest:
        for reason in ("NOT_DICOM", "ARCHIVE_COMPRESSED"):
            ledger.reread(reason)
        reinterpret(ledger, source, restricted.shelf(source.dataset_id).path("tables"))
    ledger.note(reader=reader, limit=limit)


@dg.asset(
    key=["restricted", "dicom_instances"],
    deps=[["restricted", "received_files"]],
    **placed("restricted", "ingest", "parquet"),
)
@guarded
def dicom_instances(
    context: dg.AssetExecutionContext, restricted: RestrictedZone, lock: DatasetLock
) -> dg.MaterializeResult:
    """Header inventory: one row per accepted SOP instance; columns are DICOM keywords, values as received."""
    shelf = restricted.shelf(context.partition_key)
    with restricted.ledger(context.partition_key) as ledger:
        table = inventory.dicom_instances(ledger)
    shelf.write("dicom_instances", table)
    return dg.MaterializeResult(metadata=table_metadata(shelf, "dicom_instances", table))


@dg.asset(
    key=["restricted", "clinical_records"],
    deps=[["restricted", "received_files"]],
    **placed("restricted", "ingest", "parquet"),
)
@guarded
def clinical_records(
    context: dg.AssetExecutionContext, restricted: RestrictedZone, contracts: Contracts, lock: DatasetLock
) -> dg.MaterializeResult:
    """Clinical rows that count now, as received, one table per clinical file of the source contract."""
    dataset = context.partition_key
    shelf, source = restricted.shelf(dataset), contracts.source(dataset)
    with restricted.ledger(dataset) as ledger, restricted.row_book(dataset) as book:
        combined = current_rows(ledger, source, shelf.path("tables"))
        ledger.note(
            rows_removed=str(sum(c.removed for c in combined.values())),
            duplicate_keys=str(sum(c.duplicate_keys for c in combined.values())),
        )
        for sentence in mass_removals(combined):
            context.log.warning(sentence)
        current = {name: c.rows for name, c in combined.items()}
        book.hold(current, source.clinical, ledger.fact("seen") or "")
    shelf.write_all("clinical_records", current)
    fates = [c.dispositions for c in combined.values()]
    shelf.write("clinical_dispositions", pa.concat_tables(fates) if fates else DISPOSITIONS.empty_table())
    rows = {f"rows_{name}": c.rows.num_rows for name, c in combined.items()}
    return dg.MaterializeResult(
        metadata=counted(
            **rows,
            removed=sum(c.removed for c in combined.values()),
            duplicate_keys=sum(c.duplicate_keys for c in combined.values()),
        )
    )


@dg.multi_asset(
    outs={
        "coded_records": dg.AssetOut(
            key=["restricted", "coded_records"],
            description="Clinical rows as codes, dates and numbers, with days from diagnosis; true dates.",
            tags={"zone": "restricted"},
            kinds={"restricted", "parquet"},
            owners=["team:data-engineering"],
        ),
        "unmapped_values": dg.AssetOut(
            key=["restricted", "unmapped_values"],
            description="Values that have no code yet, with their field: rows to add to the source contract.",
            tags={"zone": "restricted"},
            kinds={"restricted", "parquet"},
            owners=["team:data-engineering"],
        ),
    },
    deps=[["restricted", "clinical_records"], ["restricted", "dicom_instances"]],
    partitions_def=placed("restricted", "ingest")["partitions_def"],
    group_name="ingest",
    can_subset=False,
)
@guarded
def coded_records(
    context: dg.AssetExecutionContext, restricted: RestrictedZone, contracts: Contracts, lock: DatasetLock
) -> Iterator[dg.MaterializeResult]:
    dataset = context.partition_key
    shelf, source = restricted.shelf(dataset), contracts.source(dataset)
    vocabularies = contracts.vocabularies()
    rows = shelf.read_all("clinical_records")
    with restricted.ledger(dataset) as ledger:
        latest = ledger.last_day()
    coded = {
        spec.name: coding.code_records(rows[spec.name], spec, vocabularies, latest)
        for spec in source.clinical
    }
    tables = linkage.add_offsets({name: c.table for name, c in coded.items()}, source)
    shelf.write_all("coded_records", tables)
    images = coding.unmapped_images(shelf.read("dicom_instances"), source, vocabularies)
    unmapped = pa.concat_tables([c.unmapped for c in coded.values()] + [images])
    shelf.write("unmapped_values", unmapped)
    less_exact = pa.concat_tables([c.less_exact for c in coded.values()] or [coding.LESS_EXACT.empty_table()])
    shelf.write("less_exact_values", less_exact)
    counts = {f"rows_{name}": table.num_rows for name, table in tables.items()}
    counts["less_exact_cells"] = sum(less_exact.column("rows").to_pylist())
    yield dg.MaterializeResult(asset_key=["restricted", "coded_records"], metadata=counted(**counts))
    yield dg.MaterializeResult(
        asset_key=["restricted", "unmapped_values"],
        metadata=table_metadata(shelf, "unmapped_values", unmapped),
    )


@dg.asset(
    key=["restricted", "study_links"],
    deps=[["restricted", "coded_records"], ["restricted", "dicom_instances"]],
    **placed("restricted", "ingest", "parquet"),
)
@guarded
def study_links(
    context: dg.AssetExecutionContext,
    restricted: RestrictedZone,
    contracts: Contracts,
    pseudonymisation: Pseudonymisation,
    lock: DatasetLock,
) -> dg.MaterializeResult:
    """Study, episode, timepoint, age and days from diagnosis, computed on true dates before any crossing."""
    dataset = context.partition_key
    shelf, source = restricted.shelf(dataset), contracts.source(dataset)
    instances, coded = shelf.read("dicom_instances"), shelf.read_all("coded_records")
    links = linkage.link_studies(instances, coded, source)
    shelf.write("study_links", links)
    faults = link_faults(links, link_file(coded, source))
    shelf.write_bytes(LINK_FAULTS, json.dumps(asdict(faults), sort_keys=True).encode())
    patient = pseudonymisation.pseudonyms(source).patient
    shelf.write("people", people.people(instances, without_link_file(coded, source)))
    pooled = people.pooled(instances, coded, links, source, patient)
    shelf.write("pooled", pa.table({"patient_id": pa.array(sorted(pooled), pa.string())}))
    return dg.MaterializeResult(
        metadata=table_metadata(shelf, "study_links", links) | counted(**asdict(faults))
    )
