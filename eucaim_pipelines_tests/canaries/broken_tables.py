"""Tables of the contracts with lines that are too open: a folder of their own that the engine reads instead.

Profiles with broken rules are made in `breaking`.
"""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from eucaim_pipelines import contracts
from eucaim_pipelines.deidentification.rules import codes, private_numbers, tables

_READ_ONCE = (
    *(codes._schemes, codes.meanings, tables.well_known_uids, tables.terms, tables.patterns),
    *(tables.manufacturers, private_numbers._table),
)


@contextmanager
def with_lines(folder: Path, lines: Mapping[str, list[str]]) -> Iterator[None]:
    """Read `data_contracts/deidentification` from a copy in which some files have further lines."""
    shutil.copytree(contracts.folder(), folder / "contracts")
    for name, more in lines.items():
        with (folder / "contracts" / "deidentification" / name).open("a", encoding="utf-8") as table:
            table.writelines(f"{line}\n" for line in more)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contracts, "CONTRACTS_FOLDER", str(folder / "contracts"))
        _forget()
        yield
    _forget()


def _forget() -> None:
    for table in _READ_ONCE:
        table.cache_clear()
