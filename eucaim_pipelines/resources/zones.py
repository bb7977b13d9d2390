"""The two zones on this machine: restricted, and releasable (staged until a release names it).

They hold and hand out tables and files by name; what these mean is not known here.
"""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pyarrow.dataset as ds

from eucaim_pipelines.errors import DataError, MachineError
from eucaim_pipelines.ingest.exports import Export, complete_exports
from eucaim_pipelines.ingest.ledger import Ledger
from eucaim_pipelines.ingest.row_book import RowBook
from eucaim_pipelines.ingest.sketch_book import SketchBook
from eucaim_pipelines.release.parquet import decode, encode

ROW_BOOK = "rows.sqlite"


class Shelf:
    """A private folder of tables and files by name; a name may hold slashes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, name: str, table: pa.Table) -> None:
        """Store a table."""
        self.write_bytes(f"{name}.parquet", encode(table))

    def read(self, name: str) -> pa.Table:
        """A table stored before."""
        return decode(self.read_bytes(f"{name}.parquet"))

    def scan(self, name: str) -> ds.Dataset:
        """A table stored before, of which columns are read when they are asked for.

        Raises
        ------
        DataError
            As `read_bytes`.
        """
        path = self.path(f"{name}.parquet")
        if not path.is_file():
            raise _missing(path.name)
        return ds.dataset(path, format="parquet")

    def scan_all(self, name: str) -> dict[str, ds.Dataset]:
        """A folder of tables stored before, each as `scan` gives it."""
        return {
            path.stem: self.scan(f"{name}/{path.stem}")
            for path in sorted((self.folder / name).glob("*.parquet"))
        }

    def write_all(self, name: str, tables: dict[str, pa.Table]) -> None:
        """Store a folder of tables, one for each key; what lay there before is gone afterwards."""
        folder = self.folder / name
        for path in folder.glob("*.parquet") if folder.is_dir() else ():
            if path.stem not in tables:
                path.unlink()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for key, table in tables.items():
            self.write(f"{name}/{key}", table)

    def read_all(self, name: str) -> dict[str, pa.Table]:
        """A folder of tables stored before."""
        return {
            path.stem: self.read(f"{name}/{path.stem}")
            for path in sorted((self.folder / name).glob("*.parquet"))
        }

    def write_bytes(self, name: str, data: bytes) -> None:
        """Store a file; a crash leaves the old one or the new one."""
        path = self.folder / name
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, partial = tempfile.mkstemp(dir=path.parent, prefix=".partial-")
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
            Path(partial).rename(path)
        except OSError as error:
            raise MachineError(f"The restricted zone cannot be written: {error.strerror}.") from None

    def read_bytes(self, name: str) -> bytes:
        """A file stored before.

        Raises
        ------
        DataError
            If nothing was stored under the name: an asset upstream has not run for this dataset.
        """
        try:
            return (self.folder / name).read_bytes()
        except FileNotFoundError:
            raise _missing(name) from None
        except OSError as error:
            raise MachineError(f"The restricted zone cannot be read: {error.strerror}.") from None

    def write_files(self, name: str, files: Mapping[str, bytes]) -> None:
        """Store a folder of files; what lay there before is gone afterwards."""
        folder = self.folder / name
        for path in folder.rglob("*") if folder.is_dir() else ():
            if path.is_file() and path.relative_to(folder).as_posix() not in files:
                path.unlink()
        for key, data in files.items():
            self.write_bytes(f"{name}/{key}", data)

    def read_files(self, name: str) -> dict[str, bytes]:
        """A folder of files stored before, by their path in it; empty if there is none."""
        folder = self.folder / name
        paths = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}

    def path(self, name: str) -> Path:
        """Where a name lies, for a person who wants to open it."""
        return self.folder / name


def _missing(name: str) -> DataError:
    return DataError(f"'{name}' has not been made for this dataset. Materialise what is upstream first.")


class RestrictedZone(dg.ConfigurableResource):
    """Landing (read only) and this machine's private folder: ledger, header inventory, clinical rows."""

    folder: str
    landing: str
    max_file_bytes: int = 4 * 1024**3

    def exports(self, dataset: str) -> list[Export]:
        """Complete exports of a dataset, oldest first."""
        return complete_exports(Path(self.landing), dataset)

    def ledger(self, dataset: str) -> Ledger:
        """The dataset's ledger, to be used as a context manager."""
        return Ledger(dataset_folder(self.folder, dataset) / "ledger.sqlite")

    def row_book(self, dataset: str) -> RowBook:
        """The book of the dataset's clinical rows, to be used as a context manager."""
        return RowBook(dataset_folder(self.folder, dataset) / ROW_BOOK)

    def sketch_book(self, dataset: str) -> SketchBook:
        """The sketches of the dataset's images, to be used as a context manager."""
        return SketchBook(dataset_folder(self.folder, dataset) / "sketches.sqlite")

    def shelf(self, dataset: str) -> Shelf:
        """The dataset's restricted tables."""
        return Shelf(dataset_folder(self.folder, dataset))


class CheckResults(dg.ConfigurableResource):
    """Where checks leave the entries at fault: a place of the restricted zone to write to, not to read."""

    folder: str

    def keep(self, dataset: str, tier: int, entries: pa.Table) -> None:
        """Store the entries that the checks of a tier found at fault; those of earlier runs are gone."""
        Shelf(dataset_folder(self.folder, dataset)).write(f"tier_{tier}/check_results", entries)


class ReleasableZone(dg.ConfigurableResource):
    """De-identified tables and documents, staged on this machine until a release names them."""

    folder: str

    def shelf(self, dataset: str) -> Shelf:
        """The dataset's staged tables."""
        return Shelf(dataset_folder(self.folder, dataset) / "releasable")


class Publications(dg.ConfigurableResource):
    """What a release reports back to the ledger: which objects it names, and that a run came to its end."""

    folder: str

    def published(self, dataset: str, keys: list[str]) -> None:
        """The newest release names these objects."""
        with Ledger(dataset_folder(self.folder, dataset) / "ledger.sqlite") as ledger:
            ledger.release_names(keys)

    def newest(self, dataset: str, part: str) -> str | None:
        """Version that was reported last for a part of the job."""
        with Ledger(dataset_folder(self.folder, dataset) / "ledger.sqlite") as ledger:
            return ledger.fact(f"version_{part}")

    def finished(self, dataset: str, part: str, state: str, version: str | None = None) -> None:
        """A part of the job came to its end on a state of the dataset; `version` if it released one.

        The book of clinical rows then says of every row with news that this release brought it.
        """
        released = {f"version_{part}": version} if version else {}
        if version:
            with RowBook(dataset_folder(self.folder, dataset) / ROW_BOOK) as book:
                book.stamp(part, version, state)
        with Ledger(dataset_folder(self.folder, dataset) / "ledger.sqlite") as ledger:
            ledger.note(**{f"finished_{part}": state}, **released)


def dataset_folder(restricted: str | Path, dataset: str) -> Path:
    """A dataset's folder in the restricted zone."""
    return Path(restricted) / dataset
