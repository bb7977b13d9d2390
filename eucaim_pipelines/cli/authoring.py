"""What the authoring commands do and print: counts and names of columns, never a cell.

How they are called is said in `author`.
"""

import os
import re
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from eucaim_pipelines.assets.common import DATASET_PATTERN
from eucaim_pipelines.cli.headless import Site
from eucaim_pipelines.contracts.ontology import known_codes
from eucaim_pipelines.errors import SettingsError
from eucaim_pipelines.onboarding.drafts import TODO, FileDraft
from eucaim_pipelines.onboarding.images import draft_imaging, read_headers
from eucaim_pipelines.onboarding.lists import load_lists
from eucaim_pipelines.onboarding.meanings import Meanings
from eucaim_pipelines.onboarding.new_source import suggest
from eucaim_pipelines.onboarding.template import read_template
from eucaim_pipelines.onboarding.template_names import Names
from eucaim_pipelines.onboarding.unmapped import WARNING, columns, rows_to_paste
from eucaim_pipelines.onboarding.values import Speller
from eucaim_pipelines.onboarding.writing import written
from eucaim_pipelines.resources.site import Contracts
from eucaim_pipelines.settings import load_contract_settings, load_settings


def new_source(files: Sequence[Path], images: Path | None, out: Path | None, dataset: str | None) -> None:
    """Write a first contract for these tables, and print what was found by column."""
    dataset_id = _name(dataset)
    target = out or Path(f"{dataset or 'new_source'}.yaml")
    contracts = Contracts.of_rules(load_contract_settings())
    matcher = contracts.matcher()
    draft = suggest(
        files,
        matcher,
        contracts.tables(),
        load_lists(contracts.folder),
        dataset_id=dataset_id,
        imaging=draft_imaging(read_headers(images), matcher) if images is not None else None,
    )
    text = written(draft)
    write_new(target, text)
    console = Console()
    for each in draft.files:
        console.print(_columns(each))
    _say(target, text)


def _say(target: Path, text: str) -> None:
    """What is left to do with a contract that was written."""
    left = text.count(f": {TODO}") + text.count(f": [{TODO}]")
    Console().print(
        f"{target}: {left} places say TODO; read every line. It takes effect in your folder of sources, "
        "as <dataset>.yaml.",
        soft_wrap=True,
        markup=False,
    )


def unmapped(dataset: str, out: Path | None) -> None:
    """Print values without a code to a terminal, or write them to a file that only its owner reads."""
    if out is None and not sys.stdout.isatty():
        raise SettingsError(
            "This prints values of patients: to a terminal only, or to a private file with --out."
        )
    site = Site(load_settings())
    table = site.restricted.shelf(site.known(dataset)).read("unmapped_values")
    text = rows_to_paste(table, site.contracts.source(dataset), site.contracts.matcher())
    console = Console()
    if out is None:
        console.print(text, soft_wrap=True, highlight=False, markup=False)
        return
    write_new(out, text)
    for file, field, values, rows in columns(table):
        console.print(f"{file}, {field}: {values} value(s) in {rows} rows", highlight=False, markup=False)
    console.print(f"{out}: {WARNING}", soft_wrap=True, highlight=False, markup=False)


def import_template(files: Sequence[Path], out: Path, dataset: str | None) -> None:
    """Write the contract that a filled-in template describes, and print what could not be mapped."""
    contracts = Contracts.of_rules(load_contract_settings())
    lists = load_lists(contracts.folder)
    meanings = Meanings(contracts.tables(), lists, Speller(contracts.matcher(), None, lists.missing))
    names = Names(meanings, lists.template_names, known_codes(contracts.folder))
    draft = names.source([episode for path in files for episode in read_template(path)], _name(dataset))
    text = written(draft)
    write_new(out, text)
    console = Console()
    for each in draft.files:
        console.print(_columns(each))
    _say(out, text)


def _name(dataset: str | None) -> str:
    if dataset is not None and re.fullmatch(DATASET_PATTERN, dataset) is None:
        raise SettingsError("A dataset's name has letters, digits, '_' and '-' only, at most 150 of them.")
    return dataset or TODO


def write_new(path: Path, text: str) -> None:
    """Write a file that must not exist yet, and that only its owner reads.

    Raises
    ------
    SettingsError
        It exists, or its folder does not.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise SettingsError(f"'{path}' exists already: name another file with --out.") from None
    except OSError as error:
        raise SettingsError(f"'{path}' cannot be written: {error.strerror}.") from None
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
        file.write(text)


def _columns(draft: FileDraft) -> Table:
    """Columns, what they are, and where they go; of values only how many have a code."""
    table = Table("column", "is", "fills", "values with a code", title=f"{draft.name}: {draft.comments[0]}")
    for column in draft.columns:
        decided = Counter(value.value != TODO for value in column.values)
        table.add_row(
            escape(column.header),
            column.kind,
            ", ".join(f"{target.table}.{target.field}" for target in column.targets),
            f"{decided[True]} of {len(column.values)}" if column.values else "",
        )
    return table
