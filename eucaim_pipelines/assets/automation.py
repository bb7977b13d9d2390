"""What starts by itself: the sensor on landing, the nightly schedule, and the line that tells of a failure.

What a job does is said by the assets it selects.
"""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from eucaim_pipelines.assets.common import DATASET_PATTERN, DATASETS
from eucaim_pipelines.assets.state import unpublished
from eucaim_pipelines.errors import EucaimError
from eucaim_pipelines.ingest.exports import complete_exports, datasets_in, landing_state
from eucaim_pipelines.resources.lock import LockHeldError, dataset_lock
from eucaim_pipelines.resources.site import Contracts, Pseudonymisation
from eucaim_pipelines.resources.zones import RestrictedZone

GROUPS = ("ingest", "deidentification", "tier_1", "tier_2", "tier_3")
TIERS = (1, 2, 3)


def selection(tier: int) -> dg.AssetSelection:
    """The groups of tiers 1 to `tier` and everything upstream."""
    return dg.AssetSelection.groups(*GROUPS[: 2 + tier])


def job_name(tier: int) -> str:
    """Name of a tier's job."""
    return f"publish_tier_{tier}"


def jobs() -> list[Any]:
    """One job per tier, and the one that only ingests."""
    ingest = dg.define_asset_job(
        "ingest",
        selection=dg.AssetSelection.groups("ingest"),
        description="Read what is new in landing into the ledger; publish nothing.",
    )
    return [ingest] + [
        dg.define_asset_job(
            job_name(tier),
            selection=selection(tier),
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
        landing = Path(restricted.landing)
        try:
            names = datasets_in(landing)
        except EucaimError as error:
            return dg.SkipReason(str(error))
        before: dict[str, str] = json.loads(context.cursor or "{}")
        now = {name: _landing_state(landing, name) for name in names if re.fullmatch(DATASET_PATTERN, name)}
        news = sorted(name for name, state in now.items() if state and before.get(name) != state)
        refused = len(names) - len(now)
        if refused:
            context.log.warning(f"{refused} folder(s) in landing have a name that no dataset may have.")
        if not news:
            return dg.SkipReason("No completed export is new in landing.")
        return dg.SensorResult(
            run_requests=[dg.RunRequest(run_key=f"{name}:{now[name]}", partition_key=name) for name in news],
            dynamic_partitions_requests=[DATASETS.build_add_request(news)],
            cursor=json.dumps(now, sort_keys=True),
        )

    return sensor


def _landing_state(landing: Path, dataset: str) -> str | None:
    exports = complete_exports(landing, dataset)
    return landing_state(exports) if exports else None


def nightly_schedule(cron: str, timezone: str) -> dg.ScheduleDefinition:
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
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        requested = 0
        for dataset in sorted(context.instance.get_dynamic_partitions(str(DATASETS.name))):
            tier, reason = _due(dataset, restricted, contracts, pseudonymisation)
            context.log.info(f"{dataset}: {reason}")
            if tier is not None:
                requested += 1
                yield request(dataset, tier, context.scheduled_execution_time.isoformat())
        if not requested:
            yield dg.SkipReason("No dataset has unpublished work; the log has a reason for each.")

    return schedule


def request(dataset: str, tier: int, occasion: str) -> dg.RunRequest:
    """A run of the tier's assets: a schedule has one job, so the lower tiers are a selection of it."""
    return dg.RunRequest(
        run_key=f"{dataset}:{occasion}",
        partition_key=dataset,
        asset_selection=tier_keys(tier),
        tags={"eucaim/tier": str(tier)},
    )


def tier_keys(tier: int) -> Sequence[dg.AssetKey]:
    """Keys of the assets that the job of a tier makes."""
    from eucaim_pipelines.assets import all_assets

    return sorted(selection(tier).resolve(all_assets()))


def _due(
    dataset: str, restricted: RestrictedZone, contracts: Contracts, pseudonymisation: Pseudonymisation
) -> tuple[int | None, str]:
    """The tier to run, or None, and the reason either way."""
    try:
        with dataset_lock(Path(restricted.folder), dataset):
            tier = contracts.source(dataset).tier
            changed = unpublished(dataset, tier, restricted, contracts, pseudonymisation)
    except LockHeldError as error:
        return None, f"skipped, {error}"
    except EucaimError as error:
        return None, f"skipped, it cannot run: {error}"
    if not changed:
        return None, "skipped, nothing has changed since its last finished run"
    return tier, f"runs to tier {tier}: {', '.join(changed)} changed"


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
