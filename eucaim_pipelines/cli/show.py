"""Commands that look: the ledger's balance, what was held back, the life of one file. They change nothing.

How they are called; what they print is imported when they are.
"""

from typing import Annotated

import typer

Dataset = Annotated[str, typer.Argument(help="The dataset's name.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Paths = Annotated[
    bool, typer.Option("--paths", help="Add the sender's paths; they may hold names. Terminal only.")
]


def status(dataset: Dataset, as_json: Json = False) -> None:
    """The ledger's balance and the newest release of each tier."""
    from eucaim_pipelines.cli import looking

    looking.status(dataset, as_json)


def quarantine_list(dataset: Dataset, as_json: Json = False, paths: Paths = False) -> None:
    """Why files were held back, and what to do; each file where they are 20 at most, or with --paths."""
    from eucaim_pipelines.cli import looking

    looking.quarantine_list(dataset, as_json, paths)


def explain(
    sha256: Annotated[str, typer.Argument(help="SHA-256 of an input file, or its first 8 digits or more.")],
    paths: Paths = False,
) -> None:
    """The life of one input file: where it was received, what became of it, which releases name it."""
    from eucaim_pipelines.cli import looking

    looking.explain(sha256, paths)
