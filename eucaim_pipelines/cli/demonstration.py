"""Commands that show the pipeline on data it brings along, or on a folder of real objects.

Everything they make lies below one folder.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from eucaim_pipelines import demo as demonstration
from eucaim_pipelines.cli.headless import Outcome, prepare_home, run_dataset
from eucaim_pipelines.cli.tables import files_table, places, release_table
from eucaim_pipelines.demo import real as real_objects
from eucaim_pipelines.demo import site
from eucaim_pipelines.errors import DataError
from eucaim_pipelines.settings import load_settings

Folder = Annotated[Path, typer.Argument(help="Folder for everything that is made.")]


def demo_export(
    folder: Folder,
    clean: Annotated[bool, typer.Option("--clean", help="Leave the planted defects out.")] = False,
) -> None:
    """Write the exports of three invented data holders, and truth.json: what must become of each file."""
    demonstration.write_exports(folder, clean=clean)
    Console().print(
        f"Exports written to {folder / 'landing'}; what must become of them: {folder / 'truth.json'}"
    )


def demo(folder: Folder) -> None:
    """Take three invented data holders' exports to the tiers they reach, and say where everything lies."""
    console = Console()
    if not (folder / "truth.json").exists():
        console.print("Writing the exports of three invented data holders")
        demonstration.write_exports(folder)
    _use(folder)
    _run(console, sorted(path.name for path in (folder / "landing").iterdir() if path.is_dir()))


def real(
    folder: Folder,
    dicom: Annotated[Path, typer.Option("--dicom", help="Folder of DICOM files; it is read only.")],
) -> None:
    """Take a folder of real DICOM objects, as one dataset, to the tier it reaches."""
    real_objects.write_exports(folder / "landing", dicom)
    _use(folder)
    _run(Console(), [real_objects.DATASET])


def _use(folder: Path) -> None:
    """Make the folder a site of its own, and let the settings be that site's."""
    settings = site.prepare(folder)
    os.environ["EUCAIM_SETTINGS"] = str(settings)
    os.environ["DAGSTER_HOME"] = str(prepare_home(folder / "home"))


def _run(console: Console, datasets: Sequence[str]) -> None:
    settings = load_settings()
    outcomes: list[Outcome] = []
    for dataset in datasets:
        console.print(f"[bold]{dataset}[/bold]")
        result = run_dataset(settings, dataset, None)
        console.print("  done" if result.news else "  nothing new since the last run; nothing was published")
        outcomes.append(result)
    console.print(files_table(outcomes))
    console.print(release_table(outcomes))
    for line in places(outcomes):
        console.print(line, soft_wrap=True, highlight=False)
    missed = [each.dataset for each in outcomes if each.tier_reached == 0]
    if missed:
        raise DataError(f"No tier is reached by {', '.join(missed)}; the report says what to fix.")
