"""Contracts as they are read: tables, vocabularies and sources, cross-checked, errors with file and line.

No row of data is read here, and nothing of Dagster, of the object store or of the checks' engine is known.
"""

from pathlib import Path

CONTRACTS_FOLDER = "data_contracts"


def folder(override: Path | None = None) -> Path:
    """Folder of the contracts: `override` if given, else the project's own `data_contracts`."""
    return override if override is not None else Path(__file__).parents[2] / CONTRACTS_FOLDER
