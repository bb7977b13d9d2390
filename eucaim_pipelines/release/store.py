"""The small interface to the place where releases lie; folder and object store implement it elsewhere.

Keys are written once and never changed, but for the pointers (`CURRENT`), which `replace` moves.
"""

from typing import Protocol

from eucaim_pipelines.errors import DataError


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

    def size(self, key: str) -> int | None:
        """Bytes of a key without reading it; None if there is none."""

    def sweep(self, prefix: str) -> None:
        """Remove what a killed run left half written; only the run that holds the dataset's lock calls it."""

    def address(self, key: str) -> str:
        """Where a person finds the key: a path or a URL. Never part of a release."""
