"""A clinical table that lacks a column which the delivery before had: told before anything changes.

How a file is read lies in `clinical_files`. A file that never had its columns is quarantined there.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from eucaim_pipelines.contracts.sources import ClinicalFile, SourceContract
from eucaim_pipelines.errors import DataError, Refusal
from eucaim_pipelines.ingest.clinical_files import missing_columns
from eucaim_pipelines.ingest.exports import Entry, Export, OpenExport
from eucaim_pipelines.ingest.ledger import Ledger


class LostColumnsError(DataError):
    """A delivered table lacks columns that the delivery before had; the run stops.

    The message names the pattern of the file and columns of the contract, never a file's own name or cell.
    """

    def __init__(self, spec: ClinicalFile, columns: Sequence[str]) -> None:
        super().__init__(
            f"A new file of '{spec.files}' lacks columns that the delivery before had: {', '.join(columns)}. "
            f"Nothing was changed. Deliver it again with them, or take them out of '{spec.name}' in the "
            "source contract."
        )
        self.columns = tuple(columns)


def lost_columns(now: bytes, before: bytes, spec: ClinicalFile) -> tuple[str, ...]:
    """Columns of the contract that the file before had and the one now has not, in the contract's order.

    Files that cannot be read have lost nothing: they are refused for that.
    """
    missing = _missing(now, spec)
    had = _missing(before, spec) if missing else None
    return () if missing is None or had is None else tuple(name for name in missing if name not in had)


def stop_where_columns_are_lost(
    ledger: Ledger,
    exports: Sequence[Export],
    listing: Mapping[str, Sequence[Entry]],
    source: SourceContract,
    *,
    tables: Path,
    limit: int,
) -> None:
    """Compare every new clinical table with the newest one of its kind that was received before.

    Parameters
    ----------
    listing
        What each export holds, by its name.
    tables
        Folder of the restricted zone with the clinical tables as received, by their SHA-256.
    limit
        Largest file in bytes; larger ones are not looked at.

    Raises
    ------
    LostColumnsError
        A new table lacks a column that the one before had.
    """
    for now, spec in _new_tables(ledger, exports, listing, source, limit):
        if not _missing(now, spec):
            continue
        before = _newest(ledger, spec, tables)
        lost = lost_columns(now, before.read_bytes(), spec) if before is not None else ()
        if lost:
            raise LostColumnsError(spec, lost)


def _new_tables(
    ledger: Ledger,
    exports: Sequence[Export],
    listing: Mapping[str, Sequence[Entry]],
    source: SourceContract,
    limit: int,
) -> Iterator[tuple[bytes, ClinicalFile]]:
    for export in exports:
        known = ledger.known(export.name)
        fresh = [
            (entry, source.files_for(PurePosixPath(entry.path).name))
            for entry in listing[export.name]
            if not entry.refusal and entry.bytes <= limit
            if known.get(entry.path, (None,))[:2] != (entry.size, entry.mtime_ns)
        ]
        described = [(entry, specs) for entry, specs in fresh if specs]
        if not described:
            continue
        with OpenExport(export) as opened:
            for entry, specs in described:
                data = _content(opened, entry, limit)
                yield from ((data, spec) for spec in specs if data is not None)


def _content(opened: OpenExport, entry: Entry, limit: int) -> bytes | None:
    try:
        return opened.read(entry.path, limit)
    except Refusal:  # told when it is received
        return None


def _newest(ledger: Ledger, spec: ClinicalFile, tables: Path) -> Path | None:
    """The table that was received last under this pattern, as received."""
    found = [
        (reception.order, tables / reception.sha256)
        for reception in ledger.receptions()
        if reception.sha256 is not None and spec.matches(PurePosixPath(reception.path).name)
    ]
    return max(((order, path) for order, path in found if path.is_file()), default=(None, None))[1]


def _missing(data: bytes, spec: ClinicalFile) -> tuple[str, ...] | None:
    try:
        return missing_columns(data, spec)
    except Refusal:
        return None
