"""One lock per dataset, held by the operating system for as long as a run's process lives.

It binds runs from Dagster and from the command line alike; nothing waits for it.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

from eucaim_pipelines.errors import EucaimError, MachineError
from eucaim_pipelines.resources.records import Audit
from eucaim_pipelines.resources.zones import dataset_folder

_HELD: dict[str, int] = {}


class LockHeldError(MachineError):
    """Another run works on the dataset."""

    def __init__(self, dataset: str, pid: str) -> None:
        super().__init__(
            f"Dataset '{dataset}' is being worked on by process {pid}. Try again when it has ended."
        )


@contextmanager
def dataset_lock(restricted: Path, dataset: str) -> Iterator[None]:
    """Hold the dataset's lock; a process that holds it already may enter again.

    Raises
    ------
    LockHeldError
        Naming the process that holds it.
    """
    path = dataset_folder(restricted, dataset) / "lock"
    name = str(path.resolve())
    if name in _HELD:
        yield
        return
    handle = _acquire(path, dataset)
    _HELD[name] = handle
    try:
        yield
    finally:
        del _HELD[name]
        os.close(handle)


def _acquire(path: Path, dataset: str) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise MachineError(f"The restricted zone cannot be written: {error.strerror}.") from None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = os.pread(handle, 32, 0).decode("ascii", "replace").strip() or "unknown"
        os.close(handle)
        raise LockHeldError(dataset, pid) from None
    os.ftruncate(handle, 0)
    os.pwrite(handle, str(os.getpid()).encode(), 0)
    return handle


class DatasetLock(dg.ConfigurableResource):
    """Holds the lock of the run's dataset from the run's first step to its last, and audits both ends."""

    folder: str
    audit: Audit

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["DatasetLock"]:
        """Take the lock before the first step; a run that cannot have it fails with a sentence."""
        run = context.run
        dataset = run.tags.get("dagster/partition") if run is not None else None
        if dataset is None:
            yield self
            return
        try:
            with dataset_lock(Path(self.folder), dataset), _audited(self.audit, context, dataset):
                yield self
        except LockHeldError as error:
            raise dg.Failure(str(error), allow_retries=False) from None


@contextmanager
def _audited(audit: Audit, context: dg.InitResourceContext, dataset: str) -> Iterator[None]:
    """Lines of the audit log at the run's start and end; the end says how many steps failed."""
    run, instance = context.run, context.instance
    if run is None or instance is None:
        yield
        return
    try:
        audit.append("run_started", dataset, job=run.job_name, run=run.run_id)
    except EucaimError as error:
        raise dg.Failure(str(error), {"fault": error.fault.name.lower()}, allow_retries=False) from None
    try:
        yield
    finally:
        failures = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE).records
        audit.append("run_ended", dataset, run=run.run_id, steps_failed=len(failures))
