"""The codes of hyper-ontology v2.0, to which the project is pinned; one that it lacks is refused.

Labels and spellings of the codes that the pipeline uses lie in the vocabularies.
"""

from functools import lru_cache
from pathlib import Path

from eucaim_pipelines.contracts import folder as contracts_folder
from eucaim_pipelines.errors import ContractError

CODES_FILE = ("onboarding", "hyperontology_v2.0_codes.csv")
HEADER = "code"


def known_codes(folder: Path | None = None) -> frozenset[str]:
    """Every code of hyper-ontology v2.0.

    Raises
    ------
    ContractError
        The list is missing, or is not one column of codes.
    """
    return _known_codes(contracts_folder(folder).joinpath(*CODES_FILE))


@lru_cache
def _known_codes(path: Path) -> frozenset[str]:
    try:
        header, *codes = path.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError, ValueError):
        raise ContractError(
            file=str(path), line=None, what="The list of codes cannot be read.", remedy="Restore it."
        ) from None
    if header != HEADER:
        raise ContractError(file=str(path), line=1, what="The column is another.", remedy=f"Write {HEADER}.")
    return frozenset(codes)
