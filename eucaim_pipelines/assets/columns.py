"""What Dagster shows of a table's columns: type, meaning and constraints, and which columns each comes from.

Both follow from the contracts of table and source; how a column is computed is said in the `cdm` package.
"""

from collections.abc import Iterator

import dagster as dg

from eucaim_pipelines.contracts.fields import Field
from eucaim_pipelines.contracts.source_model import OFFSET_SUFFIX, SourceContract
from eucaim_pipelines.contracts.tables import TableContract

RECORDS = dg.AssetKey(["deidentified", "clinical_records"])
INSTANCES = dg.AssetKey(["deidentified", "instances"])


def column_schema(contract: TableContract) -> dg.TableSchema:
    """Columns of the table, with units, value sets, references and what is asked for as constraints."""
    unique = contract.primary_key if len(contract.primary_key) == 1 else ()
    references = {each.field: f"{each.to_table}.{each.to_field}" for each in contract.relationships}
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                field.name,
                str(field.type),
                description=field.description,
                constraints=dg.TableColumnConstraints(
                    nullable=field.nullable,
                    unique=field.name in unique,
                    other=list(_constraints(field, references.get(field.name))),
                ),
            )
            for field in contract.fields.values()
        ]
    )


def column_lineage(contract: TableContract, source: SourceContract) -> dg.TableColumnLineage:
    """De-identified columns that each column comes from; what nothing fills is left out.

    A column of clinical records is named `<clinical file>.<field>`, one of the header inventory by its
    DICOM keyword.
    """
    found = {name: list(_origins(contract, field, source)) for name, field in contract.fields.items()}
    for name, field in contract.fields.items():
        found[name] += found.get(field.unit_of or field.category_of or "", [])
    once = {name: list(dict.fromkeys(deps)) for name, deps in found.items()}  # several mappings of one file
    return dg.TableColumnLineage({name: deps for name, deps in once.items() if deps})


def _constraints(field: Field, reference: str | None) -> Iterator[str]:
    if field.requirement != "optional":
        yield f"asked for: {field.requirement.replace('_', ' ')}"
    if field.unit:
        yield f"unit: {field.unit}"
    if field.value_set:
        yield f"value set: {field.value_set}"
    if field.concept:
        yield f"concept: {field.concept}"
    if reference:
        yield f"refers to: {reference}"


def _origins(contract: TableContract, field: Field, source: SourceContract) -> Iterator[dg.TableColumnDep]:
    for keyword in field.dicom:
        yield dg.TableColumnDep(INSTANCES, keyword)
    for spec in source.clinical:
        for mapping in (each for each in spec.tables if each.table == contract.name):
            value = mapping.fields.get(field.name)
            day = mapping.fields.get(field.offset_of or "")
            if isinstance(value, str):
                yield dg.TableColumnDep(RECORDS, f"{spec.name}.{value}")
            elif isinstance(day, str):
                yield dg.TableColumnDep(RECORDS, f"{spec.name}.{day}{OFFSET_SUFFIX}")
            elif field.filled_by in ("patient", "key"):
                column = "patient_id" if field.filled_by == "patient" else "record_id"
                yield dg.TableColumnDep(RECORDS, f"{spec.name}.{column}")
