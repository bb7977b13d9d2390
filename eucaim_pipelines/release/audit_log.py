"""The audit log of a site: one line for each thing that was done, chained by hashes, its head signed.

`audit.jsonl` is only ever appended to; `audit.head` signs its last line, so that neither a changed byte nor
a line that was cut off the end goes unseen. Lines hold names, codes, digests and counts. How the log is
checked is said in `audit_check`.
"""

import fcntl
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from eucaim_pipelines.deidentification.keys import signing
from eucaim_pipelines.deidentification.keys.pseudonyms import SiteKey
from eucaim_pipelines.errors import DataError, MachineError

LOG, HEAD = "audit.jsonl", "audit.head"
SCHEMA = "eucaim_pipelines/audit_head/1"
KEY_CHANGED = "key_changed"
START = "0" * 64
"""What the first line names as the hash of the line before it."""
Told = str | int | bool | None
_TAIL = 65_536
"""Bytes at the end of the log in which its last line lies."""


@dataclass(frozen=True)
class Line:
    """One thing that was done.

    Attributes
    ----------
    n
        Number of the line, from 1.
    time
        When it was done, ISO in UTC; by the clock of the machine.
    event, dataset, told
        What was done, to which dataset if to one, and the names, codes, digests and counts that belong to it.
    previous
        Hash of the line before.
    """

    n: int
    time: str
    event: str
    dataset: str | None
    told: Mapping[str, Told]
    previous: str

    @property
    def hash(self) -> str:
        """SHA-256 of the line's own canonical JSON, 64 hex digits."""
        return sha256(signing.canonical(vars(self))).hexdigest()

    def to_bytes(self) -> bytes:
        """The line as it stands in the log."""
        return signing.canonical(vars(self) | {"hash": self.hash}) + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes) -> "Line":
        """Read a line that `to_bytes` wrote.

        Raises
        ------
        ValueError
            Any byte is another than `to_bytes` writes.
        """
        try:
            body = json.loads(data)
            body.pop("hash")
            line = cls(**body)
            whole = line.to_bytes() == data
        except (ValueError, KeyError, TypeError, AttributeError):
            whole = False
        if not whole:
            raise ValueError("no line of an audit log")
        return line


@dataclass(frozen=True)
class Head:
    """Which line is the last one, and who says so: public key and signature as hex digits."""

    n: int
    hash: str
    public_key: str
    signature: str = ""

    @property
    def body(self) -> dict[str, Any]:
        """What is signed."""
        return {"schema": SCHEMA, "n": self.n, "hash": self.hash, "public_key": self.public_key}

    def to_bytes(self) -> bytes:
        """The head as its file holds it."""
        return signing.canonical({**self.body, "signature": self.signature}) + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes) -> "Head":
        """Read a head that `to_bytes` wrote, and check its signature under the key that it names.

        Raises
        ------
        ValueError
            Any byte is another, or the signature is not the key's.
        """
        try:
            document = json.loads(data)
            head = cls(**{name: document[name] for name in cls.__dataclass_fields__})
            holds = head.to_bytes() == data and signing.signed(head.body, head.signature, head.public_key)
        except (ValueError, KeyError, TypeError):
            holds = False
        if not holds:
            raise ValueError("no head of an audit log")
        return head


class AuditLog:
    """The log of one site; several processes may append to it.

    Parameters
    ----------
    folder
        The restricted zone.
    key
        The holder's key, which signs the head.
    """

    def __init__(self, folder: Path, key: SiteKey) -> None:
        self.folder, self._key = folder, key

    def append(self, event: str, dataset: str | None = None, **told: Told) -> Line:
        """Write a line and sign the new head; both are on the disk when this returns.

        An append that was interrupted is completed first: the one line beyond the head stays, if it continues
        the chain, and what was half written is taken away; a line of its own says which. Where the key is
        another one than last time, a line says that too.

        Raises
        ------
        DataError
            The end of the log is not what its head says: somebody or something changed it.
        MachineError
            It cannot be written.
        """
        with self._locked() as handle:
            last, signer, left = self._last(handle)
            if left is not None:
                last = self._write(handle, last, "append_completed", None, {"left": left})
            own = signing.public_key(self._key)
            if signer not in (None, own):
                last = self._write(handle, last, KEY_CHANGED, None, {"public_key": own, "before": signer})
            return self._write(handle, last, event, dataset, told)

    def _write(
        self, handle: int, last: Line | None, event: str, dataset: str | None, told: Mapping[str, Told]
    ) -> Line:
        n, previous = (last.n + 1, last.hash) if last else (1, START)
        line = Line(n, datetime.now(UTC).isoformat(timespec="seconds"), event, dataset, dict(told), previous)
        _write_whole(handle, line.to_bytes())
        os.fsync(handle)
        self._sign(line)
        return line

    def _sign(self, line: Line) -> None:
        bare = Head(line.n, line.hash, signing.public_key(self._key))
        head = Head(bare.n, bare.hash, bare.public_key, signing.sign(bare.body, self._key))
        handle, partial = tempfile.mkstemp(dir=self.folder, prefix=".partial-")
        with os.fdopen(handle, "wb") as stream:
            stream.write(head.to_bytes())
            stream.flush()
            os.fsync(stream.fileno())
        Path(partial).rename(self.folder / HEAD)
        folder = os.open(self.folder, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)

    def _last(self, handle: int) -> tuple[Line | None, str | None, str | None]:
        """The last line, the public key that signed the head, and what an interrupted append left."""
        size = os.fstat(handle).st_size
        tail = os.pread(handle, _TAIL, max(0, size - _TAIL))
        end = tail.rfind(b"\n") + 1
        head, torn = read_head(self.folder), len(tail) - end
        last = _parsed(tail[tail.rfind(b"\n", 0, max(0, end - 1)) + 1 : end])
        n, signed = (head.n, head.hash) if head is not None else (0, START)
        at, reached = (last.n, last.hash) if last is not None else (0, START)
        beyond = last is not None and (at, last.previous) == (n + 1, signed)
        if (beyond and torn) or (not beyond and (at, reached) != (n, signed)):
            raise _broken()
        if torn:
            os.ftruncate(handle, size - torn)
        left = "a line beyond the head" if beyond else ("half a line" if torn else None)
        return last, head.public_key if head is not None else None, left

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """The log, opened for appending by this process alone."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self.folder / LOG, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                yield handle
            finally:
                os.close(handle)
        except OSError as error:
            raise MachineError(f"The audit log cannot be written: {error.strerror}.") from None


def read_head(folder: Path) -> Head | None:
    """The head of the log in a folder; None if there is none.

    Raises
    ------
    DataError
        It is not as it was written.
    """
    path = folder / HEAD
    if not path.is_file():
        return None
    try:
        return Head.from_bytes(path.read_bytes())
    except ValueError:
        raise _broken() from None


def _write_whole(handle: int, data: bytes) -> None:
    """Write all of it: a disk that is full takes a part first, and says so at the next write only."""
    while data:
        data = data[os.write(handle, data) :]


def _parsed(data: bytes) -> Line | None:
    try:
        return Line.from_bytes(data) if data else None
    except ValueError:
        raise _broken() from None


def _broken() -> DataError:
    return DataError(
        "The end of the audit log is not what its head says, so that nothing is added to it: "
        "'eucaim audit verify' names the line. Keep both files as evidence, put back your copy or move them "
        f"away ({LOG}, {HEAD} in the restricted zone), and run again."
    )
