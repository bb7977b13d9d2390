"""What a tree that is laid out from a release holds: which file, from which key, with which digest.

How it gets to a disk is said in `materialise`; which rows belong to chosen patients in `subset`.
Layout: EUCAIM/software-template-repository, toolbox/cdm_federated_unbalance_checker.
"""

import hashlib
import json
import re
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import pyarrow.parquet as pq

from eucaim_pipelines.errors import DataError
from eucaim_pipelines.release import subset
from eucaim_pipelines.release.manifest import Item, Manifest
from eucaim_pipelines.release.store import ObjectStore

SCHEMA = "eucaim_pipelines/tree/1"
ABOUT, MANIFEST, SUMS = "release.json", "manifest.json", "SHA256SUMS"
"""What the tree is, the release's manifest as it was published, and digests as `sha256sum -c` reads them."""
_STRUCTURE = re.compile(r"(clinical|imaging)_mandatory_view\.csv|clinical_data/[a-z_]+\.csv")
_NAME = r"(?!\.)[A-Za-z0-9._-]{1,128}"
_IMAGE = re.compile(rf"imaging_data/({_NAME})/{_NAME}/{_NAME}/[0-9a-f]{{32}}\.dcm")
_TABLE = re.compile(r"[a-z][a-z0-9_]{0,127}")
_LISTS_AT_ONCE = 16


@dataclass(frozen=True)
class Entry:
    """One file of the tree: its path, its bytes, and the key or the content that it is made from."""

    path: str
    size: int
    sha256: str
    key: str | None = None
    content: bytes | None = None


@dataclass(frozen=True)
class Tree:
    """Every file of a tree, by path; `about` is what its `release.json` says."""

    dataset_id: str
    about: bytes
    entries: tuple[Entry, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.entries)


def plan(
    store: ObjectStore, manifest: Manifest, patients: Collection[str] | None = None, linked: bool = False
) -> Tree:
    """Read what a release names, and decide what its tree holds.

    A release of tier 3 has the two views and `clinical_data/`; one of tier 1 or 2, which has no such files,
    its tables as `tables/<name>.parquet` instead.

    Parameters
    ----------
    patients
        Pseudonyms, all of them in the release: only their images and rows. None: everybody.
    linked
        Whether files will be shared with the release (it is told in `release.json`).

    Raises
    ------
    DataError
        If something that the release names is gone or altered, or has a key that no release makes.
    """
    images = tuple(_images(store, manifest, patients))
    clinical = tuple(_clinical(store, manifest, patients))
    origin = _made(MANIFEST, manifest.to_bytes())
    files = sorted((*images, *clinical, origin), key=lambda entry: entry.path)
    sums = _made(SUMS, "".join(f"{entry.sha256}  {entry.path}\n" for entry in files).encode())
    told: dict[str, Any] = {
        "schema": SCHEMA,
        "dataset_id": manifest.dataset_id,
        "tier": manifest.tier,
        "version": manifest.version,
        "issued": manifest.issued,
        "manifest_sha256": origin.sha256,
        "sums_sha256": sums.sha256,
        "images": len(images),
        "patients": "all" if patients is None else hashlib.sha256(_lines(patients)).hexdigest(),
        "linked": linked,
    }
    about = (json.dumps(told, indent=1, sort_keys=True) + "\n").encode()
    return Tree(manifest.dataset_id, about, (*files, sums, _made(ABOUT, about)))


def people(store: ObjectStore, manifest: Manifest) -> set[str]:
    """Pseudonyms of everybody in a release: of its patient table and of its images."""
    listed = {_image(manifest, key).group(1) for key, _, _ in _objects(store, manifest)}
    tables = {item.name: item for item in manifest.tables}
    if "patient" in tables:
        listed |= set(pq.read_table(BytesIO(whole(store, tables["patient"])))["patient_id"].to_pylist())
    return listed


def whole(store: ObjectStore, item: Item) -> bytes:
    """Bytes of something that a manifest names.

    Raises
    ------
    DataError
        If it is gone or has changed; names the key.
    """
    data = store.get(item.key)
    if data is None or hashlib.sha256(data).hexdigest() != item.sha256:
        raise damaged(item.key, "missing" if data is None else "sha256")
    return data


def damaged(key: str, what: str) -> DataError:
    """The error for a thing that is not as its release says: `missing`, `size` or `sha256`."""
    return DataError(
        f"{what}: {key}. The release is not as it was published. Find out who changed or removed it "
        "('eucaim verify' lists all that is wrong), put it back, and call again: what is there is kept."
    )


def _images(store: ObjectStore, manifest: Manifest, patients: Collection[str] | None) -> Iterator[Entry]:
    for key, size, sha256 in _objects(store, manifest):
        found = _image(manifest, key)
        if patients is None or found.group(1) in patients:
            yield Entry(found.group(0), size, sha256, key)


def _objects(store: ObjectStore, manifest: Manifest) -> Iterator[tuple[str, int, str]]:
    """(key, bytes, SHA-256) of every image; lists are fetched side by side and each is verified."""
    with ThreadPoolExecutor(_LISTS_AT_ONCE) as pool:
        for data in pool.map(lambda item: whole(store, item), manifest.objects):
            table = pq.read_table(BytesIO(data))
            yield from zip(*(table[name].to_pylist() for name in ("key", "bytes", "sha256")), strict=True)


def _image(manifest: Manifest, key: str) -> re.Match[str]:
    """The key's part below the dataset, if it is one that a release makes: it becomes a path of this disk."""
    folder = f"{manifest.dataset_id}/"
    found = _IMAGE.fullmatch(key.removeprefix(folder)) if key.startswith(folder) else None
    if found is None:
        raise DataError(
            "The release names an image by a key that no release of ours makes; nothing is written. "
            "Ask who made the release."
        )
    return found


def _clinical(store: ObjectStore, manifest: Manifest, patients: Collection[str] | None) -> Iterator[Entry]:
    files = [item for item in manifest.files if _STRUCTURE.fullmatch(item.name)]
    if not files:
        files = [Item(_table(i), i.key, i.bytes, i.sha256) for i in manifest.tables]
    if patients is None:
        yield from (Entry(item.name, item.bytes, item.sha256, item.key) for item in files)
        return
    tables = {i.name: pq.read_table(BytesIO(whole(store, i))) for i in manifest.tables}
    rows = subset.rows(tables, patients)
    for item in files:
        yield _made(item.name, subset.part(item.name, whole(store, item), rows, patients))


def _table(item: Item) -> str:
    """The path of a table, if its name is one that a release makes."""
    if not _TABLE.fullmatch(item.name):
        raise DataError(
            "The release names a table by a name that no release of ours makes; nothing is written. "
            "Ask who made the release."
        )
    return f"tables/{item.name}.parquet"


def _made(path: str, data: bytes) -> Entry:
    return Entry(path, len(data), hashlib.sha256(data).hexdigest(), content=data)


def _lines(patients: Collection[str]) -> bytes:
    return "".join(f"{each}\n" for each in sorted(patients)).encode()
