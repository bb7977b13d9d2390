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
from eucaim_pipelines.ingest import clinical_files, label_maps
from eucaim_pipelines.ingest.chunks import Progress, chunked
from eucaim_pipelines.ingest.exports import Entry, Export, OpenExport
from eucaim_pipelines.ingest.ledger import Ledger
from eucaim_pipelines.ingest.records import Reading

_UNKNOWN = ("NOT_DICOM", "ARCHIVE_COMPRESSED")
"""What the reader of DICOM files says of all others."""


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
    halves: dict[str, dict[str, tuple[str, str]]] = {}
    for export in exports:
        ledger.register(export)
        entries = listing[export.name]
        pairs = label_maps.pairs(_not_tables(entries, source))
        halves[export.name] = {path: pair for pair in pairs.items() for path in pair}
        fresh = _unread(entries, ledger.known(export.name), halves[export.name])
        chunks += [(export, chunk) for chunk in chunked(fresh, lambda entry: entry.bytes)]
    total, done = sum(len(entries) for _, entries in chunks), 0
    futures = {
        executor.submit(read_chunk, export, part, source, limit, _of(part, halves[export.name])): export
        for export, part in chunks
    }
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


def read_chunk(
    export: Export,
    entries: Sequence[Entry],
    source: SourceContract,
    limit: int,
    pairs: Mapping[str, str] | None = None,
) -> list[_Result]:
    """Read some files of one export; runs in a worker process. One bad file never stops the others.

    `pairs`: path of a DICOM JSON to that of its label map, as far as either is among the files.
    """
    refused = [_Result(Reading(entry, refusal=entry.refusal)) for entry in entries if entry.refusal]
    readable = [entry for entry in entries if not entry.refusal]
    if not readable:
        return refused
    with OpenExport(export) as opened:
        return refused + [_read(opened, entry, source, limit, pairs or {}) for entry in readable]


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


def _unread(
    entries: Sequence[Entry],
    known: Mapping[str, tuple[int, int, str | None]],
    halves: Mapping[str, tuple[str, str]],
) -> list[Entry]:
    """Files that are new or changed, and the other half of a pair that has a new half."""
    new = {e.path for e in entries if known.get(e.path, (None,))[:2] != (e.size, e.mtime_ns)}
    return [e for e in entries if e.path in new or not new.isdisjoint(halves.get(e.path, ()))]


def _not_tables(entries: Iterable[Entry], source: SourceContract) -> list[Entry]:
    return [entry for entry in entries if not source.files_for(PurePosixPath(entry.path).name)]


def _of(part: Iterable[Entry], halves: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """The pairs that a worker's share has a half of: path of the JSON to that of the label map."""
    return dict(halves[entry.path] for entry in part if entry.path in halves)


def _read(
    opened: OpenExport, entry: Entry, source: SourceContract, limit: int, pairs: Mapping[str, str]
) -> _Result:
    described_by = {label_map: described for described, label_map in pairs.items()}.get(entry.path)
    if entry.bytes > limit:
        return _Result(Reading(entry, refusal="TOO_LARGE", described_by=described_by))
    try:
        data = opened.read(entry.path, limit)
    except Refusal as refusal:
        return _Result(Reading(entry, refusal=refusal.reason, described_by=described_by))
    sha256 = hashlib.sha256(data).hexdigest()
    if described_by is not None:
        return _Result(Reading(entry, sha256, described_by=described_by))
    if entry.path in pairs:
        return _Result(label_maps.reading(opened, entry, data, pairs[entry.path], limit))
    specs = source.files_for(PurePosixPath(entry.path).name)
    if specs:
        return _read_table(entry, data, sha256, specs)
    try:
        header, ds = examine(data)
    except Refusal as refusal:
        content = content_sha256(data) if refusal.header is not None else None
        reason = (refusal.reason in _UNKNOWN and label_maps.half(data)) or refusal.reason
        return _Result(Reading(entry, sha256, content, refusal=reason, header=refusal.header))
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
