"""Which checks exist: planned from the tables' contracts, before any data is seen.

They are run in `expectations` and `linkage`; which of them a tier needs is in tiers.yaml.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from eucaim_pipelines.contracts import rules, vocabularies
from eucaim_pipelines.contracts.tables import TableContract
from eucaim_pipelines.quality.findings import Dimension, Severity
from eucaim_pipelines.quality.linkage import LINKAGE_CHECKS

Kind = Literal["rows", "not_null", "in_set", "unique", "resolves"]


@dataclass(frozen=True)
class Check:
    """One check of one table, ready to run; `sentence` says what is wrong when it fails."""

    id: str
    table: str
    columns: tuple[str, ...]
    kind: Kind
    dimension: Dimension
    severity: Severity
    sentence: str
    remedy: str
    row_condition: str | None = None
    vocabulary: str | None = None
    values: tuple[Any, ...] = ()
    reference: tuple[str, str] | None = None

    def allowed(self, contracts_folder: Path | None) -> list[Any]:
        """Values that an `in_set` check lets through."""
        if self.vocabulary is None:
            return list(self.values)
        return sorted(vocabularies.load(self.vocabulary, contracts_folder).codes)


def planned(contract: TableContract) -> list[Check]:
    """All checks of one table in a fixed order: those every table has, then those its contract declares."""
    return [*_every_table(contract), *_not_nullable(contract), *_declared(contract), *_value_sets(contract),
            *_references(contract)]  # fmt: skip


def known_checks(contracts: Mapping[str, TableContract]) -> frozenset[str]:
    """Identifiers of every check that can run; a tier or a source contract may name no other."""
    of_tables = (check.id for contract in contracts.values() for check in planned(contract))
    return frozenset(of_tables) | frozenset(LINKAGE_CHECKS)


def _every_table(contract: TableContract) -> Iterator[Check]:
    name = contract.name
    if contract.mandatory:
        yield Check(
            f"{name}.rows.present", name, (), "rows", "completeness", "error",
            f"The table '{name}' is empty.",
            "Deliver the data that fill this table, or map their columns in the source contract.",
        )  # fmt: skip
    yield Check(
        f"{name}.key.unique", name, contract.primary_key, "unique", "uniqueness", "error",
        f"Some rows of '{name}' stand for the same thing.",
        "Remove repeated rows at the source, or give the clinical file the key that tells them apart.",
    )  # fmt: skip


def _not_nullable(contract: TableContract) -> Iterator[Check]:
    declared = {check.field for check in contract.required}
    for field in contract.schema:
        if not field.nullable and field.name not in declared:
            yield Check(
                f"{contract.name}.{field.name}.complete", contract.name, (field.name,), "not_null",
                "completeness", "error", f"Some rows of '{contract.name}' have no {_words(field.name)}.",
                "Complete it at the source.",
            )  # fmt: skip


def _declared(contract: TableContract) -> Iterator[Check]:
    for rule in contract.rules:
        kind: Kind = "not_null" if rule.expectation == rules.NOT_NULL else "in_set"
        yield Check(
            rule.id, contract.name, rule.columns, kind, rule.dimension, rule.severity, rule.sentence,
            rule.remedy, rule.row_condition, values=tuple(rule.kwargs.get("value_set", ())),
        )  # fmt: skip


def _value_sets(contract: TableContract) -> Iterator[Check]:
    for field, vocabulary in contract.value_sets.items():
        yield Check(
            f"{contract.name}.{field}.in_value_set", contract.name, (field,), "in_set", "validity", "error",
            f"Some cells of {_words(field)} hold a code outside the value set '{vocabulary}'.",
            "Correct the value map of this column in the source contract.", vocabulary=vocabulary,
        )  # fmt: skip


def _references(contract: TableContract) -> Iterator[Check]:
    for relation in contract.relationships:
        yield Check(
            f"{contract.name}.{relation.field}.resolves", contract.name, (relation.field,), "resolves",
            "integrity", "error",
            f"Some rows of '{contract.name}' refer to a row of '{relation.to_table}' that does not exist.",
            f"Deliver what the rows of '{relation.to_table}' are made from, or correct the identifiers.",
            reference=(relation.to_table, relation.to_field),
        )  # fmt: skip


def _words(column: str) -> str:
    return column.replace("_", " ")
