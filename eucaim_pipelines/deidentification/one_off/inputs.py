"""The input files of a one-off run: those of a folder, those of the archives in it, or those of one archive.

They are listed and read here, and never written to. How archives are opened lies in `ingest.exports`.
"""

import os
import stat
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from eucaim_pipelines.errors import MachineError, Refusal, SettingsError
from eucaim_pipelines.ingest.exports import Entry, Export, Kind, OpenExport, printable

ARCHIVES: dict[str, Kind] = {".zip": "zip", ".tar": "tar"}


class Input(NamedTuple):
    """One input file.

    Attributes
    ----------
    number
        Its place among all inputs, which are in the order of their paths.
    source
        Index of the folder or archive that it lies in; 0 is the source itself.
    path
        Where it lies in its source; in a folder as the operating system knows it.
    bytes
        Its size as its folder or archive says.
    refusal
        Why it is not to be opened at all, or None.
    """

    number: int
    source: int
    path: str
    bytes: int
    refusal: str | None


class Inputs:
    """Everything that a source holds, in the order of its paths; links are never followed.

    Raises
    ------
    SettingsError
        When the source is neither a folder nor an archive.
    MachineError
        When it is a folder that cannot be listed.
    """

    def __init__(self, source: Path) -> None:
        self.sources: list[tuple[Export, str]] = []
        self.inputs: list[Input] = []
        kind = "folder" if source.is_dir() else ARCHIVES.get(source.suffix.lower())
        if kind is None or not source.exists():
            raise SettingsError(f"{source} is no folder, .zip or .tar that is there (unpack .tar.gz first).")
        if kind == "folder":
            self.sources.append((_export(source, "folder"), ""))
            self._list_folder(source)
        else:
            self._add_archive(source, kind, "", 0, source.name)

    def name(self, item: Input) -> str:
        """Path of an input below the source, as text; a member's follows that of its archive."""
        return self.sources[item.source][1] + printable(item.path)

    def _add(self, source: int, path: str, size: int, refusal: str | None = None) -> None:
        self.inputs.append(Input(len(self.inputs), source, path, size, refusal))

    def _list_folder(self, folder: Path) -> None:
        base = os.fspath(folder)
        for path, size, refusal in _walk(base):
            kind = None if refusal else ARCHIVES.get(path[-4:].lower())
            if kind is None:
                self._add(0, path, size, refusal)
                continue
            self._add_archive(Path(base, path), kind, printable(path) + "/", size, path)

    def _add_archive(self, archive: Path, kind: Kind, prefix: str, size: int, path: str) -> None:
        """Its members; the archive itself where it cannot be opened or has none."""
        export = _export(archive, kind)
        self.sources.append((export, prefix))
        members: list[Entry] = []
        refusal = "NOT_DICOM"
        try:
            with OpenExport(export) as opened:
                members = sorted(opened.entries(), key=lambda member: member.path)
        except Refusal as damaged:
            refusal = damaged.reason
        except MachineError:
            refusal = "UNREADABLE"
        for member in members:
            self._add(len(self.sources) - 1, member.path, member.bytes, member.refusal)
        if not members:
            self._add(0, path, size, refusal)


class Reader:
    """Reads inputs; archives stay open for the next one, so every process has a reader of its own."""

    def __init__(self, sources: Sequence[tuple[Export, str]], limit: int) -> None:
        self._exports = [export for export, _ in sources]
        self._limit = limit
        self._opened: dict[int, OpenExport] = {}

    def read(self, item: Input) -> bytes:
        """Content of an input.

        Raises
        ------
        Refusal
            The input's own refusal, `TOO_LARGE` past the limit, `UNREADABLE`, `NOT_A_FILE`,
            `ARCHIVE_DAMAGED`.
        """
        if item.refusal is not None:
            raise Refusal(item.refusal)
        if item.bytes > self._limit:
            raise Refusal("TOO_LARGE")
        export = self._exports[item.source]
        if export.kind == "folder":
            return self._read_file(f"{export.path}/{item.path}")
        opened = self._opened.get(item.source)
        if opened is None:
            opened = self._opened[item.source] = OpenExport(export).__enter__()
        return opened.read(item.path, self._limit)

    def _read_file(self, path: str) -> bytes:
        """The file in one read, where it is what its size says."""
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            try:
                status = os.fstat(handle)
                if not stat.S_ISREG(status.st_mode):
                    raise Refusal("NOT_A_FILE")
                if status.st_size > self._limit:
                    raise Refusal("TOO_LARGE")
                return _read_all(handle, status.st_size, self._limit)
            finally:
                os.close(handle)
        except OSError:
            raise Refusal("UNREADABLE") from None

    def close(self) -> None:
        """Close the archives."""
        for opened in self._opened.values():
            opened.close()
        self._opened.clear()


def _read_all(handle: int, size: int, limit: int) -> bytes:
    data = os.read(handle, size + 1)
    if len(data) == size:
        return data
    parts, length = [data], len(data)
    while part := os.read(handle, 1024**2):
        parts.append(part)
        length += len(part)
        if length > limit:
            raise Refusal("TOO_LARGE")
    return b"".join(parts)


def _export(path: Path, kind: Kind) -> Export:
    return Export(path.name, path, kind, datetime.min.replace(tzinfo=UTC))


def _walk(base: str) -> Iterator[tuple[str, int, str | None]]:
    """Path below the base, size and refusal of every file, or of a folder that cannot be listed."""
    waiting = [""]
    found: list[tuple[str, int, str | None]] = []
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(f"{base}/{folder}") as entries:
                for entry in entries:
                    path = f"{folder}/{entry.name}" if folder else entry.name
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(path)
                    else:
                        found.append((path, *_look(entry)))
        except OSError as error:
            if not folder:
                raise MachineError(f"IN cannot be read: {error.strerror}.") from None
            found.append((folder, 0, "UNREADABLE"))
    yield from sorted(found)


def _look(entry: os.DirEntry[str]) -> tuple[int, str | None]:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return 0, "UNREADABLE"
    if stat.S_ISLNK(status.st_mode):
        return 0, "LINK"
    return (status.st_size, None) if stat.S_ISREG(status.st_mode) else (0, "NOT_A_FILE")
