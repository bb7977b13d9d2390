"""What somebody may know of a patient (quasi-identifiers), what it would tell him, and what a source sets.

The shape only: names are checked in `quasi_identifiers`, what it comes to is measured in `quality.risk`.
"""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from eucaim_pipelines.contracts.source_catalogue import Part

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
RELEASED = "as released"
"""How exactly a field counts as known unless something else is said."""


class QuasiIdentifier(Part):
    """One thing that the tables of a release show of each patient.

    Attributes
    ----------
    role
        `quasi`: somebody may know it of a patient, and so find him; `sensitive`: he would learn it then.
    column
        `table.column`; the values of a patient make a set.
    query, needs
        Instead: SQL over the tables `needs` that gives patient_id and value, and position with `in_order`.
    keep
        Of several values of a patient: the `set` of them, or all, `in_order` of their position.
    hierarchy, known_as
        Steps to less exact values, and the step as which it counts as known; else as the release shows it.
    dates
        Policies of dates under which it tells something; none for all.
    """

    id: Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
    label: Words
    role: Literal["quasi", "sensitive"] = "quasi"
    column: Words | None = None
    query: Words | None = None
    needs: tuple[str, ...] = ()
    keep: Literal["set", "in_order"] = "set"
    hierarchy: str | None = None
    known_as: str = RELEASED
    dates: tuple[Literal["shift", "day_one", "remove"], ...] = ()
    why: Words | None = None

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        if (self.column is None) == (self.query is None) or bool(self.query) != bool(self.needs):
            raise ValueError("A field has a column, or a query and the tables that it needs")
        if self.column is not None and self.keep != "set":
            raise ValueError("Only a query can say an order")
        if self.known_as != RELEASED and self.why is None:
            raise ValueError("A field that counts as known less exactly than it is released says why")
        return self

    @property
    def tables(self) -> tuple[str, ...]:
        """The tables that it is made from."""
        return self.needs or ((self.column or "").partition(".")[0],)


class Risk(Part):
    """What a source asks of its own releases.

    Attributes
    ----------
    at_least
        Smallest group of people who look alike, instead of what the tiers ask for.
    known_as
        Field to the step of its hierarchy as which it counts as known.
    fields
        Fields beside those of every source; one of the same id takes its place, for a reason.
    why
        The reason for `at_least`, `known_as` and fields that take a place; the report says it.
    """

    at_least: Annotated[int, Field(ge=1)] | None = None
    known_as: Mapping[str, str] = {}
    fields: tuple[QuasiIdentifier, ...] = ()
    why: Words | None = None

    @model_validator(mode="after")
    def _says_why(self) -> Self:
        if (self.at_least is not None or self.known_as) and self.why is None:
            raise ValueError("A source that sets at_least or known_as says why")
        return self
