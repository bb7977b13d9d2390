"""One file from a release to a disk: cloned, linked or copied, and its SHA-256 compared while it is.

Which files, and where they lie, is decided in `tree` and `materialise`.
"""

import errno
import fcntl
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from eucaim_pipelines.errors import MachineError, SettingsError
from eucaim_pipelines.release.store import ObjectStore
from eucaim_pipelines.release.tree import Entry, damaged

Way = Literal["copy", "clone", "link"]
PARTIAL, READ_ONLY = ".partial-", 0o444
_FICLONE = 0x40049409  # linux/fs.h: share the blocks of another file until one of the two is written
_ATTEMPTS = 3


def holds(path: Path, entry: Entry) -> bool:
    """Whether a file is there with the size and SHA-256 of an entry; the file is read."""
    try:
        if path.is_symlink() or path.stat().st_size != entry.size:
            return False
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == entry.sha256
    except OSError:
        return False


def shares(path: Path, store: ObjectStore, entry: Entry) -> bool:
    """Whether a file of the tree is the very file of the release (a hard link)."""
    local = store.local(entry.key) if entry.key else None
    return local is not None and local.exists() and path.samefile(local)


def clones(source: Path, folder: Path) -> bool:
    """Whether this file system shares blocks between `source` and files of `folder`."""
    trial = folder / f"{PARTIAL}trial"
    try:
        _clone(source, trial)
    except OSError:
        return False
    finally:
        trial.unlink(missing_ok=True)
    return True


def place(store: ObjectStore, entry: Entry, path: Path, way: Way) -> None:
    """Put an entry at its path, read-only, verified before it gets its name.

    Raises
    ------
    DataError
        If the release no longer holds these bytes.
    MachineError
        If disk or store fail; the store is asked three times.
    SettingsError
        If a link is asked for between two disks.
    """
    partial = path.with_name(f"{PARTIAL}{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.unlink(missing_ok=True)
        try:
            _fill(store, entry, partial, way)
            partial.chmod(READ_ONLY)
            partial.rename(path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        if error.errno == errno.EXDEV:
            raise SettingsError(
                "Hard links need the release on the same disk as DIR; leave --link out."
            ) from None
        raise MachineError(f"The tree cannot be written: {error.strerror}.") from None


def _fill(store: ObjectStore, entry: Entry, partial: Path, way: Way) -> None:
    local = store.local(entry.key) if entry.key else None
    if local is None or way == "copy":
        _copy(store, entry, partial)
        return
    try:
        os.link(local, partial) if way == "link" else _clone(local, partial)
    except FileNotFoundError:
        raise damaged(entry.key or entry.path, "missing") from None
    # Through the new name: what it leads to is what the reader gets, whatever happens to the old name.
    if not holds(partial, entry):
        raise damaged(entry.key or entry.path, "size" if partial.stat().st_size != entry.size else "sha256")


def _copy(store: ObjectStore, entry: Entry, partial: Path) -> None:
    for attempt in range(_ATTEMPTS):
        try:
            pieces = [entry.content] if entry.content is not None else store.pieces(str(entry.key))
            if pieces is None:
                raise damaged(str(entry.key), "missing")
            _write(entry, pieces, partial)
            return
        except MachineError:
            if attempt + 1 == _ATTEMPTS:
                raise


def _write(entry: Entry, pieces: Iterable[bytes], partial: Path) -> None:
    digest, size = hashlib.sha256(), 0
    with partial.open("wb") as stream:
        for piece in pieces:
            digest.update(piece)
            size += len(piece)
            stream.write(piece)
    if size != entry.size:
        raise damaged(entry.key or entry.path, "size")
    if digest.hexdigest() != entry.sha256:
        raise damaged(entry.key or entry.path, "sha256")


def _clone(source: Path, target: Path) -> None:
    with source.open("rb") as old, target.open("wb") as new:
        fcntl.ioctl(new, _FICLONE, old.fileno())
