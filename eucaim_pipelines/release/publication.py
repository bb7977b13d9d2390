"""Publishing one tier: tables, object lists, files, manifest, and the pointer last.

A reader goes pointer → manifest → objects and sees the old or the new release, never a mixture.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from eucaim_pipelines.errors import MachineError
from eucaim_pipelines.release import lineage
from eucaim_pipelines.release import manifest as manifests
from eucaim_pipelines.release.manifest import Item, Manifest
from eucaim_pipelines.release.parquet import decode, encode
from eucaim_pipelines.release.store import ObjectStore


@dataclass(frozen=True)
class Content:
    """What a release of one tier will hold, before it has a record and a report.

    `tables` are Parquet bytes by name, `files` are extra files by name (the tier's file structure), `lineage`
    is the Parquet of `release.lineage`; `rules` are the digests of everything that shaped the content: source
    contract, profile, tiers, software. `object_items` are the lists of `instances` (`object_lists`).
    """

    dataset_id: str
    tier: int
    newest_export: datetime
    software: str
    instances: pa.Table
    object_items: Sequence[tuple[Item, bytes]]
    tables: Mapping[str, bytes]
    rows: Mapping[str, int]
    rules: Mapping[str, str]
    files: Mapping[str, bytes] = field(default_factory=dict)
    lineage: bytes | None = None

    @cached_property
    def version(self) -> str:
        """Version of the release; equal content gives the same."""
        return manifests.version(self.newest_export.date(), self._parts())

    @property
    def issued(self) -> str:
        """Date of the release: the newest export's, never the clock's."""
        return self.newest_export.date().isoformat()

    def _parts(self) -> dict[str, str]:
        parts = {f"rules/{name}": digest for name, digest in self.rules.items()} | {"software": self.software}
        parts |= {i.key: i.sha256 for i, _ in self.table_items()}
        parts |= {i.key: i.sha256 for i, _ in (*self.object_items, *self.lineage_items())}
        return parts | {name: manifests.item(name, name, data).sha256 for name, data in self.files.items()}

    def table_items(self) -> list[tuple[Item, bytes]]:
        """The tables with their content-addressed keys."""
        return [
            _table_item(self.dataset_id, n, data, self.rows[n]) for n, data in sorted(self.tables.items())
        ]

    def lineage_items(self) -> list[tuple[Item, bytes]]:
        """The lineage with its content-addressed key, if there is one: tiers of one state share it."""
        if self.lineage is None:
            return []
        described = manifests.item(lineage.NAME, "", self.lineage)
        return [(replace(described, key=lineage.key(self.dataset_id, described.sha256)), self.lineage)]


def object_lists(dataset: str, instances: pa.Table) -> list[tuple[Item, bytes]]:
    """One list of images per patient with its content-addressed key, in order of the patients' names.

    So unchanged parts are used again.
    """
    names = ["PatientID", "object_key", "object_bytes", "object_sha256"]
    order = [("PatientID", "ascending"), ("object_key", "ascending")]
    rows = instances.select(names).sort_by(order).replace_schema_metadata(None).combine_chunks()
    rows = rows.rename_columns(["PatientID", "key", "bytes", "sha256"])
    found, start = [], 0
    for count in pc.value_counts(rows["PatientID"]).field("counts").to_pylist():
        part = rows.slice(start, count).drop_columns("PatientID")
        found.append(_table_item(dataset, "objects", encode(part), count))
        start += count
    return found


def publish(
    store: ObjectStore,
    content: Content,
    documents: Mapping[str, bytes],
    seal: Callable[[Manifest], object] | None = None,
) -> tuple[Manifest, bool]:
    """Put a release and move the tier's pointer to it.

    Parameters
    ----------
    documents
        Record, report and signed statement by file name.
    seal
        Called when everything is there and before the pointer moves, so that no release is without its trace.

    Returns
    -------
    tuple
        The manifest, and False if this very release was the current one already: then nothing is put.

    Raises
    ------
    MachineError
        If an image that the release would name is not in the store.
    StoreConflictError
        If a key holds other bytes already.
    """
    folder = f"{manifests.tier_folder(content.dataset_id, content.tier)}/{content.version}"
    extra = {**content.files, **documents}
    files = [(manifests.item(name, f"{folder}/{name}", data), data) for name, data in sorted(extra.items())]
    tables, objects, lines = content.table_items(), content.object_items, content.lineage_items()
    made = Manifest(
        dataset_id=content.dataset_id,
        tier=content.tier,
        version=content.version,
        issued=content.issued,
        software=content.software,
        digests=dict(content.rules),
        tables=tuple(i for i, _ in tables),
        objects=tuple(i for i, _ in objects),
        files=tuple(i for i, _ in (*files, *lines)),
        previous=manifests.previous_version(store, content.dataset_id, content.tier, content.version),
    )
    before = manifests.current(store, content.dataset_id, content.tier)
    seal = seal or (lambda _: None)
    if before is not None and before.to_bytes() == made.to_bytes():
        seal(made)
        return made, False
    _check_objects(store, content, before)
    for described, data in (*tables, *objects, *lines):
        store.put(described.key, data)
    # Before the files of the version's own folder: after a crash it says what these were compared with.
    place, written = (
        manifests.manifest_key(content.dataset_id, content.tier, content.version),
        made.to_bytes(),
    )
    store.put(place, written)
    for described, data in files:
        store.put(described.key, data)
    seal(made)
    store.replace(
        manifests.pointer(content.dataset_id, content.tier), manifests.pointer_bytes(content.version, written)
    )
    return made, True


def _check_objects(store: ObjectStore, content: Content, before: Manifest | None) -> None:
    """Every image must be in the store, with its size; in a far store those that no earlier release named."""
    known = {item.key for item in before.objects} if before is not None else set()
    for item, data in content.object_items:
        for row in decode(data).to_pylist():
            near = store.local(row["key"]) is not None
            if (near or item.key not in known) and store.size(row["key"]) != row["bytes"]:
                raise MachineError(
                    f"An image that the release would name is not in the store as written: {row['key']}. "
                    "If it is gone, run the dataset again; if it is damaged, put back your copy or remove "
                    "it first. 'eucaim verify' names all that is damaged."
                )


def _table_item(dataset: str, name: str, data: bytes, rows: int) -> tuple[Item, bytes]:
    described = manifests.item(name, "", data, rows)
    key = f"{dataset}/tables/{name}/{described.sha256}.parquet"
    return Item(name, key, described.bytes, described.sha256, rows), data


def json_bytes(value: object) -> bytes:
    """Canonical JSON for documents of a release."""
    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
