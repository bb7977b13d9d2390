"""The manifest of a release, its version, and the pointer to the newest one.

Content-addressed and free of the clock: equal content gives equal bytes, in a folder or in S3. Whether a
release is what was published is checked in `verification`.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from io import BytesIO
from typing import Any

import pyarrow.parquet as pq

from eucaim_pipelines.errors import DataError
from eucaim_pipelines.release.store import ObjectStore

SCHEMA = "eucaim_pipelines/manifest/1"
TIERS = (1, 2, 3)


@dataclass(frozen=True)
class Item:
    """One thing that a release names. `rows` where it is a table; `name` is its role."""

    name: str
    key: str
    bytes: int
    sha256: str
    rows: int | None = None


@dataclass(frozen=True)
class Manifest:
    """What a release of one tier holds; `objects` are Parquet lists of images, one per patient.

    `previous` is the version of this tier that it followed when it was first published; None for the first.
    """

    dataset_id: str
    tier: int
    version: str
    issued: str
    software: str
    digests: Mapping[str, str]
    tables: Sequence[Item] = field(default_factory=tuple)
    objects: Sequence[Item] = field(default_factory=tuple)
    files: Sequence[Item] = field(default_factory=tuple)
    previous: str | None = None

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        body: dict[str, Any] = {"schema": SCHEMA} | asdict(self)
        return (json.dumps(body, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Manifest":
        """Read a manifest that `to_bytes` wrote."""
        body = json.loads(data)
        body.pop("schema")
        for part in ("tables", "objects", "files"):
            body[part] = tuple(Item(**item) for item in body[part])
        return cls(**body)


def item(name: str, key: str, data: bytes, rows: int | None = None) -> Item:
    """Describe bytes that are about to be put."""
    return Item(name, key, len(data), hashlib.sha256(data).hexdigest(), rows)


def version(newest_export: date, parts: Mapping[str, str]) -> str:
    """`YYYY.MM.DD-xxxxxxxx`: the newest export's date and 8 hex digits of the content's digest."""
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    return f"{newest_export:%Y.%m.%d}-{digest[:8]}"


def tier_folder(dataset: str, tier: int) -> str:
    """Key prefix of a tier's versions."""
    return f"{dataset}/tier_{tier}"


def pointer(dataset: str, tier: int) -> str:
    """Key of the pointer to a tier's newest release."""
    return f"{tier_folder(dataset, tier)}/CURRENT"


def manifest_key(dataset: str, tier: int, version: str) -> str:
    """Key of a release's manifest."""
    return f"{tier_folder(dataset, tier)}/{version}/manifest.json"


def pointer_bytes(version: str, manifest: bytes) -> bytes:
    """What a tier's pointer holds: the version, and the SHA-256 of its manifest."""
    return f"{version}\n{hashlib.sha256(manifest).hexdigest()}\n".encode()


def current(store: ObjectStore, dataset: str, tier: int) -> Manifest | None:
    """The newest release of a tier; None before the first.

    Raises
    ------
    DataError
        If the pointer or the manifest is not as it was published; it names the key.
    """
    found = pointed(store, dataset, tier)
    if found is None:
        return None
    version, sha256 = found
    key = manifest_key(dataset, tier, version)
    data = store.get(key)
    if data is None or hashlib.sha256(data).hexdigest() != sha256:
        what = "missing" if data is None else "sha256"
        raise DataError(
            f"{what}: {key}, to which {pointer(dataset, tier)} points. The newest release of tier {tier} is "
            "not as it was published."
        )
    return Manifest.from_bytes(data)


def current_version(store: ObjectStore, dataset: str, tier: int) -> str | None:
    """Version of the newest release of a tier; None before the first."""
    found = pointed(store, dataset, tier)
    return None if found is None else found[0]


def previous_version(store: ObjectStore, dataset: str, tier: int, version: str) -> str | None:
    """Version that a release of `version` follows; None if it is the first of its tier.

    A version that was put before, whether or not the pointer got there, keeps what it followed then: released
    keys never change, and content that comes back is the release that it was.
    """
    data = store.get(manifest_key(dataset, tier, version))
    if data is not None:
        return Manifest.from_bytes(data).previous
    return current_version(store, dataset, tier)


def since(store: ObjectStore, newest: Manifest, version: str | None) -> list[Manifest]:
    """The releases from the one after `version` to `newest`, the oldest first; from the first without it."""
    found, each = list[Manifest](), newest
    while each.version not in {version, *(other.version for other in found)}:
        found.append(each)
        key = manifest_key(each.dataset_id, each.tier, each.previous or "")
        data = store.get(key) if each.previous is not None else None
        if data is None:
            break
        each = Manifest.from_bytes(data)
    return found[::-1]


def pointed(store: ObjectStore, dataset: str, tier: int) -> tuple[str, str] | None:
    """What the pointer holds: a version, and the SHA-256 of its manifest; None where there is no pointer.

    Raises
    ------
    DataError
        The pointer is not as `pointer_bytes` writes it.
    """
    data = store.get(pointer(dataset, tier))
    if data is None:
        return None
    words = data.decode("ascii", "replace").split()
    if len(words) != 2 or data != "{}\n{}\n".format(*words).encode():
        raise DataError(f"sha256: {pointer(dataset, tier)}. The pointer is not as it was published.")
    return words[0], words[1]


def named(store: ObjectStore, dataset: str) -> set[str]:
    """Keys of the images that the newest release of any tier names, as the store tells it."""
    found = [m for tier in TIERS if (m := current(store, dataset, tier)) is not None]
    lists = {part.key: part for manifest in found for part in manifest.objects}  # tiers share most of them
    try:
        return {key for key, _, _ in _listed(store, lists.values())}
    except DataError:
        return set()


def objects_of(store: ObjectStore, manifest: Manifest) -> Iterator[tuple[str, int, str]]:
    """(key, bytes, SHA-256) of every image that a release names.

    Raises
    ------
    DataError
        With the key of an object list that is gone.
    """
    return _listed(store, manifest.objects)


def _listed(store: ObjectStore, lists: Iterable[Item]) -> Iterator[tuple[str, int, str]]:
    for part in lists:
        data = store.get(part.key)
        if data is None:
            raise DataError(f"missing: {part.key}. A list of images that the release names is gone.")
        table = pq.read_table(BytesIO(data))
        yield from zip(*(table.column(name).to_pylist() for name in ("key", "bytes", "sha256")), strict=True)
