"""What every tier consists of: findings, risk, record, verdict, report in two editions, release.

The same for each tier; what a tier requires and holds is data (`data_contracts/tiers.yaml`).
"""

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256

import dagster as dg

from eucaim_pipelines.assets import catalogued, judged, reported, staged
from eucaim_pipelines.assets.common import counted, guarded, placed
from eucaim_pipelines.assets.findings import findings_asset
from eucaim_pipelines.assets.risk import read_risk, risk_asset, singled_out
from eucaim_pipelines.assets.staged import RECORD, REPORT
from eucaim_pipelines.errors import DataError
from eucaim_pipelines.quality.tiers import Tiers
from eucaim_pipelines.release.manifest import previous_version
from eucaim_pipelines.release.publication import Content, publish
from eucaim_pipelines.release.store import ObjectStore
from eucaim_pipelines.report.page import render
from eucaim_pipelines.resources.lock import DatasetLock
from eucaim_pipelines.resources.records import Audit, Traces
from eucaim_pipelines.resources.reports import LOCAL, SHAREABLE, Reports
from eucaim_pipelines.resources.site import Contracts
from eucaim_pipelines.resources.stores import Store
from eucaim_pipelines.resources.zones import Publications, ReleasableZone, RestrictedZone, Shelf


def tier_assets(tier: int, tiers: Tiers) -> Iterator[dg.AssetsDefinition]:
    """The assets of one tier."""
    yield findings_asset(tier, tiers)
    yield risk_asset(tier, _structure(tier))
    yield _record(tier, tiers)
    yield judged.verdict_asset(tier)
    yield _report(tier)
    yield _local_report(tier)
    yield _release(tier)


def key(tier: int, name: str) -> list[str]:
    """Asset key of a tier's own asset."""
    return [f"tier_{tier}", name]


def _record(tier: int, tiers: Tiers) -> dg.AssetsDefinition:
    looked_at = [["cdm", name] for name in tiers.tiers[tier].looks_at]

    @dg.asset(
        key=key(tier, "catalogue_record"),
        deps=[
            key(tier, "findings"),
            ["deidentified", "acquisition_years"],
            ["deidentified", "lineage"],
            *looked_at,
            *_structure(tier),
        ],
        description=f"EUCAIM DCAT-AP v2.0 record of Tier {tier}, Croissant, RO-Crate; or why there is none.",
        **placed("release", f"tier_{tier}", "json"),
    )
    @guarded
    def catalogue_record(
        context: dg.AssetExecutionContext,
        releasable: ReleasableZone,
        contracts: Contracts,
        store: Store,
        lock: DatasetLock,
    ) -> dg.MaterializeResult:
        dataset = context.partition_key
        shelf = releasable.shelf(dataset)
        content = staged.content(dataset, tier, shelf, contracts)
        reported.compared(tier, shelf, content, store.open(), contracts)
        found = catalogued.stage(dataset, tier, shelf, content, contracts)
        problems = sum(len(each or ()) for each in vars(found).values())
        path = dg.MetadataValue.path(str(shelf.path(f"tier_{tier}/{RECORD}")))
        return dg.MaterializeResult(
            metadata={"version": content.version, "path": path, **counted(problems=problems)}
        )

    return catalogue_record


def _report(tier: int) -> dg.AssetsDefinition:
    @dg.asset(
        key=key(tier, "report"),
        deps=[key(tier, "verdict")],
        description=f"The shareable report of Tier {tier}: verdict, balance, findings; no small count.",
        **placed("release", f"tier_{tier}", "html"),
    )
    @guarded
    def report(
        context: dg.AssetExecutionContext,
        releasable: ReleasableZone,
        contracts: Contracts,
        reports: Reports,
        lock: DatasetLock,
    ) -> dg.MaterializeResult:
        dataset = context.partition_key
        shelf = releasable.shelf(dataset)
        shelf.write_bytes(f"tier_{tier}/{REPORT}", render(reported.report(dataset, tier, shelf, contracts)))
        url = reports.url(dataset, tier, SHAREABLE)
        return dg.MaterializeResult(metadata=_link(shelf, f"tier_{tier}/{REPORT}", url))

    return report


def _local_report(tier: int) -> dg.AssetsDefinition:
    @dg.asset(
        key=["restricted", f"tier_{tier}_report"],
        deps=[
            key(tier, "report"),
            ["restricted", "unmapped_values"],
            *(["restricted", f"tier_{number}_check_results"] for number in range(1, tier + 1)),
        ],
        description=f"The holder's own report of Tier {tier}: exact numbers, pointers to rows and files.",
        **placed("restricted", f"tier_{tier}", "html"),
    )
    @guarded
    def local_report(
        context: dg.AssetExecutionContext,
        restricted: RestrictedZone,
        releasable: ReleasableZone,
        contracts: Contracts,
        reports: Reports,
        lock: DatasetLock,
    ) -> dg.MaterializeResult:
        dataset = context.partition_key
        shelf = restricted.shelf(dataset)
        staging = releasable.shelf(dataset)
        with restricted.ledger(dataset) as ledger:
            received = ledger.quarantined(), ledger.sources()
        report = reported.report(dataset, tier, staging, contracts)
        with restricted.row_book(dataset) as book:
            news = book.news(f"tier_{tier}", report.version)
        detail = reported.local_detail(dataset, tier, received, news, (shelf, staging), contracts)
        page = render(report, detail)
        shelf.write_bytes(f"tier_{tier}/{REPORT}", page)
        with restricted.ledger(dataset) as ledger:
            ledger.note(**{f"finished_report_{tier}": staged.state(staging)})
        url = reports.url(dataset, tier, LOCAL)
        return dg.MaterializeResult(metadata=_link(shelf, f"tier_{tier}/{REPORT}", url))

    return local_report


