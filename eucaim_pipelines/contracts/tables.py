"""Table contracts: one Open Data Contract Standard v3.1 file per table; schema, keys and checks follow.

How a check is run, and what a tier makes of it, is not known here.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from open_data_contract_standard.model import DataQuality, SchemaObject, SchemaProperty

from eucaim_pipelines.contracts import folder as contracts_folder
from eucaim_pipelines.contracts import odcs
from eucaim_pipelines.contracts.fields import Field, check_neighbours, read_field
from eucaim_pipelines.contracts.positions import Document, Place
from eucaim_pipelines.errors import ContractError

SUFFIX = ".odcs.yaml"
LEVELS = ("patient", "clinical", "study", "series", "instance", "annotation")
FILLED_FROM = ("records", "images", "people", "links", "catalogue")
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
    fields
        Field name to what the contract says of it, in the order of the columns.
    level
        What a row stands for in EUCAIM's quality dimensions; one of `LEVELS`.
    filled_from
        What the rows are made from; one of `FILLED_FROM`. A source contract maps records.
    schema
        Arrow schema; descriptions, units and concepts in the fields' metadata; contract,
        contract_version and contract_digest in its own.
    required
        The completeness checks among `checks`.
    mandatory
        The EUCAIM file structure asks for this table at tier 3.
    """

    name: str
    version: str
    digest: str
    description: str
    granularity: str
    level: str
    filled_from: str
    fields: Mapping[str, Field]
    schema: pa.Schema
    primary_key: tuple[str, ...]
    checks: tuple[Check, ...]
    relationships: tuple[Relationship, ...]
    mandatory: bool

    @property
    def value_sets(self) -> dict[str, str]:
        """Field to the name of its vocabulary."""
        return {name: field.value_set for name, field in self.fields.items() if field.value_set}

    @property
    def units(self) -> dict[str, str]:
        """Field to its unit, a UCUM code."""
        return {name: field.unit for name, field in self.fields.items() if field.unit}

    @property
    def cdm_columns(self) -> tuple[str, ...]:
        """Columns of EUCAIM's model, in order; ours (origin: extension) are left out of CSV exports."""
        return tuple(name for name, field in self.fields.items() if not field.extension)

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
    custom = odcs.custom(document, table.customProperties, ("schema", 0), odcs.OF_TABLE)
    if custom.get("level") not in LEVELS or custom.get("filledFrom") not in FILLED_FROM:
        raise document.error(
            f"level is one of {', '.join(LEVELS)}; filledFrom one of {', '.join(FILLED_FROM)}.",
            "Say both under customProperties of the table.",
            ("schema", 0),
        )
    fields: dict[str, Field] = {}
    checks: list[Check] = []
    relationships = []
    for number, prop in enumerate(properties):
        here = (*place, number)
        field = read_field(document, prop, here, base)
        if field.name in fields:
            raise document.error(f"The field '{field.name}' occurs twice.", "Keep one of them.", here)
        fields[field.name] = field
        checks += [
            _check(document, name, prop, rule, (*here, "quality", i))
            for i, rule in enumerate(prop.quality or [])
        ]
        for relation in prop.relationships or []:
            to_table, _, to_field = str(relation.to).partition(".")
            relationships.append(Relationship(field.name, to_table, to_field))
    check_neighbours(document, fields, place)
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
        granularity=table.dataGranularityDescription or "",
        level=custom["level"],
        filled_from=custom["filledFrom"],
        fields=fields,
        schema=pa.schema([field.arrow for field in fields.values()], metadata=meta),
        primary_key=tuple(key for _, key in keys),
        checks=tuple(checks),
        relationships=tuple(relationships),
        mandatory=custom.get("mandatory") is True,
    )


def _check(document: Document, table: str, prop: SchemaProperty, rule: DataQuality, place: Place) -> Check:
    custom = odcs.custom(document, rule.customProperties, place, odcs.OF_RULE)
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
