"""Commands that do something: make a key, run a dataset, verify a release."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from eucaim_pipelines.cli.headless import Site, run_dataset
from eucaim_pipelines.cli.tables import files_table, places, release_table
from eucaim_pipelines.deidentification.pseudonyms import SiteKey
from eucaim_pipelines.errors import DataError, SettingsError
from eucaim_pipelines.release import manifest as manifests
from eucaim_pipelines.release.manifest import TIERS
from eucaim_pipelines.settings import load_settings

Tier = Annotated[int | None, typer.Option(min=1, max=3, help="1, 2 or 3; without it the contract's.")]


def keygen(file: Annotated[Path, typer.Argument(help="File to write; it must not exist.")]) -> None:
    """Write a new random key that only its owner may read. Keep a copy: without it nothing can be linked."""
    SiteKey.generate(file)
    Console().print(f"Key written to {file}. Keep a copy in a safe place; it is never written anywhere else.")


def run(
    dataset: Annotated[str, typer.Argument(help="The dataset's name.")],
    tier: Tier = None,
    verify: Annotated[
        Literal["sampled", "full"] | None,
        typer.Option(help="Which new objects pydicom reads back; without it the setting's."),
    ] = None,
) -> None:
    """Take a dataset's newest exports to the tier it aims at; nothing happens when nothing is new."""
    settings = load_settings()
    if verify is not None:
        settings = settings.model_copy(update={"verify": verify})
    result = run_dataset(settings, dataset, tier)
    console = Console()
    if result.news:
        console.print(f"{dataset}: {', '.join(result.news)}")
    else:
        console.print(f"{dataset}: nothing new since the last run; nothing was published.")
    console.print(files_table([result]))
    console.print(release_table([result]))
    for line in places([result]):
        console.print(line, soft_wrap=True, highlight=False)
    if result.tier_reached == 0:
        raise DataError(
            f"'{dataset}' reaches no tier now. The report says what to fix: {result.report}. "
            "Releases of earlier runs stay as they are."
        )


def verify(
    dataset: Annotated[str, typer.Argument(help="The dataset's name.")],
    tier: Annotated[
        int | None, typer.Option(min=1, max=3, help="One tier; without it all that are released.")
    ] = None,
) -> None:
    """Read a release again, everything it names, and compare with its manifest."""
    site = Site(load_settings())
    console = Console()
    found = False
    faults: list[manifests.Fault] = []
    for number in [tier] if tier else TIERS:
        manifest = manifests.current(site.store, dataset, number)
        if manifest is None:
            continue
        found = True
        checked, wrong = manifests.verify(site.store, manifest)
        faults += wrong
        console.print(f"tier {number}, {manifest.version}: {checked} things checked, {len(wrong)} wrong")
        for fault in wrong:
            console.print(f"  {fault.what}: {fault.key}", soft_wrap=True)
    if not found:
        raise SettingsError(f"'{dataset}' has no release" + (f" at tier {tier}." if tier else "."))
    if faults:
        raise DataError(f"{len(faults)} of the things that the release names are not as its manifest says.")
