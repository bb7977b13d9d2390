"""Cutting work for worker processes, and how progress is told.

What is done with a chunk is the caller's matter.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

CHUNK_BYTES = 16 * 1024**2
CHUNK_FILES = 64
Progress = Callable[[int, int], None]
"""Called with (files done, files to do)."""
Item = TypeVar("Item")


def chunked(items: Iterable[Item], size: Callable[[Item], int]) -> Iterator[list[Item]]:
    """Cut work by bytes, so that a worker's share takes about as long whatever the files are."""
    chunk: list[Item] = []
    weight = 0
    for item in items:
        if chunk and (weight + size(item) > CHUNK_BYTES or len(chunk) >= CHUNK_FILES):
            yield chunk
            chunk, weight = [], 0
        chunk.append(item)
        weight += size(item)
    if chunk:
        yield chunk
