"""What the description of one clinical file names must exist and fit: columns, codes, tables, conditions.

What stands outside `clinical` is checked in `source_checks`; the delivered files are read elsewhere.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from eucaim_pipelines.contracts import date_formats
from eucaim_pipelines.contracts.positions import Document, Place
from eucaim_pipelines.contracts.source_columns import FIELD_KINDS, OCCURRENCE, Column
from eucaim_pipelines.contracts.source_files import ClinicalFile, Condition, Constant, TableMapping
from eucaim_pipelines.contracts.tables import TableContract
from eucaim_pipelines.contracts.units import AGES
from eucaim_pipelines.contracts.vocabularies import Vocabulary

PEOPLE = "patient"
"""The table that images fill too; all others that a source may fill are `filledFrom: records`."""
LINK_KINDS = ("study_uid", "timepoint", "episode")
"""Kinds of the file that `linkage.timepoints` names; they fill no table."""
_TYPES: dict[str, Callable[[pa.DataType], bool]] = {
    "code": pa.types.is_string,
    "number": pa.types.is_floating,
    **dict.fromkeys(
        ("age", "integer", "days"), lambda kind: pa.types.is_integer(kind) or pa.types.is_floating(kind)
    ),
    "date": pa.types.is_date,
    "boolean": pa.types.is_boolean,
}
_COMPARED = {"number", "integer", "age", "days", "timepoint"}


@dataclass(frozen=True)
class FileChecker:
    """The contract's document and what the names in it are checked against."""

    document: Document
    vocabularies: Mapping[str, Vocabulary]
    tables: Mapping[str, TableContract]

    def check(self, spec: ClinicalFile, place: Place) -> None:
        """Raise the first ContractError that the description of this file holds."""
        patients = [name for name, column in spec.columns.items() if column.kind == "patient_id"]
        if len(patients) != 1:
            raise self.document.error(
                "Exactly one column must be is: patient_id.", "Mark it.", (*place, "columns")
            )
        self.unique(_field_names(spec), "field", (*place, "columns"))
        for header, column in spec.columns.items():
            self._column(column, (*place, "columns", header))
            if spec.format == "xlsx" and column.kind == "date" and "%y" in column.formats[0]:
                raise self.document.error(
                    "The dates of a workbook have whole years.",
                    "Write a format with %Y before the one with %y.",
                    (*place, "columns", header, "format"),
                )
        for number, derived in enumerate(spec.derived):
            self._column(derived, (*place, "derived", number))
            for field in derived.inputs:
                self._input(field, spec, (*place, "derived", number))
        for number, field in enumerate(spec.key):
            self._key(field, spec, (*place, "key", number))
        for number, field in enumerate(spec.fill_down):
            self._whole_cell(field, spec, (*place, "fill_down", number))
        for number, mapping in enumerate(spec.tables):
            self._mapping(spec, mapping, (*place, "tables", number))

    def code(self, code: object, vocabulary: str, place: Place) -> None:
        """Refuse what is no code of the vocabulary."""
        if code not in self.vocabularies[vocabulary]:
            raise self.document.error(
                f"'{code}' is not a code of the vocabulary '{vocabulary}'.",
                f"See {vocabulary}.csv in the folder of vocabularies.",
                place,
            )

    def unique(self, names: Iterable[str], what: str, place: Place) -> None:
        """Refuse a name that occurs twice."""
        seen: set[str] = set()
        for name in names:
            if name in seen:
                raise self.document.error(f"The {what} '{name}' occurs twice.", "Rename one of them.", place)
            seen.add(name)

    def _column(self, column: Column, place: Place) -> None:
        for group, part in (column.split.fields if column.split else {}).items():
            self._column(part, (*place, "split", "fields", group))
        if column.kind == "date":
            wrong = date_formats.problem(column.formats, column.precision, column.century_before)
            if wrong is not None:
                key = "precision" if wrong.startswith("precision") else "format"
                raise self.document.error(f"{wrong}.", "Correct the format.", (*place, key))
        if column.kind == "age" and (column.unit or "a") not in AGES:
            raise self.document.error(
                "An age has the unit a (years), mo (months), wk (weeks) or d (days).",
                "Write one of them.",
                (*place, "unit"),
            )
        vocabulary = column.value_set
        if vocabulary is None:
            return
        if vocabulary not in self.vocabularies:
            raise self.document.error(
                f"There is no vocabulary '{vocabulary}'.",
                f"Known: {', '.join(sorted(self.vocabularies))}.",
                (*place, "vocabulary"),
            )
        for spelling, code in column.values.items():
            if code is not None:
                self.code(code, vocabulary, (*place, "values", spelling))

    def _mapping(self, spec: ClinicalFile, mapping: TableMapping, place: Place) -> None:
        fillable = [name for name, table in self.tables.items() if _filled_from_records(table)]
        if mapping.table not in fillable:
            raise self.document.error(
                f"There is no clinical table '{mapping.table}'.",
                f"Known: {', '.join(fillable)}.",
                (*place, "table"),
            )
        for number, condition in enumerate(mapping.when):
            here = (*place, "when", number) if isinstance(self._at((*place, "when")), list) else place
            self._condition(condition, spec, (*here, "when") if here == place else here)
        contract = self.tables[mapping.table]
        for target, value in mapping.fields.items():
            here = (*place, "fields", target)
            if not _mappable(contract, target):
                raise self.document.error(
                    f"Table '{mapping.table}' has no field '{target}' that a source can fill.",
                    f"See the contract of the table '{mapping.table}'.",
                    here,
                )
            if isinstance(value, Constant):
                self._constant(value.constant, contract, target, (*here, "constant"))
            else:
                self._field_fits(self._field(value, spec, here), contract, target, here)

    def _condition(self, condition: Condition, spec: ClinicalFile, place: Place) -> None:
        column = self._field(condition.field, spec, place)
        compared = condition.above is not None or condition.below is not None
        if compared and column.kind not in _COMPARED:
            raise self.document.error(
                f"A field that is: {column.kind} is not above or below anything.",
                "Use given, in or not_in.",
                place,
            )
        for value in (*(condition.among or ()), *(condition.not_in or ())):
            if column.value_set is not None:
                self.code(value, column.value_set, place)
            elif not _comparable(column, value):
                raise self.document.error(
                    f"A field that is: {column.kind} never has one of these values.", "Correct them.", place
                )

    def _field_fits(self, column: Column, contract: TableContract, target: str, place: Place) -> None:
        kind = contract.schema.field(target).type
        if column.kind in LINK_KINDS or not _TYPES[column.kind](kind):
            days = [name for name, field in contract.fields.items() if field.offset_of == target]
            raise self.document.error(
                f"A field that is: {column.kind} does not fit '{contract.name}.{target}'.",
                f"Map it to '{days[0]}'." if days and column.kind == "days" else "Map another field.",
                place,
            )
        wanted = contract.fields[target].filled_with
        if column.kind == "days" and wanted != "days":
            raise self.document.error(
                f"Days are counted from the diagnosis, and '{contract.name}.{target}' is not.",
                "Map them to a field that ends with offset_from_diagnosis.",
                place,
            )
        if wanted not in (None, column.kind):
            raise self.document.error(
                f"'{contract.name}.{target}' is filled by a field that is: {wanted}, and by no other.",
                f"Write is: {wanted} at its column.",
                place,
            )
        vocabulary = contract.value_sets.get(target)
        if column.kind != "code" or vocabulary is None:
            return
        codes = [code for code in column.values.values() if code is not None]
        if not codes and column.vocabulary != vocabulary:
            raise self.document.error(
                f"'{contract.name}.{target}' takes codes of the vocabulary '{vocabulary}'.", "Use it.", place
            )
        for code in codes:
            self.code(code, vocabulary, place)

    def _constant(self, value: Any, contract: TableContract, target: str, place: Place) -> None:
        wanted = contract.fields[target].filled_with
        if wanted == "age":
            raise self.document.error(
                f"'{contract.name}.{target}' is an age, and that is not the same for every row.",
                "Map a field that is: age.",
                place,
            )
        if wanted == "days" and value != 0:
            raise self.document.error(
                f"'{contract.name}.{target}' is counted from each diagnosis; its only constant is 0.",
                "Map a field that is: days.",
                place,
            )
        kind = contract.schema.field(target).type
        fits = {
            str: pa.types.is_string,
            bool: pa.types.is_boolean,
            int: _TYPES["integer"],
            float: _TYPES["number"],
        }
        if type(value) not in fits or not fits[type(value)](kind):
            raise self.document.error(
                f"The constant does not fit '{contract.name}.{target}'.", "Correct it.", place
            )
        if target in contract.value_sets:
            self.code(value, contract.value_sets[target], place)

    def _field(self, name: str, spec: ClinicalFile, place: Place) -> Column:
        if name not in spec.sources:
            self._undeclared(name, spec, place)
        if name not in spec.fields:
            raise self.document.error(
                f"The field '{name}' never passes.", f"Only {', '.join(FIELD_KINDS)} do.", place
            )
        return spec.fields[name]

    def _input(self, name: str, spec: ClinicalFile, place: Place) -> None:
        self._whole_cell(name, spec, place)
        column = spec.columns[spec.declared[name]]
        if column.kind not in (*FIELD_KINDS, "ignore") or column.separator is not None:
            raise self.document.error(
                f"Nothing is derived from '{name}': it is: {column.kind}, or several values in one cell.",
                f"Derive from {', '.join(FIELD_KINDS)} or ignore.",
                place,
            )

    def _key(self, name: str, spec: ClinicalFile, place: Place) -> None:
        if name != OCCURRENCE:
            self._whole_cell(name, spec, place)
        elif spec.delivery == "increment":
            raise self.document.error(
                "An increment adds to rows that are known by their key, and a number of a row knows none.",
                f"Write a key without {OCCURRENCE}, or delivery: snapshot.",
                place,
            )

    def _whole_cell(self, name: str, spec: ClinicalFile, place: Place) -> None:
        if name in spec.declared and name != OCCURRENCE:
            return
        if name in spec.sources:
            raise self.document.error(
                f"The field '{name}' is a part of a cell, or derived.",
                "Name a field that is the whole cell of a column.",
                place,
            )
        self._undeclared(name, spec, place)

    def _undeclared(self, name: str, spec: ClinicalFile, place: Place) -> None:
        raise self.document.error(
            f"The field '{name}' is not declared by a column of the file '{spec.name}'.",
            "Declare it with field: in columns, or correct the name.",
            place,
        )

    def _at(self, place: Place) -> Any:
        found = self.document.data
        for part in place:
            found = found[part]
        return found


def _field_names(spec: ClinicalFile) -> list[str]:
    parts = [
        part for column in spec.columns.values() if column.split for part in column.split.fields.values()
    ]
    return [c.field for c in (*spec.columns.values(), *parts, *spec.derived) if c.field]


def _filled_from_records(table: TableContract) -> bool:
    return table.filled_from == "records" or table.name == PEOPLE


def _mappable(table: TableContract, target: str) -> bool:
    """Whether a source may fill a field: keys, links and what the project itself knows are filled by it."""
    return target in table.fields and table.fields[target].filled_by is None


def _comparable(column: Column, value: object) -> bool:
    if column.kind == "boolean":
        return isinstance(value, bool)
    return column.kind in _COMPARED and isinstance(value, int | float) and not isinstance(value, bool)
