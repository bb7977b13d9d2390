"""Who may ask, and how much: API keys (hashed), a budget of distinct queries a day, the log of requests.

All three lie in the restricted zone, and none of them holds a query or a value.
"""

import fcntl
import hmac
import json
import os
import re
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from eucaim_pipelines.errors import MachineError, SettingsError

FOLDER = ".search"
"""Folder of the restricted zone; no dataset can have this name."""
_KEYS, _BUDGET, _LOG = "clients.json", "budget.sqlite", "requests.jsonl"
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,60}")


class Clients:
    """The clients of a node, by name.

    Parameters
    ----------
    restricted
        The restricted zone.
    """

    def __init__(self, restricted: Path) -> None:
        self.folder = restricted / FOLDER
        self._kept: tuple[tuple[int, int], dict[str, str]] = ((0, 0), {})

    def knows(self, name: str) -> bool:
        """Whether a client of this name has a key."""
        return name in self._read()

    def add(self, name: str) -> str:
        """A new key for a client, told once; an earlier one no longer holds.

        Raises
        ------
        SettingsError
            The name has other characters than letters, digits, `.`, `_` and `-`.
        MachineError
            The file cannot be read or written.
        """
        if not _NAME.fullmatch(name):
            raise SettingsError("The name of a client has 1 to 60 letters, digits, '.', '_' or '-'.")
        key = secrets.token_urlsafe(32)
        with self._alone():
            self._write(self._read() | {name: _hashed(key)})
        return key

    def remove(self, name: str) -> None:
        """Take a client's key away.

        Raises
        ------
        SettingsError
            There is no such client.
        """
        with self._alone():
            kept = self._read()
            if name not in kept:
                raise SettingsError("There is no client of this name.")
            self._write({other: key for other, key in kept.items() if other != name})

    def named(self, key: str) -> str | None:
        """The client whose key this is; None for nobody's. Every key is compared, in constant time."""
        given, found = _hashed(key), None
        for name, kept in self._read().items():
            if hmac.compare_digest(given, kept):
                found = name
        return found

    def _read(self) -> dict[str, str]:
        path = self.folder / _KEYS
        try:
            if not path.exists():
                return {}
            state = path.stat()
            if state.st_mode & 0o077:
                raise MachineError(f"Others may read {_KEYS} of the restricted zone: chmod 600.")
            if (state.st_ino, state.st_mtime_ns) != self._kept[0]:
                told = json.loads(path.read_text(encoding="ascii"))
                self._kept = (state.st_ino, state.st_mtime_ns), told
            return self._kept[1]
        except (OSError, ValueError):
            raise MachineError(f"{_KEYS} of the restricted zone cannot be read. Restore it.") from None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No other process changes the keys between reading and writing them."""
        try:
            place = private_folder(self.folder) / f"{_KEYS}.lock"
            handle = os.open(place, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise MachineError(f"The restricted zone cannot be written: {error.strerror}.") from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _write(self, keys: dict[str, str]) -> None:
        partial = private_folder(self.folder) / f".{_KEYS}.{secrets.token_hex(4)}"
        try:
            with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                json.dump(keys, file, indent=1, sort_keys=True)
            partial.rename(self.folder / _KEYS)
        except OSError as error:
            raise MachineError(f"The restricted zone cannot be written: {error.strerror}.") from None


def _hashed(key: str) -> str:
    """Keys are 256 random bits: a plain digest cannot be turned round."""
    return sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


def private_folder(folder: Path) -> Path:
    """The folder, made for its owner alone where it is not there."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise MachineError(f"The restricted zone cannot be written: {error.strerror}.") from None
    return folder


class Budget:
    """How many distinct queries each client has asked today, over restarts.

    Parameters
    ----------
    limit
        Distinct queries per client and day (UTC).
    """

    def __init__(self, restricted: Path, limit: int) -> None:
        self.limit = limit
        self._today: set[tuple[str, str, str]] = set()
        self._path = private_folder(restricted / FOLDER) / _BUDGET
        with self._open() as book:
            book.execute("PRAGMA journal_mode=WAL")
            book.execute(
                "CREATE TABLE IF NOT EXISTS asked (client TEXT, day TEXT, query TEXT, "
                "PRIMARY KEY (client, day, query)) WITHOUT ROWID"
            )
        self._path.chmod(0o600)

    def knows(self, client: str, query: str, now: datetime) -> bool:
        """Whether this process has counted the query for the client today; nothing is read."""
        return (client, f"{now:%Y-%m-%d}", query) in self._today

    def allows(self, client: str, query: str, now: datetime) -> bool:
        """Whether the client may have this query answered; counted if it is new today.

        Parameters
        ----------
        query
            Its keyed name.
        """
        entry = client, f"{now:%Y-%m-%d}", query
        with self._open() as book:
            book.execute("BEGIN IMMEDIATE")
            known = "SELECT 1 FROM asked WHERE (client, day, query) = (?, ?, ?)"
            if not book.execute(known, entry).fetchone():
                counted = "SELECT count(*) FROM asked WHERE (client, day) = (?, ?)"
                if book.execute(counted, entry[:2]).fetchone()[0] >= self.limit:
                    return False
                book.execute("INSERT INTO asked VALUES (?, ?, ?)", entry)
        self._today = {each for each in self._today if each[1] == entry[1]} | {entry}
        return True

    def _open(self) -> "_Book":
        return _Book(self._path)


class _Book:
    """A connection that commits and closes; what fails is the machine's."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> sqlite3.Connection:
        try:
            self._connection = sqlite3.connect(self._path, timeout=10, isolation_level=None)
            self._connection.execute("PRAGMA synchronous=NORMAL")
        except sqlite3.Error:
            raise MachineError("The book of queries in the restricted zone cannot be opened.") from None
        return self._connection

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if self._connection.in_transaction:
                self._connection.execute("COMMIT" if kind is None else "ROLLBACK")
        finally:
            self._connection.close()
        if kind is not None and issubclass(kind, sqlite3.Error):
            raise MachineError("The book of queries in the restricted zone cannot be written.") from None


class RequestLog:
    """One JSON line per request: time, client, keyed name and size of the query, status, milliseconds."""

    def __init__(self, restricted: Path) -> None:
        self._path = private_folder(restricted / FOLDER) / _LOG
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(
        self,
        now: datetime,
        client: str | None,
        query: str | None,
        conditions: int,
        status: int,
        seconds: float,
    ) -> None:
        """Append a line."""
        line = {
            "time": now.isoformat(timespec="milliseconds"),
            "client": client,
            "query": query,
            "conditions": conditions,
            "status": status,
            "ms": round(1000 * seconds, 1),
        }
        os.write(self._file, (json.dumps(line) + "\n").encode())
