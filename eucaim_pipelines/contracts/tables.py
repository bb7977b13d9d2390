"""Table contracts: one Open Data Contract Standard v3.1 file per table; schema, keys and checks follow.

How a check is run, and what a tier makes of it, is not known here.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from open_data_contract_standard.model import SchemaObject

from eucaim_pipelines.contracts import folder as contracts_folder
from eucaim_pipelines.contracts import odcs, rules
from eucaim_pipelines.contracts.fields import Field, check_neighbours, read_field
from eucaim_pipelines.contracts.positions import Document, Place
from eucaim_pipelines.contracts.rules import LEVELS, Level, Rule
from eucaim_pipelines.errors import ContractError

SUFFIX = ".odcs.yaml"
FILLED_FROM = ("records", "images", "people", "links", "catalogue")


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
        What a row stands for in EUCAIM's quality dimensions, unless a rule says otherwise.
    filled_from
        What the rows are made from; one of `FILLED_FROM`. A source contract maps records.
    schema
        Arrow schema; descriptions, units and concepts in the fields' metadata; contract,
        contract_version and contract_digest in its own.
    rules
        Quality rules, in the order of the contract: those of its fields, then those of the whole table.
    mandatory
        The EUCAIM file structure asks for this table at tier 3.
    """

    name: str
    version: str
    digest: str
    description: str
    granularity: str
    level: Level
    filled_from: str
    fields: Mapping[str, Field]
    schema: pa.Schema
    primary_key: tuple[str, ...]
    rules: tuple[Rule, ...]
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
    def offsets(self) -> dict[str, str]:
        """Date to the field that may stand for it: the days from diagnosis (Data Holders Handbook v1.0)."""
        return {field.offset_of: name for name, field in self.fields.items() if field.offset_of}

    @property
    def cdm_columns(self) -> tuple[str, ...]:
        """Columns of EUCAIM's model, in order; ours (origin: extension) are left out of CSV exports."""
        return tuple(name for name, field in self.fields.items() if not field.extension)

    @property
    def required(self) -> tuple[Rule, ...]:
        """Rules by which a field must be complete."""
        return tuple(rule for rule in self.rules if rule.expectation == rules.NOT_NULL and not rule.query)

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
        table = tables[path.name.removesuffix(SUFFIX)]
        _check_relationships(table, document, tables)
        for rule in table.rules:
            rules.check_needs(rule, tables, document, ("schema", 0))
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
    found: list[Rule] = []
    relationships = []
    for number, prop in enumerate(properties):
        here = (*place, number)
        field = read_field(document, prop, here, base)
        if field.name in fields:
            raise document.error(f"The field '{field.name}' occurs twice.", "Keep one of them.", here)
        fields[field.name] = field
        found += [
            rules.read(document, name, field.name, custom["level"], rule, (*here, "quality", i))
            for i, rule in enumerate(prop.quality or [])
        ]
        for relation in prop.relationships or []:
            to_table, _, to_field = str(relation.to).partition(".")
            relationships.append(Relationship(field.name, to_table, to_field))
    check_neighbours(document, fields, place)
    found += [
        rules.read(document, name, None, custom["level"], rule, ("schema", 0, "quality", i))
        for i, rule in enumerate(table.quality or [])
    ]
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
        rules=tuple(found),
        relationships=tuple(relationships),
        mandatory=custom.get("mandatory") is True,
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
