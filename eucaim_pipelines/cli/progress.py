"""A bar for work that is counted in bytes: on a terminal, and nothing where none is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def bytes_bar(total: int | None) -> Iterator[Callable[[int], None]]:
    """Yields what is called with the bytes of each piece that is done, from any thread.

    Parameters
    ----------
    total
        Bytes of the whole; None where that is not known before.
    """
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    console = Console(stderr=True)
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=total)
        yield lambda size: bar.advance(task, size)
