"""A plain folder as the place of releases: the embedded default.

What is put there, and in which order, is decided elsewhere.
"""

import os
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from eucaim_pipelines.errors import MachineError
from eucaim_pipelines.release.store import PIECE, StoreConflictError

_PARTIAL = ".partial-"
_NO_FILE = (FileNotFoundError, IsADirectoryError, NotADirectoryError)
"""A folder where a file should be, or the other way round, holds no key: as in an object store."""


@dataclass(frozen=True)
class FolderStore:
    """Keys are paths below `root`; a file appears whole or not at all."""

    root: Path

    def put(self, key: str, data: bytes) -> bool:
        """See `ObjectStore.put`."""
        path = self._path(key)
        if path.exists():
            if path.read_bytes() != data:
                raise StoreConflictError(key)
            return False
        self._write(path, data)
        return True

    def replace(self, key: str, data: bytes) -> None:
        """See `ObjectStore.replace`."""
        self._write(self._path(key), data)

    def get(self, key: str) -> bytes | None:
        """See `ObjectStore.get`."""
        try:
            return self._path(key).read_bytes()
        except _NO_FILE:
            return None
        except OSError as error:
            raise MachineError(f"The release folder cannot be read: {error.strerror}.") from None

    def pieces(self, key: str) -> Iterator[bytes] | None:
        """See `ObjectStore.pieces`."""
        path = self._path(key)
        return _pieces(path) if path.is_file() else None

    def local(self, key: str) -> Path | None:
        """See `ObjectStore.local`."""
        return self._path(key)

    def size(self, key: str) -> int | None:
        """See `ObjectStore.size`."""
        try:
            status = self._path(key).stat()
            return status.st_size if stat.S_ISREG(status.st_mode) else None
        except _NO_FILE:
            return None
        except OSError as error:
            raise MachineError(f"The release folder cannot be read: {error.strerror}.") from None

    def folders(self, prefix: str) -> list[str]:
        """See `ObjectStore.folders`."""
        try:
            below = [each for each in self._path(prefix).iterdir() if each.is_dir()]
            return sorted(each.name for each in below if any(map(_is_key, each.rglob("*"))))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise MachineError(f"The release folder cannot be read: {error.strerror}.") from None

    def sweep(self, prefix: str) -> None:
        """Remove what a killed run left half written below a key prefix; nothing ever names it."""
        for path in (self.root / prefix).rglob(f"{_PARTIAL}*") if (self.root / prefix).is_dir() else ():
            path.unlink(missing_ok=True)

    def address(self, key: str) -> str:
        """See `ObjectStore.address`."""
        return str(self._path(key))

    def _path(self, key: str) -> Path:
        path = self.root / key
        if ".." in Path(key).parts or not path.is_relative_to(self.root):
            raise MachineError("A key of the release points outside the release folder.")
        return path

    def _write(self, path: Path, data: bytes) -> None:
        """Write beside the final name, flush to disk, then rename: a crash leaves the old file or the new."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, partial = tempfile.mkstemp(dir=path.parent, prefix=_PARTIAL)
            try:
                with os.fdopen(handle, "wb") as stream:
                    stream.write(data)
                    stream.flush()
                    os.fsync(stream.fileno())
                Path(partial).chmod(0o644)
                Path(partial).rename(path)
            except BaseException:
                Path(partial).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise MachineError(f"The release folder cannot be written: {error.strerror}.") from None


def _is_key(path: Path) -> bool:
    return path.is_file() and not path.name.startswith(_PARTIAL)


def _pieces(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as stream:
            while piece := stream.read(PIECE):
                yield piece
    except OSError as error:
        raise MachineError(f"The release folder cannot be read: {error.strerror}.") from None
