"""Checks that follow from a table's contract: keys, what must be given, value sets, references, units.

What no contract's shape says is declared as a rule of its own in the contract.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from eucaim_pipelines.contracts.fields import Field
from eucaim_pipelines.contracts.rules import BETWEEN, IN_SET, NOT_NULL, TOGETHER, Dimension, Rule, Severity
from eucaim_pipelines.contracts.tables import Relationship, TableContract
from eucaim_pipelines.quality.sql import PATIENT, listed, quoted, source_of

PLAUSIBLE: Mapping[str, tuple[float, float]] = {
    "a": (0, 120),
    "%": (0, 100),
    "d": (-54_800, 54_800),
    "Gy": (0, 200),
    "mm": (0, 10_000),
    "kg": (0, 500),
}
"""Unit (UCUM) to the smallest and largest number that a field of it may hold; 54,800 days are 150 years."""
DIAGNOSIS = "GEN1000008"
"""The episode that begins on the day from which days are counted, whatever else a source maps as a date."""
TOLD = "told"
MONTH_DAYS = 31
"""Dates that are set to the first of their month lie up to so many days closer or further apart."""
Tables = Mapping[str, TableContract]


def derived(contract: TableContract, tables: Tables) -> Iterator[Rule]:
    """The checks that follow from one table's contract, in a fixed order.

    Parameters
    ----------
    tables
        All contracts: a row's patient may stand in the table that the row refers to.
    """
    if contract.mandatory:
        yield _not_empty(contract)
    yield _unique_key(contract, tables)
    if contract.filled_from == "records":
        yield _distinct_rows(contract, tables)
    for field in contract.fields.values():
        yield from _of_field(contract, field, tables)
    for relation in contract.relationships:
        yield _resolves(contract, relation, tables)


def _of_field(contract: TableContract, field: Field, tables: Tables) -> Iterator[Rule]:
    filled_here = field.filled_by is not None or field.name in contract.primary_key
    if field.requirement != "optional" or not (field.nullable or filled_here):
        yield _complete(contract, field)
    if field.value_set:
        yield _in_value_set(contract, field)
    ranged = {rule.field for rule in contract.rules if rule.expectation == BETWEEN and not rule.query}
    is_number = pa.types.is_floating(field.type) or pa.types.is_integer(field.type)
    if is_number and field.unit in PLAUSIBLE and field.name not in ranged:
        yield _plausible(contract, field)
    if field.unit_of:
        yield _unit_given(contract, field, field.unit_of)
    if field.category_of:
        yield _category_given(contract, field, field.category_of)
    if field.offset_of and "patient_id" in contract.fields and "episode" in tables:
        yield _offset_agrees(contract, field, field.offset_of)


def _rule(
    contract: TableContract,
    field: str | None,
    name: str,
    expectation: str,
    kwargs: Mapping[str, Any],
    dimension: Dimension,
    severity: Severity,
    sentence: str,
    remedy: str,
    **where: Any,
) -> Rule:
    where["needs"] = tuple(dict.fromkeys((contract.name, *where.get("needs", ()))))
    return Rule(
        ".".join((contract.name, field or "rows", name)), contract.name, field, name, expectation, kwargs,
        dimension, severity, contract.level, sentence, remedy, **where,
    )  # fmt: skip


def _not_empty(contract: TableContract) -> Rule:
    return _rule(
        contract, None, "present", NOT_NULL, {"column": "present"}, "completeness", "error",
        f"The table '{contract.name}' is empty, although every dataset of this tier has one.",
        "Deliver the data that fill this table, or map their columns in the source contract.",
        query=f"SELECT CASE WHEN count(*) > 0 THEN true END AS present FROM {quoted(contract.name)}",
        pointer=("present",),
    )  # fmt: skip


def _unique_key(contract: TableContract, tables: Tables) -> Rule:
    source, needs = source_of(contract, tables)
    return _rule(
        contract, "key", "unique", BETWEEN, {"column": "times", "max_value": 1}, "uniqueness", "error",
        f"Some rows of '{contract.name}' stand for the same thing, so that it would be counted twice.",
        "Remove repeated rows at the source, or give the clinical file the key that tells them apart.",
        query=f"SELECT {_selected(contract, 'min({})')}, count(*) AS times "
        f"FROM {source} AS t GROUP BY {listed(contract.primary_key)}",
        needs=needs,
    )  # fmt: skip


def _distinct_rows(contract: TableContract, tables: Tables) -> Rule:
    source, needs = source_of(contract, tables)
    content = [name for name, field in contract.fields.items() if name not in contract.primary_key]
    return _rule(
        contract, None, "distinct", BETWEEN, {"column": "times", "max_value": 1}, "uniqueness", "warning",
        f"Some rows of '{contract.name}' say the same of the same patient under different keys.",
        "Remove repeated rows at the source, or map what tells them apart, such as their date.",
        query=f"SELECT {_selected(contract, 'min({})')}, count(*) AS times "
        f"FROM {source} AS t GROUP BY {listed(content)}",
        needs=needs,
    )  # fmt: skip


def _complete(contract: TableContract, field: Field) -> Rule:
    asked = field.requirement == "always" or not field.nullable
    days = contract.offsets.get(field.name)
    where: dict[str, Any] = {} if days is None else {"query": _told(contract, field.name, days)}
    missing = f"{_words(field.name)}{' (and the days from diagnosis)' if days else ''}"
    return _rule(
        contract, field.name, "complete", NOT_NULL, {"column": TOLD if days else field.name}, "completeness",
        "error" if asked else "warning",
        f"The {missing} of some rows is missing, which EUCAIM "
        f"{'always asks for' if asked else 'asks for wherever it is known'}.",
        field.remedy or "Complete it at the source, and map its column in the source contract.",
        **where,
    )  # fmt: skip


def _told(contract: TableContract, date: str, days: str) -> str:
    """A day that is told one way or the other: EUCAIM takes days from a baseline where no date is given."""
    either = f"CASE WHEN t.{quoted(date)} IS NOT NULL OR t.{quoted(days)} IS NOT NULL THEN true END"
    return f"SELECT {_selected(contract, 't.{}')}, {either} AS {TOLD} FROM {quoted(contract.name)} AS t"


def _in_value_set(contract: TableContract, field: Field) -> Rule:
    return _rule(
        contract, field.name, "in_value_set", IN_SET, {"column": field.name, "vocabulary": field.value_set},
        "validity", "error",
        f"Some cells of {_words(field.name)} hold a code outside the value set '{field.value_set}', which no "
        "query would find.",
        "Correct the value map of this column in the source contract.",
    )  # fmt: skip


def _plausible(contract: TableContract, field: Field) -> Rule:
    smallest, largest = PLAUSIBLE[str(field.unit)]
    return _rule(
        contract, field.name, "plausible", BETWEEN,
        {"column": field.name, "min_value": smallest, "max_value": largest}, "accuracy", "warning",
        f"The {_words(field.name)} of some rows cannot be right for a quantity in {field.unit}.",
        "Correct the numbers at the source, or the unit of their column in the source contract.",
    )  # fmt: skip


def _unit_given(contract: TableContract, unit: Field, value: str) -> Rule:
    return _rule(
        contract, unit.name, "beside_value", TOGETHER, {"column_list": [value, unit.name]}, "consistency",
        "error",
        f"The {_words(unit.name)} stands without its {_words(value)}, or is missing beside it; a number "
        "without unit says nothing.",
        "Map value and unit together in the source contract.",
    )  # fmt: skip


def _category_given(contract: TableContract, category: Field, code: str) -> Rule:
    return _rule(
        contract, category.name, "beside_code", TOGETHER, {"column_list": [code, category.name]},
        "consistency", "error",
        f"The {_words(category.name)} stands without its {_words(code)}, or is missing beside it; EUCAIM "
        "reads them as a pair.",
        "Map both, or use a code whose category the vocabulary knows.",
    )  # fmt: skip


def _offset_agrees(contract: TableContract, offset: Field, date: str) -> Rule:
    return _rule(
        contract, offset.name, "agrees_with_date", BETWEEN,
        {"column": "apart", "min_value": -MONTH_DAYS, "max_value": MONTH_DAYS}, "consistency", "warning",
        f"The {_words(offset.name)} and the {_words(date)} of some rows do not mean the same day.",
        "Correct the dates at the source, or in the source contract the day from which days are counted.",
        query=f"SELECT {_selected(contract, 't.{}')}, "
        f"t.{quoted(offset.name)} - (t.{quoted(date)} - d.first) AS apart "
        f"FROM {quoted(contract.name)} AS t JOIN (SELECT patient_id, min(episode_start_date) AS first "
        f"FROM episode WHERE episode_type_code = '{DIAGNOSIS}' GROUP BY patient_id) AS d "
        f"ON d.patient_id = t.patient_id WHERE t.{quoted(offset.name)} IS NOT NULL "
        f"AND t.{quoted(date)} IS NOT NULL AND d.first IS NOT NULL",
        needs=("episode",),
    )  # fmt: skip


def _resolves(contract: TableContract, relation: Relationship, tables: Tables) -> Rule:
    source, needs = source_of(contract, tables)
    target, field = quoted(relation.to_table), quoted(relation.to_field)
    return _rule(
        contract, relation.field, "resolves", NOT_NULL, {"column": "found"}, "integrity", "error",
        f"Some rows of '{contract.name}' refer to a row of '{relation.to_table}' that does not exist.",
        f"Deliver what the rows of '{relation.to_table}' are made from, or correct the identifiers.",
        query=f"SELECT {_selected(contract, 't.{}')}, CASE WHEN t.{quoted(relation.field)} IN "
        f"(SELECT {field} FROM {target} WHERE {field} IS NOT NULL) THEN true END AS found "
        f"FROM {source} AS t WHERE t.{quoted(relation.field)} IS NOT NULL",
        needs=(*needs, relation.to_table),
    )  # fmt: skip


def _selected(contract: TableContract, form: str) -> str:
    """Patient and key of a row, each in this form, such as `min({})`, under its own name."""
    names = dict.fromkeys((PATIENT, *contract.primary_key))
    return ", ".join(f"{form.format(quoted(name))} AS {quoted(name)}" for name in names)


def _words(column: str) -> str:
    return column.replace("_", " ")
