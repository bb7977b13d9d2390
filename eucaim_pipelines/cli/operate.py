"""Commands that do something: make a key, run a dataset, verify a release.

What they need is imported when they are called, so that every command starts at once.
"""

import contextlib
from pathlib import Path
from typing import Annotated, Literal

import typer

from eucaim_pipelines.errors import DataError

Tier = Annotated[int | None, typer.Option(min=1, max=3, help="1, 2 or 3; without it the contract's.")]


def keygen(file: Annotated[Path, typer.Argument(help="File to write; it must not exist.")]) -> None:
    """Write a new random key that only its owner may read. Keep a copy: without it nothing can be linked."""
    from eucaim_pipelines.deidentification.keys.pseudonyms import SiteKey

    SiteKey.generate(file)
    typer.echo(f"Key written to {file}. Keep a copy in a safe place; it is never written anywhere else.")


def run(
    dataset: Annotated[str, typer.Argument(help="The dataset's name.")],
    tier: Tier = None,
    verify: Annotated[
        Literal["sampled", "full"] | None,
        typer.Option(help="Which new objects pydicom reads back; without it the setting's."),
    ] = None,
) -> None:
    """Take a dataset's newest exports to the tier it aims at; nothing happens when nothing is new."""
    from rich.console import Console

    from eucaim_pipelines.cli.headless import run_dataset
    from eucaim_pipelines.cli.tables import files_table, places, release_table
    from eucaim_pipelines.settings import load_settings

    settings = load_settings()
    if verify is not None:
        settings = settings.model_copy(update={"verify": verify})
    result = run_dataset(settings, dataset, tier)
    console = Console()
    if result.news:
        console.print(f"{dataset}: new or changed were {', '.join(result.news)}", markup=False)
    else:
        console.print(f"{dataset}: nothing new since the last run; nothing was published.")
    console.print(files_table([result]))
    console.print(release_table([result]))
    for line in places([result]):
        console.print(line, soft_wrap=True, highlight=False, markup=False)
    if result.tier_reached == 0:
        raise DataError(
            f"'{dataset}' reaches no tier now. The report says what to fix: {result.report}. "
            "What was released before stays as it is."
        )


def push_catalogue(dataset: Annotated[str, typer.Argument(help="The dataset's name.")]) -> None:
    """Send the record of the newest release to the FAIR Data Point of the settings, and publish it there."""
    from eucaim_pipelines.cli.pushing import push
    from eucaim_pipelines.settings import load_settings

    version, place = push(load_settings(), dataset)
    typer.echo(f"{dataset}: the record of {version} stands at {place}")


def reports(
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port of 127.0.0.1; without it the setting's.")
    ] = None,
) -> None:
    """Show the reports of this machine in a browser, on loopback only, until it is stopped."""
    from urllib.parse import urlsplit

    from eucaim_pipelines.cli.headless import Site
    from eucaim_pipelines.cli.serving import entry, server
    from eucaim_pipelines.settings import load_settings

    settings = load_settings()
    wanted = port or urlsplit(settings.reports).port or 3001
    with server(settings.restricted, Site(settings).store, wanted) as serving:
        typer.echo(f"Reports: {entry(settings.restricted, wanted)}")
        with contextlib.suppress(KeyboardInterrupt):
            serving.serve_forever()


def verify(
    dataset: Annotated[str, typer.Argument(help="The dataset's name.")],
    tier: Annotated[
        int | None, typer.Option(min=1, max=3, help="One tier; without it all that are released.")
    ] = None,
    newest: Annotated[
        bool, typer.Option("--newest", help="The newest release of each tier only, not those before it.")
    ] = False,
    public_key: Annotated[
        list[str] | None,
        typer.Option(
            help="The site's public key; again for each that it had before. Only the setting 'release' is "
            "needed then. Without it that of this site's own key."
        ),
    ] = None,
) -> None:
    """Read every release again, compare it with what was published, check statements and traces."""
    from eucaim_pipelines.cli import verifying

    verifying.verify(dataset, tier, newest, public_key or [])
