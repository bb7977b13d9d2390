"""Exports of a dataset in landing, and the files and archive members in them.

Nothing here reads what the files hold; landing is never written to.
"""

import errno
import hashlib
import os
import stat
import tarfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Literal, Self, cast

from eucaim_pipelines.errors import MachineError, Refusal

MARKER = "._COMPLETE"
Kind = Literal["folder", "zip", "tar"]


@dataclass(frozen=True)
class Export:
    """One complete delivery: a folder, `.zip` or `.tar` with its marker beside it.

    `completed` is the ISO time that the marker holds; exports are ordered by it, then by name.
    """

    name: str
    path: Path
    kind: Kind
    completed: datetime

    @property
    def order(self) -> tuple[datetime, str]:
        """Sort key: later exports correct earlier ones."""
        return self.completed, self.name


@dataclass(frozen=True)
class Entry:
    """One file of an export, before it is read.

    `size` and `mtime_ns` are the file's own in a folder, the archive's in an archive: by them a file is
    recognised and not read again. `refusal` is set where it must not be opened at all.
    """

    path: str
    size: int
    mtime_ns: int
    bytes: int
    refusal: str | None = None


def complete_exports(landing: Path, dataset: str) -> list[Export]:
    """Exports of `dataset` whose marker is there and holds an ISO time, oldest first.

    Raises
    ------
    MachineError
        When the landing folder cannot be read.
    """
    folder = landing / dataset
    try:
        names = sorted(entry.name for entry in folder.iterdir()) if folder.exists() else []
        found = [export for name in names if (export := _export(folder, name, set(names))) is not None]
    except OSError as error:
        raise MachineError(f"Landing folder of '{dataset}' cannot be read: {error.strerror}.") from None
    return sorted(found, key=lambda export: export.order)


def unfinished_markers(landing: Path, dataset: str) -> int:
    """Markers that are there and hold no ISO time: their exports are not touched, and somebody must know."""
    folder = landing / dataset
    markers = folder.glob(f"*{MARKER}") if folder.is_dir() else ()
    return sum(_marker_time(marker) is None for marker in markers)


def datasets_in(landing: Path) -> list[str]:
    """Names of the folders in landing, sorted.

    Raises
    ------
    MachineError
        When landing cannot be read.
    """
    try:
        return sorted(entry.name for entry in landing.iterdir() if entry.is_dir())
    except OSError as error:
        raise MachineError(
            f"Landing cannot be read: {error.strerror}. Check the setting 'landing'."
        ) from None


def _export(folder: Path, name: str, names: set[str]) -> Export | None:
    if name.endswith(MARKER) or name + MARKER not in names:
        return None
    completed = _marker_time(folder / (name + MARKER))
    if completed is None:
        return None
    path = Path(os.path.realpath(folder / name))
    kind: Kind = "folder" if path.is_dir() else "zip" if name.lower().endswith(".zip") else "tar"
    return Export(name, path, kind, completed)


def _marker_time(path: Path) -> datetime | None:
    try:
        time = datetime.fromisoformat(path.read_text(encoding="utf-8").strip())
    except (ValueError, OSError):
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


