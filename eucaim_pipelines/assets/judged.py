"""The verdict on a tier as an asset: computed from findings, record and risk, and never declared.

What a tier requires is data (`data_contracts/tiers.yaml`), how it is judged in `quality.verdict`.
"""

import dagster as dg

from eucaim_pipelines.assets import catalogued, staged
from eucaim_pipelines.assets.common import guarded, placed
from eucaim_pipelines.assets.risk import exposures
from eucaim_pipelines.quality.plan import known_checks
from eucaim_pipelines.quality.tiers import risk_changes, threshold_changes
from eucaim_pipelines.quality.verdict import DatasetFacts, RequirementOutcome, Verdict, verdict
from eucaim_pipelines.release.publication import json_bytes
from eucaim_pipelines.report import priorities
from eucaim_pipelines.resources.lock import DatasetLock
from eucaim_pipelines.resources.reports import LOCAL, Reports
from eucaim_pipelines.resources.site import Contracts
from eucaim_pipelines.resources.zones import ReleasableZone, Shelf


def verdict_asset(tier: int) -> dg.AssetsDefinition:
    """Computes whether the dataset reaches a tier; a miss withholds the tier's release and stops nothing."""
    below = [[f"tier_{tier - 1}", "verdict"]] if tier > 1 else []

    @dg.asset(
        key=[f"tier_{tier}", "verdict"],
        deps=[[f"tier_{tier}", "catalogue_record"], [f"tier_{tier}", "risk"], *below],
        check_specs=[
            dg.AssetCheckSpec(
                "reached",
                asset=dg.AssetKey([f"tier_{tier}", "verdict"]),
                description=f"Every requirement of Tier {tier} holds. A miss withholds its release only.",
            )
        ],
        description=f"Whether the dataset reaches Tier {tier}, computed, and what is short if it does not.",
        **placed("release", f"tier_{tier}", "json"),
    )
    @guarded
    def judge(
        context: dg.AssetExecutionContext,
        releasable: ReleasableZone,
        contracts: Contracts,
        reports: Reports,
        lock: DatasetLock,
    ) -> dg.MaterializeResult:
        dataset = context.partition_key
        shelf, source = releasable.shelf(dataset), contracts.source(dataset)
        lower = staged.read_verdict(tier - 1, shelf) if tier > 1 else None
        facts, found = staged.facts(dataset, tier, shelf, contracts), catalogued.record_problems(tier, shelf)
        outcome = verdict(
            tier,
            contracts.tiers(),
            staged.findings(dataset, tier, shelf, contracts),
            DatasetFacts(
                people=staged.sizes(shelf).patients,
                objects_unsearched=staged.unsearched(shelf),
                empty_lists=facts.empty_lists,
                catalogue_problems=found.catalogue_problems,
                record_violations=found.record_violations,
                record_disagreements=found.record_disagreements,
                other_conditions=found.other_conditions,
                annotation_problems=_annotation_problems(dataset, tier, shelf, contracts),
                **exposures(tier, dataset, shelf, contracts),
            ),
            threshold_changes(source, known_checks(contracts.tables())),
            lower,
            risk_changes(source),
        )
        shelf.write_bytes(f"tier_{tier}/verdict.json", json_bytes(outcome.to_dict()))
        line = f"{outcome.name} is {'' if outcome.reached else 'not '}reached."
        context.log.info(line)
        return dg.MaterializeResult(
            metadata={
                "verdict": dg.MetadataValue.md(_page(line, outcome, lower)),
                "reached": outcome.reached,
                "open": dg.MetadataValue.url(reports.url(dataset, tier, LOCAL)),
            },
            check_results=[
                dg.AssetCheckResult(
                    check_name="reached",
                    passed=outcome.reached,
                    severity=dg.AssetCheckSeverity.WARN,
                    description=" ".join([line, *(each.text for each in outcome.unmet)]),
                )
            ],
        )

    return judge


def _annotation_problems(dataset: str, tier: int, shelf: Shelf, contracts: Contracts) -> tuple[str, ...]:
    annotated = "segmentation_series"
    if annotated not in contracts.tiers().tables(tier) or not shelf.read(f"cdm/{annotated}").num_rows:
        return ()
    return contracts.source(dataset).annotations.untold


def _page(line: str, outcome: Verdict, lower: Verdict | None) -> str:
    """The verdict in Markdown, with exact numbers: Dagster's pages stay on the machine."""
    lines = [f"**{line}** {outcome.gives}"]
    if not outcome.lower_reached:
        lacks = " ".join(each.text for each in lower.unmet) if lower is not None else ""
        lines += ["", f"The tier below must be reached first. {lacks}".rstrip()]
    for number, each in enumerate(outcome.unmet, 1):
        at_fault = ", ".join(field for field in each.short.fields)
        lines += ["", f"{number}. **{each.text}** {_short(each)}{each.remedy}  ", f"   {at_fault}".rstrip()]
    return "\n".join(lines)


def _short(outcome: RequirementOutcome) -> str:
    """Whom it concerns, where it concerns somebody."""
    short = outcome.short
    counts = {"patient": short.patients, "study": short.studies, "row": short.rows}
    told = [priorities.counted(str(number), word) for word, number in counts.items() if number]
    return f"Short: {', '.join(told)}. " if told else ""
