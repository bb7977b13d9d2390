"""Whether the signed statement of a release holds: for its objects, under the site's public key.

How a statement is made and signed is said in `deidentification.statement`.
"""

from eucaim_pipelines.deidentification import statement
from eucaim_pipelines.release.manifest import Manifest
from eucaim_pipelines.release.store import ObjectStore

NAME = "deidentification.json"
"""File name of the statement in a release."""


def problems(store: ObjectStore, manifest: Manifest, trusted: str) -> list[str]:
    """What does not hold of a release's statement; empty if all does.

    Parameters
    ----------
    trusted
        The site's public key, 64 hex digits.
    """
    key = next((item.key for item in manifest.files if item.name == NAME), None)
    data = store.get(key) if key is not None else None
    if data is None:
        return ["there is none"]
    lists = statement.object_list_digest(item.sha256 for item in manifest.objects)
    objects = sum(item.rows or 0 for item in manifest.objects)
    return statement.problems(data, trusted, manifest.dataset_id, lists, objects)
