"""Assembles the Dagster definitions from the settings, and nothing else."""

import dagster as dg
from dagster._utils.schedules import is_valid_cron_schedule  # no public equivalent

from eucaim_pipelines.assets import all_assets, all_checks
from eucaim_pipelines.assets.automation import failure_sensor, jobs, landing_sensor, nightly_schedule
from eucaim_pipelines.errors import SettingsError
from eucaim_pipelines.resources.lock import DatasetLock
from eucaim_pipelines.resources.progress import terminal
from eucaim_pipelines.resources.records import Audit, Traces
from eucaim_pipelines.resources.reports import Reports
from eucaim_pipelines.resources.site import Contracts, Pseudonymisation
from eucaim_pipelines.resources.stores import Store
from eucaim_pipelines.resources.workers import Workers
from eucaim_pipelines.resources.zones import CheckResults, Publications, ReleasableZone, RestrictedZone
from eucaim_pipelines.settings import Settings, load_settings


def build(settings: Settings) -> dg.Definitions:
    """Fresh definitions for these settings.

    Raises
    ------
    SettingsError, SiteKeyError
        If a setting is wrong, or a secret file is missing, wrong or readable by others: nothing starts.
    """
    if not is_valid_cron_schedule(settings.schedule):
        raise SettingsError("Setting 'schedule' must be a cron expression such as '0 2 * * *'.")
    pseudonymisation = Pseudonymisation.of(settings)
    pseudonymisation.check()
    traces, audit = Traces.of(settings), Audit.of(settings)
    traces.check()
    folder = str(settings.restricted)
    checks = all_checks(settings.data_contracts)
    return dg.Definitions(
        assets=all_assets(settings.data_contracts),
        asset_checks=[check for some in checks.values() for check in some],
        jobs=jobs(checks),
        sensors=[landing_sensor(settings.sensor_seconds), failure_sensor()],
        schedules=[nightly_schedule(settings.schedule, settings.timezone, checks)],
        executor=dg.in_process_executor,
        loggers={"console": terminal},
        resources={
            "restricted": RestrictedZone(
                folder=folder, landing=str(settings.landing), max_file_bytes=settings.max_file_bytes
            ),
            "releasable": ReleasableZone(folder=folder),
            "check_results": CheckResults(folder=folder),
            "publications": Publications(folder=folder),
            "reports": Reports(address=settings.reports),
            "lock": DatasetLock(folder=folder, audit=audit),
            "audit": audit,
            "traces": traces,
            "workers": Workers(count=settings.workers),
            "store": Store(
                release=settings.release, s3_endpoint=settings.s3_endpoint, s3_region=settings.s3_region
            ),
            "contracts": Contracts.of(settings),
            "pseudonymisation": pseudonymisation,
        },
    )


def workspace() -> dg.Definitions:
    """What `workspace.yaml` loads."""
    return build(load_settings())
