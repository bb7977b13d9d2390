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
