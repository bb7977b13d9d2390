"""What starts by itself: the sensor on landing, the nightly schedule, and the line that tells of a failure.

What a job does is said by the assets it selects.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from eucaim_pipelines.assets.common import DATASET_PATTERN, DATASETS
from eucaim_pipelines.assets.state import TRACE, Places, unpublished
from eucaim_pipelines.errors import EucaimError
from eucaim_pipelines.ingest.exports import datasets_in, landing_state, unfinished_markers
from eucaim_pipelines.release.manifest import TIERS
from eucaim_pipelines.resources.lock import dataset_lock
from eucaim_pipelines.resources.records import Traces
from eucaim_pipelines.resources.site import Contracts, Pseudonymisation
from eucaim_pipelines.resources.stores import Store
from eucaim_pipelines.resources.zones import RestrictedZone

GROUPS = ("ingest", "deidentification", "tier_1", "tier_2", "tier_3")
Checks = Mapping[int, Sequence[dg.AssetChecksDefinition]]


def selection(tier: int, checks: Checks) -> dg.AssetSelection:
    """The groups of tiers 1 to `tier`, everything upstream, and the checks that these tiers can tell."""
    later = [each for number in TIERS if number > tier for each in checks[number]]
    assets = dg.AssetSelection.groups(*GROUPS[: 2 + tier])
    return assets - dg.AssetSelection.checks(*later) if later else assets


def job_name(tier: int) -> str:
    """Name of a tier's job."""
    return f"publish_tier_{tier}"


def only_releases(tier: int) -> list[dg.AssetKey]:
    """The releases of tiers 1 to `tier`: all that is done where nothing but a trace has to be sent."""
    return [dg.AssetKey([f"tier_{number}", "release"]) for number in range(1, tier + 1)]


def jobs(checks: Checks) -> list[Any]:
    """One job per tier, and the one that only ingests; `checks` are the asset checks by tier."""
    ingest = dg.define_asset_job(
        "ingest",
        selection=dg.AssetSelection.groups("ingest"),
        description="Read what is new in landing into the ledger; publish nothing.",
    )
    return [ingest] + [
        dg.define_asset_job(
            job_name(tier),
            selection=selection(tier, checks),
            description=f"From the newest exports to a Tier {tier} release, with the tiers below it.",
        )
        for tier in TIERS
    ]


def landing_sensor(seconds: int) -> dg.SensorDefinition:
    """Finds completed exports, registers the dataset's partition, launches one ingest run per dataset."""

    @dg.sensor(
        name="completed_exports",
        job_name="ingest",
        minimum_interval_seconds=seconds,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Completed exports in landing start an ingest run of their dataset.",
    )
    def sensor(
        context: dg.SensorEvaluationContext, restricted: RestrictedZone
    ) -> dg.SensorResult | dg.SkipReason:
        try:
            names = datasets_in(Path(restricted.landing))
        except EucaimError as error:
            return dg.SkipReason(str(error))
        allowed = [name for name in names if re.fullmatch(DATASET_PATTERN, name)]
        found = {name: _news(context, name, restricted) for name in allowed}
        news = {name: state for name, state in found.items() if state is not None}
        if len(allowed) < len(names):
            refused = len(names) - len(allowed)
            context.log.warning(f"{refused} folder(s) in landing have a name that no dataset may have.")
        if not news:
            return dg.SkipReason("No completed export is new in landing.")
        return dg.SensorResult(
            run_requests=[
                dg.RunRequest(run_key=f"{name}:{state}", partition_key=name) for name, state in news.items()
            ],
            dynamic_partitions_requests=[DATASETS.build_add_request(list(news))],
        )

    return sensor


def _news(context: dg.SensorEvaluationContext, dataset: str, restricted: RestrictedZone) -> str | None:
    """The state of a dataset's completed exports, if the ledger has not seen it and nobody works on it."""
    try:
        if bare := unfinished_markers(Path(restricted.landing), dataset):
            context.log.warning(
                f"{dataset}: {bare} marker(s) hold no ISO time; their exports are not touched."
            )
        exports = restricted.exports(dataset)
        if not exports:
            return None
        state = landing_state(exports)
        with dataset_lock(Path(restricted.folder), dataset), restricted.ledger(dataset) as ledger:
            seen = json.loads(ledger.fact("seen") or "{}").get("landing")
    except EucaimError as error:
        context.log.info(f"{dataset}: skipped, {error}")
        return None
    return None if seen == state else state


