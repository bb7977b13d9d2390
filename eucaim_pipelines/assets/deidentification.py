"""The crossings: the only assets of the release zone that read the restricted one.

What may cross, and how it is made, is said in the `deidentification` package.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from eucaim_pipelines.assets.common import counted, guarded, placed, progress_to, table_metadata
from eucaim_pipelines.assets.state import code_digest
from eucaim_pipelines.cdm import coding, people
from eucaim_pipelines.contracts import folder as contracts_folder
from eucaim_pipelines.contracts.sources import ClinicalFile
from eucaim_pipelines.deidentification import clinical, links
from eucaim_pipelines.deidentification.images import Subject
from eucaim_pipelines.deidentification.pseudonyms import Pseudonyms
from eucaim_pipelines.errors import DataError
from eucaim_pipelines.ingest import inventory
from eucaim_pipelines.ingest.ledger import Ledger
from eucaim_pipelines.ingest.records import Reception
from eucaim_pipelines.quality.linkage import CrossedCounts
from eucaim_pipelines.quality.reasons import load_reasons
from eucaim_pipelines.release.object_tables import actions_table, instances_table, unknown_terms_table
from eucaim_pipelines.release.objects import Making, Work, make_objects
from eucaim_pipelines.release.publication import json_bytes
from eucaim_pipelines.resources.lock import DatasetLock
from eucaim_pipelines.resources.site import Contracts, Pseudonymisation
from eucaim_pipelines.resources.stores import Store
from eucaim_pipelines.resources.workers import Workers
from eucaim_pipelines.resources.zones import ReleasableZone, RestrictedZone, Shelf

DISPOSITIONS = pa.schema(
    [("kind", pa.string()), ("disposition", pa.string()), ("reason", pa.string()), ("count", pa.int64())]
)


@dg.asset(
    key=["deidentified", "instances"],
    deps=[["restricted", "dicom_instances"], ["restricted", "study_links"]],
    **placed("release", "deidentification", "dicom", "parquet"),
)
@guarded
def instances(
    context: dg.AssetExecutionContext,
    restricted: RestrictedZone,
    releasable: ReleasableZone,
    contracts: Contracts,
    pseudonymisation: Pseudonymisation,
    workers: Workers,
    store: Store,
    lock: DatasetLock,
) -> dg.MaterializeResult:
    """Images de-identified, verified, stored under their final keys; unseen until a manifest names them."""
    dataset = context.partition_key
    pseudonyms = pseudonymisation.pseudonyms()
    pooled = _pooled(restricted.shelf(dataset))
    deidentifier = pseudonymisation.deidentifier(contracts.source(dataset), contracts)
    making = Making(
        deidentifier,
        store.open(),
        dataset,
        restricted.max_file_bytes,
        pseudonymisation.site_key().key_id,
        read_all=pseudonymisation.read_back_all,
    )
    with restricted.ledger(dataset) as ledger, workers.executor() as executor:
        issuers = people.image_issuers(restricted.shelf(dataset).read("people"))
        work = [Work(r, _subject(r, pseudonyms, pooled, issuers)) for r in inventory.accepted(ledger)]
        exports = {export.name: export for export in restricted.exports(dataset)}
        progress = progress_to(context, "images de-identified and verified")
        made = make_objects(ledger, work, exports, making, executor, progress)
        ledger.assign(made)
        gone = {w.reception.id: ("pending", "SOURCE_GONE") for w in work if w.reception.id not in made}
        ledger.dispose(gone)
        state = ledger.fact("seen")
    table = instances_table(made, pseudonyms)
    shelf = releasable.shelf(dataset)
    shelf.write("deidentified/instances", table)
    shelf.write("deidentified/actions", actions_table(made.values()))
    shelf.write_bytes("deidentified/state.json", json_bytes(json.loads(state or "{}")))
    restricted.shelf(dataset).write("unknown_terms", unknown_terms_table(made.values()))
    refused = sum(item.refusal is not None for item in made.values())
    return dg.MaterializeResult(
        metadata=table_metadata(shelf, "deidentified/instances", table)
        | counted(
            refused=refused, waiting_for_source=len(gone), bytes=sum(i.bytes or 0 for i in made.values())
        )
    )


@dg.asset(
    key=["deidentified", "clinical_records"],
    deps=[["restricted", "coded_records"], ["restricted", "study_links"]],
    **placed("release", "deidentification", "parquet"),
)
@guarded
def clinical_records(
    context: dg.AssetExecutionContext,
    restricted: RestrictedZone,
    releasable: ReleasableZone,
    contracts: Contracts,
    pseudonymisation: Pseudonymisation,
    lock: DatasetLock,
) -> dg.MaterializeResult:
    """Clinical rows under pseudonyms: codes, numbers, shifted dates, pooled ages; nothing undeclared."""
    dataset = context.partition_key
    shelf, source = restricted.shelf(dataset), contracts.source(dataset)
    pseudonyms, pooled = pseudonymisation.pseudonyms(), _pooled(shelf)
    rows, coded = shelf.read_all("clinical_records"), shelf.read_all("coded_records")
    issuers = people.issuers(shelf.read("people"))
    identities = coding.all_identities(rows, source.clinical, shelf.read("dicom_instances"))
    crossed = {
        spec.name: clinical.deidentify(
            coded[spec.name],
            coding.kinds(spec),
            pseudonyms,
            pooled,
            identities,
            issuers,
            source.deidentification.dates,
        )
        for spec in source.clinical
    }
    tables = {name: result.table for name, result in crossed.items()}
    releasable.shelf(dataset).write_all("deidentified/clinical_records", tables)
    caught = sum(result.caught for result in crossed.values())
    releasable.shelf(dataset).write_bytes("deidentified/caught.json", json_bytes({"identity_cells": caught}))
    return dg.MaterializeResult(
        metadata=counted(
            identities_caught=caught, **{f"rows_{name}": t.num_rows for name, t in tables.items()}
        )
    )


@dg.asset(
    key=["deidentified", "study_links"],
    deps=[["restricted", "study_links"]],
    **placed("release", "deidentification", "parquet"),
)
@guarded
def study_links(
    context: dg.AssetExecutionContext,
    restricted: RestrictedZone,
    releasable: ReleasableZone,
    contracts: Contracts,
    pseudonymisation: Pseudonymisation,
    lock: DatasetLock,
) -> dg.MaterializeResult:
    """Study, episode, timepoint, age and days from diagnosis under pseudonyms."""
    dataset = context.partition_key
    restricted_shelf, shelf = restricted.shelf(dataset), releasable.shelf(dataset)
    table = links.deidentify(
        restricted_shelf.read("study_links"),
        pseudonymisation.pseudonyms(),
        _pooled(restricted_shelf),
        contracts.source(dataset).deidentification.dates,
    )
    shelf.write("deidentified/study_links", table)
    return dg.MaterializeResult(metadata=table_metadata(shelf, "deidentified/study_links", table))


@dg.asset(
    key=["deidentified", "dispositions"],
    deps=[["restricted", "clinical_records"], ["deidentified", "instances"]],
    check_specs=[
        dg.AssetCheckSpec(
            "ledger_balances",
            asset=dg.AssetKey(["deidentified", "dispositions"]),
            blocking=True,
            description="received = published + quarantined + duplicate + pending, each with a reason.",
        )
    ],
    **placed("release", "deidentification", "parquet"),
)
@guarded
def dispositions(
    context: dg.AssetExecutionContext,
    restricted: RestrictedZone,
    releasable: ReleasableZone,
    lock: DatasetLock,
) -> dg.MaterializeResult:
    """How many files and rows have which disposition and reason once this release is out; counts only."""
    dataset = context.partition_key
    fates = (
        restricted.shelf(dataset).read("clinical_dispositions").column("reason").value_counts().to_pylist()
    )
    reasons = load_reasons(contracts_folder() / "reasons.csv")
    with restricted.ledger(dataset) as ledger:
        balance = _balance(ledger)
        rows = [("file", *row) for row in ledger.once_released()]
        exports = ledger.exports()
    rows += [("row", reasons[f["values"]].disposition, f["values"], f["counts"]) for f in fates]
    table = pa.Table.from_pylist(
        [dict(zip(DISPOSITIONS.names, row, strict=True)) for row in sorted(rows)], schema=DISPOSITIONS
    )
    shelf = releasable.shelf(dataset)
    shelf.write("deidentified/dispositions", table)
    newest = {"completed": exports[-1][1], "balanced": balance is None}
    shelf.write_bytes("deidentified/newest_export.json", json_bytes(newest))
    counts: Counter[str] = Counter()
    for kind, disposition, _, count in rows:
        counts[f"{kind}s_{disposition}"] += count
    return dg.MaterializeResult(
        metadata=table_metadata(shelf, "deidentified/dispositions", table) | counted(**counts),
        check_results=[
            dg.AssetCheckResult(check_name="ledger_balances", passed=balance is None, description=balance)
        ],
    )


@dg.asset(
    key=["deidentified", "evidence"],
    deps=[
        ["restricted", "unmapped_values"],
        ["deidentified", "dispositions"],
        ["deidentified", "clinical_records"],
    ],
    **placed("release", "deidentification", "json"),
)
@guarded
def evidence(
    context: dg.AssetExecutionContext,
    restricted: RestrictedZone,
    releasable: ReleasableZone,
    contracts: Contracts,
    pseudonymisation: Pseudonymisation,
    lock: DatasetLock,
) -> dg.MaterializeResult:
    """What was counted where the identities still were, and by which profile and key they were removed."""
    dataset = context.partition_key
    here, shelf, source = restricted.shelf(dataset), releasable.shelf(dataset), contracts.source(dataset)
    rows, unmapped = here.read_all("clinical_records"), here.read("unmapped_values")
    links = here.read("study_links")
    with restricted.ledger(dataset) as ledger:
        balance = ledger.balance()
        removed, repeated = (int(ledger.fact(name) or 0) for name in ("rows_removed", "duplicate_keys"))
    counts = CrossedCounts(
        received=balance["received"],
        quarantined=balance["quarantined"],
        studies=links.num_rows,
        studies_without_patient_id=links.column("PatientID").null_count,
        coded_cells=sum(_coded_cells(rows[spec.name], spec) for spec in source.clinical),
        unmapped_cells=pc.sum(unmapped.column("rows")).as_py() or 0,
        clinical_rows=sum(table.num_rows for table in rows.values()),
        duplicate_keys=repeated,
        removed_rows=removed,
        pooled_patients=len(_pooled(here)),
        ambiguous_patient_ids=people.ambiguous(here.read("people")),
        identity_cells=json.loads(shelf.read_bytes("deidentified/caught.json"))["identity_cells"],
    )
    rules = {
        "source_contract": source.digest,
        "contracts": contracts.digest(dataset),
        "deidentification": pseudonymisation.deidentifier(source, contracts).digest,
        "key_id": pseudonymisation.site_key().key_id,
        "software": code_digest(),
    }
    shelf.write_bytes("deidentified/evidence.json", json_bytes({"counts": asdict(counts), "rules": rules}))
    return dg.MaterializeResult(metadata=counted(**asdict(counts)) | {"key_id": rules["key_id"]})


def _subject(
    reception: Reception, pseudonyms: Pseudonyms, pooled: frozenset[str], issuers: Mapping[str, str]
) -> Subject:
    """The person of an image; one without issuer belongs to the only issuer that its PatientID has."""
    issuer = reception.issuer or issuers.get(reception.patient_id or "")
    pseudonym = pseudonyms.patient(reception.patient_id, issuer, reception.study_instance_uid or "")
    return Subject(pseudonym, pseudonym in pooled)


def _pooled(shelf: Shelf) -> frozenset[str]:
    return frozenset(shelf.read("pooled").column("patient_id").to_pylist())


def _balance(ledger: Ledger) -> str | None:
    try:
        ledger.check_balance()
    except DataError as error:
        return str(error)
    return None


def _coded_cells(rows: pa.Table, spec: ClinicalFile) -> int:
    """Cells with a value in the columns that go on."""
    return sum(len(rows) - rows.column(spec.declared[name]).null_count for name in spec.fields)
