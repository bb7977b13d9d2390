"""A statement is signed by a key of the site, bound to its objects, and holds only if all of it does."""

import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from eucaim_pipelines.deidentification import statement
from eucaim_pipelines.deidentification.keys import signing
from eucaim_pipelines.deidentification.keys.pseudonyms import SiteKey
from eucaim_pipelines.deidentification.keys.signing import public_key
from eucaim_pipelines.deidentification.statement import Statement, object_list_digest, sign

KEY, OTHER = SiteKey(bytes(range(32))), SiteKey(bytes(32))
LISTS = ["ab" * 32, "cd" * 32]
STATED = Statement(
    dataset="lung",
    as_of="2026-01-31",
    profile="eucaim",
    profile_digest="11" * 32,
    rules_digest="22" * 32,
    table_editions={"2024e": 621, "2026c": 35},
    options={"dates": "shift", "descriptors": True},
    key_id=KEY.key_id,
    engine_version="3",
    object_list=object_list_digest(LISTS),
    objects=7,
    objects_checked=7,
    objects_converted=0,
    residuals_found=0,
    objects_held_back="none",
    evidence="33" * 32,
)


def problems(data, key=KEY, dataset="lung", lists=LISTS, objects=7):
    return statement.problems(data, public_key(key), dataset, object_list_digest(lists), objects)


def test_a_statement_holds_and_is_the_same_every_time():
    assert problems(sign(STATED, KEY)) == []
    assert sign(STATED, KEY) == sign(STATED, SiteKey(bytes(range(32))))
    assert object_list_digest(LISTS) == object_list_digest(reversed(LISTS))


def test_any_reader_can_check_it_with_the_published_key_alone():
    document = json.loads(sign(STATED, KEY))
    message = json.dumps(
        document["statement"], sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode()
    signer = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key(KEY)))
    signer.verify(bytes.fromhex(document["signature"]), message)


def test_the_signing_key_tells_nothing_of_the_site_key():
    assert public_key(KEY) != public_key(OTHER)
    secret = signing._signing_key(KEY).private_bytes_raw()
    assert secret not in (bytes(range(32)), KEY.derive("key id", b""))


@pytest.mark.parametrize("name", [*STATED.__dataclass_fields__, "schema", "public_key"])
def test_whatever_is_changed_is_found(name):
    document = json.loads(sign(STATED, KEY))
    value = document["statement"][name]
    document["statement"][name] = value + 1 if isinstance(value, int) else {"x": 1}
    assert problems(json.dumps(document).encode())


def test_an_object_was_searched_or_made_from_searched_ones():
    assert problems(sign(replace(STATED, objects_checked=5, objects_converted=2), KEY)) == []


def test_another_site_cannot_sign_for_this_one():
    assert problems(sign(STATED, OTHER)) == ["it was signed with another key"]
    document = json.loads(sign(STATED, OTHER))
    document["statement"]["public_key"] = public_key(KEY)
    assert problems(json.dumps(document).encode()) == ["its signature is wrong"]


@pytest.mark.parametrize("change", [{"dataset": "other"}, {"lists": LISTS[:1]}])
def test_the_statement_of_another_release_does_not_hold(change):
    assert problems(sign(STATED, KEY), **change) == ["it is the statement of another release"]


@pytest.mark.parametrize(
    ("change", "objects", "told"),
    [
        ({"objects_checked": 6}, 7, "not every object was searched"),
        ({"objects_converted": 1}, 7, "not every object was searched"),
        ({}, 8, "not every object was searched"),
        ({"residuals_found": 1}, 7, "identities were found in objects of the release"),
    ],
)
def test_a_true_signature_under_a_bad_result_does_not_hold(change, objects, told):
    assert problems(sign(replace(STATED, **change), KEY), objects=objects) == [told]


NO_HEX = json.dumps(json.loads(sign(STATED, KEY)) | {"signature": "zz"}).encode()


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", NO_HEX, b"\xff", b"[" * 100_000], ids=range(6))
def test_what_cannot_be_read_does_not_hold(data):
    assert problems(data) == ["it cannot be read"]
