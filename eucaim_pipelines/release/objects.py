"""The images' crossing: de-identify what is new, verify it, put it under its final key, remember it.

An object is done once per input hash, key, resolved patient, pooled-age flag and rules; it stays unseen
until a manifest names it.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace

import pyarrow as pa

from eucaim_pipelines.deidentification.images import Deidentifier, Subject
from eucaim_pipelines.deidentification.pseudonyms import Pseudonyms
from eucaim_pipelines.dicom.inventory import schema as inventory_schema
from eucaim_pipelines.errors import MachineError, Refusal
from eucaim_pipelines.ingest.exports import Export, OpenExport
from eucaim_pipelines.ingest.ledger import Ledger
from eucaim_pipelines.ingest.reception import chunked
from eucaim_pipelines.ingest.records import MadeObject, Reception
from eucaim_pipelines.release.store import ObjectStore

PUT_THREADS = 8
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Work:
    """One accepted input and the person it belongs to."""

    reception: Reception
    subject: Subject

    @property
    def key(self) -> tuple[str, str]:
        """Identity of the work within one recipe: input hash and subject."""
        return self.reception.sha256 or "", subject_name(self.subject)


@dataclass(frozen=True)
class Making:
    """What a worker needs besides the work: rules and key, store, dataset and size limit. Picklable."""

    deidentifier: Deidentifier
    store: ObjectStore
    dataset: str
    limit: int


def subject_name(subject: Subject) -> str:
    """The part of an object's memory that says for whom it was made."""
    return f"{subject.pseudonym}|{'90+' if subject.pooled_age else ''}"


def recipe(deidentifier: Deidentifier, key_id: str) -> str:
    """Digest of the rules and the key under which objects are made; another digest makes them anew."""
    return f"{deidentifier.digest}:{key_id}"


def make_objects(
    ledger: Ledger,
    work: Sequence[Work],
    exports: Mapping[str, Export],
    making: Making,
    key_id: str,
    executor: Executor,
    progress: Progress,
) -> dict[int, MadeObject]:
    """De-identify, verify and store every accepted input that was not done before.

    Returns
    -------
    dict
        Reception id → what was made of it. Inputs that are gone from landing, or changed since they were
        read, are absent: they wait for a later run.
    """
    rules = recipe(making.deidentifier, key_id)
    made = ledger.made(rules)
    seen = ledger.released()
    todo = [w for w in work if not _done(made.get(w.key), seen, making.store)]
    parts = [(export, part) for export, items in _by_export(todo, exports) for part in _cut(items)]
    total, done = len(todo), 0
    futures = [executor.submit(make_chunk, export, part, making) for export, part in parts]
    for future in as_completed(futures):
        results = future.result()
        ledger.remember(rules, results)
        made |= {(result.sha256, result.subject): result for result in results}
        done += len(results)
        progress(done, total)
    return {w.reception.id: made[w.key] for w in work if w.key in made}


def make_chunk(export: Export, part: Sequence[Work], making: Making) -> list[MadeObject]:
    """De-identify some objects of one export; runs in a worker process."""
    outputs: list[tuple[MadeObject, bytes]] = []
    results: list[MadeObject] = []
    try:
        with OpenExport(export) as opened:
            for item in part:
                made = _make(opened, item, making)
                if made is None:
                    continue
                results.append(made[0])
                if made[1]:
                    outputs.append(made)
    except OSError as error:
        raise MachineError(f"Export '{export.name}' cannot be read: {error.strerror}.") from None
    except Refusal:
        return []
    with ThreadPoolExecutor(PUT_THREADS) as threads:
        list(threads.map(lambda output: making.store.put(output[0].key or "", output[1]), outputs))
    return results


def instances_table(made: Mapping[int, MadeObject], pseudonyms: Pseudonyms) -> pa.Table:
    """One row per released SOP instance: the header inventory of the de-identified objects.

    Source hashes cross as HMAC under the site's key only.
    """
    rows = []
    for item in made.values():
        if item.row is None:
            continue
        rows.append(
            dict(item.row)
            | {
                "object_key": item.key,
                "object_bytes": item.bytes,
                "object_sha256": item.object_sha256,
                "source_digest": pseudonyms.digest("source", item.sha256),
            }
        )
    rows.sort(key=lambda row: (str(row["SeriesInstanceUID"]), str(row["SOPInstanceUID"])))
    return pa.Table.from_pylist(rows, schema=instances_schema())


def instances_schema() -> pa.Schema:
    """Schema of `instances_table`."""
    own = [
        pa.field("object_key", pa.string()),
        pa.field("object_bytes", pa.int64()),
        pa.field("object_sha256", pa.string()),
        pa.field("source_digest", pa.string()),
    ]
    schema = inventory_schema()
    return pa.schema([*schema, *own], metadata=schema.metadata)


def _done(made: MadeObject | None, seen: set[str], store: ObjectStore) -> bool:
    """A remembered object counts unless no release names it and the store has lost it."""
    if made is None:
        return False
    return made.key is None or made.key in seen or store.size(made.key) == made.bytes


def _by_export(todo: Iterable[Work], exports: Mapping[str, Export]) -> list[tuple[Export, list[Work]]]:
    groups: dict[str, list[Work]] = defaultdict(list)
    for item in todo:
        groups[item.reception.export].append(item)
    return [(exports[name], items) for name, items in groups.items() if name in exports]


def _cut(items: Sequence[Work]) -> Iterable[list[Work]]:
    return chunked(items, lambda item: item.reception.bytes)


def _tag(tag: int) -> str:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def _make(opened: OpenExport, item: Work, making: Making) -> tuple[MadeObject, bytes] | None:
    base = MadeObject(sha256=item.reception.sha256 or "", subject=subject_name(item.subject))
    try:
        data = opened.read(item.reception.path, making.limit)
    except (Refusal, KeyError, FileNotFoundError):
        return None
    if hashlib.sha256(data).hexdigest() != item.reception.sha256:
        return None
    try:
        output = making.deidentifier.deidentify_verified(data, item.subject)
    except Refusal as refusal:
        return replace(base, refusal=refusal.reason), b""
    sha256 = hashlib.sha256(output.data).hexdigest()
    row = output.row
    folder = "/".join(row[name] for name in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID"))
    made = replace(
        base,
        key=f"{making.dataset}/imaging_data/{folder}/{sha256[:32]}.dcm",
        bytes=len(output.data),
        object_sha256=sha256,
        row=row,
        actions=tuple((_tag(tag), what, why, n) for (tag, what, why), n in sorted(output.actions.items())),
    )
    return made, output.data
