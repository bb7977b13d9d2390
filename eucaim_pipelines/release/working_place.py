"""Where a tree grows: `.<name>.partial` beside its place, until it is whole and takes the old one's.

A reader finds the old tree or the new one, never a part of either. What a tree holds is not known here.
"""

import ctypes
import fcntl
import os
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from eucaim_pipelines.errors import MachineError

_AT_CWD, _EXCHANGE = -100, 2  # linux/fcntl.h, linux/fs.h


@contextmanager
def of(target: Path) -> Iterator[Path]:
    """The folder in which the tree grows, held by this process alone."""
    partial = target.with_name(f".{target.name}.partial")
    try:
        partial.mkdir(parents=True, exist_ok=True)
        with _held(partial) as free:
            if not free:
                raise MachineError("Another command is laying a tree out at DIR. Wait until it is done.")
            _open_folders(partial)
            yield partial
        _remove(partial)
    except OSError as error:
        raise MachineError(f"The tree cannot be written: {error.strerror}.") from None


def finish(partial: Path, target: Path, wanted: Collection[str]) -> None:
    """Remove what is not wanted, let nobody write, and give the tree its name.

    Parameters
    ----------
    wanted
        Paths of the tree's files, relative to it.
    """
    _prune(partial, wanted)
    _seal(partial)
    _name(partial, target)


@contextmanager
def _held(folder: Path) -> Iterator[bool]:
    """Hold a folder itself, whatever its name becomes; False if another process does."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        free = True
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        free = False
    try:
        yield free
    finally:
        os.close(handle)


def _prune(partial: Path, wanted: Collection[str]) -> None:
    """Remove what does not belong to the tree: of an earlier release, or half written."""
    for folder, folders, files in os.walk(partial, topdown=False):
        for name in files:
            path = Path(folder, name)
            if path.relative_to(partial).as_posix() not in wanted:
                path.unlink()
        for name in folders:
            path = Path(folder, name)
            if path.is_symlink():
                path.unlink()
            elif not any(path.iterdir()):
                path.rmdir()


def _seal(partial: Path) -> None:
    """Let nobody write below the tree, and wait until the disk has all of it."""
    for folder, _, _ in os.walk(partial, topdown=False):
        Path(folder).chmod(0o555)
    os.sync()


def _name(partial: Path, target: Path) -> None:
    """Give the tree its name; an earlier one changes places with it at once, and is then removed."""
    if not target.exists() or not any(target.iterdir()):
        partial.rename(target)
        return
    libc = ctypes.CDLL(None, use_errno=True)
    old, new = os.fsencode(partial), os.fsencode(target)
    if libc.renameat2(_AT_CWD, old, _AT_CWD, new, _EXCHANGE) != 0:
        number = ctypes.get_errno()
        raise MachineError(
            f"The finished tree cannot take its place ({os.strerror(number)}): DIR may be a mount point, "
            "or its file system cannot exchange folders. Name a new folder."
        )


def _remove(partial: Path) -> None:
    """Remove what is left of the working place (an earlier tree, or nothing) unless it is in use anew."""
    if not partial.is_dir():
        return
    with _held(partial) as free:
        if free:
            _open_folders(partial)
            shutil.rmtree(partial)


def _open_folders(folder: Path) -> None:
    """Let this process write below a tree that was sealed."""
    folder.chmod(0o755)
    for path, _, _ in os.walk(folder):
        Path(path).chmod(0o755)


def count(folder: Path) -> int:
    """Files below a folder."""
    return sum(len(files) for _, _, files in os.walk(folder))
