"""Commands that show the pipeline on data it brings along, or on a folder of real objects.

Everything they make lies below one folder. What they need is imported when they are called.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from eucaim_pipelines.errors import DataError

Folder = Annotated[Path, typer.Argument(help="Folder for everything that is made.")]


def demo_export(
    folder: Folder,
    clean: Annotated[bool, typer.Option("--clean", help="Leave the planted defects out.")] = False,
) -> None:
    """Write the exports of three invented data holders, and truth.json: what must become of each file."""
    from eucaim_pipelines.demo import write_exports

    write_exports(folder, clean=clean)
    typer.echo(f"Exports written to {folder / 'landing'}; what must become of them: {folder / 'truth.json'}")


def demo(folder: Folder) -> None:
    """Take three invented data holders' exports to the tiers they reach, and say where everything lies."""
    from eucaim_pipelines.demo import write_exports

    if not (folder / "truth.json").exists():
        typer.echo("Writing the exports of three invented data holders")
        write_exports(folder)
    _use(folder)
    _run(sorted(path.name for path in (folder / "landing").iterdir() if path.is_dir()))


def real(
    folder: Folder,
    dicom: Annotated[Path, typer.Option("--dicom", help="Folder of DICOM files; it is read only.")],
) -> None:
    """Take a folder of real DICOM objects, as one dataset, to the tier it reaches."""
    from eucaim_pipelines.demo import real as real_objects

    real_objects.write_exports(folder / "landing", dicom)
    _use(folder)
    _run([real_objects.DATASET])


def _use(folder: Path) -> None:
    """Make the folder a site of its own, and let the settings be that site's."""
    from eucaim_pipelines.cli.headless import prepare_home
    from eucaim_pipelines.demo import site

    settings = site.prepare(folder)
    os.environ["EUCAIM_SETTINGS"] = str(settings)
    os.environ["DAGSTER_HOME"] = str(prepare_home(folder / "home"))


def _run(datasets: Sequence[str]) -> None:
    from rich.console import Console

    from eucaim_pipelines.cli.headless import run_dataset
    from eucaim_pipelines.cli.tables import files_table, places, release_table
    from eucaim_pipelines.settings import load_settings

    console, settings, outcomes = Console(), load_settings(), []
    for dataset in datasets:
        console.print(f"[bold]{dataset}[/bold]")
        result = run_dataset(settings, dataset, None)
        console.print("  done" if result.news else "  nothing new since the last run; nothing was published")
        outcomes.append(result)
    console.print(files_table(outcomes))
    console.print(release_table(outcomes))
    for line in places(outcomes):
        console.print(line, soft_wrap=True, highlight=False, markup=False)
    missed = [each.dataset for each in outcomes if each.tier_reached == 0]
    if missed:
        raise DataError(f"No tier is reached by {', '.join(missed)}; the report says what to fix.")