def nightly_schedule(cron: str, timezone: str, checks: Checks) -> dg.ScheduleDefinition:
    """Runs, for every dataset with unpublished work, the job of the tier that it aims at."""

    @dg.schedule(
        name="nightly",
        job_name=job_name(max(TIERS)),
        cron_schedule=cron,
        execution_timezone=timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Every night, each dataset with unpublished work goes to the tier it aims at.",
    )
    def schedule(
        context: dg.ScheduleEvaluationContext,
        restricted: RestrictedZone,
        contracts: Contracts,
        pseudonymisation: Pseudonymisation,
        store: Store,
        traces: Traces,
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        places = Places(restricted, contracts, pseudonymisation, store, traces)
        graph = context.repository_def.asset_graph if context.repository_def else None
        requested = 0
        for dataset in sorted(context.instance.get_dynamic_partitions(str(DATASETS.name))):
            tier, reason, news = _due(dataset, places)
            context.log.info(f"{dataset}: {reason}")
            if tier is not None and graph is not None:
                requested += 1
                occasion = context.scheduled_execution_time.isoformat()
                if news == [TRACE]:
                    yield sending(dataset, tier, occasion)
                else:
                    yield request(dataset, tier, occasion, graph, checks)
        if not requested:
            yield dg.SkipReason("No dataset has unpublished work; the log has a reason for each.")

    return schedule


def request(dataset: str, tier: int, occasion: str, graph: Any, checks: Checks) -> dg.RunRequest:
    """A run of the tier's assets and checks: a schedule has one job, so lower tiers are a selection of it."""
    chosen = selection(tier, checks)
    return dg.RunRequest(
        run_key=f"{dataset}:{occasion}",
        partition_key=dataset,
        asset_selection=sorted(chosen.resolve(graph)),
        asset_check_keys=sorted(chosen.resolve_checks(graph)),
        tags={"eucaim/tier": str(tier)},
    )


def sending(dataset: str, tier: int, occasion: str) -> dg.RunRequest:
    """A run that does nothing again and sends the traces that are owed."""
    return dg.RunRequest(
        run_key=f"{dataset}:{occasion}",
        partition_key=dataset,
        asset_selection=only_releases(tier),
        asset_check_keys=[],
        tags={"eucaim/tier": str(tier)},
    )


def _due(dataset: str, places: Places) -> tuple[int | None, str, list[str]]:
    """The tier to run, or None, the reason either way, and the news."""
    try:
        with dataset_lock(Path(places.restricted.folder), dataset):
            tier = places.contracts.source(dataset).tier
            news = unpublished(dataset, tier, places)
    except EucaimError as error:
        return None, f"skipped, {error}", []
    if not news:
        return None, "skipped, nothing has changed since its last finished run", []
    return tier, f"runs to tier {tier}: {', '.join(news)}", news


def failure_sensor() -> dg.SensorDefinition:
    """Writes one structured line per failed run; what to do with it is the site's choice."""

    @dg.run_failure_sensor(
        name="run_failures",
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="One JSON line per failed run, in the daemon's log.",
    )
    def sensor(context: dg.RunFailureSensorContext) -> None:
        context.log.error(
            failure_line(context.dagster_run, [e.step_key for e in context.get_step_failure_events()])
        )

    return sensor


def failure_line(run: dg.DagsterRun, steps: Sequence[str | None]) -> str:
    """The line: run, job, dataset and failed steps; the reason stands in the run's own log."""
    return json.dumps(
        {
            "event": "run_failed",
            "run_id": run.run_id,
            "job": run.job_name,
            "dataset": run.tags.get("dagster/partition"),
            "steps": sorted(step for step in steps if step),
        },
        sort_keys=True,
    )
