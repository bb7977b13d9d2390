"""Commands about signed statements: the site's public key, and whether a release's statement holds.

What a statement says is decided in the packages below.
"""

import re
from collections.abc import Collection
from typing import TYPE_CHECKING

import typer

from eucaim_pipelines.errors import SettingsError

if TYPE_CHECKING:
    from eucaim_pipelines.release.manifest import Fault, Manifest
    from eucaim_pipelines.release.store import ObjectStore


def public_key() -> None:
    """Print the public key that checks this site's statements; publish it where your users find it."""
    from eucaim_pipelines.deidentification.keys import signing
    from eucaim_pipelines.deidentification.keys.pseudonyms import SiteKey
    from eucaim_pipelines.settings import load_settings

    typer.echo(signing.public_key(SiteKey.load(load_settings().key_file)))


def store_and_key(given: str | None) -> "tuple[ObjectStore, str]":
    """Where releases lie, and the public key to check statements with: the given one, or this site's.

    Who gives a key may be a reader of releases, without any other setting.
    """
    from eucaim_pipelines.deidentification.keys import signing
    from eucaim_pipelines.deidentification.keys.pseudonyms import SiteKey
    from eucaim_pipelines.resources.stores import open_store
    from eucaim_pipelines.settings import load_release_settings, load_settings

    if given is None:
        settings = load_settings()
        given = signing.public_key(SiteKey.load(settings.key_file))
    elif not re.fullmatch(r"[0-9a-fA-F]{64}", given):
        raise SettingsError("A public key is 64 hexadecimal digits, as 'eucaim public-key' prints them.")
    place = load_release_settings()
    return open_store(place.release, place.s3_endpoint, place.s3_region), given.lower()


def check_release(store: "ObjectStore", manifest: "Manifest", told: "Collection[Fault]") -> "list[Fault]":
    """Read everything that a release names again; what was told before is not printed twice."""
    from eucaim_pipelines.release import manifest as manifests

    checked, wrong = manifests.verify(store, manifest)
    typer.echo(f"tier {manifest.tier}, {manifest.version}: {checked} things checked, {len(wrong)} wrong")
    for fault in wrong:
        if fault not in told:
            typer.echo(f"  {fault.what}: {fault.key}")
    return wrong


def check_trace(store: "ObjectStore", manifest: "Manifest", trusted: str) -> bool:
    """Print one line on the trace of a release, and say whether it holds."""
    from eucaim_pipelines.release import trace

    problems = trace.problems(store, manifest, trusted)
    typer.echo(
        f"  trace: {'; '.join(problems) + ': ' + trace.key(manifest) if problems else 'signed; it holds'}"
    )
    return not problems


def check_statement(store: "ObjectStore", manifest: "Manifest", trusted: str, whose: str) -> bool:
    """Print one line on the statement of a release, and say whether it holds; `whose` key it is."""
    from eucaim_pipelines.release import statements

    problems = statements.problems(store, manifest, trusted)
    searched = "every object was searched or made from searched ones, no identity was found"
    holds = f"signed with {whose} key; {searched}"
    typer.echo(f"  statement: {'; '.join(problems) or holds}")
    return not problems


def record(given: str | None, dataset: str, **told: int) -> None:
    """Note in the audit log that a release was verified; a reader who gave a key has none."""
    if given is None:
        from eucaim_pipelines.resources.records import Audit
        from eucaim_pipelines.settings import load_settings

        Audit.of(load_settings()).append("verified", dataset, **told)
