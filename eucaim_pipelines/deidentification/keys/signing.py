"""The site's signature: Ed25519 (RFC 8032) under a key that derives from the holder's, over canonical JSON.

What is signed is said elsewhere: the statement of a release, its trace, the head of the audit log. Each body
names its kind as `schema`, so that a signature of one kind never passes for another.
"""

import json
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from eucaim_pipelines.deidentification.keys.pseudonyms import SiteKey

ANOTHER_KEY = "it was signed with another key"
"""What a check of a signature says where the trusted key is not the one that the body names."""
_PURPOSE = "signing key of statements"


def public_key(key: SiteKey) -> str:
    """The site's public key, 64 hex digits: to be published where users of releases find it."""
    return _signing_key(key).public_key().public_bytes_raw().hex()


def sign(body: Mapping[str, Any], key: SiteKey) -> str:
    """The signature of a body as hex digits; the same for the same body and key."""
    return _signing_key(key).sign(canonical(body)).hex()


def signed(body: Mapping[str, Any], signature: str, trusted: str) -> bool:
    """Whether the owner of the trusted public key (64 hex digits) has signed this body.

    A signature has one spelling, that of `sign`: in capital letters it is another text.

    Raises
    ------
    ValueError
        The key is no 64 hex digits, or the signature no hex digits.
    """
    raw = bytes.fromhex(signature)
    if raw.hex() != signature:
        return False
    signer = Ed25519PublicKey.from_public_bytes(bytes.fromhex(trusted))
    try:
        signer.verify(raw, canonical(body))
    except InvalidSignature:
        return False
    return True


def canonical(value: Mapping[str, Any]) -> bytes:
    """JSON with sorted names and no space between (as RFC 8785 for text, whole numbers and booleans)."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _signing_key(key: SiteKey) -> Ed25519PrivateKey:
    """A key of its own purpose: whoever checks signatures learns nothing of pseudonyms."""
    return Ed25519PrivateKey.from_private_bytes(key.derive(_PURPOSE, b""))
