"""Laying a release out as a read-only tree of files, which a processing node mounts as its data path.

What is there already, from a run that was interrupted or from an earlier release, is read again, and kept
where its SHA-256 is right. What a tree holds is said in `tree`, where it grows in `working_place`.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from stat import S_IMODE
from threading import Event

from eucaim_pipelines.errors import MachineError, SettingsError
from eucaim_pipelines.release import copying, working_place
from eucaim_pipelines.release.copying import Way
from eucaim_pipelines.release.store import ObjectStore
from eucaim_pipelines.release.tree import ABOUT, Entry, Tree

REMOTE_THREADS = 16
_CHUNK = 32
_LONGEST_PATH = 4095  # PATH_MAX without its zero


@dataclass(frozen=True)
class Done:
    """What a materialisation did; `changed` is False when the tree was there already, whole and right."""

    files: int
    bytes: int
    fetched: int
    fetched_bytes: int
    way: Way
    changed: bool


def materialise(
    store: ObjectStore,
    tree: Tree,
    target: Path,
    link: bool = False,
    tell: Callable[[int], None] | None = None,
) -> Done:
    """Make `target` the tree: every file verified, files 0444, folders 0555.

    Parameters
    ----------
    target
        A new or empty folder, or one that holds an earlier tree of the same dataset, which is replaced.
    link
        Share files with the release on the same disk, instead of cloning or copying them.
    tell
        Called with the bytes of each file that is in its place, from several threads.

    Raises
    ------
    SettingsError
        If `target` is something else, lies in the release or is too long a path; if linking cannot be.
    MachineError
        If the disk has no room (before anything is fetched), or disk or store fail.
    DataError
        If the release is not, or no longer, as it was published.
    """
    target = target.absolute().parent.resolve() / target.name
    _check(store, tree, target, link)
    told = tell or (lambda _: None)
    threads = (os.cpu_count() or 1) * 2 if store.local(tree.dataset_id) else REMOTE_THREADS
    with working_place.of(target) as partial, _crew(threads) as crew:
        right = _right(store, tree, target, link, crew)
        if len(right) == len(tree.entries) == working_place.count(target):
            return Done(len(right), tree.size, 0, 0, "copy", False)
        kept = _right(store, tree, partial, link, crew)
        missing = [entry for entry in tree.entries if entry.path not in kept]
        fetched = [entry for entry in missing if entry.path not in right]
        way = _way(store, fetched, partial, link)
        _check_room(fetched, partial, way)
        told(tree.size - sum(entry.size for entry in missing))

        def put(entry: Entry) -> None:
            path = partial / entry.path
            if entry.path in right:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.unlink(missing_ok=True)
                os.link(target / entry.path, path)
            else:
                copying.place(store, entry, path, way)
            told(entry.size)

        crew(put, missing)
        working_place.finish(partial, target, {entry.path for entry in tree.entries})
    return Done(len(tree.entries), tree.size, len(fetched), sum(e.size for e in fetched), way, True)


Crew = Callable[[Callable[[Entry], None], Sequence[Entry]], None]


@contextmanager
def _crew(threads: int) -> Iterator[Crew]:
    """Work on entries in threads; the first error stops the rest, and is raised when all have stopped."""
    stop = Event()

    def chunk(work: Callable[[Entry], None], entries: Sequence[Entry]) -> None:
        for entry in entries:
            if stop.is_set():
                return
            work(entry)

    def run(work: Callable[[Entry], None], entries: Sequence[Entry]) -> None:
        parts = [entries[start : start + _CHUNK] for start in range(0, len(entries), _CHUNK)]
        waiting = [pool.submit(chunk, work, part) for part in parts]
        pending: Iterable[Future[None]] = waiting
        try:
            pending = wait(waiting, return_when=FIRST_EXCEPTION).not_done
        finally:
            if pending:
                stop.set()
        for each in waiting:
            each.result()

    with ThreadPoolExecutor(threads) as pool:
        yield run


def _right(store: ObjectStore, tree: Tree, folder: Path, link: bool, crew: Crew) -> set[str]:
    """Paths of read-only files of a folder that hold what the tree asks for, linked where links are meant."""
    found: set[str] = set()

    def look(entry: Entry) -> None:
        path = folder / entry.path
        if not path.is_file() or S_IMODE(path.lstat().st_mode) != copying.READ_ONLY:
            return
        if copying.shares(path, store, entry) is (link and entry.key is not None):
            found.update({entry.path} if copying.holds(path, entry) else ())

    crew(look, tree.entries if folder.is_dir() else ())
    return found


def _check(store: ObjectStore, tree: Tree, target: Path, link: bool) -> None:
    release = store.local(tree.dataset_id)
    if link and release is None:
        raise SettingsError("Hard links need a release in a folder of this disk; leave --link out.")
    if release is not None and (target == release.resolve() or target.is_relative_to(release.resolve())):
        raise SettingsError("DIR lies within the release; name a folder outside of it.")
    longest = max(len(os.fsencode(entry.path)) for entry in tree.entries) + len(copying.PARTIAL)
    if len(os.fsencode(target)) + len(".partial") + 2 + longest > _LONGEST_PATH:
        raise SettingsError("DIR is so long that paths below it would exceed what Linux takes; shorten it.")
    if target.is_symlink() or (target.exists() and not target.is_dir()):
        raise SettingsError("DIR is a link or a file; name a folder, or a path where nothing is.")
    if target.is_dir() and any(target.iterdir()) and _dataset_of(target) != tree.dataset_id:
        raise SettingsError(
            "DIR is neither empty nor an earlier tree of this dataset. Nothing in it is touched; "
            "name another folder."
        )


def _dataset_of(folder: Path) -> str | None:
    """Whose tree a folder holds; None if it holds none."""
    try:
        return str(json.loads((folder / ABOUT).read_bytes())["dataset_id"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _way(store: ObjectStore, entries: Sequence[Entry], partial: Path, link: bool) -> Way:
    """How files get here; cloning is tried on the first that the release has."""
    if link:
        return "link"
    sources = (store.local(entry.key) for entry in entries if entry.key)
    first = next((path for path in sources if path is not None and path.is_file()), None)
    return "clone" if first is not None and copying.clones(first, partial) else "copy"


def _check_room(entries: Sequence[Entry], partial: Path, way: Way) -> None:
    """Refuse to start what the disk cannot hold."""
    disk = os.statvfs(partial)
    block = disk.f_frsize
    copied = [entry for entry in entries if way == "copy" or entry.key is None]
    folders = {Path(entry.path).parent for entry in entries}
    needed = sum(-(-entry.size // block) * block for entry in copied) + block * len(folders)
    free = disk.f_bavail * block
    if needed > free:
        raise MachineError(
            f"The disk of DIR has no room: {needed:,} bytes are needed, {free:,} are free. "
            f"Free {needed - free:,} bytes, or choose patients with --patients. Nothing was fetched."
        )
