"""Units of a source's columns against the units of the tables' fields that they fill: decided at loading.

How one unit becomes another lies in `units`; the numbers are converted where cells are coded.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from eucaim_pipelines.contracts.positions import Document, Place
from eucaim_pipelines.contracts.source_files import (
    ClinicalFile,
    Condition,
    Constant,
    Duration,
    TableMapping,
)
from eucaim_pipelines.contracts.source_model import SourceContract
from eucaim_pipelines.contracts.tables import TableContract
from eucaim_pipelines.contracts.units import AGES, SAME, Conversion, conversion, is_unit
from eucaim_pipelines.contracts.vocabularies import Vocabulary

UNITS = "units"
_NUMBER, _UNIT = "_value_as_number", "_value_unit"
"""How the model names a number whose unit stands in a field of its own."""


def in_model_units(
    source: SourceContract,
    tables: Mapping[str, TableContract],
    vocabularies: Mapping[str, Vocabulary],
    document: Document,
) -> SourceContract:
    """The contract whose files know how each number becomes the unit of the field that it fills.

    A number whose unit stands in a field of its own (`…_value_unit`) takes the unit that is mapped there as a
    constant; where none is mapped, the code of the column's unit is. Limits of conditions, which are written
    in the unit of the column, are converted too.

    Raises
    ------
    ContractError
        A unit is none of UCUM, measures something else than the field, has no code, or one column fills
        fields of two units; with file and line.
    """
    changed = []
    for number, spec in enumerate(source.clinical):
        units = _Units(spec, tables, vocabularies.get(UNITS), document)
        mappings = [
            units.mapped(mapping, ("clinical", number, "tables", place))
            for place, mapping in enumerate(spec.tables)
        ]
        mappings = [m.model_copy(update={"when": tuple(map(units.compared, m.when))}) for m in mappings]
        copy = spec.model_copy(update={"tables": tuple(mappings)})
        copy._conversions = {name: between for name, between in units.found.items() if between != SAME}
        copy._durations = units.durations
        copy._of_relatives = frozenset(_of_relatives(spec, tables))
        changed.append(copy)
    return source.model_copy(update={"clinical": tuple(changed)})


@dataclass
class _Units:
    """The conversions of one file, found mapping by mapping."""

    spec: ClinicalFile
    tables: Mapping[str, TableContract]
    codes: Vocabulary | None
    document: Document
    found: dict[str, Conversion] = field(default_factory=dict)
    durations: dict[str, Duration] = field(default_factory=dict)

    def mapped(self, mapping: TableMapping, place: Place) -> TableMapping:
        """The mapping with the units of its numbers."""
        added: dict[str, Constant] = {}
        for target, name in mapping.fields.items():
            here = (*place, "fields", target)
            column = self.spec.fields.get(name) if isinstance(name, str) else None
            if column is None or column.kind not in ("number", "integer"):
                continue
            wanted = self.tables[mapping.table].units.get(target)
            beside = target.removesuffix(_NUMBER) + _UNIT
            said = mapping.fields.get(beside) if target.endswith(_NUMBER) else None
            self._note_time(str(name), wanted or column.unit, said)
            if column.unit is None:
                continue
            if wanted is None and target.endswith(_NUMBER) and beside in self.tables[mapping.table].fields:
                if said is None:
                    added[beside] = Constant(constant=self._code(column.unit, beside, here))
                elif isinstance(said, Constant):
                    wanted = self._unit_of(str(said.constant), column.unit, here)
            if wanted is not None:
                self._convert(str(name), column.kind, column.unit, wanted, here)
        return mapping.model_copy(update={"fields": {**mapping.fields, **added}}) if added else mapping

    def _note_time(self, name: str, unit: str | None, said: str | Constant | None) -> None:
        """Remember a number that is a time, as the unit in which it is coded or the one beside it says."""
        times = {} if self.codes is None else {self.codes.code(unit): AGES[unit] for unit in AGES}
        if isinstance(said, Constant):
            beside = times.get(str(said.constant))
            if beside is not None:
                self.durations[name] = Duration({None: beside})
        elif unit in AGES:
            self.durations[name] = Duration({None: AGES[str(unit)]})
        elif said is not None:
            self.durations[name] = Duration(times, said)

    def compared(self, condition: Condition) -> Condition:
        """The condition with its limits in the unit in which the coded field will be."""
        column = self.spec.fields[condition.field]
        age = AGES[column.unit or "a"] if column.kind == "age" else SAME
        between = self.found.get(condition.field, age)
        limits = {name: getattr(condition, name) for name in ("above", "below")}
        told = {name: between(limit) for name, limit in limits.items() if limit is not None}
        return condition.model_copy(update=told) if told else condition

    def _convert(self, name: str, kind: str, unit: str, wanted: str, place: Place) -> None:
        try:
            between = conversion(unit, wanted)
        except ValueError as problem:
            raise self.document.error(
                f"{problem}.",
                "Write its UCUM code, such as mm, ng/mL, mo or %.",
                (*place[:2], "columns", self.spec.sources[name].headers[0], "unit"),
            ) from None
        if between is None:
            raise self.document.error(
                f"'{unit}' cannot be converted to '{wanted}', the unit of this field.",
                "Correct the unit, or map another field.",
                place,
            )
        if self.found.setdefault(name, between) != between:
            raise self.document.error(
                f"The field '{name}' fills fields of two units.", "Map it to fields of one unit.", place
            )
        if kind == "integer" and between != SAME:
            raise self.document.error(
                f"The field '{name}' is: integer and would be converted.", "Write is: number.", place
            )

    def _code(self, unit: str, beside: str, place: Place) -> str:
        code = None if self.codes is None else self.codes.code(unit)
        if code is None:
            raise self.document.error(
                f"The unit '{unit}' has no code in the vocabulary '{UNITS}'.",
                f"Map '{beside}' to the constant of a unit that it can be converted to.",
                place,
            )
        return code

    def _unit_of(self, code: str, unit: str, place: Place) -> str:
        """UCUM code of a unit: the column's own if it means that, else the spelling that UCUM knows."""
        if self.codes is None or self.codes.code(unit) == code:
            return unit
        spellings = [self.codes.labels[code], *(text for text, c in self.codes.aliases.items() if c == code)]
        found = next((spelling for spelling in spellings if is_unit(spelling)), None)
        if found is None:
            raise self.document.error(
                f"'{unit}' cannot be converted to the unit that is mapped beside this number.",
                "Give the numbers in that unit, or map another unit.",
                place,
            )
        return found


def _of_relatives(spec: ClinicalFile, tables: Mapping[str, TableContract]) -> set[str]:
    """Fields that tell of relatives and nowhere of the patient."""
    filled = [
        (value, tables[mapping.table].fields[target].person)
        for mapping in spec.tables
        for target, value in mapping.fields.items()
        if isinstance(value, str)
    ]
    return {name for name, person in filled if person} - {name for name, person in filled if not person}
