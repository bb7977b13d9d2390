"""What a source contract names must exist: fields, vocabularies, codes, tables; errors with file and line.

The shape of the contract is checked before, by `source_model`; the delivered files are read elsewhere.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from eucaim_pipelines.contracts.positions import Document, Place
from eucaim_pipelines.contracts.source_model import (
    FIELD_KINDS,
    ClinicalFile,
    Column,
    Constant,
    SourceContract,
    TableMapping,
)
from eucaim_pipelines.contracts.tables import TableContract
from eucaim_pipelines.contracts.vocabularies import Vocabulary

CLINICAL_TABLES = ("patient", "cancer_condition", "procedure", "treatment")
DERIVED = ("patient_id", "dataset_id", "patient_source")
_TYPES: dict[str, Callable[[pa.DataType], bool]] = {
    "code": pa.types.is_string,
    "age": pa.types.is_floating,
    "number": pa.types.is_floating,
    "integer": lambda kind: pa.types.is_integer(kind) or pa.types.is_floating(kind),
    "date": pa.types.is_date,
    "boolean": pa.types.is_boolean,
}


@dataclass(frozen=True)
class Checker:
    """The contract's document and what its names are checked against."""

    document: Document
    vocabularies: Mapping[str, Vocabulary]
    tables: Mapping[str, TableContract]

    def check(self, source: SourceContract) -> None:
        """Raise the first ContractError that the contract holds."""
        self._catalogue(source)
        self._imaging(source)
        self._unique((spec.name for spec in source.clinical), "file name", ("clinical",))
        for number, spec in enumerate(source.clinical):
            self._file(spec, ("clinical", number))
        self._linkage(source)
        for check in source.checks:
            table, _, rest = check.partition(".")
            known = {"key", "rows", *self.tables[table].schema.names} if table in self.tables else set()
            if known and rest.partition(".")[0] not in known:
                raise self.document.error(
                    f"Check '{check}': no such field.", "Correct it.", ("checks", check)
                )

    def _catalogue(self, source: SourceContract) -> None:
        card = source.catalogue
        if card.condition is not None:
            self._code(card.condition, "cancer_condition", ("catalogue", "condition"))
        for key, vocabulary in (
            ("types", "dataset_type"),
            ("collection_methods", "collection_method"),
            ("data_use_conditions", "data_use_condition"),
        ):
            for number, code in enumerate(getattr(card, key)):
                self._code(code, vocabulary, ("catalogue", key, number))

    def _imaging(self, source: SourceContract) -> None:
        images = source.imaging
        for vocabulary in ("body_part", "manufacturer"):
            declared = getattr(images, f"{vocabulary}_when_missing")
            if declared not in (None, self.vocabularies[vocabulary].root):
                self._code(declared, vocabulary, ("imaging", f"{vocabulary}_when_missing"))
        for key, vocabulary in (
            ("body_parts", "body_part"),
            ("manufacturers", "manufacturer"),
            ("procedures", "imaging_procedure"),
        ):
            for spelling, code in getattr(images, key).items():
                self._code(code, vocabulary, ("imaging", key, spelling))

    def _file(self, spec: ClinicalFile, place: Place) -> None:
        patients = [name for name, column in spec.columns.items() if column.kind == "patient_id"]
        if len(patients) != 1:
            raise self.document.error(
                "Exactly one column must be is: patient_id.", "Mark it.", (*place, "columns")
            )
        self._unique((c.field for c in spec.columns.values() if c.field), "field", (*place, "columns"))
        for header, column in spec.columns.items():
            self._column(column, (*place, "columns", header))
        for number, field in enumerate(spec.key):
            self._declared(field, spec, (*place, "key", number))
        for number, mapping in enumerate(spec.tables):
            self._mapping(spec, mapping, (*place, "tables", number))

    def _column(self, column: Column, place: Place) -> None:
        if column.vocabulary is None:
            return
        if column.vocabulary not in self.vocabularies:
            raise self.document.error(
                f"There is no vocabulary '{column.vocabulary}'.",
                f"Known: {', '.join(sorted(self.vocabularies))}.",
                (*place, "vocabulary"),
            )
        for spelling, code in column.values.items():
            self._code(str(code), column.vocabulary, (*place, "values", spelling))

    def _mapping(self, spec: ClinicalFile, mapping: TableMapping, place: Place) -> None:
        if mapping.table not in self.tables or mapping.table not in CLINICAL_TABLES:
            raise self.document.error(
                f"There is no clinical table '{mapping.table}'.",
                f"Known: {', '.join(CLINICAL_TABLES)}.",
                (*place, "table"),
            )
        if mapping.when is not None:
            self._field(mapping.when, spec, (*place, "when"))
        contract = self.tables[mapping.table]
        for target, value in mapping.fields.items():
            here = (*place, "fields", target)
            derived = target in DERIVED or target in contract.primary_key
            if derived or target not in contract.schema.names:
                raise self.document.error(
                    f"Table '{mapping.table}' has no field '{target}' that a source can fill.",
                    f"See the contract of the table '{mapping.table}'.",
                    here,
                )
            if isinstance(value, Constant):
                self._constant(value.constant, contract, target, (*here, "constant"))
            else:
                self._field_fits(self._field(value, spec, here), contract, target, here)

    def _field_fits(self, column: Column, contract: TableContract, target: str, place: Place) -> None:
        if not _TYPES[column.kind](contract.schema.field(target).type):
            raise self.document.error(
                f"A field that is: {column.kind} does not fit '{contract.name}.{target}'.",
                "Map another field.",
                place,
            )
        vocabulary = contract.value_sets.get(target)
        if column.kind != "code" or vocabulary is None:
            return
        codes = [str(code) for code in column.values.values()]
        if not codes and column.vocabulary != vocabulary:
            raise self.document.error(
                f"'{contract.name}.{target}' takes codes of the vocabulary '{vocabulary}'.", "Use it.", place
            )
        for code in codes:
            self._code(code, vocabulary, place)

    def _constant(self, value: Any, contract: TableContract, target: str, place: Place) -> None:
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
            self._code(value, contract.value_sets[target], place)

    def _linkage(self, source: SourceContract) -> None:
        specs = {spec.name: spec for spec in source.clinical}
        for key in ("diagnosis_date", "treatment_date"):
            reference = getattr(source.linkage, key)
            if reference is None:
                continue
            name, _, field = reference.partition(".")
            kind = specs[name].fields[field].kind if name in specs and field in specs[name].fields else None
            if kind != "date":
                raise self.document.error(
                    f"'{reference}' is not a declared date.", "Write file.field of a date.", ("linkage", key)
                )

    def _field(self, name: str, spec: ClinicalFile, place: Place) -> Column:
        self._declared(name, spec, place)
        if name not in spec.fields:
            raise self.document.error(
                f"The field '{name}' never passes.", f"Only {', '.join(FIELD_KINDS)} do.", place
            )
        return spec.fields[name]

    def _declared(self, name: str, spec: ClinicalFile, place: Place) -> None:
        if name not in spec.declared:
            raise self.document.error(
                f"The field '{name}' is not declared by a column of the file '{spec.name}'.",
                "Declare it with field: in columns, or correct the name.",
                place,
            )

    def _code(self, code: str, vocabulary: str, place: Place) -> None:
        if code not in self.vocabularies[vocabulary]:
            raise self.document.error(
                f"'{code}' is not a code of the vocabulary '{vocabulary}'.",
                f"See {vocabulary}.csv in the folder of vocabularies.",
                place,
            )

    def _unique(self, names: Iterable[str], what: str, place: Place) -> None:
        seen: set[str] = set()
        for name in names:
            if name in seen:
                raise self.document.error(f"The {what} '{name}' occurs twice.", "Rename one of them.", place)
            seen.add(name)
