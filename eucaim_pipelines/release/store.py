"""The small interface to the place where releases lie; folder and object store implement it elsewhere.

Keys are written once and never changed, but for the pointers (`CURRENT`), which `replace` moves.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from eucaim_pipelines.errors import DataError

PIECE = 1 << 20


class StoreConflictError(DataError):
    """A key already holds other bytes than those that are to be put there."""

    def __init__(self, key: str) -> None:
        super().__init__(
            f"The store already holds other bytes under '{key}'. Released keys never change: "
            "find out who wrote there before anything is released again."
        )


class ObjectStore(Protocol):
    """Where releases lie. Every method raises `MachineError` when the store cannot be reached."""

    def put(self, key: str, data: bytes) -> bool:
        """Write a key once; False if the same bytes are there already.

        Raises
        ------
        StoreConflictError
            If the key holds a different number of bytes or other content.
        """

    def replace(self, key: str, data: bytes) -> None:
        """Write a pointer, atomically for its readers."""

    def get(self, key: str) -> bytes | None:
        """Content of a key; None if there is none."""

    def pieces(self, key: str) -> Iterator[bytes] | None:
        """Content of a key in pieces of at most `PIECE` bytes; None if there is none."""

    def local(self, key: str) -> Path | None:
        """The file of this machine that holds a key; None where the store keeps no files here."""

    def size(self, key: str) -> int | None:
        """Bytes of a key without reading it; None if there is none."""

    def folders(self, prefix: str) -> list[str]:
        """Names one level below a prefix that hold at least one key, in order."""

    def sweep(self, prefix: str) -> None:
        """Remove what a killed run left half written; only the run that holds the dataset's lock calls it."""

    def address(self, key: str) -> str:
        """Where a person finds the key: a path or a URL. Never part of a release."""
