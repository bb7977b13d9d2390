"""What a source contract says of the catalogue record: what only people know of a dataset.

What the data say themselves is computed elsewhere; the shape of the whole contract lies in `source_model`.
"""

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

from eucaim_pipelines.contracts.vocabularies import bare

Code = Annotated[str, AfterValidator(bare)]


def _address(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+", value):
        raise ValueError("must be an address such as https://hospital.example/data")
    return value


def _term(value: str) -> str:
    return value if re.fullmatch(r"[A-Za-z0-9_-]+", value) else _address(value)


Address = Annotated[str, AfterValidator(_address)]
Term = Annotated[str, AfterValidator(_term)]
"""A term by its own name, such as Consent, or by its address."""


class Part(BaseModel):
    """A block of keys of a source contract: unknown keys are refused, nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Contact(Part):
    """Whom users of the catalogue ask."""

    name: str = ""
    email: str | None = None
    url: Address | None = None


class Agent(Part):
    """An organisation of the catalogue record."""

    name: str = ""
    type: Term | None = None
    contact_email: str | None = None
    contact_url: Address | None = None


class Period(Part):
    """Days from which and to which something holds; either may be open."""

    start: date | None = None
    end: date | None = None


class Catalogue(Part):
    """What the catalogue record says and the data cannot; what is left out is reported, not guessed.

    Which property of the record each key fills, and which of them must be filled, is said by
    data_contracts/catalogue/properties.csv. `condition_includes` are codes of the tables that are kinds of
    `condition`. With `pool_small_values`, modalities, manufacturers and body parts of fewer than 10 people
    are given as the concept above all values; without it the record leaves them out.
    """

    title: str = ""
    alternative_titles: tuple[str, ...] = ()
    description: str = ""
    keywords: tuple[str, ...] = ()
    documentation: tuple[Address, ...] = ()
    landing_pages: tuple[Address, ...] = ()
    contact: Contact | None = None
    publisher: Agent | None = None
    custodian: Agent | None = None
    creators: tuple[Agent, ...] = ()
    health_data_access_body: Agent | None = None
    access_rights: Literal["PUBLIC", "RESTRICTED", "NON_PUBLIC"] | None = None
    access_conditions: tuple[Literal["DOWNLOAD", "IN_SITU_PROCESSING", "REMOTE_PROCESSING"], ...] = ()
    data_use_conditions: tuple[str, ...] = ()
    access_url: Address | None = None
    licence: Address | None = None
    availability: Term | None = None
    legislation: tuple[Address, ...] = ()
    legal_basis: tuple[Term, ...] = ()
    purposes: tuple[Term, ...] = ()
    personal_data: tuple[Term, ...] = ()
    retention: Period | None = None
    health_categories: tuple[Term, ...] = ()
    types: tuple[Code, ...] = ()
    condition: Code | None = None
    condition_includes: tuple[Code, ...] = ()
    collection_methods: tuple[Code, ...] = ()
    population_coverage: str = ""
    spatial: tuple[Address, ...] = ()
    languages: tuple[Term, ...] = ()
    frequency: Term | None = None
    provenance: str = ""
    in_series: tuple[Address, ...] = ()
    derived_from: tuple[Address, ...] = ()
    publications: tuple[Address, ...] = ()
    related: tuple[Address, ...] = ()
    other_identifiers: tuple[str, ...] = ()
    pool_small_values: bool = False
