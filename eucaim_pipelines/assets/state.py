"""Whether a dataset has unpublished work: what a run would see, against what the last finished run saw.

Used by the first asset, the schedule and the command line alike.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

from eucaim_pipelines.deidentification.pixels import faces
from eucaim_pipelines.deidentification.pixels.cleaning import PixelCleaner
from eucaim_pipelines.ingest.exports import landing_state
from eucaim_pipelines.release.manifest import current_version
from eucaim_pipelines.resources.records import Traces
from eucaim_pipelines.resources.site import Contracts, Pseudonymisation
from eucaim_pipelines.resources.stores import Store
from eucaim_pipelines.resources.zones import RestrictedZone

SOFTWARE = "eucaim_pipelines"
INDEXED_FROM = 2
"""The tier from which on a dataset has a search index."""
TRACE = "trace"
"""The only news of a dataset whose releases stand: the tracing service has not taken a trace yet."""


def software() -> str:
    """Name and version of this software, as releases state it."""
    return f"{SOFTWARE} {version(SOFTWARE)}"


@cache
def code_digest() -> str:
    """Digest of the package's own files: changed code is news, and makes releases of its own."""
    folder = Path(__file__).resolve().parents[1]
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.suffix in (".py", ".jinja")):
        digest.update(
            path.relative_to(folder).as_posix().encode() + hashlib.sha256(path.read_bytes()).digest()
        )
    return digest.hexdigest()


@dataclass(frozen=True)
class Places:
    """Where the state of a dataset is looked up."""

    restricted: RestrictedZone
    contracts: Contracts
    pseudonymisation: Pseudonymisation
    store: Store
    traces: Traces


def dataset_state(dataset: str, places: Places) -> dict[str, str]:
    """What shapes a dataset's release, by name, as digests; nothing in landing is opened."""
    limit = f"{places.restricted.max_file_bytes}"
    cleaned = places.contracts.source(dataset).deidentification.pixels == "clean"
    return {
        "landing": landing_state(places.restricted.exports(dataset)),
        "contracts": places.contracts.digest(dataset),
        "key": places.pseudonymisation.site_key().key_id,
        "pseudonyms": places.pseudonymisation.digest(),
        "pixels": faces.digest(faces.plugged_in()) + (PixelCleaner().digest if cleaned else ""),
        "settings": hashlib.sha256(f"{places.store.place()} {limit}".encode()).hexdigest(),
        "software": code_digest(),
    }


def seen(state: Mapping[str, str]) -> str:
    """A state in the form that the ledger notes."""
    return json.dumps(state, sort_keys=True)


def parts(tier: int) -> list[str]:
    """What must have come to its end for the job of a tier to be finished."""
    numbers = range(1, tier + 1)
    index = ["search_index"] if tier >= INDEXED_FROM else []
    return [f"tier_{n}" for n in numbers] + [f"report_{n}" for n in numbers] + index


def unpublished(dataset: str, tier: int, places: Places) -> list[str]:
    """What keeps a dataset from being finished at `tier`; empty if nothing does.

    Returns
    -------
    list of str
        `first run`; or what changed since: `landing`, `contracts`, `key`, `pseudonyms`, `pixels` (how they
        are cleaned here), `settings`, `software`; or `unfinished work`, when a part of the last run failed;
        or `release`, when the store has lost it; or `trace`, when one has still to be sent.
    """
    state = dataset_state(dataset, places)
    with places.restricted.ledger(dataset) as ledger:
        finished = {part: ledger.fact(f"finished_{part}") for part in parts(tier)}
        versions = {n: ledger.fact(f"version_tier_{n}") for n in range(1, tier + 1)}
    if not any(finished.values()):
        return ["first run"]
    earlier = [json.loads(value) for value in finished.values() if value]
    changed = [name for name, value in state.items() if any(e.get(name) != value for e in earlier)]
    if not changed and not all(finished.values()):
        return ["unfinished work"]
    store = places.store.open()
    lost = [n for n, known in versions.items() if known and current_version(store, dataset, n) != known]
    owed = [n for n in versions if places.traces.owed(dataset, n)]
    return changed or (["release"] if lost else []) or ([TRACE] if owed else [])
