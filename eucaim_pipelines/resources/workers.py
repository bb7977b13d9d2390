"""The processes that read and de-identify: one pool of this machine, started when work is there.

What they do is handed to them; another executor with the same interface can take their place.
"""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager

import dagster as dg


class Workers(dg.ConfigurableResource):
    """A pool of `count` worker processes."""

    count: int

    @contextmanager
    def executor(self) -> Iterator[Executor]:
        """A pool for one asset's work; its processes start with the first task.

        A forked worker would inherit locks and threads of Dagster's process, so they are spawned by a
        fork server that has neither.
        """
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(
            ["eucaim_pipelines.release.objects", "eucaim_pipelines.ingest.reception"]
        )
        with ProcessPoolExecutor(self.count, mp_context=context) as pool:
            yield pool
