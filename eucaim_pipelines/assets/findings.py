"""What the checks of a tier's tables find: counts for everyone, and for the holder the entries at fault.

Which checks there are is said by contracts, how they are run in `quality`.
"""

from collections.abc import Iterator

import dagster as dg

from eucaim_pipelines.assets import staged
from eucaim_pipelines.assets.common import counted, guarded, placed
from eucaim_pipelines.contracts.rules import ANNOTATIONS, INSTANCES, LINKS, RECORDS
from eucaim_pipelines.quality import findings as found
from eucaim_pipelines.quality.checks import Outcome, run
from eucaim_pipelines.quality.crossed import crossed_findings
from eucaim_pipelines.quality.plan import evaluated_at, planned
from eucaim_pipelines.quality.selection import View
from eucaim_pipelines.quality.tiers import Tiers
from eucaim_pipelines.resources.lock import DatasetLock
from eucaim_pipelines.resources.site import Contracts
from eucaim_pipelines.resources.zones import CheckResults, ReleasableZone, Shelf

_CROSSED = ("evidence", "instances", "study_links", "clinical_records")


def findings_asset(tier: int, tiers: Tiers) -> dg.AssetsDefinition:
    """Runs the checks that this tier is the first to tell; one operation, two assets."""
    lower = [[f"tier_{tier - 1}", "findings"]] if tier > 1 else []
    upstream = [
        *(["cdm", name] for name in tiers.tables(tier)),
        *(["deidentified", name] for name in _CROSSED),
        *lower,
    ]

    @dg.multi_asset(
        name=f"tier_{tier}_checks",
        specs=[
            dg.AssetSpec(
                [f"tier_{tier}", "findings"],
                deps=upstream,
                description=f"What the checks of Tier {tier} and below found: counts, never a value.",
                **placed("release", f"tier_{tier}", "great_expectations", "parquet"),
            ),
            dg.AssetSpec(
                ["restricted", f"tier_{tier}_check_results"],
                deps=upstream,
                description=f"The entries that the checks of Tier {tier} found at fault: pseudonym, pointer.",
                **placed("restricted", f"tier_{tier}", "great_expectations", "parquet"),
            ),
        ],
    )
    @guarded
    def checks(
        context: dg.AssetExecutionContext,
        check_results: CheckResults,
        releasable: ReleasableZone,
        contracts: Contracts,
        lock: DatasetLock,
    ) -> Iterator[dg.MaterializeResult]:
        dataset = context.partition_key
        shelf = releasable.shelf(dataset)
        outcome = _run(tier, shelf, contracts)
        below = found.from_table(shelf.read(f"tier_{tier - 1}/findings")) if tier > 1 else _crossed(shelf)
        shelf.write(f"tier_{tier}/findings", found.to_table([*below, *outcome.findings]))
        check_results.keep(dataset, tier, outcome.results)
        judged = staged.findings(dataset, tier, shelf, contracts)
        failed = sum(not each.passed for each in judged)
        yield dg.MaterializeResult(
            asset_key=dg.AssetKey([f"tier_{tier}", "findings"]),
            metadata=counted(checks=len(judged), failed=failed),
        )
        yield dg.MaterializeResult(
            asset_key=dg.AssetKey(["restricted", f"tier_{tier}_check_results"]),
            metadata={"dagster/row_count": outcome.results.num_rows},
        )

    return checks


def _run(tier: int, shelf: Shelf, contracts: Contracts) -> Outcome:
    tables = contracts.tables()
    held = {number: contracts.tiers().tables(number) for number in contracts.tiers().tiers}
    rules = [rule for rule in planned(tables) if evaluated_at(rule, tables, held) == tier]
    return run(rules, _views(held[tier], shelf), tables, contracts.vocabularies())


def _views(tables: tuple[str, ...], shelf: Shelf) -> dict[str, View]:
    """The tables of a tier and what they were made from, read from disk as a query asks for it."""
    views: dict[str, View] = {name: shelf.scan(f"cdm/{name}") for name in tables}
    views |= {RECORDS + name: view for name, view in shelf.scan_all("deidentified/clinical_records").items()}
    return views | {
        INSTANCES: shelf.scan("deidentified/instances"),
        ANNOTATIONS: shelf.scan("deidentified/annotations"),
        LINKS: shelf.scan("deidentified/study_links"),
    }


def _crossed(shelf: Shelf) -> list[found.Finding]:
    people = shelf.scan("cdm/patient").count_rows()
    return crossed_findings(people, staged.crossed_counts(shelf))
