"""What may be searched: criteria, their keys, codes and aliases, as data_contracts/search/criteria.yaml says.

Where values are looked up is `index`; what a query looks like is `query`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from eucaim_pipelines.contracts import folder as contracts_folder
from eucaim_pipelines.contracts import vocabularies
from eucaim_pipelines.contracts.positions import Document
from eucaim_pipelines.contracts.vocabularies import Vocabulary, folded

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Level = Literal["person", "series"]
_PREFIXES = ("EUCAIM_Hyper-Ontology_V1.0.", "EUCAIM:")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Bands(_Part):
    """What a preview asks of a number: one band per step, both ends included."""

    first: int = Field(alias="from")
    last: int = Field(alias="to")
    step: int = Field(ge=1)


class Criterion(_Part):
    """One thing that can be asked for; see the head of the file."""

    name: Name
    text: str
    keys: tuple[str, ...] = Field(min_length=1)
    parameter: str | None = None
    level: Level
    table: Name | None = None
    column: Name | None = None
    where: Mapping[Name, tuple[str, ...]] = {}
    vocabulary: Name | None = None
    values: tuple[str, ...] = ()
    aliases: Mapping[str, tuple[str, ...]] = {}
    bands: Bands | None = None
    note: str | None = None

    @property
    def coded(self) -> bool:
        """Whether its values are codes; numbers otherwise."""
        return self.vocabulary is not None


class _File(_Part):
    criteria: tuple[Criterion, ...]


@dataclass(frozen=True)
class Criteria:
    """Every criterion by name, in the order of the file, with the value sets of those that are coded."""

    by_name: Mapping[str, Criterion]
    vocabularies: Mapping[str, Vocabulary]

    def keyed(self, key: str) -> list[Criterion]:
        """The criteria that a key of a query may mean; several where the value decides."""
        plain = stripped(key)
        return [each for each in self.by_name.values() if plain in each.keys]

    def of_parameter(self, name: str) -> Criterion | None:
        """The criterion that a parameter of GET means."""
        return next((each for each in self.by_name.values() if each.parameter == name), None)

    def codes(self, criterion: Criterion, text: str) -> frozenset[str]:
        """Codes of the common data model that a value of a query means; empty if it means none.

        A code counts bare or prefixed, a public alias, a label or a spelling of the vocabulary.
        """
        plain = stripped(text)
        aliases = {folded(spelling): codes for spelling, codes in criterion.aliases.items()}
        for form in (plain, plain.split(" (", 1)[0]):
            if folded(form) in aliases:
                return frozenset(aliases[folded(form)])
        code = self._vocabulary(criterion).code(plain)
        return frozenset({code}) & self.allowed(criterion) if code else frozenset()

    def containing(self, criterion: Criterion, text: str) -> frozenset[str]:
        """Codes whose label contains a text; letter case does not count."""
        labels = self._vocabulary(criterion).labels
        return frozenset(c for c in self.allowed(criterion) if folded(text) in folded(labels[c]))

    def allowed(self, criterion: Criterion) -> frozenset[str]:
        """Every code that the criterion may have."""
        return frozenset(criterion.values) or self._vocabulary(criterion).codes

    def label(self, criterion: Criterion, code: str) -> str:
        """The code in words."""
        return self._vocabulary(criterion).labels.get(code, code)

    def _vocabulary(self, criterion: Criterion) -> Vocabulary:
        return self.vocabularies[criterion.vocabulary or ""]


def stripped(text: str) -> str:
    """A key or code without the prefixes under which EUCAIM's services write it."""
    plain = text.strip()
    for prefix in _PREFIXES:
        plain = plain.removeprefix(prefix)
    return plain.replace("SNOMEDCT:", "SNOMEDCT", 1) if plain.startswith("SNOMEDCT:") else plain


def load_criteria(folder: Path | None = None) -> Criteria:
    """Every criterion.

    Raises
    ------
    ContractError
        The file has another form or names a code that its vocabulary does not have, with the place.
    """
    document = Document(contracts_folder(folder) / "search" / "criteria.yaml")
    try:
        read = _File.model_validate(document.data)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise document.error(f"{first['msg']}.", "See the head of the file.", first["loc"]) from None
    names = {each.vocabulary for each in read.criteria if each.vocabulary}
    criteria = Criteria(
        {each.name: each for each in read.criteria},
        {name: vocabularies.load(name, contracts_folder(folder)) for name in sorted(names)},
    )
    for number, each in enumerate(read.criteria):
        named = set(each.values).union(*each.aliases.values())
        if each.vocabulary and not named <= criteria.vocabularies[each.vocabulary].codes:
            what = f"'{each.name}' names a code that vocabulary '{each.vocabulary}' does not have."
            raise document.error(what, "Correct values or aliases.", ("criteria", number))
    return criteria
