"""Reading what is new in landing: hashes and header rows into the ledger, clinical tables beside it.

A file is recognised by path, size and mtime and not read again. Landing is never written to.
"""

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from eucaim_pipelines.contracts.sources import ClinicalFile, SourceContract
from eucaim_pipelines.dicom.examination import examine
from eucaim_pipelines.dicom.inventory import pixel_digest, pixels
from eucaim_pipelines.dicom.reading import content_sha256
from eucaim_pipelines.errors import MachineError, Refusal
from eucaim_pipelines.ingest import clinical_files
from eucaim_pipelines.ingest.chunks import Progress, chunked
from eucaim_pipelines.ingest.exports import Entry, Export, OpenExport
from eucaim_pipelines.ingest.ledger import Ledger
from eucaim_pipelines.ingest.records import Reading


@dataclass(frozen=True)
class Landing:
    """What one look at landing found: files listed, and how many of them had to be read."""

    exports: int
    listed: int
    read: int


@dataclass(frozen=True)
class _Result:
    """One reading, with the content of a clinical table on its way from the worker to the restricted zone."""

    reading: Reading
    table: bytes | None = None


def receive(
    ledger: Ledger,
    exports: Sequence[Export],
    listing: Mapping[str, Sequence[Entry]],
    source: SourceContract,
    executor: Executor,
    *,
    tables: Path,
    limit: int,
    progress: Progress,
) -> Landing:
    """Read every new or changed file of the exports into the ledger, chunk by chunk.

    Parameters
    ----------
    listing
        What each export holds (`list_exports`).
    tables
        Folder of the restricted zone that takes clinical tables as received, by their SHA-256.
    limit
        Largest file in bytes; larger ones are refused.
    progress
        Called with (files read, files to read).
    """
    chunks: list[tuple[Export, list[Entry]]] = []
    for export in exports:
        ledger.register(export)
        fresh = _unread(listing[export.name], ledger.known(export.name))
        chunks += [(export, chunk) for chunk in chunked(fresh, lambda entry: entry.bytes)]
    total, done = sum(len(entries) for _, entries in chunks), 0
    futures = {executor.submit(read_chunk, export, part, source, limit): export for export, part in chunks}
    for future in as_completed(futures):
        results = future.result()
        for result in results:
            _keep_table(result, tables)
        ledger.record(futures[future].name, [result.reading for result in results])
        done += len(results)
        progress(done, total)
    for name, entries in listing.items():
        ledger.listed(name, [entry.path for entry in entries])
    return Landing(len(exports), sum(map(len, listing.values())), total)


def read_chunk(export: Export, entries: Sequence[Entry], source: SourceContract, limit: int) -> list[_Result]:
    """Read some files of one export; runs in a worker process. One bad file never stops the others."""
    refused = [_Result(Reading(entry, refusal=entry.refusal)) for entry in entries if entry.refusal]
    readable = [entry for entry in entries if not entry.refusal]
    if not readable:
        return refused
    with OpenExport(export) as opened:
        return refused + [_read(opened, entry, source, limit) for entry in readable]


def list_exports(exports: Iterable[Export]) -> dict[str, list[Entry]]:
    """What each export holds, by its name; nothing is read yet."""
    return {export.name: _list(export) for export in exports}


def _list(export: Export) -> list[Entry]:
    try:
        with OpenExport(export) as opened:
            return list(opened.entries())
    except Refusal as refusal:
        status = export.path.stat()
        return [Entry(export.name, status.st_size, status.st_mtime_ns, status.st_size, refusal.reason)]
    except OSError as error:
        raise MachineError(f"Export '{export.name}' cannot be read: {error.strerror}.") from None


def _unread(entries: Iterable[Entry], known: Mapping[str, tuple[int, int, str | None]]) -> list[Entry]:
    return [e for e in entries if known.get(e.path, (None,))[:2] != (e.size, e.mtime_ns)]


def _read(opened: OpenExport, entry: Entry, source: SourceContract, limit: int) -> _Result:
    if entry.bytes > limit:
        return _Result(Reading(entry, refusal="TOO_LARGE"))
    try:
        data = opened.read(entry.path, limit)
    except Refusal as refusal:
        return _Result(Reading(entry, refusal=refusal.reason))
    sha256 = hashlib.sha256(data).hexdigest()
    specs = source.files_for(PurePosixPath(entry.path).name)
    if specs:
        return _read_table(entry, data, sha256, specs)
    try:
        header, ds = examine(data)
    except Refusal as refusal:
        content = content_sha256(data) if refusal.header is not None else None
        return _Result(Reading(entry, sha256, content, refusal=refusal.reason, header=refusal.header))
    header["pixel_digest"] = pixel_digest(pixels(ds), ds.transfer_syntax)
    return _Result(Reading(entry, sha256, content_sha256(data), header=header))


def _read_table(entry: Entry, data: bytes, sha256: str, specs: Sequence[ClinicalFile]) -> _Result:
    """A table that one of its descriptions cannot read, or none finds a row in, is refused as a whole."""
    name = specs[0].name
    try:
        clinical_files.refuse(data, specs)
    except Refusal as refusal:
        return _Result(Reading(entry, sha256, clinical_file=name, refusal=refusal.reason), data)
    return _Result(Reading(entry, sha256, clinical_file=name), data)


def _keep_table(result: _Result, tables: Path) -> None:
    """Keep a clinical table as received: how it is read may change with the source contract."""
    if result.table is None:
        return
    tables.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = tables / str(result.reading.sha256)
    partial = path.with_suffix(".partial")
    with partial.open("wb") as stream:
        stream.write(result.table)
        stream.flush()
        os.fsync(stream.fileno())
    partial.chmod(0o600)
    partial.rename(path)
