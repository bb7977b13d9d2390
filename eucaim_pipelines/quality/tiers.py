"""What each tier requires, read strictly from data_contracts/tiers.yaml and bound to checks that exist.

Whether a dataset fulfils it is decided in `verdict`; the checks themselves are planned in `plan`.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from eucaim_pipelines.contracts.positions import Document
from eucaim_pipelines.contracts.source_model import CheckChange, SourceContract
from eucaim_pipelines.errors import ContractError

Share = Annotated[float, Field(ge=0, le=1)]
Fact = Literal[
    "people",
    "objects_unsearched",
    "catalogue_problems",
    "record_violations",
    "record_disagreements",
    "other_conditions",
    "empty_lists",
    "annotation_problems",
    "smallest_group",
    "smallest_group_of_difference",
]

RISK_FACTS: tuple[Fact, Fact] = ("smallest_group", "smallest_group_of_difference")
"""Facts about who looks alike: in the release, and among those whom a comparison with the last one shows."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Requirement(_Strict):
    """One thing a tier asks for: shares that checks must reach, or one fact about the dataset.

    A check's name may hold `*` in the file: every check of that form is meant, those of new tables too.
    """

    id: str
    text: str
    remedy: str
    checks: Mapping[str, Share] = {}
    fact: Fact | None = None
    at_least: int | None = None
    at_most: int | None = None

    @model_validator(mode="after")
    def _bound(self) -> "Requirement":
        if bool(self.checks) == (self.fact is not None):
            raise ValueError("names either checks or one fact.")
        if self.fact is not None and (self.at_least is None) == (self.at_most is None):
            raise ValueError("a fact has either at_least or at_most.")
        return self


class Tier(_Strict):
    """One tier: its code in the hyper-ontology, what users gain by it, its requirements, its tables.

    `tables` are those that the tier adds; a release holds them and the tables of the tiers below. `looks_at`
    are tables that its requirements read though its release does not hold them.
    """

    name: str
    code: str
    gives: str
    tables: tuple[str, ...]
    looks_at: tuple[str, ...] = ()
    requirements: tuple[Requirement, ...]


class Tiers(_Strict):
    """The whole of tiers.yaml, tiers by number."""

    tiers: Mapping[int, Tier]

    @model_validator(mode="after")
    def _consecutive(self) -> "Tiers":
        if sorted(self.tiers) != list(range(1, len(self.tiers) + 1)):
            raise ValueError("tiers are numbered 1, 2, 3 without a gap.")
        return self

    def tables(self, tier: int) -> tuple[str, ...]:
        """Tables of a release of `tier`, those of the tiers below first."""
        return tuple(name for number in range(1, tier + 1) for name in self.tiers[number].tables)

    def lowest(self, table: str) -> int:
        """The lowest tier that needs a table: to hold it, or to look at it."""
        return min(n for n, tier in self.tiers.items() if table in (*tier.tables, *tier.looks_at))

    def thresholds(self, changes: Mapping[str, CheckChange] | None = None) -> dict[str, float]:
        """For each check that some tier asks for, the strictest share asked, or the holder's own."""
        strictest: dict[str, float] = {}
        for tier in self.tiers.values():
            for requirement in tier.requirements:
                for check, share in requirement.checks.items():
                    strictest[check] = max(share, strictest.get(check, 0.0))
        own = {check: change.at_least for check, change in (changes or {}).items()}
        return strictest | {check: share for check, share in own.items() if share is not None}


def load_tiers(path: Path, known_checks: Collection[str]) -> Tiers:
    """The tiers as `path` (data_contracts/tiers.yaml) states them.

    Parameters
    ----------
    known_checks
        Every check that can run, `plan.known_checks(...)`.

    Raises
    ------
    ContractError
        An unknown key, a wrong form, or a requirement bound to a check that does not exist.
    """
    document = Document(path)
    try:
        tiers = Tiers.model_validate(document.data)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise document.error(
            f"{place or 'The file'}: {first['msg']}.",
            "See data_contracts/README.md for its form.",
            first["loc"],
        ) from None
    for number, tier in tiers.tiers.items():
        for index, requirement in enumerate(tier.requirements):
            for check in requirement.checks:
                if not any(_meant(check, known_checks)):
                    raise document.error(
                        f"Requirement '{requirement.id}' names a check that does not exist: '{check}'.",
                        "Name a check that the contract of a table gives.",
                        ("tiers", str(number), "requirements", index, "checks", check),
                    )
    return Tiers(tiers={number: _written_out(tier, known_checks) for number, tier in tiers.tiers.items()})


def _written_out(tier: Tier, known_checks: Collection[str]) -> Tier:
    """The tier with each check by its own name; a name of its own outdoes a form that fits it."""
    told = []
    for each in tier.requirements:
        forms = sorted(each.checks.items(), key=lambda item: "*" not in item[0])
        checks = {name: share for form, share in forms for name in _meant(form, known_checks)}
        told.append(each.model_copy(update={"checks": checks}))
    return tier.model_copy(update={"requirements": tuple(told)})


def _meant(form: str, known_checks: Collection[str]) -> Iterator[str]:
    if "*" not in form:
        yield from {form} & {*known_checks}
    else:
        yield from (name for name in sorted(known_checks) if fnmatchcase(name, form))


def threshold_changes(source: SourceContract, known_checks: Collection[str]) -> dict[str, CheckChange]:
    """The thresholds that a source contract changes, by check.

    Raises
    ------
    ContractError
        It names a check that does not exist.
    """
    for check in source.checks:
        if check not in known_checks:
            raise ContractError(
                file=f"{source.dataset_id}.yaml",
                line=None,
                what=f"checks: there is no check '{check}'.",
                remedy="Take its name from the findings of the report.",
            )
    return dict(source.checks)


@dataclass(frozen=True)
class FactChange:
    """What a source contract asks of a fact: another threshold, or `known`, other ways to look; and why."""

    why: str
    at_least: int | None = None
    known: tuple[str, ...] = ()


def risk_changes(source: SourceContract) -> dict[str, FactChange]:
    """What a source contract changes of the demands on the risk of re-identification, by fact."""
    risk = source.risk
    if risk.why is None:
        return {}
    known = tuple(f"{name} counts as known as {step}" for name, step in risk.known_as.items())
    own = tuple(f"{each.id} is what the source contract says" for each in risk.fields)
    change = FactChange(risk.why, risk.at_least, known + own)
    return dict.fromkeys(RISK_FACTS, change)
