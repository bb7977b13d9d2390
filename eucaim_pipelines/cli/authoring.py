"""What the authoring commands do and print: counts and names of columns, never a cell.

How they are called is said in `author`.
"""

import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from eucaim_pipelines.assets.common import DATASET_PATTERN
from eucaim_pipelines.errors import SettingsError
from eucaim_pipelines.onboarding.drafts import TODO, FileDraft
from eucaim_pipelines.onboarding.images import draft_imaging, read_headers
from eucaim_pipelines.onboarding.lists import load_lists
from eucaim_pipelines.onboarding.new_source import suggest
from eucaim_pipelines.onboarding.writing import written
from eucaim_pipelines.resources.site import Contracts
from eucaim_pipelines.settings import load_contract_settings


def new_source(files: Sequence[Path], images: Path | None, out: Path | None, dataset: str | None) -> None:
    """Write a first contract for these tables, and print what was found by column."""
    if dataset is not None and re.fullmatch(DATASET_PATTERN, dataset) is None:
        raise SettingsError("A dataset's name has letters, digits, '_' and '-' only, at most 150 of them.")
    target = out or Path(f"{dataset or 'new_source'}.yaml")
    contracts = Contracts.of_rules(load_contract_settings())
    matcher = contracts.matcher()
    draft = suggest(
        files,
        matcher,
        contracts.tables(),
        load_lists(contracts.folder),
        dataset_id=dataset or TODO,
        imaging=draft_imaging(read_headers(images), matcher) if images is not None else None,
    )
    text = written(draft)
    write_new(target, text)
    console = Console()
    for each in draft.files:
        console.print(_columns(each))
    console.print(f"{target}: {text.count(f': {TODO}')} places say TODO; read every line", markup=False)


def write_new(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file that must not exist yet.

    Raises
    ------
    SettingsError
        It exists, or its folder does not.
    """
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
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
