"""A database of the restricted zone: one SQLite file that only its owner may read, written in transactions.

What lies in it is said by the classes that are one: `ledger`, `row_book`, `sketch_book`.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from eucaim_pipelines.errors import MachineError


class PrivateDatabase:
    """The file, opened; use as a context manager. Every method that writes commits on return.

    Parameters
    ----------
    name
        What the file is called in messages.
    prepare
        Makes the tables that are missing.

    Raises
    ------
    MachineError
        The file cannot be opened or written; no message of SQLite goes on, because it may hold a value.
    """

    def __init__(self, path: Path, name: str, prepare: Callable[[sqlite3.Connection], object]) -> None:
        self._name = name
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._db = sqlite3.connect(path, timeout=30, isolation_level=None)
            self._db.row_factory = sqlite3.Row
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            path.chmod(0o600)
            prepare(self._db)
        except (OSError, sqlite3.Error):
            raise self._failed() from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except BaseException as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise self._failed() from None
            raise

    def _failed(self) -> MachineError:
        return MachineError(
            f"The {self._name} in the restricted zone cannot be opened or written. "
            "Check disk space and permissions."
        )
