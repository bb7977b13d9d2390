"""Commands that look: the ledger's balance, what was held back, the way of one thing, the audit log.

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


def verdict(
    dataset: Dataset,
    tier: Annotated[int | None, typer.Option(min=1, max=3, help="This tier, reached or not.")] = None,
    as_json: Json = False,
) -> None:
    """The tier a dataset reaches, and what the next one lacks: whom it concerns, and how to close it."""
    from eucaim_pipelines.cli import judging

    judging.verdict(dataset, tier, as_json)


def quarantine_list(dataset: Dataset, as_json: Json = False, paths: Paths = False) -> None:
    """Why files were held back, and what to do; each file where they are 20 at most, or with --paths."""
    from eucaim_pipelines.cli import looking

    looking.quarantine_list(dataset, as_json, paths)


def explain(
    what: Annotated[
        str,
        typer.Argument(
            help="SHA-256 or token (8 digits or more), an object's key or name, a new UID, a pseudonym; "
            "or a dataset, with a figure."
        ),
    ],
    figure: Annotated[
        str | None, typer.Argument(help="A figure of the dataset's catalogue record, as numberOfRecords.")
    ] = None,
    paths: Paths = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; of a figure only.")] = False,
) -> None:
    """From a source file to what became of it, and back; or the rows and files behind a catalogue figure."""
    from eucaim_pipelines.cli import explaining

    if figure is None:
        explaining.explain(what, paths)
    else:
        explaining.explain_figure(what, figure, as_json)


def audit_verify(
    public_key: Annotated[
        str | None, typer.Option(help="The site's public key; without it that of this site's own key.")
    ] = None,
    noted: Annotated[
        str | None, typer.Option(help="A head that 'eucaim audit head' printed earlier: NUMBER:HASH.")
    ] = None,
) -> None:
    """Read the audit log again: every line, their order, and the signed end; names the first bad line."""
    from eucaim_pipelines.cli import auditing

    auditing.verify(public_key, noted)


def audit_show(dataset: Dataset, as_json: Json = False) -> None:
    """What was done to a dataset, by the audit log."""
    from eucaim_pipelines.cli import auditing

    auditing.show(dataset, as_json)


def audit_head() -> None:
    """Print the end of the audit log as NUMBER:HASH, to be noted where nobody of this machine can write."""
    from eucaim_pipelines.cli import auditing

    auditing.head()
