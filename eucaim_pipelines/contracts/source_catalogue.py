"""What a source contract says of the catalogue record: what only people know of a dataset.

What the data say themselves is computed elsewhere; the shape of the whole contract lies in `source_model`.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

from eucaim_pipelines.contracts.vocabularies import bare

Code = Annotated[str, AfterValidator(bare)]


class Part(BaseModel):
    """A block of keys of a source contract: unknown keys are refused, nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Contact(Part):
    """Whom users of the catalogue ask."""

    name: str = ""
    email: str | None = None
    url: str | None = None


class Agent(Part):
    """An organisation of the catalogue record."""

    name: str = ""
    type: str | None = None
    contact_email: str | None = None
    contact_url: str | None = None


class Catalogue(Part):
    """What the catalogue record says and the data cannot; what is left out is reported, not guessed.

    With `pool_small_values`, modalities, manufacturers and body parts of fewer than 10 people are given as
    the concept above all values; without it the record leaves them out.
    """

    title: str = ""
    description: str = ""
    keywords: tuple[str, ...] = ()
    contact: Contact | None = None
    publisher: Agent | None = None
    access_rights: Literal["PUBLIC", "RESTRICTED", "NON_PUBLIC"] | None = None
    access_conditions: tuple[Literal["DOWNLOAD", "IN_SITU_PROCESSING", "REMOTE_PROCESSING"], ...] = ()
    data_use_conditions: tuple[str, ...] = ()
    access_url: str | None = None
    legislation: tuple[str, ...] = ()
    health_categories: tuple[str, ...] = ()
    types: tuple[Code, ...] = ()
    condition: Code | None = None
    collection_methods: tuple[Code, ...] = ()
    provenance: str = ""
    health_data_access_body: Agent | None = None
    pool_small_values: bool = False
