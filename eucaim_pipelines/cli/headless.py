"""Running a dataset's job in this process, through Dagster, and what came of it.

The job is the same that the schedule runs; nothing of it is done here.
"""

import os
import re
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg

from eucaim_pipelines.assets import staged
from eucaim_pipelines.assets.automation import job_name, only_releases
from eucaim_pipelines.assets.common import DATASET_PATTERN, DATASETS
from eucaim_pipelines.assets.state import TRACE, Places, unpublished
from eucaim_pipelines.definitions import build
from eucaim_pipelines.errors import DataError, EucaimError, MachineError, SettingsError
from eucaim_pipelines.ingest.exports import unfinished_markers
from eucaim_pipelines.release import manifest as manifests
from eucaim_pipelines.release.manifest import TIERS
from eucaim_pipelines.resources.lock import dataset_lock
from eucaim_pipelines.resources.records import Audit, Traces
from eucaim_pipelines.resources.site import Contracts, Pseudonymisation
from eucaim_pipelines.resources.stores import Store
from eucaim_pipelines.resources.zones import ReleasableZone, RestrictedZone
from eucaim_pipelines.settings import Settings


@dataclass(frozen=True)
class Outcome:
    """What a dataset looks like after a call: its balance, its release, and what was done.

    `news` names what had changed since the last finished run; nothing was done if it is empty.
    """

    dataset: str
    news: tuple[str, ...]
    seconds: float
    tier_aimed: int
    tier_reached: int
    balance: dict[str, int]
    counts: dict[str, int] = field(default_factory=dict)
    release: str = ""
    report: str = ""


class Site:
    """The places of the settings, for commands that look at them without Dagster."""

    def __init__(self, settings: Settings) -> None:
        folder = str(settings.restricted)
        self.settings = settings
        self.restricted = RestrictedZone(folder=folder, landing=str(settings.landing))
        self.releasable = ReleasableZone(folder=folder)
        self.contracts = Contracts.of(settings)
        self.pseudonymisation = Pseudonymisation.of(settings)
        self.audit, self.traces = Audit.of(settings), Traces.of(settings)
        where = Store(
            release=settings.release, s3_endpoint=settings.s3_endpoint, s3_region=settings.s3_region
        )
        self.store = where.open()
        self.places = Places(self.restricted, self.contracts, self.pseudonymisation, where, self.traces)

    def datasets(self) -> list[str]:
        """Datasets that have a ledger, sorted."""
        return sorted(path.parent.name for path in self.settings.restricted.glob("*/ledger.sqlite"))

    def known(self, dataset: str) -> str:
        """The dataset's name, if it has a ledger.

        Raises
        ------
        SettingsError
            If nothing was ever received for it.
        """
        known = self.datasets()
        if dataset not in known:
            there = (
                f"Datasets that were: {', '.join(known)}" if known else f"Run it once: eucaim run {dataset}"
            )
            raise SettingsError(f"Nothing was received for '{dataset}' yet. {there}")
        return dataset


def run_dataset(settings: Settings, dataset: str, tier: int | None) -> Outcome:
    """Run a dataset's job if anything is new.

    Raises
    ------
    EucaimError
        With the fault of whatever stopped the run; `DataError` too when no tier is reached.
    """
    if re.fullmatch(DATASET_PATTERN, dataset) is None:
        raise SettingsError("A dataset's name has letters, digits, '_' and '-' only, at most 150 of them.")
    site = Site(settings)
    aimed = tier or site.contracts.source(dataset).tier
    started = time.monotonic()
    with dataset_lock(settings.restricted, dataset):
        if not site.restricted.exports(dataset):
            raise _nothing_to_do(settings.landing, dataset)
        news = unpublished(dataset, aimed, site.places)
        if news:
            _execute(settings, dataset, aimed, news)
    return outcome(site, dataset, aimed, news, time.monotonic() - started)


