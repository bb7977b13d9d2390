"""Quality rules of table contracts: what must hold, of which rows, and what to say and do when it does not.

How a rule is run is known to `quality`; what a tier makes of it to tiers.yaml.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from open_data_contract_standard.model import DataQuality

from eucaim_pipelines.contracts import odcs
from eucaim_pipelines.contracts.positions import Document, Place

Dimension = Literal["completeness", "uniqueness", "consistency", "accuracy", "integrity", "validity"]
Severity = Literal["error", "warning"]
Level = Literal["patient", "clinical", "study", "series", "instance", "annotation"]
DIMENSIONS: tuple[Dimension, ...] = get_args(Dimension)
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
LEVELS: tuple[Level, ...] = get_args(Level)

NOT_NULL = "expect_column_values_to_not_be_null"
IN_SET = "expect_column_values_to_be_in_set"
BETWEEN = "expect_column_values_to_be_between"
TOGETHER = "expect_columns_to_be_given_together"
METRICS = {"nullValues": NOT_NULL, "invalidValues": IN_SET}
"""Library metrics of ODCS, and the expectation that each one stands for."""
EXPECTATIONS: Mapping[str, tuple[str, ...]] = {
    NOT_NULL: ("column",),
    IN_SET: ("column",),
    BETWEEN: ("column",),
    "expect_column_values_to_match_regex": ("column",),
    "expect_column_values_to_be_unique": ("column",),
    "expect_column_pair_values_to_be_equal": ("column_A", "column_B"),
    "expect_column_pair_values_a_to_be_greater_than_b": ("column_A", "column_B"),
    "expect_compound_columns_to_be_unique": ("column_list",),
    TOGETHER: ("column_list",),
    "expect_values_near_their_group": ("column_list",),
    "expect_values_to_differ_at_most": ("column_list",),
}
"""Expectations that a rule may name, each judging row by row, and the arguments that name their columns."""
INSTANCES, ANNOTATIONS, LINKS, RECORDS = "instances", "annotations", "links", "records_"
"""What a query may read beside the tables: header inventory, annotations that were to be converted, study
links, and `records_<clinical file>`."""


@dataclass(frozen=True)
class Rule:
    """One quality rule, as a contract declares it or as it follows from one.

    Attributes
    ----------
    id
        `table.field.name`, or `table.name` of a rule about the whole table.
    expectation, kwargs
        What must hold: an expectation of `EXPECTATIONS` and its arguments; `vocabulary` stands for the
        `value_set` of its codes.
    row_condition
        Condition in SQL on the rows that are looked at; none: all rows. A row for which it is unknown, as
        comparing with an empty cell is, is not looked at.
    query
        The rows looked at, one per entry, as DuckDB SQL over the tables that `needs` names; none: the rows
        of the rule's own table.
    pointer
        Columns of these rows that say which entry it is; none: the primary key of the table.
    needs
        Tables and other views that the rule reads, its own table first.
    at_least
        Smallest share of the rows that must hold, 0 to 1, unless a tier or a source contract says otherwise.
    sentence, remedy
        What is wrong and why it matters, and what the holder can do, in plain words.
    """

    id: str
    table: str
    field: str | None
    name: str
    expectation: str
    kwargs: Mapping[str, Any]
    dimension: Dimension
    severity: Severity
    level: Level
    sentence: str
    remedy: str
    row_condition: str | None = None
    query: str | None = None
    pointer: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    at_least: float = 1.0

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns that the expectation looks at, in the order of its arguments."""
        named = (self.kwargs[name] for name in EXPECTATIONS[self.expectation])
        return tuple(column for each in named for column in ([each] if isinstance(each, str) else each))


