"""What a source contract does not say though the catalogue record must: in plain words, with the key.

Without it no record is built. Whether a built record conforms is checked in `conformance`.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from eucaim_pipelines.catalogue.profile import PLACEHOLDER, Property, load_properties, parts
from eucaim_pipelines.contracts.source_model import SourceContract

_PLACEHOLDER = re.compile(PLACEHOLDER, re.IGNORECASE)
_HELD_BY = ("Dataset", "Distribution")


def missing(source: SourceContract, folder: Path | None = None) -> tuple[str, ...]:
    """What only people know and did not say, or said by a placeholder; each once, in the profile's order.

    The health data access body may be left out in the transition to the European Health Data Space; a
    placeholder for it may not stand.
    """
    properties = load_properties(folder)
    own = [each for name in _HELD_BY for each in parts(name, properties)]
    found = (text for each in own for text in _missing(each, source.catalogue, "catalogue", "", properties))
    return tuple(dict.fromkeys(found))


def _missing(
    each: Property, said: Any, within: str, label: str, properties: tuple[Property, ...]
) -> Iterator[str]:
    """The problems of one property, and of the parts that it holds; fixed and computed ones have none."""
    if each.source != "contract":
        return
    keys = each.key.split("|")
    values = [value for key in keys for value in _values(getattr(said, key) if key else said)]
    name = f"{label}{each.label}"
    if not values and each.mandatory:
        yield f"{name} is missing: write {each.keys(within)}."
    for value in values:
        if isinstance(value, str) and _PLACEHOLDER.match(value):
            yield f"{name} is a placeholder: write {each.keys(within)}."
    if each.part is None or each.part in _HELD_BY:
        return
    for value in values:
        for inner in parts(each.part, properties):
            part, place = (value, each.keys(within)) if isinstance(value, BaseModel) else (value, "")
            if isinstance(part, BaseModel):
                yield from _missing(inner, part, place, f"{name}, ", properties)


def _values(value: Any) -> list[Any]:
    """The values that are there; blank text is none."""
    every = value if isinstance(value, tuple) else (value,)
    return [each for each in every if each is not None and not (isinstance(each, str) and not each.strip())]
