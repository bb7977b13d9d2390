"""Whether the releases of a dataset are what was published: the newest of each tier, and all before them.

A manifest is held against what was said of it when it was published: by the pointer, if it is the newest; by
the signed trace beside it (`trace`); and by the audit log, where that is at hand. Everything that it names is
read again. Tiers and versions share most of what they name, and nothing is read twice.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice

from eucaim_pipelines.errors import DataError
from eucaim_pipelines.release import manifest as manifests
from eucaim_pipelines.release import trace
from eucaim_pipelines.release.manifest import Item, Manifest
from eucaim_pipelines.release.store import ObjectStore

THREADS = 16
"""As many keys are read at a time: a far store answers slowly, and hashing leaves the interpreter free."""
_BATCH = 1_000

Entry = tuple[str, int, str]
"""Key, bytes and SHA-256 that a release states."""


@dataclass(frozen=True)
class Fault:
    """One thing that does not hold: the key and `missing`, `size`, `sha256` or, of a list, `unreadable`."""

    key: str
    what: str


@dataclass(frozen=True)
class Version:
    """One version of a tier that is, or should be, in the store.

    Attributes
    ----------
    manifest
        None where it is missing or not as it was published; `fault` says which.
    newest
        Whether the tier's pointer names it.
    published
        False for what an interrupted run left: no pointer, log or later version ever named it, and no trace
        was made.
    """

    version: str
    manifest: Manifest | None
    newest: bool
    published: bool
    fault: Fault | None = None


def versions(
    store: ObjectStore, dataset: str, tier: int, logged: Mapping[str, Set[str]] | None = None
) -> tuple[list[Version], list[Fault]]:
    """Every version of a tier, the newest first, and what is wrong with the tier's pointer.

    Parameters
    ----------
    logged
        SHA-256s of the manifests that the audit log says were published, by version; a version that it names
        and the store does not hold is missing.
    """
    logged, faults = logged or {}, list[Fault]()
    pointed = None
    try:
        pointed = manifests.pointed(store, dataset, tier)
    except DataError:
        faults.append(Fault(manifests.pointer(dataset, tier), "sha256"))
    newest, sha256 = pointed or (None, None)
    folders = store.folders(manifests.tier_folder(dataset, tier))
    found = _closure(store, dataset, tier, {*folders, *logged, *([newest] if newest else [])})
    followed = {each.previous for each, _ in found.values() if each is not None}
    told = []
    for version in sorted(found, key=lambda name: (name == newest, name), reverse=True):
        manifest, data = found[version]
        place = manifests.manifest_key(dataset, tier, version)
        digest = hashlib.sha256(data or b"").hexdigest()
        wrong = digest not in logged.get(version, {digest})
        if version == newest and digest != sha256:
            # Either of the two may be the one that was changed.
            faults.append(Fault(manifests.pointer(dataset, tier), "sha256"))
            wrong = True
        published = version == newest or version in logged or version in followed
        if manifest is None or wrong:
            fault = Fault(place, "missing" if data is None else "sha256")
            told.append(Version(version, None, version == newest, True, fault))
        else:
            published = published or store.size(trace.key(manifest)) is not None
            told.append(Version(version, manifest, version == newest, published))
    if pointed is None and not faults and any(each.published for each in told):
        faults.append(Fault(manifests.pointer(dataset, tier), "missing"))
    return told, faults


def _closure(
    store: ObjectStore, dataset: str, tier: int, names: Set[str]
) -> dict[str, tuple[Manifest | None, bytes | None]]:
    """The manifests of these versions, and of all that they followed; None for what cannot be read."""
    found: dict[str, tuple[Manifest | None, bytes | None]] = {}
    left = set(names)
    while left:
        version = left.pop()
        data = store.get(manifests.manifest_key(dataset, tier, version))
        manifest = _read(data, (dataset, tier, version)) if data is not None else None
        found[version] = manifest, data
        if manifest is not None and manifest.previous is not None and manifest.previous not in found:
            left.add(manifest.previous)
    return found


def _read(data: bytes, place: tuple[str, int, str]) -> Manifest | None:
    manifest = Manifest.from_anybody(data)
    found = (manifest.dataset_id, manifest.tier, manifest.version) if manifest is not None else None
    return manifest if found == place else None


@dataclass
class Reading:
    """Reads everything that releases name, each key once.

    Attributes
    ----------
    found
        Bytes and SHA-256 of each key that was read; None for one that is not there.
    tell
        Called with the bytes that were read, from several threads.
    """

    store: ObjectStore
    tell: Callable[[int], object] | None = None
    found: dict[str, tuple[int, str] | None] = field(default_factory=dict)

    def check(self, manifest: Manifest) -> tuple[int, list[Fault]]:
        """Compare everything that a release names with size and SHA-256 that it states.

        Returns
        -------
        tuple
            Number of things checked, and what does not hold; without the images if a list of them does not.
        """
        items = list(map(_entry, (*manifest.tables, *manifest.objects, *manifest.files)))
        faults = self._faults(items)
        if {fault.key for fault in faults} & {part.key for part in manifest.objects}:
            return len(items), faults
        images, unread = 0, list[Fault]()
        named = self._images(manifest, unread)
        while batch := list(islice(named, _BATCH)):
            faults += self._faults(batch)
            images += len(batch)
        return len(items) + images, faults + unread

    def _images(self, manifest: Manifest, unread: list[Fault]) -> Iterator[Entry]:
        """What the lists of images name; `unread` takes those that have the stated hash and are no lists."""
        for part in manifest.objects:
            try:
                yield from manifests.listed(self.store, manifest.dataset_id, part)
            except DataError:
                unread.append(Fault(part.key, "unreadable"))

    def _faults(self, entries: Sequence[Entry]) -> list[Fault]:
        new = list({key for key, _, _ in entries} - self.found.keys())
        with ThreadPoolExecutor(THREADS) as pool:
            self.found.update(zip(new, pool.map(self._measure, new), strict=True))
        return list(_wrong(entries, self.found))

    def _measure(self, key: str) -> tuple[int, str] | None:
        pieces = self.store.pieces(key)
        if pieces is None:
            return None
        digest, size = hashlib.sha256(), 0
        for piece in pieces:
            digest.update(piece)
            size += len(piece)
        if self.tell is not None:
            self.tell(size)
        return size, digest.hexdigest()


def _entry(item: Item) -> Entry:
    return item.key, item.bytes, item.sha256


def _wrong(entries: Iterable[Entry], found: Mapping[str, tuple[int, str] | None]) -> Iterator[Fault]:
    for key, size, sha256 in entries:
        measured = found[key]
        if measured is None:
            yield Fault(key, "missing")
        elif measured[0] != size:
            yield Fault(key, "size")
        elif measured[1] != sha256:
            yield Fault(key, "sha256")
