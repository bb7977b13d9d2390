"""The SQL of rules: quoted names, every table with the patient of its rows, the rows that are looked at.

It is run in `selection`; what must hold of the rows is judged in `expectations`.
"""

from collections.abc import Iterable, Mapping

from eucaim_pipelines.contracts.rules import NOT_NULL, Rule
from eucaim_pipelines.contracts.tables import TableContract

PATIENT = "patient_id"
GIVEN = "given:"
"""Before the name of a column of which only matters whether its cells are filled."""


def quoted(name: str) -> str:
    """An identifier as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def listed(names: Iterable[str]) -> str:
    """Identifiers, separated by commas."""
    return ", ".join(quoted(name) for name in names)


def source_of(contract: TableContract, tables: Mapping[str, TableContract]) -> tuple[str, tuple[str, ...]]:
    """What stands after FROM so that every row of a table has its `patient_id`, and the tables it reads.

    A table without the column takes it from the first table that it refers to and that has one; where there
    is none, the patient is empty.
    """
    if PATIENT in contract.fields:
        return quoted(contract.name), ()
    for relation in contract.relationships:
        if PATIENT in tables[relation.to_table].fields:
            patient = (
                f"(SELECT min(o.patient_id) FROM {quoted(relation.to_table)} AS o "
                f"WHERE o.{quoted(relation.to_field)} = t.{quoted(relation.field)})"
            )
            return _with_patient(contract.name, patient), (relation.to_table,)
    return _with_patient(contract.name, "NULL::VARCHAR"), ()


def shared_rows(rules: Iterable[Rule], contract: TableContract, tables: Mapping[str, TableContract]) -> str:
    """One query for rules without one of their own, all of one table and row condition.

    Of a column that must only be filled, the query says no more than that: texts such as UIDs are long.
    """
    rules = list(rules)
    source, _ = source_of(contract, tables)
    judged = dict.fromkeys(column for rule in rules for column in _selected(rule))
    where = f" WHERE {rules[0].row_condition}" if rules[0].row_condition else ""
    named = dict.fromkeys((PATIENT, *(key for rule in rules for key in rule.pointer or contract.primary_key)))
    plain = [column for column in named if quoted(column) not in judged]
    return f"SELECT {', '.join([*judged, *map(quoted, plain)])} FROM {source}{where}"


def judged_columns(rule: Rule) -> tuple[str, ...]:
    """Names under which the expectation of a rule finds its columns in the rows."""
    if rule.expectation == NOT_NULL:
        return tuple(GIVEN + column for column in rule.columns)
    return rule.columns


def _selected(rule: Rule) -> list[str]:
    if rule.expectation == NOT_NULL:
        return [
            f"CASE WHEN {quoted(column)} IS NOT NULL THEN true END AS {quoted(GIVEN + column)}"
            for column in rule.columns
        ]
    return [quoted(column) for column in rule.columns]


def _with_patient(table: str, patient: str) -> str:
    return f"(SELECT t.*, {patient} AS patient_id FROM {quoted(table)} AS t)"
