"""The site's public key: printed, and with the store of releases as what a check of them starts from."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from eucaim_pipelines.errors import SettingsError

if TYPE_CHECKING:
    from eucaim_pipelines.release.store import ObjectStore


def public_key() -> None:
    """Print the public key that checks this site's statements; publish it where your users find it."""
    from eucaim_pipelines.deidentification.keys import signing
    from eucaim_pipelines.deidentification.keys.pseudonyms import SiteKey
    from eucaim_pipelines.settings import load_settings

    typer.echo(signing.public_key(SiteKey.load(load_settings().key_file)))


def store_and_keys(given: Sequence[str]) -> "tuple[ObjectStore, list[str]]":
    """Where releases lie, and the public keys to check signatures with: the given ones, or this site's.

    Who gives a key may be a reader of releases, without any other setting.
    """
    from eucaim_pipelines.deidentification.keys import signing
    from eucaim_pipelines.deidentification.keys.pseudonyms import SiteKey
    from eucaim_pipelines.resources.stores import open_store
    from eucaim_pipelines.settings import load_release_settings, load_settings

    trusted = [key.lower() for key in given] or [signing.public_key(SiteKey.load(load_settings().key_file))]
    if not all(re.fullmatch(r"[0-9a-f]{64}", key) for key in trusted):
        raise SettingsError("A public key is 64 hexadecimal digits, as 'eucaim public-key' prints them.")
    place = load_release_settings()
    return open_store(place.release, place.s3_endpoint, place.s3_region), trusted