class OpenExport:
    """An export opened for listing and reading; a context manager that closes its archive.

    Raises
    ------
    Refusal
        `ARCHIVE_DAMAGED` on entering, when the archive cannot be opened.
    """

    def __init__(self, export: Export) -> None:
        self.export = export
        self._zip: zipfile.ZipFile | None = None
        self._tar: tarfile.TarFile | None = None
        self._members: dict[str, zipfile.ZipInfo | tarfile.TarInfo] = {}

    def __enter__(self) -> Self:
        try:
            if self.export.kind == "zip":
                self._zip = zipfile.ZipFile(self.export.path)
                self._name_members([(m.filename, m) for m in self._zip.infolist() if not m.is_dir()])
            elif self.export.kind == "tar":
                self._tar = tarfile.open(self.export.path, mode="r:")
                self._name_members([(m.name, m) for m in self._tar.getmembers() if not m.isdir()])
        except Exception as error:  # noqa: BLE001 - archive libraries raise whatever they stumble on
            self.close()
            raise _unpacking(error) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the archive, if there is one."""
        for archive in (self._zip, self._tar):
            if archive is not None:
                archive.close()

    def entries(self) -> Iterator[Entry]:
        """Every file of the export, in a stable order."""
        if self.export.kind == "folder":
            yield from _walk(self.export.path, self.export.path)
            return
        status = self.export.path.stat()
        for path, member in self._members.items():
            yield Entry(
                path, status.st_size, status.st_mtime_ns, _member_bytes(member), _member_refusal(member)
            )

    def read(self, path: str, limit: int) -> bytes:
        """Content of one entry.

        Raises
        ------
        Refusal
            `TOO_LARGE` past `limit` bytes, `ARCHIVE_DAMAGED` when the member cannot be unpacked, `UNREADABLE`
        when a file of a folder is gone or may not be read.
        """
        try:
            with self._open(path) as stream:
                data = stream.read(limit + 1)
        except OSError as error:
            if self.export.kind == "folder":
                raise Refusal("UNREADABLE") from None
            raise _unpacking(error) from None
        except Refusal:
            raise
        except Exception as error:  # noqa: BLE001 - archive libraries raise whatever they stumble on
            raise _unpacking(error) from None
        if len(data) > limit:
            raise Refusal("TOO_LARGE")
        return data

    def _open(self, path: str) -> IO[bytes]:
        if self.export.kind == "folder":
            return _locate(self.export.path, path).open("rb")
        member = self._members[path]
        if isinstance(member, zipfile.ZipInfo):
            return cast(zipfile.ZipFile, self._zip).open(member)
        stream = cast(tarfile.TarFile, self._tar).extractfile(member)
        if stream is None:
            raise Refusal("NOT_A_FILE")
        return stream

    def _name_members(self, members: list[tuple[str, zipfile.ZipInfo | tarfile.TarInfo]]) -> None:
        """An archive may hold two members of one name: the second is told apart by a number."""
        seen: Counter[str] = Counter()
        for name, member in members:
            path = printable(name)
            while path in self._members:
                seen[name] += 1
                path = f"{printable(name)}#{seen[name] + 1}"
            self._members[path] = member


def _unpacking(error: Exception) -> Refusal | MachineError:
    """A failing disk is no damaged archive: the same bytes may be read later."""
    if isinstance(error, OSError) and error.errno in (errno.EIO, errno.ESTALE, errno.EACCES, errno.ENOMEM):
        return MachineError(f"An archive in landing cannot be read: {error.strerror}.")
    return Refusal("ARCHIVE_DAMAGED")


def _walk(folder: Path, base: Path) -> Iterator[Entry]:
    for path in sorted(folder.iterdir()):
        status = path.lstat()
        name = printable(path.relative_to(base).as_posix())
        if stat.S_ISLNK(status.st_mode):
            yield Entry(name, status.st_size, status.st_mtime_ns, 0, "LINK")
        elif stat.S_ISDIR(status.st_mode):
            yield from _walk(path, base)
        elif stat.S_ISREG(status.st_mode):
            yield Entry(name, status.st_size, status.st_mtime_ns, status.st_size)
        else:
            yield Entry(name, status.st_size, status.st_mtime_ns, 0, "NOT_A_FILE")


def printable(name: str) -> str:
    """A name whose bytes are not UTF-8 in a form that a table can hold."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _locate(base: Path, name: str) -> Path:
    path = base / name
    if "\\x" not in name or path.exists():
        return path
    return next(p for p in base.rglob("*") if printable(p.relative_to(base).as_posix()) == name)


def _member_bytes(member: zipfile.ZipInfo | tarfile.TarInfo) -> int:
    return member.file_size if isinstance(member, zipfile.ZipInfo) else member.size


def _member_refusal(member: zipfile.ZipInfo | tarfile.TarInfo) -> str | None:
    if isinstance(member, zipfile.ZipInfo):
        return "LINK" if stat.S_ISLNK(member.external_attr >> 16) else None
    if member.issym() or member.islnk():
        return "LINK"
    return None if member.isreg() else "NOT_A_FILE"


def landing_state(exports: list[Export]) -> str:
    """Digest of what lies in landing: markers, paths, sizes and times, without reading a file.

    Raises
    ------
    MachineError
        When landing cannot be listed; without a path, which may hold a name.
    """
    digest = hashlib.sha256()
    try:
        for export in exports:
            digest.update(f"{export.name}\0{export.kind}\0{export.completed.isoformat()}\0".encode())
            for line in _fingerprint(export):
                digest.update(line.encode())
    except OSError as error:
        raise MachineError(f"An export in landing cannot be listed: {error.strerror}.") from None
    return digest.hexdigest()


def _fingerprint(export: Export) -> Iterator[str]:
    if export.kind == "folder":
        for entry in _walk(export.path, export.path):
            yield f"{entry.path}\0{entry.size}\0{entry.mtime_ns}\0"
    else:
        status = export.path.stat()
        yield f"{status.st_size}\0{status.st_mtime_ns}\0"
