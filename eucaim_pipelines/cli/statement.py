"""Commands about signed statements: the site's public key, and whether a release's statement holds.

What a statement says is decided in the packages below.
"""

import re
from typing import TYPE_CHECKING

import typer

from eucaim_pipelines.errors import SettingsError

if TYPE_CHECKING:
    from eucaim_pipelines.cli.headless import Site
    from eucaim_pipelines.release.manifest import Manifest


def public_key() -> None:
    """Print the public key that checks this site's statements; publish it where your users find it."""
    from eucaim_pipelines.deidentification import statement
    from eucaim_pipelines.deidentification.keys.pseudonyms import SiteKey
    from eucaim_pipelines.settings import load_settings

    typer.echo(statement.public_key(SiteKey.load(load_settings().key_file)))


def trusted_key(site: "Site", given: str | None) -> str:
    """The public key to check statements with: the given one, or that of the site's own key."""
    from eucaim_pipelines.deidentification import statement

    if given is None:
        return statement.public_key(site.pseudonymisation.site_key())
    if not re.fullmatch(r"[0-9a-fA-F]{64}", given):
        raise SettingsError("A public key is 64 hexadecimal digits, as 'eucaim public-key' prints them.")
    return given.lower()


def check_statement(site: "Site", manifest: "Manifest", trusted: str) -> bool:
    """Print one line on the statement of a release, and say whether it holds."""
    from eucaim_pipelines.release import statements

    problems = statements.problems(site.store, manifest, trusted)
    holds = "signed with this key; every object was searched, no identity was found"
    typer.echo(f"  statement: {'; '.join(problems) or holds}")
    return not problems
