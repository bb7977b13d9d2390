"""The signed statement of a release: by which rules its objects were de-identified, and what a search found.

How it is signed is said in `keys.signing`. It holds counts of objects
and digests; what was done attribute by attribute stays with the holder.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from eucaim_pipelines.deidentification.keys import signing
from eucaim_pipelines.deidentification.keys.pseudonyms import SiteKey

SCHEMA = "eucaim_pipelines/deidentification/1"


@dataclass(frozen=True)
class Statement:
    """What a site states of the objects of one release.

    Attributes
    ----------
    as_of
        ISO date of the newest export.
    profile, profile_digest, rules_digest
        Name of the profile; its SHA-256; SHA-256 of everything that an object was made under.
    table_editions
        Attributes of PS3.15 Table E.1-1 by the edition that the profile has them from.
    options
        What the source chose, by name.
    object_list
        SHA-256 that binds the statement to the objects of a release (`object_list_digest`).
    objects, objects_checked
        Objects of the release, and those of them in which the verifier searched for identities.
    objects_converted
        Objects of the release that were made from searched ones alone: segmentations of structure sets.
    residuals_found
        Identities that it found in them, summed up over the objects.
    objects_held_back
        Whether objects were held back because of such a find: `none` or `some`. Small numbers stay here.
    evidence
        HMAC of the table of counts per attribute, action and reason, which the holder keeps.
    """

    dataset: str
    as_of: str
    profile: str
    profile_digest: str
    rules_digest: str
    table_editions: Mapping[str, int]
    options: Mapping[str, str | bool]
    key_id: str
    engine_version: str
    object_list: str
    objects: int
    objects_checked: int
    objects_converted: int
    residuals_found: int
    objects_held_back: str
    evidence: str


def object_list_digest(lists: Iterable[str]) -> str:
    """SHA-256 over the SHA-256s of a manifest's lists of objects, one in a line, in order of their text."""
    return sha256("".join(f"{digest}\n" for digest in sorted(lists)).encode()).hexdigest()


def sign(statement: Statement, key: SiteKey) -> bytes:
    """The statement with public key and signature as JSON; the same bytes for the same statement and key."""
    body = {"schema": SCHEMA, "public_key": signing.public_key(key)} | asdict(statement)
    document = {"statement": body, "signature": signing.sign(body, key)}
    return (json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def problems(data: bytes, trusted: str, dataset: str, object_list: str, objects: int) -> list[str]:
    """What does not hold of a statement; empty if all does.

    Parameters
    ----------
    data
        The document, as `sign` made it.
    trusted
        The site's public key, from where the site publishes it and not from the statement.
    dataset, object_list, objects
        What the release is: its dataset, the digest of its lists, and how many objects they name.
    """
    body = _signed(data, trusted)
    if isinstance(body, str):
        return [body]
    found = []
    if body.get("dataset") != dataset or body.get("object_list") != object_list:
        found.append("it is the statement of another release")
    searched = body.get("objects_checked"), body.get("objects_converted", 0)
    if body.get("objects") != objects or None in searched or sum(searched) != objects:
        found.append("not every object was searched")
    if body.get("residuals_found") != 0:
        found.append("identities were found in objects of the release")
    return found


def _signed(data: bytes, trusted: str) -> dict[str, Any] | str:
    """The body of a statement that the trusted key has signed, else what is wrong."""
    try:
        document = json.loads(data)
        body, signature = document["statement"], document["signature"]
        if not isinstance(body, dict) or body.get("schema") != SCHEMA:
            return "it is no statement of this kind"
        if body.get("public_key") != trusted.lower():
            return signing.ANOTHER_KEY
        if not signing.signed(body, signature, trusted):
            return "its signature is wrong"
    except (ValueError, KeyError, TypeError, RecursionError):
        return "it cannot be read"
    return body
