"""The crossings: with `evidence`, the only assets of the release zone that read the restricted one.

What may cross, and how it is made, is said in the `deidentification` package.
"""

import json
from collections import Counter
from collections.abc import Mapping

import dagster as dg
import pyarrow as pa

from eucaim_pipelines.assets import stated
from eucaim_pipelines.assets.common import counted, guarded, placed, progress_to, table_metadata
from eucaim_pipelines.assets.staged import YEARS
from eucaim_pipelines.cdm import coding, people
from eucaim_pipelines.contracts import folder as contracts_folder
from eucaim_pipelines.deidentification import clinical, links
from eucaim_pipelines.deidentification.images import Subject
from eucaim_pipelines.deidentification.keys.lethe import WARNING
from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms
from eucaim_pipelines.errors import DataError
from eucaim_pipelines.ingest import inventory
from eucaim_pipelines.ingest.ledger import Ledger
from eucaim_pipelines.ingest.records import Reception
from eucaim_pipelines.quality import disclosure
from eucaim_pipelines.quality.reasons import load_reasons
from eucaim_pipelines.release import label_maps, sketched
from eucaim_pipelines.release.conversions import Converting, convert
from eucaim_pipelines.release.object_tables import (
    actions_table,
    annotations_table,
    instances_table,
    searched,
    unknown_terms_table,
)
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
    """Images de-identified, verified, stored under their final keys; unseen until a manifest names them.

    Structure sets are converted to segmentations, which are objects beside those that were delivered; label
    maps are converted too, and nothing else of them is stored.
    """
    dataset = context.partition_key
    source = contracts.source(dataset)
    deidentifier, at_least = pseudonymisation.deidentifier(source, contracts), source.imaging.near_duplicates
    pseudonyms, pooled = deidentifier.pseudonyms, _pooled(restricted.shelf(dataset))
    if pseudonyms.lethe is not None:
        context.log.warning(WARNING)
    making = Making(
        deidentifier,
        store.open(),
        dataset,
        restricted.max_file_bytes,
        pseudonyms.key_id,
        read_all=pseudonymisation.read_back_all,
    )
    with restricted.ledger(dataset) as ledger, workers.executor() as executor:
        issuers = people.image_issuers(restricted.shelf(dataset).read("people"))
        accepted = [Work(r, _subject(r, pseudonyms, pooled, issuers)) for r in inventory.accepted(ledger)]
        maps = ledger.label_maps()
        work = [w for w in accepted if (w.reception.export, w.reception.path) not in maps]
        pairs = [w for w in accepted if (w.reception.export, w.reception.path) in maps]
        exports = {export.name: export for export in restricted.exports(dataset)}
        progress = progress_to(context, "images de-identified and verified")
        made = make_objects(ledger, work, exports, making, executor, progress)
        converting = Converting(making.store, dataset, pseudonyms, contracts.vocabularies()["segment_label"])
        progress = progress_to(context, "annotations converted")
        converted = convert(ledger, made.values(), converting, executor, progress)
        from_pairs = label_maps.convert(
            ledger, pairs, exports, made.values(), making, converting, executor, progress
        )
        assigned = made | {key: each.made for key, each in from_pairs.items()}
        ledger.assign(assigned)
        converted += from_pairs.values()
        likenesses = None
        if at_least is not None:
            with restricted.sketch_book(dataset) as book:
                likenesses = sketched.compared(book, made.values(), at_least, making.store, executor)
        absent = [w.reception.id for w in accepted if w.reception.id not in assigned]
        gone = dict.fromkeys(absent, ("pending", "SOURCE_GONE"))
        ledger.dispose(gone)
        state = ledger.fact("seen")
    table, actions = instances_table(made, pseudonyms, converted, likenesses), actions_table(made.values())
    shelf = releasable.shelf(dataset)
    shelf.write("deidentified/instances", table)
    shelf.write("deidentified/annotations", annotations_table(converted, pseudonyms))
    shelf.write("deidentified/actions", actions)
    shelf.write_bytes("deidentified/searched.json", json_bytes(searched(made.values(), converted)._asdict()))
    shelf.write_bytes("deidentified/state.json", json_bytes(json.loads(state or "{}")))
    shelf.write_bytes("deidentified/made_under.json", json_bytes(making.made_under))
    restricted.shelf(dataset).write("unknown_terms", unknown_terms_table(assigned.values()))
    refused = sum(item.refusal is not None for item in assigned.values())
    segmented = sum(each.made.key is not None for each in converted)
    return dg.MaterializeResult(
        metadata=table_metadata(shelf, "deidentified/instances", table)
        | counted(
            refused=refused,
            waiting_for_source=len(gone),
            bytes=sum(i.bytes or 0 for i in made.values()),
            annotations_converted=segmented,
            annotations_not_convertible=len(converted) - segmented,
        )
        | {"what_was_done": dg.MetadataValue.md(stated.actions_text(actions))}
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
    pseudonyms, pooled = pseudonymisation.pseudonyms(source), _pooled(shelf)
    chosen = source.deidentification
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
            chosen.dates,
            emptied=() if chosen.patient_characteristics else spec.characteristics,
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
    source = contracts.source(dataset)
    table = links.deidentify(
        restricted_shelf.read("study_links"),
        pseudonymisation.pseudonyms(source),
        _pooled(restricted_shelf),
        source.deidentification.dates,
        ages=source.deidentification.patient_characteristics,
    )
    shelf.write("deidentified/study_links", table)
    return dg.MaterializeResult(metadata=table_metadata(shelf, "deidentified/study_links", table))


@dg.asset(
    key=["deidentified", "acquisition_years"],
    deps=[["restricted", "study_links"], ["deidentified", "instances"]],
    **placed("release", "deidentification", "json"),
)
@guarded
def acquisition_years(
    context: dg.AssetExecutionContext,
    restricted: RestrictedZone,
    releasable: ReleasableZone,
    contracts: Contracts,
    lock: DatasetLock,
) -> dg.MaterializeResult:
    """First and last true calendar year in which images of 10 patients or more were taken; nothing else."""
    dataset = context.partition_key
    with restricted.ledger(dataset) as ledger:
        made = {r.study_instance_uid or "" for r in inventory.accepted(ledger) if r.object_key}
    people_by_year = links.people_by_year(restricted.shelf(dataset).read("study_links"), made)
    undated = contracts.source(dataset).deidentification.dates == "remove"
    years = None if undated else disclosure.released_years(people_by_year)
    crossed = None if years is None else {"first": years[0], "last": years[1]}
    releasable.shelf(dataset).write_bytes(f"deidentified/{YEARS}", json_bytes(crossed))
    return dg.MaterializeResult(metadata={"told": years is not None})


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