def read(
    document: Document, table: str, field: str | None, level: str, rule: DataQuality, place: Place
) -> Rule:
    """The rule at `place` of a table contract, about `field` or the whole table.

    Raises
    ------
    ContractError
        Something is missing or unknown; with file and line.
    """
    custom = odcs.custom(document, rule.customProperties, place, odcs.OF_RULE)
    if not (rule.name and rule.description and "remedy" in custom):
        raise document.error("A rule needs name, description and remedy.", "Complete it.", place)
    level = custom.get("level", level)
    dimension = custom.get("eucaimDimension", rule.dimension)  # ODCS has no integrity and no validity
    for value, known, what in (
        (dimension, DIMENSIONS, "Dimension"),
        (rule.severity, SEVERITIES, "Severity"),
        (level, LEVELS, "Level"),
    ):
        if value not in known:
            raise document.error(f"{what} is one of {', '.join(known)}.", "Correct it.", place)
    at_least = custom.get("atLeast", 1)
    if not isinstance(at_least, int | float) or not 0 <= at_least <= 1:
        raise document.error("atLeast is a share, 0 to 1.", "Correct it.", place)
    expectation, kwargs = _expectation(document, field, rule, place)
    if "query" in custom and "needs" not in custom:
        raise document.error("A query needs the names of what it reads.", "Add the property needs.", place)
    return Rule(
        id=".".join(part for part in (table, field, rule.name) if part),
        table=table,
        field=field,
        name=str(rule.name),
        expectation=expectation,
        dimension=cast(Dimension, dimension),
        severity=cast(Severity, rule.severity),
        level=cast(Level, level),
        sentence=" ".join(str(rule.description).split()),
        remedy=" ".join(str(custom["remedy"]).split()),
        kwargs=kwargs,
        row_condition=custom.get("rowCondition"),
        query=custom.get("query"),
        pointer=_names(custom.get("pointer")),
        needs=tuple(dict.fromkeys((table, *_names(custom.get("needs"))))),
        at_least=float(at_least),
    )


def check_needs(rule: Rule, tables: Iterable[str], document: Document, place: Place) -> None:
    """Refuse a rule that reads what does not exist.

    Raises
    ------
    ContractError
        With file and line.
    """
    known = {*tables, INSTANCES, ANNOTATIONS, LINKS}
    for name in rule.needs:
        if name not in known and not name.startswith(RECORDS):
            raise document.error(
                f"The rule '{rule.name}' needs '{name}', which does not exist.",
                f"Name tables, {INSTANCES}, {ANNOTATIONS}, {LINKS} or {RECORDS}<clinical file>.",
                place,
            )


def _expectation(
    document: Document, field: str | None, rule: DataQuality, place: Place
) -> tuple[str, dict[str, Any]]:
    if rule.type == "library":
        return _of_metric(document, field, rule, place)
    implementation = rule.implementation
    if rule.type != "custom" or rule.engine != "greatExpectations" or not isinstance(implementation, dict):
        raise document.error(
            "A rule is of type library, or of type custom with engine greatExpectations and implementation.",
            "Correct it.",
            place,
        )
    unknown = implementation.keys() - {"type", "kwargs"}
    expectation = str(implementation.get("type"))
    if unknown or expectation not in EXPECTATIONS:
        raise document.error(
            "An implementation has type and kwargs, and its type is an expectation that rules may use.",
            f"Choose one of {', '.join(sorted(EXPECTATIONS))}.",
            (*place, "implementation"),
        )
    kwargs = dict(implementation.get("kwargs") or {})
    if field is not None and EXPECTATIONS[expectation] == ("column",):
        kwargs.setdefault("column", field)
    missing = [name for name in EXPECTATIONS[expectation] if name not in kwargs]
    if missing:
        raise document.error(
            f"{expectation} needs {' and '.join(missing)}.",
            "Name the columns under kwargs.",
            (*place, "implementation"),
        )
    return expectation, kwargs


def _of_metric(
    document: Document, field: str | None, rule: DataQuality, place: Place
) -> tuple[str, dict[str, Any]]:
    if rule.metric not in METRICS or rule.mustBe != 0 or field is None:
        raise document.error(
            f"A rule of type library is about a field, has metric {' or '.join(METRICS)} and mustBe 0.",
            "Correct it.",
            place,
        )
    valid = (rule.arguments or {}).get("validValues", [])
    if (rule.metric == "invalidValues") != bool(valid):
        raise document.error(
            "invalidValues, and only that, needs arguments.validValues.", "Correct it.", place
        )
    return METRICS[rule.metric], {"column": field} | ({"value_set": list(valid)} if valid else {})


def _names(text: str | None) -> tuple[str, ...]:
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())
