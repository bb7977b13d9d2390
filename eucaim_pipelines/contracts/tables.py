"""Table contracts: one Open Data Contract Standard v3.1 file per table; schema, keys and checks follow.

How a check is run, and what a tier makes of it, is not known here.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from open_data_contract_standard.model import DataQuality, SchemaObject, SchemaProperty

from eucaim_pipelines.contracts import folder as contracts_folder
from eucaim_pipelines.contracts import odcs
from eucaim_pipelines.contracts.positions import Document, Place
from eucaim_pipelines.errors import ContractError

SUFFIX = ".odcs.yaml"
ARROW_TYPES = {
    "string": pa.string(),
    "date": pa.date32(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
}
DIMENSIONS = ("completeness", "uniqueness", "consistency", "accuracy", "integrity", "validity")
METRICS = ("nullValues", "invalidValues")


@dataclass(frozen=True)
class Check:
    """One quality rule of a field, as its contract declares it.

    Attributes
    ----------
    id
        `table.field.name`, for example `patient.patient_birth_sex.complete`.
    metric
        ODCS library metric: `nullValues` (no cell may be empty) or `invalidValues` (only `valid_values`).
    row_condition
        Condition in pandas' query language on the rows that are checked; none: all rows.
    sentence, remedy
        What is wrong when it fails, and what the holder can do, in plain words.
    """

    id: str
    table: str
    field: str
    name: str
    metric: str
    dimension: str
    severity: str
    row_condition: str | None
    sentence: str
    remedy: str
    valid_values: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Relationship:
    """`field` of this table refers to `to_table.to_field`; empty cells refer to nothing."""

    field: str
    to_table: str
    to_field: str


@dataclass(frozen=True)
class TableContract:
    """What one table of the common data model is.

    Attributes
    ----------
    schema
        Arrow schema; descriptions in the fields' metadata; contract, contract_version and
        contract_digest in its own.
    required
        The completeness checks among `checks`.
    value_sets
        Field to the name of its vocabulary.
    units
        Field to its unit, as the contract writes it.
    cdm_columns
        Columns of EUCAIM's model, in order; ours (origin: extension) are left out of CSV exports.
    mandatory
        The EUCAIM file structure asks for this table at tier 3.
    """

    name: str
    version: str
    digest: str
    description: str
    schema: pa.Schema
    primary_key: tuple[str, ...]
    checks: tuple[Check, ...]
    relationships: tuple[Relationship, ...]
    value_sets: dict[str, str]
    units: dict[str, str]
    cdm_columns: tuple[str, ...]
    mandatory: bool

    @property
    def required(self) -> tuple[Check, ...]:
        """Fields that must be complete, with dimension, severity and row condition."""
        return tuple(check for check in self.checks if check.metric == "nullValues")

    def empty(self) -> pa.Table:
        """The table without rows."""
        return self.schema.empty_table()


def load_tables(folder: Path | None = None) -> dict[str, TableContract]:
    """Every table contract of `<folder>/cdm` by table name.

    Raises
    ------
    ContractError
        Not ODCS v3.1, an unknown key, a type, vocabulary, table or field that does not exist.
    """
    base = contracts_folder(folder)
    documents = {path: Document(path) for path in sorted((base / "cdm").glob(f"*{SUFFIX}"))}
    if not documents:
        raise ContractError(
            file=str(base / "cdm"),
            line=None,
            what="There is no table contract.",
            remedy="Check the contracts folder.",
        )
    tables = {}
    for path, document in documents.items():
        table = _table(path, document, base)
        tables[table.name] = table
    for path, document in documents.items():
        _check_relationships(tables[path.name.removesuffix(SUFFIX)], document, tables)
    return tables


def _table(path: Path, document: Document, base: Path) -> TableContract:
    contract = odcs.read(document)
    name = path.name.removesuffix(SUFFIX)
    one = contract.schema_ or []
    if len(one) != 1 or one[0].name != name or not one[0].properties:
        raise document.error(
            f"One schema object named '{name}' with properties is expected.", "Rename it.", ("schema",)
        )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return _read_object(document, one[0], str(contract.version), digest, base)


def _read_object(
    document: Document, table: SchemaObject, version: str, digest: str, base: Path
) -> TableContract:
    name, properties = str(table.name), table.properties or []
    place: Place = ("schema", 0, "properties")
    fields, value_sets, units, checks, relationships = [], {}, {}, [], []
    for number, prop in enumerate(properties):
        here = (*place, number)
        if not prop.name or not prop.description or prop.logicalType not in ARROW_TYPES:
            raise document.error(
                f"A property needs name, description and one of the logical types {', '.join(ARROW_TYPES)}.",
                "Complete it.",
                here,
            )
        custom = odcs.custom(document, prop.customProperties, here)
        if "valueSet" in custom:
            value_sets[prop.name] = custom["valueSet"]
            if not (base / "vocabularies" / f"{custom['valueSet']}.csv").is_file():
                raise document.error(
                    f"There is no vocabulary '{custom['valueSet']}'.", "Correct the name.", here
                )
        if "unit" in custom:
            units[prop.name] = custom["unit"]
        fields.append(
            pa.field(
                prop.name,
                ARROW_TYPES[prop.logicalType],
                nullable=not prop.required,
                metadata={"description": prop.description}
                | ({"unit": custom["unit"]} if "unit" in custom else {}),
            )
        )
        checks += [
            _check(document, name, prop, rule, (*here, "quality", i))
            for i, rule in enumerate(prop.quality or [])
        ]
        for relation in prop.relationships or []:
            to_table, _, to_field = str(relation.to).partition(".")
            relationships.append(Relationship(prop.name, to_table, to_field))
    keys = sorted((p.primaryKeyPosition or 1, str(p.name)) for p in properties if p.primaryKey)
    if not keys:
        raise document.error(
            "No property is part of the primary key.", "Mark one with primaryKey: true.", place
        )
    meta = {"contract": name, "contract_version": version, "contract_digest": digest}
    return TableContract(
        name=name,
        version=version,
        digest=digest,
        description=table.description or "",
        schema=pa.schema(fields, metadata=meta),
        primary_key=tuple(key for _, key in keys),
        checks=tuple(checks),
        relationships=tuple(relationships),
        value_sets=value_sets,
        units=units,
        cdm_columns=tuple(
            str(p.name)
            for p in properties
            if odcs.custom(document, p.customProperties, place).get("origin") != "extension"
        ),
        mandatory=odcs.custom(document, table.customProperties, ("schema", 0)).get("mandatory") is True,
    )


def _check(document: Document, table: str, prop: SchemaProperty, rule: DataQuality, place: Place) -> Check:
    custom = odcs.custom(document, rule.customProperties, place)
    complete = rule.name and rule.description and "remedy" in custom
    if rule.type != "library" or rule.metric not in METRICS or rule.mustBe != 0 or not complete:
        raise document.error(
            f"A rule is of type library, metric {' or '.join(METRICS)}, mustBe 0.",
            "Complete it, with name, description and remedy.",
            place,
        )
    dimension = custom.get("eucaimDimension", rule.dimension)  # ODCS has no integrity and no validity
    if dimension not in DIMENSIONS or rule.severity not in ("error", "warning"):
        raise document.error(
            f"Dimension is one of {', '.join(DIMENSIONS)}; severity is error or warning.",
            "Correct it.",
            place,
        )
    valid = tuple((rule.arguments or {}).get("validValues", ()))
    if (rule.metric == "invalidValues") != bool(valid):
        raise document.error(
            "invalidValues, and only that, needs arguments.validValues.", "Correct it.", place
        )
    return Check(
        id=f"{table}.{prop.name}.{rule.name}",
        table=table,
        field=str(prop.name),
        name=str(rule.name),
        metric=rule.metric,
        dimension=dimension,
        severity=rule.severity,
        row_condition=custom.get("rowCondition"),
        sentence=str(rule.description).strip(),
        remedy=str(custom["remedy"]).strip(),
        valid_values=valid,
    )


def _check_relationships(table: TableContract, document: Document, tables: dict[str, TableContract]) -> None:
    for relation in table.relationships:
        target = tables.get(relation.to_table)
        if target is None or relation.to_field not in target.schema.names:
            number = table.schema.get_field_index(relation.field)
            raise document.error(
                f"'{relation.field}' refers to a field that does not exist.",
                "Write table.field of a table contract.",
                ("schema", 0, "properties", number, "relationships"),
            )
