"""The output folder of a one-off run: outputs wait unseen until all is decided, then they are published.

What an interrupted run leaves is cleared by the next one. Nothing is decided here.
"""

import csv
import fcntl
import os
import shutil
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from eucaim_pipelines.errors import MachineError, SettingsError

UNFINISHED = ".unfinished"


_NO_FOLDER = "OUT is no folder: name one that is empty or not there yet."


def check_out(folder: Path) -> None:
    """Say what is wrong with an OUT that cannot be written to.

    Raises
    ------
    SettingsError
        When it is no folder, or holds anything but what an interrupted run left.
    MachineError
        When it cannot be read.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise SettingsError(_NO_FOLDER)
    try:
        names = {entry.name for entry in folder.iterdir()}
    except OSError as error:
        raise MachineError(f"OUT cannot be read: {error.strerror}.") from None
    if names - {UNFINISHED}:
        raise SettingsError("OUT is not empty: name a folder that is, or one that is not there yet.")


class Target:
    """OUT, held for one run; a context manager that leaves no OUT behind when nothing is published.

    Raises
    ------
    SettingsError
        On entering, when OUT is no folder or holds anything but what an interrupted run left.
    MachineError
        On entering, when another run writes to it, or nobody can.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.staging = folder / UNFINISHED
        self._made = False
        self._published: list[Path] = []
        self._handle = -1

    def __enter__(self) -> Self:
        try:
            self._made = not self.folder.exists()
            self.folder.mkdir(parents=True, exist_ok=True)
            self._handle = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            check_out(self.folder)
            if self.staging.exists():
                shutil.rmtree(self.staging)
            self.staging.mkdir(mode=0o700)
        except (SettingsError, MachineError):
            os.close(self._handle)
            raise
        except BlockingIOError:
            os.close(self._handle)
            raise MachineError("Another run writes to OUT. Try again when it has ended.") from None
        except (FileExistsError, NotADirectoryError):
            raise SettingsError(_NO_FOLDER) from None
        except OSError as error:
            raise MachineError(f"OUT cannot be written: {error.strerror}.") from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self.staging, ignore_errors=True)
        if error is not None:
            for folder in self._published:
                shutil.rmtree(folder, ignore_errors=True)
        if self._made:
            with suppress(OSError):  # unless something was published
                self.folder.rmdir()
        os.close(self._handle)

    def publish(self, staged: Iterable[str], chosen: Collection[str]) -> None:
        """Move the chosen outputs into place, and remove the others.

        Parameters
        ----------
        staged
            Paths below the staging folder of all that was written.
        chosen
            Those of them that are published.

        Raises
        ------
        MachineError
            When the folder cannot be written.
        """
        try:
            for path in sorted(set(staged).difference(chosen)):
                self._discard(self.staging / path)
            for patient in sorted(self.staging.iterdir()):
                self._published.append(patient.rename(self.folder / patient.name))
        except OSError as error:
            raise MachineError(f"OUT cannot be written: {error.strerror}.") from None

    def _discard(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        with suppress(OSError):  # the first folder that still holds something stops the way up
            for folder in list(path.parents)[:3]:
                folder.rmdir()


class LedgerFile:
    """The ledger as a CSV file that only its owner may read: it holds the senders' paths.

    Raises
    ------
    SettingsError
        When the file is there already, or its folder is not.
    MachineError
        When it cannot be written, or another run is writing it.
    """

    COLUMNS = ("input", "sha256", "disposition", "reason", "output")

    def __init__(self, path: Path) -> None:
        self.path = path
        self._partial = path.with_name(f"{path.name}.partial")  # a killed run's is taken over by the next

    def __enter__(self) -> Self:
        if self.path.exists():
            raise SettingsError(
                f"The ledger {self.path} is there already: move it away, or name another with --ledger."
            )
        try:
            handle = os.open(self._partial, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            self._file = os.fdopen(handle, "w", encoding="utf-8", newline="")
            self._hold(handle)
        except FileNotFoundError:
            raise SettingsError(f"The folder of the ledger {self.path} is not there.") from None
        except OSError as error:
            raise MachineError(f"The ledger cannot be written: {error.strerror}.") from None
        return self

    def _hold(self, handle: int) -> None:
        """Keep other runs off the half-written file, and empty it."""
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            mine = self._partial.exists() and os.path.samestat(self._partial.stat(), os.fstat(handle))
        except BlockingIOError:
            mine = False
        if not mine:
            self._file.close()
            raise MachineError(f"Another run writes the ledger {self.path}: name another with --ledger.")
        os.fchmod(handle, 0o600)
        os.ftruncate(handle, 0)

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._partial.unlink(missing_ok=True)

    def write(self, rows: Iterable[Sequence[str]]) -> None:
        """Write all rows to disk; they are seen once `finish` was called."""
        try:
            table = csv.writer(self._file)
            table.writerow(self.COLUMNS)
            table.writerows(rows)
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError as error:
            raise MachineError(f"The ledger cannot be written: {error.strerror}.") from None

    def finish(self) -> None:
        """Give the file its name."""
        try:
            self._partial.rename(self.path)
        except OSError as error:
            raise MachineError(f"The ledger cannot be written: {error.strerror}.") from None
