"""Whether a dataset has unpublished work: what a run would see, against what the last finished run saw.

Used by the first asset, the schedule and the command line alike.
"""

import hashlib
import json
from importlib.metadata import version

from eucaim_pipelines.ingest.exports import landing_state
from eucaim_pipelines.resources.site import Contracts, Pseudonymisation
from eucaim_pipelines.resources.zones import RestrictedZone

SOFTWARE = "eucaim_pipelines"


def software() -> str:
    """Name and version of this software, as releases state it."""
    return f"{SOFTWARE} {version(SOFTWARE)}"


def dataset_state(
    dataset: str, restricted: RestrictedZone, contracts: Contracts, pseudonymisation: Pseudonymisation
) -> dict[str, str]:
    """What shapes a dataset's release, as digests by name; nothing in landing is opened."""
    return {
        "landing": landing_state(restricted.exports(dataset)),
        "contracts": contracts.digest(dataset),
        "key": pseudonymisation.site_key().key_id,
        "software": software(),
    }


def seen(state: dict[str, str]) -> str:
    """A state in the form that the ledger notes."""
    return json.dumps(state, sort_keys=True)


def digest(state: dict[str, str]) -> str:
    """One digest for a state."""
    return hashlib.sha256(seen(state).encode()).hexdigest()


def unpublished(
    dataset: str,
    tier: int,
    restricted: RestrictedZone,
    contracts: Contracts,
    pseudonymisation: Pseudonymisation,
) -> list[str]:
    """What has changed since the last run of `tier` or a higher one came to its end; empty if nothing has.

    Returns
    -------
    list of str
        `landing`, `contracts`, `key`, `software`, or `first run` or `tier`.
    """
    state = dataset_state(dataset, restricted, contracts, pseudonymisation)
    with restricted.ledger(dataset) as ledger:
        finished = ledger.fact("finished")
    if finished is None:
        return ["first run"]
    reached, _, before = finished.partition(":")
    earlier = json.loads(before or "{}")
    changed = [name for name, value in state.items() if earlier.get(name) != value]
    return changed or (["tier"] if int(reached) < tier else [])
