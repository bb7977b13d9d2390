"""The images' crossing: de-identify what is new, verify it, put it under its final key, remember it.

An object is done once per input hash, key, resolved patient, pooled-age flag and rules; it stays unseen
until a manifest names it.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from typing import Any

from pydicom.datadict import keyword_for_tag

from eucaim_pipelines.deidentification.images import Deidentified, Deidentifier, Subject
from eucaim_pipelines.deidentification.reading_back import read_back
from eucaim_pipelines.dicom.inventory import pixel_digest
from eucaim_pipelines.errors import Refusal
from eucaim_pipelines.ingest import inventory
from eucaim_pipelines.ingest.chunks import chunked
from eucaim_pipelines.ingest.exports import Export, OpenExport
from eucaim_pipelines.ingest.ledger import Ledger
from eucaim_pipelines.ingest.records import MadeObject, Reception
from eucaim_pipelines.release import manifest as manifests
from eucaim_pipelines.release.store import ObjectStore

PUT_THREADS = 8

_resident: dict[str, Deidentifier] = {}
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
    """What a worker needs besides the work. Picklable.

    Attributes
    ----------
    limit
        Bytes of the largest file that is read.
    key_id
        Names the key of the deidentifier.
    read_all
        Whether pydicom reads back every object, not only new structures and a sample.
    structures
        Structures of objects that were read back before, in this dataset and under these rules.
    """

    deidentifier: Deidentifier
    store: ObjectStore
    dataset: str
    limit: int
    key_id: str
    read_all: bool = False
    structures: frozenset[str] = frozenset()

    @property
    def recipe(self) -> str:
        """Digest of the rules and the key under which objects are made; another digest makes them anew."""
        return f"{self.deidentifier.digest}:{self.key_id}"

    @property
    def made_under(self) -> dict[str, str]:
        """The same by its parts, as the lineage of a release states it."""
        return {
            "profile_digest": self.deidentifier.profile.digest,
            "rules_digest": self.deidentifier.digest,
            "key_id": self.key_id,
        }


def subject_name(subject: Subject) -> str:
    """The part of an object's memory that says for whom it was made."""
    return f"{subject.pseudonym}|{'90+' if subject.pooled_age else ''}"


def object_key(dataset: str, row: Mapping[str, Any], sha256: str) -> str:
    """The final key of a released object, from its own identifiers and the SHA-256 of its bytes."""
    folder = "/".join(row[name] for name in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID"))
    return f"{dataset}/imaging_data/{folder}/{sha256[:32]}.dcm"


def make_objects(
    ledger: Ledger,
    work: Sequence[Work],
    exports: Mapping[str, Export],
    making: Making,
    executor: Executor,
    progress: Progress,
) -> dict[int, MadeObject]:
    """De-identify, verify and store every accepted input that was not done before.

    Returns
    -------
    dict
        Reception id → what was made of it. Where an input is gone from landing, or changed since it was read,
        another reception of the same content takes its place; without one it is absent and waits.
    """
    made = _make_all(ledger, work, exports, making, executor, progress)
    absent = {w.reception.id: w for w in work if w.reception.id not in made}
    twins = inventory.twins(ledger, absent)
    again = [replace(absent[key], reception=twin) for key, twin in twins.items()]
    found = _make_all(ledger, again, exports, making, executor, progress) if again else {}
    return made | {key: found[twin.id] for key, twin in twins.items() if twin.id in found}


def _make_all(
    ledger: Ledger,
    work: Sequence[Work],
    exports: Mapping[str, Export],
    making: Making,
    executor: Executor,
    progress: Progress,
) -> dict[int, MadeObject]:
    rules = making.recipe
    making = replace(making, structures=ledger.structures(rules))
    made = ledger.made(rules)
    seen = manifests.named(making.store, making.dataset)
    todo = [w for w in work if not is_there(made.get(w.key), seen, making.store)]
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
    # Every chunk brings its own deidentifier along; the first one stays, with the rules that it has resolved.
    making = replace(making, deidentifier=_resident.setdefault(making.recipe, making.deidentifier))
    known = set(making.structures)
    try:
        with OpenExport(export) as opened:
            for item in part:
                made = _make(opened, item, making, known)
                if made is None:
                    continue
                results.append(made[0])
                if made[1]:
                    outputs.append(made)
    except Refusal:
        return []
    with ThreadPoolExecutor(PUT_THREADS) as threads:
        list(threads.map(lambda output: making.store.put(output[0].key or "", output[1]), outputs))
    return results


def is_there(made: MadeObject | None, seen: set[str], store: ObjectStore) -> bool:
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


def _make(opened: OpenExport, item: Work, making: Making, known: set[str]) -> tuple[MadeObject, bytes] | None:
    base = MadeObject(sha256=item.reception.sha256 or "", subject=subject_name(item.subject))
    try:
        data = opened.read(item.reception.path, making.limit)
    except (Refusal, KeyError, FileNotFoundError):
        return None
    if hashlib.sha256(data).hexdigest() != item.reception.sha256:
        return None
    try:
        output = making.deidentifier.deidentify_verified(data, item.subject)
        released = output.data
        sha256 = hashlib.sha256(released).hexdigest()
        read_back(output, sha256, making.deidentifier, known, everything=making.read_all)
    except Refusal as refusal:
        return replace(base, refusal=refusal.reason), b""
    row, syntax = output.row, output.row["TransferSyntaxUID"]
    digest = pixel_digest(output.pixels, syntax)
    row["pixel_digest"] = making.deidentifier.pseudonyms.digest("pixels", digest) if digest else None
    made = replace(
        base,
        key=object_key(making.dataset, row, sha256),
        bytes=len(released),
        object_sha256=sha256,
        row=row,
        actions=tuple((_tag(tag), what, why, n) for (tag, what, why), n in sorted(output.actions.items())),
        structure=output.structure,
        residuals=output.residuals,
        unknown_terms=terms_by_name(output),
    )
    return made, released


def terms_by_name(output: Deidentified) -> tuple[tuple[str, str], ...]:
    """Keyword and term of what the lists of terms do not know in an object, sorted."""
    return tuple(sorted((keyword_for_tag(tag), term) for tag, term in output.unknown_terms))
