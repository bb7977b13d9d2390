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


class Target:
    """OUT, held for one run; a context manager that leaves nothing behind when the run fails.

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
            if any(entry != self.staging for entry in self.folder.iterdir()):
                raise SettingsError("OUT must be an empty folder, or one that is not there yet.")
            if self.staging.exists():
                shutil.rmtree(self.staging)
            self.staging.mkdir(mode=0o700)
        except SettingsError:
            os.close(self._handle)
            raise
        except BlockingIOError:
            os.close(self._handle)
            raise MachineError("Another run writes to OUT. Try again when it has ended.") from None
        except (FileExistsError, NotADirectoryError):
            raise SettingsError("OUT must be a folder.") from None
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
                with suppress(OSError):
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
        When it cannot be written.
    """

    COLUMNS = ("input", "sha256", "disposition", "reason", "output")

    def __init__(self, path: Path) -> None:
        self.path = path
        self._partial = path.with_name(f"{path.name}.{os.getpid()}.partial")

    def __enter__(self) -> Self:
        if self.path.exists():
            raise SettingsError("The ledger is there already: move it away, or name another with --ledger.")
        try:
            handle = os.open(self._partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.fchmod(handle, 0o600)
        except FileNotFoundError:
            raise SettingsError("The folder of the ledger is not there.") from None
        except OSError as error:
            raise MachineError(f"The ledger cannot be written: {error.strerror}.") from None
        self._file = os.fdopen(handle, "w", encoding="utf-8", newline="")
        return self

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
