"""The risk of re-identification of a tier's release, told before its verdict and kept for both reports.

How it is measured is in `quality.risk`; exact numbers and pseudonyms stay staged and are part of no release.
"""

import json

import dagster as dg
import pyarrow.compute as pc

from eucaim_pipelines.assets import staged
from eucaim_pipelines.assets.common import counted, guarded, placed
from eucaim_pipelines.quality.risk.assessment import assess
from eucaim_pipelines.quality.risk.measure import Risk
from eucaim_pipelines.quality.tiers import RISK_FACTS, Tiers
from eucaim_pipelines.quality.verdict import Exposure, Verdict
from eucaim_pipelines.release import manifest as manifests
from eucaim_pipelines.release.changes import earlier_tables
from eucaim_pipelines.release.publication import Content, json_bytes
from eucaim_pipelines.release.store import ObjectStore
from eucaim_pipelines.report import priorities
from eucaim_pipelines.report.content import Alike
from eucaim_pipelines.resources.lock import DatasetLock
from eucaim_pipelines.resources.site import Contracts
from eucaim_pipelines.resources.stores import Store
from eucaim_pipelines.resources.zones import ReleasableZone, Shelf

RISK = "risk"
"""Folder of the staged measurements: exact numbers, and how many look like each pseudonym."""
_DRIVING = 3
"""Most fields that a verdict names."""


def risk_asset(tier: int, structure: list[list[str]]) -> dg.AssetsDefinition:
    """Measures who could be singled out in the tier's release, alone and against the one before."""

    @dg.asset(
        key=[f"tier_{tier}", "risk"],
        deps=[[f"tier_{tier}", "findings"], *structure],
        description=f"Who could be singled out in the Tier {tier} release, alone and against the last one.",
        **placed("release", f"tier_{tier}", "duckdb"),
    )
    @guarded
    def risk(
        context: dg.AssetExecutionContext,
        releasable: ReleasableZone,
        contracts: Contracts,
        store: Store,
        lock: DatasetLock,
    ) -> dg.MaterializeResult:
        dataset = context.partition_key
        shelf = releasable.shelf(dataset)
        content = staged.content(dataset, tier, shelf, contracts)
        _measured(tier, shelf, content, store.open(), contracts)
        found, least = read_risk(tier, shelf), least_alike(tier, dataset, contracts)
        seen = found.difference.seen
        told = counted(
            people=found.known.people,
            smallest_group=found.known.smallest or 0,
            people_in_small_groups=found.known.below(least),
            new_or_changed_in_small_groups=seen.below(least) if seen else 0,
        )
        return dg.MaterializeResult(metadata={**told, "driven_by": ", ".join(_driving(found, least))})

    return risk


def _measured(tier: int, shelf: Shelf, content: Content, store: ObjectStore, contracts: Contracts) -> None:
    """Measure, and keep the outcome; the same content against the same release is not measured twice."""
    previous = manifests.previous_version(store, content.dataset_id, tier, content.version)
    name = f"{RISK}/tier_{tier}.json"
    if shelf.path(name).is_file():
        kept = json.loads(shelf.read_bytes(name))
        if (kept["version"], kept["previous"]) == (content.version, previous):
            return
    fields = contracts.quasi_identifiers()
    found, people = assess(
        {table: shelf.scan(f"cdm/{table}") for table in content.tables},
        earlier_tables(store, content, previous) if previous else None,
        fields.of(contracts.source(content.dataset_id)),
        fields.hierarchies,
        (content.version, previous),
    )
    shelf.write(f"{RISK}/tier_{tier}_people", people)
    shelf.write_bytes(name, json_bytes(found.to_dict()))


def read_risk(tier: int, shelf: Shelf) -> Risk:
    """What was measured of a tier."""
    return Risk.from_dict(json.loads(shelf.read_bytes(f"{RISK}/tier_{tier}.json")))


def least_alike(tier: int, dataset: str, contracts: Contracts) -> int:
    """People whom fewer look like count as rare: as many as the tier asks for, or more where the source does.

    What a source asks for instead of the tier decides the verdict, and hides nobody from the holder.
    """
    asked = [r.at_least or 0 for r in contracts.tiers().tiers[tier].requirements if r.fact in RISK_FACTS]
    return max(*asked, contracts.source(dataset).risk.at_least or 0)


def exposures(tier: int, dataset: str, shelf: Shelf, contracts: Contracts) -> dict[str, Exposure]:
    """The facts that the verdict asks for."""
    found = read_risk(tier, shelf)
    driving = _driving(found, least_alike(tier, dataset, contracts))
    own, by_difference = RISK_FACTS
    return {own: Exposure(found.known, driving), by_difference: Exposure(found.difference.seen, driving)}


def singled_out(tier: int, outcome: Verdict | None, tiers: Tiers) -> str:
    """How many patients a release would single out, for the line that says that it is withheld."""
    about = {each.id for each in tiers.tiers[tier].requirements if each.fact in RISK_FACTS}
    short = [each.short.patients for each in outcome.unmet if each.id in about] if outcome else []
    return f" It would single out {priorities.counted(str(max(short)), 'patient')}." if any(short) else ""


def rare(tier: int, dataset: str, shelf: Shelf, contracts: Contracts) -> list[Alike]:
    """People whom too few look like (`least_alike`), the rarest first; for the local edition only."""
    least, people = least_alike(tier, dataset, contracts), shelf.read(f"{RISK}/tier_{tier}_people")
    few = pc.or_kleene(pc.less(people["alike"], least), pc.less(people["alike_in_difference"], least))
    found = [Alike(*row.values()) for row in people.filter(few).to_pylist()]
    return sorted(found, key=lambda each: (each.alike, each.alike_in_difference or each.alike, each.patient))


def _driving(found: Risk, least: int) -> tuple[str, ...]:
    return tuple(each.label for each in found.driving(least)[:_DRIVING])
