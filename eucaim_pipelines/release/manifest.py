"""The manifest of a release, its version, and the pointer to the newest one.

Content-addressed and free of the clock: equal content gives equal bytes, in a folder or in S3. Whether a
release is what was published is checked in `verification`.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

import pyarrow as pa

from eucaim_pipelines.errors import DataError
from eucaim_pipelines.release.parquet import decode
from eucaim_pipelines.release.store import ObjectStore

SCHEMA = "eucaim_pipelines/manifest/1"
TIERS = (1, 2, 3)
_VERSION = re.compile(r"\d{4}\.\d{2}\.\d{2}-[0-9a-f]{8}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_LONGEST_KEY, _LONGEST_NAME = 1024, 255
"""Bytes of a key (S3), and of one of its names (folders)."""


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

    @classmethod
    def from_anybody(cls, data: bytes) -> "Manifest | None":
        """Read what may be no manifest, or a forged one: None unless it has the very form of `to_bytes`, and
        names nothing outside its dataset.
        """
        try:
            made = cls.from_bytes(data)
            same = made.to_bytes() == data
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None
        items = (*made.tables, *made.objects, *made.files)
        texts = (made.dataset_id, made.issued, made.software, *(item.name for item in items))
        formed = (
            all(isinstance(each, str) for each in texts)
            and type(made.tier) is int
            and is_version(made.version)
            and (made.previous is None or is_version(made.previous))
            and all(_is_entry(made.dataset_id, (item.key, item.bytes, item.sha256)) for item in items)
            and all(item.rows is None or type(item.rows) is int for item in items)
        )
        return made if same and formed else None


def item(name: str, key: str, data: bytes, rows: int | None = None) -> Item:
    """Describe bytes that are about to be put."""
    return Item(name, key, len(data), hashlib.sha256(data).hexdigest(), rows)


def version(newest_export: date, parts: Mapping[str, str]) -> str:
    """`YYYY.MM.DD-xxxxxxxx`: the newest export's date and 8 hex digits of the content's digest."""
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
    return f"{newest_export:%Y.%m.%d}-{digest[:8]}"


def is_version(text: object) -> bool:
    """Whether this has the form of what `version` gives."""
    return isinstance(text, str) and _VERSION.fullmatch(text) is not None


def is_key(dataset: str, text: object) -> bool:
    """Whether this can be a key of a dataset: in its folder, of letters that print, fit for any store."""
    return (
        isinstance(text, str)
        and text.isprintable()
        and text.startswith(f"{dataset}/")
        and len(text.encode()) <= _LONGEST_KEY
        and all(0 < len(name.encode()) <= _LONGEST_NAME for name in text.split("/"))
        and {".", ".."}.isdisjoint(text.split("/"))
    )


def _is_entry(dataset: str, entry: tuple[object, object, object]) -> bool:
    key, size, sha256 = entry
    return (
        is_key(dataset, key)
        and type(size) is int
        and isinstance(sha256, str)
        and _SHA256.fullmatch(sha256) is not None
    )


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
    words = data.decode("ascii", "replace").split("\n")
    if len(words) != 3 or not is_version(words[0]) or not _SHA256.fullmatch(words[1]) or words[2]:
        raise DataError(f"sha256: {pointer(dataset, tier)}. The pointer is not as it was published.")
    return words[0], words[1]


def named(store: ObjectStore, dataset: str) -> set[str]:
    """Keys of the images that the newest release of any tier names, as the store tells it."""
    found = [m for tier in TIERS if (m := current(store, dataset, tier)) is not None]
    lists = {part.key: part for manifest in found for part in manifest.objects}  # tiers share most of them
    try:
        return {key for part in lists.values() for key, _, _ in listed(store, dataset, part)}
    except DataError:
        return set()


def listed(store: ObjectStore, dataset: str, part: Item) -> list[tuple[str, int, str]]:
    """(key, bytes, SHA-256) of every image in one of a release's lists.

    Raises
    ------
    DataError
        With the key of the list, if it is gone or no such list.
    """
    data = store.get(part.key)
    if data is None:
        raise DataError(f"missing: {part.key}. A list of images that the release names is gone.")
    try:
        table = decode(data, ["key", "bytes", "sha256"])
        found = list(zip(*(table.column(n).to_pylist() for n in ("key", "bytes", "sha256")), strict=True))
    except (pa.ArrowException, ValueError, KeyError, OSError):
        found = None
    if found is None or not all(_is_entry(dataset, entry) for entry in found):
        raise DataError(f"sha256: {part.key}. A list of images that the release names is not as it was put.")
    return found
