"""Commands with which a data manager writes a source contract. They change no dataset.

How they are called; the work is in `onboarding`, imported when it is needed.
"""

from pathlib import Path
from typing import Annotated

import typer

Out = Annotated[Path | None, typer.Option("--out", help="File to write; it must not exist.")]
Dataset = Annotated[str | None, typer.Option("--dataset", help="The dataset's name.")]


def new_source(
    files: Annotated[list[Path], typer.Argument(help="Clinical tables: .csv, .tsv, .txt, .xlsx.")],
    images: Annotated[Path | None, typer.Option("--images", help="Folder of DICOM files.")] = None,
    out: Out = None,
    dataset: Dataset = None,
) -> None:
    """Profile tables (and images) and write a first source contract: suggestions with scores, and TODOs."""
    from eucaim_pipelines.cli import authoring

    authoring.new_source(files, images, out, dataset)


def unmapped(
    dataset: Annotated[str, typer.Argument(help="The dataset's name.")],
    out: Annotated[Path | None, typer.Option("--out", help="File to write; only you may read it.")] = None,
) -> None:
    """Values without a code, as rows to paste into the source contract. They are patients' values."""
    from eucaim_pipelines.cli import authoring

    authoring.unmapped(dataset, out)


def import_template(
    files: Annotated[
        list[Path], typer.Argument(help="EUCAIM's template, filled in: .xlsx, or .csv of its sheets.")
    ],
    out: Annotated[Path, typer.Option("--out", help="File to write; it must not exist.")],
    dataset: Dataset = None,
) -> None:
    """Write a source contract from EUCAIM's own template; what it cannot say stays TODO, with the reason."""
    from eucaim_pipelines.cli import authoring

    authoring.import_template(files, out, dataset)
