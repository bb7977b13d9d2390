"""Units of a source's columns against the units of the tables' fields that they fill: decided at loading.

How one unit becomes another lies in `units`; the numbers are converted where cells are coded.
"""

from collections.abc import Iterator, Mapping

from eucaim_pipelines.contracts.positions import Document, Place
from eucaim_pipelines.contracts.source_files import ClinicalFile, Condition
from eucaim_pipelines.contracts.source_model import SourceContract
from eucaim_pipelines.contracts.tables import TableContract
from eucaim_pipelines.contracts.units import AGES, SAME, Conversion, conversion


def in_model_units(
    source: SourceContract, tables: Mapping[str, TableContract], document: Document
) -> SourceContract:
    """The contract whose files know how each number becomes the unit of the field that it fills.

    Limits of conditions, which are written in the unit of the column, are converted too.

    Raises
    ------
    ContractError
        A unit is none of UCUM, measures something else than the field, or one column fills fields of two
        units; with file and line.
    """
    changed = []
    for number, spec in enumerate(source.clinical):
        conversions = _conversions(spec, tables, document, ("clinical", number))
        mappings = [
            mapping.model_copy(update={"when": tuple(_converted(c, conversions) for c in mapping.when)})
            for mapping in spec.tables
        ]
        copy = spec.model_copy(update={"tables": tuple(mappings)})
        copy._conversions = conversions
        changed.append(copy)
    return source.model_copy(update={"clinical": tuple(changed)})


def _conversions(
    spec: ClinicalFile, tables: Mapping[str, TableContract], document: Document, place: Place
) -> dict[str, Conversion]:
    found: dict[str, Conversion] = {
        name: AGES[column.unit]
        for name, column in spec.fields.items()
        if column.kind == "age" and column.unit is not None
    }
    for field, wanted, here in _filled(spec, tables, place):
        column = spec.fields[field]
        if column.kind not in ("number", "integer") or column.unit is None:
            continue
        between = _between(column.unit, wanted, document, here)
        if found.setdefault(field, between) != between:
            raise document.error(
                f"The field '{field}' fills fields of two units.", "Map it to fields of one unit.", here
            )
        if column.kind == "integer" and between != SAME:
            raise document.error(
                f"The field '{field}' is: integer and would be converted.", "Write is: number.", here
            )
    return {field: between for field, between in found.items() if between != SAME}


def _filled(
    spec: ClinicalFile, tables: Mapping[str, TableContract], place: Place
) -> Iterator[tuple[str, str, Place]]:
    """Field, unit of the table's field that it fills, and where the contract says so."""
    for number, mapping in enumerate(spec.tables):
        units = tables[mapping.table].units
        for target, field in mapping.fields.items():
            if isinstance(field, str) and target in units:
                yield field, units[target], (*place, "tables", number, "fields", target)


def _between(unit: str, wanted: str, document: Document, place: Place) -> Conversion:
    try:
        found = conversion(unit, wanted)
    except ValueError as problem:
        raise document.error(
            f"{problem}.", "Write its UCUM code, such as mm, ng/mL, mo or %.", place
        ) from None
    if found is None:
        raise document.error(
            f"'{unit}' cannot be converted to '{wanted}', the unit of this field.",
            "Correct the unit, or map another field.",
            place,
        )
    return found


def _converted(condition: Condition, conversions: Mapping[str, Conversion]) -> Condition:
    between = conversions.get(condition.field, SAME)
    limits = {name: getattr(condition, name) for name in ("above", "below")}
    told = {name: between(limit) for name, limit in limits.items() if limit is not None}
    return condition.model_copy(update=told) if told else condition
