"""De-identification of one folder or archive without a site: inputs in, a tree of outputs and a ledger out.

The order of the steps lives here. How it is called from the command line is said in `cli.deidentify`.
"""

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

from eucaim_pipelines.deidentification.images import Deidentifier, Subject
from eucaim_pipelines.deidentification.one_off import rules
from eucaim_pipelines.deidentification.one_off.inputs import Input, Inputs, Reader
from eucaim_pipelines.deidentification.one_off.target import LedgerFile, Target, check_out
from eucaim_pipelines.deidentification.one_off.work import Making, Seen, Task, Worker
from eucaim_pipelines.dicom.reading import content_sha256
from eucaim_pipelines.errors import DataError, Fault, MachineError, Refusal, SettingsError
from eucaim_pipelines.ingest.chunks import Progress, chunked

MAX_FILE_BYTES = 4 * 1024**3
Run = Callable[[Sequence[Task]], Iterator[Seen]]

_worker: Worker


@dataclass(frozen=True)
class Summary:
    """What a run came to.

    Attributes
    ----------
    counts
        Inputs by disposition and reason.
    bytes
        Bytes of all inputs.
    """

    counts: dict[tuple[str, str], int]
    bytes: int
    seconds: float

    @property
    def inputs(self) -> int:
        """How many input files there were."""
        return sum(self.counts.values())


def deidentify_all(
    source: Path,
    out: Path,
    ledger: Path,
    deidentifier: Deidentifier,
    *,
    workers: int = 1,
    limit: int = MAX_FILE_BYTES,
    read_all: bool = False,
    progress: Progress = lambda done, total: None,
) -> Summary:
    """De-identify and verify every object of a folder or archive.

    Outputs lie at `out/{PatientID}/{StudyInstanceUID}/{SeriesInstanceUID}/`, all identifiers being the new
    ones; their names derive from the key and the input, so that equal inputs have one output. Nothing is
    seen in `out` before everything is decided, and nothing stays there when the run fails; an `out` that
    the run made is gone again where nothing could be published. Files are left to the operating system to
    write back, as `cp` does.

    Parameters
    ----------
    source
        A folder, in which `.zip` and `.tar` are opened too, or one such archive.
    out
        Folder that is empty or not there yet.
    ledger
        CSV file to write, one row per input file; it holds the senders' paths and lies outside `out`.
    workers
        Processes that read and de-identify.
    limit
        Bytes of the largest file that is read; larger ones are refused.
    read_all
        Whether pydicom reads back every output, not only new structures and a sample of 1 %.
    progress
        Called with (inputs done, inputs).

    Raises
    ------
    SettingsError
        Places that lie within each other, an `out` that is not empty, a ledger that is there already.
    DataError
        When the source holds no file.
    MachineError
        When something cannot be read or written at all.
    """
    started = time.monotonic()
    _check_places(source, out, ledger)
    inputs = Inputs(source)
    if not inputs.inputs:
        raise DataError("IN holds no file.")
    with Target(out) as target, LedgerFile(ledger) as file:
        making = Making(deidentifier, tuple(inputs.sources), str(target.staging), limit, read_all)
        with _workers(making, min(workers, len(inputs.inputs))) as run:
            seen, staged = _see_all(inputs.inputs, run, progress)
            decisions = _decide(inputs, seen, limit)
            again = _to_make_again(inputs.inputs, seen, decisions, deidentifier)
            if again:
                seen |= {each.number: each for each in run(again)}
                staged |= {each.output for each in seen.values() if each.output}
                decisions = _decide(inputs, seen, limit)
        outputs = {n: seen[n].output or "" for n, (fate, _) in decisions.items() if fate == "published"}
        file.write(_row(inputs, item, seen[item.number], decisions, outputs) for item in inputs.inputs)
        target.publish(staged, set(outputs.values()))
        file.finish()
    size = sum(item.bytes for item in inputs.inputs)
    return Summary(dict(Counter(decisions.values())), size, time.monotonic() - started)


def _check_places(source: Path, out: Path, ledger: Path) -> None:
    here, there, table = source.resolve(), out.resolve(), ledger.resolve()
    if there.is_relative_to(here) or here.is_relative_to(there):
        raise SettingsError("IN and OUT must not lie within each other.")
    check_out(out)
    if table.is_relative_to(there) or table.is_relative_to(here):
        raise SettingsError(
            "The ledger holds the senders' paths: name a file outside IN and OUT with --ledger."
        )


def _see_all(inputs: Sequence[Input], run: Run, progress: Progress) -> tuple[dict[int, Seen], set[str]]:
    seen: dict[int, Seen] = {}
    staged: set[str] = set()
    for each in run([(item, None) for item in inputs]):
        seen[each.number] = each
        if each.output:
            staged.add(each.output)
        progress(len(seen), len(inputs))
    return seen, staged


def _decide(inputs: Inputs, seen: dict[int, Seen], limit: int) -> dict[int, rules.Decision]:
    return rules.decide(seen.values(), lambda number: _content(inputs, number, limit))


def _to_make_again(
    inputs: Sequence[Input],
    seen: dict[int, Seen],
    decisions: dict[int, rules.Decision],
    deidentifier: Deidentifier,
) -> list[Task]:
    """Outputs that would be published, but were made for somebody else than all headers together say."""
    people: dict[int, Subject] = rules.subjects(seen.values(), deidentifier.pseudonyms)
    return [
        (inputs[number], people[number])
        for number, decision in sorted(decisions.items())
        if decision == rules.PUBLISHED and people[number] != seen[number].subject
    ]


def _content(inputs: Inputs, number: int, limit: int) -> str:
    reader = Reader(inputs.sources, limit)
    try:
        return content_sha256(reader.read(inputs.inputs[number]))
    except Refusal:
        return ""
    finally:
        reader.close()


def _row(
    inputs: Inputs,
    item: Input,
    seen: Seen,
    decisions: dict[int, rules.Decision],
    outputs: dict[int, str],
) -> tuple[str, ...]:
    return (inputs.name(item), seen.sha256, *decisions[item.number], outputs.get(item.number, ""))


@contextmanager
def _workers(making: Making, count: int) -> Iterator[Run]:
    """Something that does tasks: this process, or a pool of processes that is gone afterwards."""
    if count <= 1:
        worker = Worker(making)
        try:
            yield lambda tasks: (seen for task in tasks for seen in worker.run([task]))
        finally:
            worker.close()
        return
    alone = sys.platform == "linux" and threading.active_count() == 1  # a fork copies one thread only
    context = multiprocessing.get_context("fork" if alone else "spawn")
    pool = ProcessPoolExecutor(count, mp_context=context, initializer=_start, initargs=(making,))
    try:
        yield lambda tasks: _pooled(pool, tasks)
    except BrokenProcessPool:
        raise MachineError(
            "A worker process has died, perhaps for want of memory; nothing was published. "
            "Try fewer workers or a smaller limit."
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)


def _pooled(pool: ProcessPoolExecutor, tasks: Sequence[Task]) -> Iterator[Seen]:
    futures = [pool.submit(_work, chunk) for chunk in chunked(tasks, lambda task: task[0].bytes)]
    for future in as_completed(futures):
        yield from future.result()


def _start(making: Making) -> None:
    """Begin a worker process: it leaves Ctrl-C to its parent, and ends when that is gone."""
    global _worker
    _worker = Worker(making)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: BaseProcess) -> None:
    parent.join()
    os._exit(int(Fault.MACHINE))


def _work(tasks: Sequence[Task]) -> list[Seen]:
    return _worker.run(tasks)