def _release(tier: int) -> dg.AssetsDefinition:
    own = [key(tier, name) for name in ("verdict", "catalogue_record", "report")]

    @dg.asset(
        key=key(tier, "release"),
        deps=own,
        output_required=False,
        description=f"The Tier {tier} release: manifest, tables, images, record, report, if reached.",
        **placed("release", f"tier_{tier}", "manifest"),
    )
    @guarded
    def release(
        context: dg.AssetExecutionContext,
        releasable: ReleasableZone,
        contracts: Contracts,
        store: Store,
        publications: Publications,
        reports: Reports,
        audit: Audit,
        traces: Traces,
        lock: DatasetLock,
    ) -> Iterator[dg.MaterializeResult]:
        dataset = context.partition_key
        shelf = releasable.shelf(dataset)
        reached = staged.read_verdict(tier, shelf)
        if reached is None or not reached.reached:
            publications.finished(dataset, f"tier_{tier}", staged.state(shelf))
            audit.append("release_withheld", dataset, tier=tier)
            context.log.warning(
                f"Tier {tier} is not reached: its release is withheld"
                f"{', the last one stays' if publications.newest(dataset, f'tier_{tier}') else ''}."
                f"{singled_out(tier, reached, contracts.tiers())}"
            )
            return
        content, documents = staged.content(dataset, tier, shelf, contracts), staged.documents(tier, shelf)
        _require_checks(tier, shelf, content, documents)
        place = store.open()
        _require_same_predecessor(tier, shelf, content, place)
        manifest, new = publish(place, content, documents, lambda made: traces.leave(place, made, audit))
        if new or publications.newest(dataset, f"tier_{tier}") != manifest.version:
            digest = sha256(manifest.to_bytes()).hexdigest()
            audit.append("release_published", dataset, tier=tier, version=manifest.version, manifest=digest)
        publications.published(dataset, content.instances.column("object_key").to_pylist())
        publications.finished(dataset, f"tier_{tier}", staged.state(shelf), manifest.version)
        context.log.info(f"Tier {tier}: {manifest.version} {'is published' if new else 'stands unchanged'}")
        if (why := traces.pay(place, dataset, tier, audit)) is not None:
            context.log.warning(f"The trace of Tier {tier} was not taken ({why}): the next night tries it.")
        folder = place.address(f"{dataset}/tier_{tier}/{manifest.version}")
        yield dg.MaterializeResult(
            metadata={
                "version": manifest.version,
                "new": new,
                "manifest": _address(f"{folder}/manifest.json"),
                "report": _address(f"{folder}/{REPORT}"),
                "open": dg.MetadataValue.url(reports.url(dataset, tier, manifest.version)),
                "dagster/row_count": content.instances.num_rows,
            }
        )

    return release


def _require_checks(tier: int, shelf: Shelf, content: Content, documents: Mapping[str, bytes]) -> None:
    """Blocking checks hold back a release in a whole run; alone, a release asks for what they found.

    Raises
    ------
    DataError
        If the ledger did not balance, or the sweep has not searched exactly what would be released.
    """
    balanced = json.loads(shelf.read_bytes("deidentified/newest_export.json"))["balanced"]
    swept = shelf.read_files(f"tier_{tier}/swept").get("digest", b"").decode()
    if not balanced or swept != staged.everything(content, documents):
        raise DataError(
            f"The checks 'ledger_balances' and 'no_identity' have not passed on this Tier {tier} content. "
            "Materialise the whole tier."
        )


def _require_same_predecessor(tier: int, shelf: Shelf, content: Content, store: ObjectStore) -> None:
    """Report and verdict speak of the release that the manifest will name as the one before.

    Raises
    ------
    DataError
        If another release was published after they were made.
    """
    before = previous_version(store, content.dataset_id, tier, content.version)
    if {reported.compared_with(tier, shelf), read_risk(tier, shelf).previous} != {before}:
        raise DataError(
            f"Report or risk of Tier {tier} compare with another release than the newest. "
            "Materialise the whole tier."
        )


def _structure(tier: int) -> list[list[str]]:
    """The file structure belongs to the content of Tier 3, and thus to its version."""
    return [key(tier, "file_structure")] if tier == 3 else []


def _address(place: str) -> dg.MetadataValue:
    return dg.MetadataValue.url(place) if "://" in place else dg.MetadataValue.path(place)


def _link(shelf: Shelf, name: str, url: str) -> dict[str, dg.MetadataValue]:
    return {"report": dg.MetadataValue.path(str(shelf.path(name))), "open": dg.MetadataValue.url(url)}
