"""Which datasets federated search may ask on this machine: the released ones that allow it, with their index.

How a query is answered is in the package `search`.
"""

import json
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from eucaim_pipelines.contracts import vocabularies
from eucaim_pipelines.deidentification.keys.pseudonyms import SiteKey
from eucaim_pipelines.errors import DataError, MachineError
from eucaim_pipelines.release import manifest as manifests
from eucaim_pipelines.release.store import ObjectStore
from eucaim_pipelines.resources.site import Contracts
from eucaim_pipelines.resources.zones import Shelf, dataset_folder
from eucaim_pipelines.search.collections import Collection, Described
from eucaim_pipelines.search.control import Control
from eucaim_pipelines.search.criteria import Criteria

TIER = 2
"""The tier from which on a dataset may be asked; a higher one is only reached with this one."""
RECORD = "catalogue.jsonld"
INDEX = "index"


def shelf_name(version: str) -> str:
    """Where the index that belongs to a release lies on the dataset's restricted shelf."""
    return f"search/{version}"


def keep_only(shelf: Shelf, versions: set[str]) -> None:
    """Remove indexes of other versions than these."""
    for folder in (shelf.folder / "search").glob("*"):
        if folder.name not in versions:
            for file in folder.iterdir():
                file.unlink()
            folder.rmdir()


def described(record: bytes, contracts_folder: Path | None = None) -> Described:
    """What an answer says of a dataset beside counts: taken from its record, codes in words.

    Raises
    ------
    DataError
        The record is not one of ours.
    """
    try:
        graph = json.loads(record)["@graph"]
        node = next(each for each in graph if each["@type"] == "dcat:Dataset")
        ages = [node.get(f"healthdcatap:{end}TypicalAge", {}).get("@value") for end in ("min", "max")]
        return Described(
            id=node["dct:identifier"],
            name=_text(node["dct:title"]),
            description=_text(node.get("dct:description", "")),
            age_range=None if None in ages else (int(ages[0]), int(ages[1])),
            gender=_labels(node, "hasBirthSex", "birth_sex", contracts_folder),
            modalities=_labels(node, "hasImageModality", "modality", contracts_folder),
            body_parts=_labels(node, "hasImageBodyPart", "body_part", contracts_folder),
        )
    except (ValueError, KeyError, StopIteration, AttributeError):
        raise DataError("The released catalogue record cannot be read. Run the dataset again.") from None


def _labels(node: dict[str, Any], name: str, vocabulary: str, folder: Path | None) -> tuple[str, ...]:
    values = node.get(f"eucaim:{name}", [])
    codes = [
        each["@id"].removeprefix("eucaim:") for each in (values if isinstance(values, list) else [values])
    ]
    labels = vocabularies.load(vocabulary, folder).labels
    return tuple(sorted(labels.get(code, code) for code in codes))


def _text(value: Any) -> str:
    first = value[0] if isinstance(value, list) else value
    return str(first["@value"]) if isinstance(first, dict) else str(first)


class SearchNode:
    """The datasets that may be asked now; `refresh` looks again, and readers always see one whole state.

    A dataset may be asked when its source contract allows it, its newest Tier 2 release is there, and the
    index that was made for this very release too. What cannot be read now keeps its previous state; what was
    taken back (contract, pointer) is no longer asked.
    """

    def __init__(
        self,
        restricted: Path,
        sources: Path,
        store: ObjectStore,
        contracts: Contracts,
        criteria: Criteria,
        key: SiteKey,
    ) -> None:
        self._restricted, self._sources, self._store = restricted, sources, store
        self._contracts, self._criteria = contracts, criteria
        self._control = Control(key)
        self._known: dict[str, Collection] = {}
        self._looked = threading.Event()

    def name(self, query: bytes) -> str:
        """A keyed name of a query."""
        return self._control.name(query)

    def collections(self) -> Sequence[Collection]:
        """The datasets, by name.

        Raises
        ------
        MachineError
            Nothing could be read yet.
        """
        if not self._looked.is_set():
            raise MachineError("The releases cannot be read now. Ask again later.")
        return list(self._known.values())

    def refresh(self) -> list[str]:
        """Look at every dataset again.

        Returns
        -------
        list of str
            Datasets that could not be read, sorted; they keep their previous state.
        """
        known, failed = dict[str, Collection](), list[str]()
        for path in sorted(self._sources.glob("*.yaml")):
            dataset = path.stem
            try:
                found = self._collection(dataset)
            except Exception:  # noqa: BLE001 - what is wrong with one keeps no other from being taken back
                failed.append(dataset)
                found = self._known.get(dataset)
            if found is not None:
                known[dataset] = found
        self._known = known
        if known or not failed:
            self._looked.set()
        return failed

    def keep_looking(self, seconds: float, stop: threading.Event) -> None:
        """Refresh until told to stop."""
        while not stop.wait(seconds):
            self.refresh()

    def _collection(self, dataset: str) -> Collection | None:
        source = Contracts(**self._contracts.model_dump()).source(dataset)
        version = manifests.current_version(self._store, dataset, TIER)
        if version is None or source.tier < TIER or not source.search.allowed:
            return None
        before = self._known.get(dataset)
        if before is not None and before.version == version:
            return before
        manifest = manifests.current(self._store, dataset, TIER)
        item = (
            next((each for each in manifest.files if each.name.endswith(RECORD)), None) if manifest else None
        )
        record = self._store.get(item.key) if item else None
        path = Shelf(dataset_folder(self._restricted, dataset)).path(f"{shelf_name(version)}/{INDEX}.parquet")
        if record is None or not path.is_file():
            return before
        about = described(record, self._contracts.folder)
        return Collection(about, version, pq.read_table(path), self._criteria, self._control)
