"""The hand-kept and generated tables of `data_contracts/deidentification`, read once and compiled.

They say what may stay; the profile and the walker ask them.
"""

import re
from functools import cache

from eucaim_pipelines.dicom.tables import rows


@cache
def well_known_uids() -> frozenset[str]:
    """UIDs of the Standard, kept as they are."""
    return frozenset(row["uid"] for row in rows("deidentification/well_known_uids.csv"))


@cache
def terms() -> dict[str, frozenset[bytes]]:
    """Terms of each code string, those of `*` included; key `*` for attributes without terms of their own."""
    found: dict[str, set[bytes]] = {}
    for row in rows("deidentification/cs_terms.csv"):
        found.setdefault(row["keyword"], set()).update(term.encode() for term in row["terms"].split("|"))
    return {keyword: frozenset(values | found["*"]) for keyword, values in found.items()}


@cache
def patterns() -> dict[str, re.Pattern[str]]:
    """One compiled pattern for each list; a value must match as a whole."""
    found: dict[str, list[str]] = {}
    for row in rows("deidentification/text_patterns.csv"):
        found.setdefault(row["list"], []).append(f"(?:{row['pattern']})")
    return {name: re.compile("|".join(parts), re.IGNORECASE | re.ASCII) for name, parts in found.items()}


@cache
def manufacturers() -> dict[str, str]:
    """Spelling to release by case-folded name."""
    return {row["name"].casefold(): row["name"] for row in rows("deidentification/manufacturers.csv")}
