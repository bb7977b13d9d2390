"""The command that writes the data dictionary anew; what stands in it is said in `contracts.dictionary`."""

from pathlib import Path
from typing import Annotated

import typer

FILE = "DICTIONARY.md"


def dictionary(
    folder: Annotated[
        Path | None, typer.Option(help="Folder of the contracts; without it, the project's own.")
    ] = None,
) -> None:
    """Write DICTIONARY.md beside the contracts: every table, column, rule and code, from the contracts."""
    from eucaim_pipelines.contracts import folder as contracts_folder

    path = contracts_folder(folder) / FILE
    path.write_text(page_of(folder), encoding="utf-8")
    typer.echo(path)


def page_of(folder: Path | None) -> str:
    """The dictionary of the contracts in this folder."""
    from eucaim_pipelines.contracts import folder as contracts_folder
    from eucaim_pipelines.contracts import vocabularies
    from eucaim_pipelines.contracts.choices import load_choices
    from eucaim_pipelines.contracts.dictionary import page
    from eucaim_pipelines.contracts.tables import load_tables
    from eucaim_pipelines.quality.plan import known_checks
    from eucaim_pipelines.quality.tiers import load_tiers

    tables, value_sets = load_tables(folder), vocabularies.load_all(folder)
    tiers = load_tiers(contracts_folder(folder) / "tiers.yaml", known_checks(tables))
    lowest = {name: number for number, tier in tiers.tiers.items() for name in tier.tables}
    return page(tables, value_sets, load_choices(value_sets, tables, folder), lowest)