def _nothing_to_do(landing: Path, dataset: str) -> SettingsError:
    """Why a dataset has no complete export."""
    if not landing.is_dir():
        return SettingsError("Setting 'landing' is not a folder that is there.")
    if unfinished_markers(landing, dataset):
        return SettingsError(
            f"A marker of '{dataset}' holds no ISO time. Write it so: date -Iseconds > EXPORT._COMPLETE"
        )
    return SettingsError(
        f"Landing holds no complete export of '{dataset}'. An export counts once "
        "'<export>._COMPLETE' with an ISO time lies beside it."
    )


def outcome(site: Site, dataset: str, tier: int, news: Sequence[str], seconds: float) -> Outcome:
    """What the ledger and the newest releases say of a dataset, up to `tier`."""
    with site.restricted.ledger(dataset) as ledger:
        balance = ledger.balance()
    judged = [number for number in TIERS if number <= tier]
    reached = max((t for t in judged if _reached(site, dataset, t)), default=0)
    current = manifests.current(site.store, dataset, reached) if reached else None
    shelf = site.restricted.shelf(dataset)
    reports = [p for t in judged if (p := shelf.path(f"tier_{t}/report.html")).exists()]
    return Outcome(
        dataset=dataset,
        news=tuple(news),
        seconds=seconds,
        tier_aimed=tier,
        tier_reached=reached if current else 0,
        balance=balance,
        counts=_counts(site, dataset),
        release=site.store.address(manifests.tier_folder(dataset, reached)) if current else "",
        report=str(reports[-1]) if reports else "",
    )


def _counts(site: Site, dataset: str) -> dict[str, int]:
    try:
        return asdict(staged.sizes(site.releasable.shelf(dataset)))
    except DataError:
        return {}


def _reached(site: Site, dataset: str, tier: int) -> bool:
    verdict = staged.read_verdict(tier, site.releasable.shelf(dataset))
    return verdict is not None and verdict.reached


def _execute(settings: Settings, dataset: str, tier: int, news: Sequence[str]) -> None:
    home = os.environ.get("DAGSTER_HOME") or settings.dagster_home
    if not home:
        raise SettingsError(
            "Setting 'dagster_home' is missing, and DAGSTER_HOME is not set: name a folder for one."
        )
    os.environ["DAGSTER_HOME"] = str(prepare_home(Path(home)))
    job = build(settings).resolve_job_def(job_name(tier))
    with dg.DagsterInstance.get() as instance:
        instance.add_dynamic_partitions(str(DATASETS.name), [dataset])
        result = job.execute_in_process(
            instance=instance,
            partition_key=dataset,
            asset_selection=only_releases(tier) if news == [TRACE] else None,
            raise_on_error=False,
            run_config={"loggers": {"console": {}}},
        )
    if not result.success:
        raise _failure(result)


def prepare_home(home: Path) -> Path:
    """DAGSTER_HOME with a link to the project's dagster.yaml, unless it has a file of its own."""
    home = home.resolve()
    home.mkdir(parents=True, exist_ok=True)
    own = Path(__file__).resolve().parents[2] / "dagster.yaml"
    if not (home / "dagster.yaml").exists() and own.exists():
        (home / "dagster.yaml").symlink_to(own)
    return home


def _failure(result: dg.ExecuteInProcessResult) -> EucaimError:
    """What stopped a run: the first step that failed, a blocking check, or the machine."""
    for event in result.all_events:
        if event.is_step_failure and (data := event.step_failure_data.user_failure_data) is not None:
            fault = str(data.metadata["fault"].value) if "fault" in data.metadata else "machine"
            kinds = {"data": DataError, "call": SettingsError, "machine": MachineError}
            return kinds[fault](data.description or "The run stopped.")
    failed = [e.asset_check_key.name for e in _evaluations(result) if not e.passed and e.blocking]
    if failed:
        return DataError(f"A check that must hold at every tier failed: {', '.join(sorted(failed))}.")
    return MachineError("The run failed; Dagster's log has the step.")


def _evaluations(result: dg.ExecuteInProcessResult) -> list[Any]:
    return list(result.get_asset_check_evaluations())
