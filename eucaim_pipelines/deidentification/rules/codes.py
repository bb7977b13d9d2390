"""Coded entries: which codes are public and what they mean; local ones become keyed codes.

The dictionary of meanings is pydicom's (PS3.16 and the schemes it uses), loaded at the first coded entry.
"""

import re
from functools import cache
from typing import Any, NamedTuple

from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms
from eucaim_pipelines.dicom.tables import rows

LOCAL_SCHEME = "99EUCAIM"
LOCAL_MEANING = "Local code"


class Code(NamedTuple):
    """The released triple (PS3.3 Table 8.8-1)."""

    value: str
    scheme: str
    meaning: str
    public: bool


def released(value: str | None, scheme: str | None, pseudonyms: Pseudonyms) -> Code:
    """Triple to release in place of a code; the meaning never comes from the input."""
    value, scheme = value or "", scheme or ""
    if is_public(value, scheme):
        return Code(value, scheme, (meaning(value, scheme) or f"{scheme} {value}")[:64], True)
    token = pseudonyms.token("code", f"{len(scheme)}:{scheme}:{value}")
    return Code(token, LOCAL_SCHEME, LOCAL_MEANING, False)


def is_public(value: str, scheme: str) -> bool:
    """Whether the scheme is public and the value looks like one of its codes."""
    pattern = _schemes().get(scheme)
    if pattern is None:
        return False
    if pattern.pattern == "dictionary":
        return meaning(value, scheme) is not None
    return pattern.fullmatch(value) is not None


def is_public_scheme(scheme: str) -> bool:
    """Whether the designator is one of the public schemes."""
    return scheme in _schemes()


def meaning(value: str, scheme: str) -> str | None:
    """Meaning of a code in the dictionary; None when it is not there."""
    return _dictionary().get((scheme, value))


@cache
def meanings() -> frozenset[str]:
    """All meanings of the dictionary, case-folded: public words that a label may consist of."""
    return frozenset(text.casefold() for text in _dictionary().values())


@cache
def _schemes() -> dict[str, re.Pattern[str]]:
    table = rows("deidentification/coding_schemes.csv")
    return {row["scheme"]: re.compile(row["pattern"], re.ASCII) for row in table}


@cache
def _dictionary() -> dict[tuple[str, str], str]:
    from pydicom.sr._concepts_dict import concepts
    from pydicom.sr._snomed_dict import mapping

    found: dict[tuple[str, str], str] = {}
    by_scheme: Any = concepts
    for scheme, keywords in by_scheme.items():
        for codes in keywords.values():
            for value, entry in codes.items():
                text, known = str(entry[0]), found.get((scheme, value))
                if known is None or (len(text), text) < (len(known), known):
                    found[scheme, value] = text
    for value, modern in mapping["SRT"].items():
        if ("SCT", modern) in found:
            found["SRT", value] = found["SCT", modern]
    return found
