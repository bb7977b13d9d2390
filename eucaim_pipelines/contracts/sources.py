"""Source contracts read from YAML, strictly: every mistake is an error with file and line.

The shape lies in `source_model`, the checks of names in `source_checks`, the units in `source_units`.
"""

import hashlib
from pathlib import Path
from typing import Any

import pydantic

from eucaim_pipelines.contracts import folder as contracts_folder
from eucaim_pipelines.contracts import vocabularies
from eucaim_pipelines.contracts.positions import Document
from eucaim_pipelines.contracts.quasi_identifiers import check_source
from eucaim_pipelines.contracts.source_checks import Checker, check_decided
from eucaim_pipelines.contracts.source_model import (
    Agent,
    Catalogue,
    CheckChange,
    ClinicalFile,
    Column,
    Condition,
    Constant,
    Contact,
    Deidentification,
    Derived,
    Imaging,
    Linkage,
    SourceContract,
    TableMapping,
)
from eucaim_pipelines.contracts.source_units import in_model_units
from eucaim_pipelines.contracts.tables import load_tables
from eucaim_pipelines.errors import ContractError

__all__ = [
    "Agent",
    "Catalogue",
    "CheckChange",
    "ClinicalFile",
    "Column",
    "Condition",
    "Constant",
    "Contact",
    "Deidentification",
    "Derived",
    "Imaging",
    "Linkage",
    "SourceContract",
    "TableMapping",
    "load_source",
    "load_sources",
]


def load_source(path: Path, folder: Path | None = None) -> SourceContract:
    """The source contract of this file, checked against the contracts of `folder`.

    Raises
    ------
    ContractError
        With file and line: YAML, an unknown or missing key, or a name that does not exist.
    """
    document = Document(Path(path))
    check_decided(document)
    try:
        source = SourceContract.model_validate(document.data)
    except pydantic.ValidationError as problem:
        raise _explained(document, problem.errors(include_input=False, include_url=False)[0]) from None
    base = contracts_folder(folder)
    tables = load_tables(base)
    known = vocabularies.load_all(base)
    Checker(document, known, tables).check(source)
    check_source(document, source, tables, base)
    source = in_model_units(source, tables, known, document)
    source._digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
    return source


def load_sources(sources: Path, folder: Path | None = None) -> dict[str, SourceContract]:
    """Every source contract (`<dataset_id>.yaml`) of a folder, by dataset_id.

    Raises
    ------
    ContractError
        As `load_source`, and when a file is not named after its dataset.
    """
    found = {}
    for path in sorted(Path(sources).glob("*.yaml")):
        source = load_source(path, folder)
        if source.dataset_id != path.stem:
            raise ContractError(
                file=str(path),
                line=None,
                what=f"The file describes the dataset '{source.dataset_id}'.",
                remedy="Name the file after its dataset.",
            )
        found[source.dataset_id] = source
    return found


def _explained(document: Document, problem: Any) -> ContractError:
    place = tuple(part for part in problem["loc"] if part != "[key]")
    name = place[-1] if place else "contract"
    if problem["type"] == "extra_forbidden":
        return document.error(f"Unknown key '{name}'.", "Correct or remove it.", place)
    if problem["type"] == "missing":
        return document.error(f"The key '{name}' is missing.", "Add it.", place)
    if problem["type"] in ("model_type", "model_attributes_type", "mapping_type", "dict_type"):
        return document.error("A block of keys is expected here.", "Indent the keys below it.", place)
    return document.error(f"{problem['msg'].removeprefix('Value error, ')}.", "Correct the value.", place)
