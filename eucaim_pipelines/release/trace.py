"""The trace of a release: the message of EUCAIM's tracing service (TR v2) beside it, and whether it holds.

The file lies beside the manifest and not in it, because it holds the manifest's hash. It is signed, as the
service keeps what it is told and cannot know who told it. How it is sent is said in `trace_sending`.

Resources are four hashes, whatever the size of a release, in the words of EUCAIM's dataset service: `index`
is the SHA3-256 of the manifest, `catalogue` of the record, `images` and `clinicalData` of the SHA-256s of the
lists of images, and of the tables, one in a line, in order of their text. These the manifest names and
`verify` reads again, so that no image is read for its trace.
"""

import base64
import hashlib
import json
from collections.abc import Iterable
from typing import Any

from eucaim_pipelines.deidentification.keys import signing
from eucaim_pipelines.deidentification.keys.pseudonyms import SiteKey
from eucaim_pipelines.release.manifest import Item, Manifest, manifest_key, tier_folder
from eucaim_pipelines.release.store import ObjectStore

NAME, RECORD = "trace.json", "catalogue.jsonld"
SCHEMA = "eucaim_pipelines/trace/1"


def key(manifest: Manifest) -> str:
    """Where the trace of a release lies."""
    return f"{tier_folder(manifest.dataset_id, manifest.tier)}/{manifest.version}/{NAME}"


def message(store: ObjectStore, manifest: Manifest, user: str) -> dict[str, Any]:
    """The body of the request: CREATE_DATASET for the first release of a dataset, else UPDATE_DATASET.

    The first release is the first one of Tier 1, as tiers are cumulative. Equal releases have equal messages.
    """
    first = manifest.tier == 1 and manifest.previous is None
    place = f"tier_{manifest.tier}/{manifest.version}"
    record = next((item.key for item in manifest.files if item.name == RECORD), None)
    hashed = {
        "index": store.get(manifest_key(manifest.dataset_id, manifest.tier, manifest.version)),
        "catalogue": store.get(record) if record is not None else None,
        "images": _lines(manifest.objects),
        "clinicalData": _lines(manifest.tables),
    }
    return {
        "userId": user,
        "userAction": "CREATE_DATASET" if first else "UPDATE_DATASET",
        "datasetId": manifest.dataset_id,
        **({} if first else {"details": "RELEASE"}),
        "resources": [
            {"id": f"{place}/{name}", "contentHash": content_hash(data), "contentHashType": "SHA3_256"}
            for name, data in hashed.items()
            if data is not None
        ],
    }


def content_hash(data: bytes) -> str:
    """SHA3-256 in base64, as the service takes it."""
    return base64.b64encode(hashlib.sha3_256(data).digest()).decode("ascii")


def leave(store: ObjectStore, manifest: Manifest, user: str, site: SiteKey) -> bytes:
    """Write the signed trace beside a release, once; what lies there already stays as it is."""
    there = store.get(key(manifest))
    if there is not None:
        return there
    body = _body(message(store, manifest, user), signing.public_key(site))
    data = _document(body, signing.sign(body, site))
    store.put(key(manifest), data)
    return data


def problems(store: ObjectStore, manifest: Manifest, trusted: str) -> list[str]:
    """What does not hold of a release's trace; empty if all does.

    Parameters
    ----------
    trusted
        The site's public key, 64 hex digits.
    """
    data = store.get(key(manifest))
    if data is None:
        return ["there is none"]
    try:
        document = json.loads(data)
        body, signature = document["trace"], document["signature"]
        if data != _document(body, signature):
            return ["it is not as it was written"]
        if body["public_key"] != trusted.lower():
            return [signing.ANOTHER_KEY]
        if not signing.signed(body, signature, trusted):
            return ["its signature is wrong"]
        said = body["message"]
        now = message(store, manifest, said["userId"])
        index, own = said["resources"][0], now["resources"][0]
        if index["id"] == own["id"] and index != own:
            place = manifest_key(manifest.dataset_id, manifest.tier, manifest.version)
            return [f"it tells of another manifest than {place}"]
        if body != _body(now, trusted.lower()):
            return ["it is the trace of another release"]
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        return ["it cannot be read"]
    return []


def sent(data: bytes, again: bool = False) -> bytes:
    """The request body that a trace file holds: its message, as canonical JSON.

    A release that was told before and is the newest `again` is told as an update, whatever it was first.
    """
    said = json.loads(data)["trace"]["message"]
    return signing.canonical(said | {"userAction": "UPDATE_DATASET", "details": "RELEASE"} if again else said)


def _body(said: dict[str, Any], public_key: str) -> dict[str, Any]:
    return {"schema": SCHEMA, "public_key": public_key, "message": said}


def _document(body: dict[str, Any], signature: str) -> bytes:
    document = {"trace": body, "signature": signature}
    return (json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _lines(items: Iterable[Item]) -> bytes:
    return "".join(f"{digest}\n" for digest in sorted(item.sha256 for item in items)).encode()
