"""The fields by which somebody may find a patient, read strictly: each must be there in the tables.

One list for every source (risk/quasi_identifiers.yaml); a source contract adds its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
from pydantic import ValidationError

from eucaim_pipelines.contracts import folder as contracts_folder
from eucaim_pipelines.contracts.hierarchies import Hierarchy, load_hierarchies
from eucaim_pipelines.contracts.positions import Document, Place
from eucaim_pipelines.contracts.source_catalogue import Part
from eucaim_pipelines.contracts.source_model import SourceContract
from eucaim_pipelines.contracts.source_risk import RELEASED, QuasiIdentifier
from eucaim_pipelines.contracts.tables import TableContract

PATIENT = "patient_id"
_CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": False,
    "python_enable_replacements": False,
}


class _Listed(Part):
    fields: tuple[QuasiIdentifier, ...]


@dataclass(frozen=True)
class QuasiIdentifiers:
    """The fields of every source, and the hierarchies that fields may use."""

    fields: tuple[QuasiIdentifier, ...]
    hierarchies: Mapping[str, Hierarchy]

    def of(self, source: SourceContract) -> tuple[QuasiIdentifier, ...]:
        """The fields of one source, by its policy of dates; its own replace those of the same id."""
        known = {each.id: each for each in (*self.fields, *source.risk.fields)}
        known |= {
            name: known[name].model_copy(update={"known_as": step})
            for name, step in source.risk.known_as.items()
        }
        dates = source.deidentification.dates
        return tuple(each for each in known.values() if not each.dates or dates in each.dates)


def load_quasi_identifiers(
    tables: Mapping[str, TableContract], folder: Path | None = None
) -> QuasiIdentifiers:
    """The list as `<folder>/risk/quasi_identifiers.yaml` states it.

    Raises
    ------
    ContractError
        An unknown key, a table, column, hierarchy or step that does not exist, or a query that cannot be run;
        with file and line.
    """
    base = contracts_folder(folder)
    document = Document(base / "risk" / "quasi_identifiers.yaml")
    try:
        listed = _Listed.model_validate(document.data)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        said = first["msg"].removeprefix("Value error, ")
        raise document.error(f"{said}.", "See data_contracts/README.md for its form.", first["loc"]) from None
    hierarchies = load_hierarchies(base)
    check_fields(document, ("fields",), listed.fields, tables, hierarchies)
    return QuasiIdentifiers(listed.fields, hierarchies)


def check_source(
    document: Document, source: SourceContract, tables: Mapping[str, TableContract], folder: Path
) -> None:
    """What a source contract says under `risk` must exist.

    Raises
    ------
    ContractError
        As `load_quasi_identifiers`.
    """
    if not source.risk.fields and not source.risk.known_as:
        return
    shared = load_quasi_identifiers(tables, folder)
    check_fields(document, ("risk", "fields"), source.risk.fields, tables, shared.hierarchies)
    replaced = {each.id for each in shared.fields}
    for number, field in enumerate(source.risk.fields):
        if field.id in replaced and source.risk.why is None:
            what = f"The field '{field.id}' takes the place of one of every source, and nothing says why."
            raise document.error(what, "Write risk.why, or another id.", ("risk", "fields", number))
    known = {each.id: each for each in (*shared.fields, *source.risk.fields)}
    for name, step in source.risk.known_as.items():
        place = ("risk", "known_as", name)
        if name not in known:
            raise document.error(
                f"There is no field '{name}'.", "Name one of risk/quasi_identifiers.yaml.", place
            )
        _check_step(document, place, known[name].hierarchy, step, shared.hierarchies)


def check_fields(
    document: Document,
    place: Place,
    fields: Sequence[QuasiIdentifier],
    tables: Mapping[str, TableContract],
    hierarchies: Mapping[str, Hierarchy],
) -> None:
    """Raise the first ContractError that a list of fields holds."""
    seen: set[str] = set()
    for number, field in enumerate(fields):
        here = (*place, number)
        if field.id in seen:
            raise document.error(f"The field '{field.id}' occurs twice.", "Keep one of them.", (*here, "id"))
        seen.add(field.id)
        _check_origin(document, here, field, tables)
        if field.hierarchy is not None and field.hierarchy not in hierarchies:
            raise document.error(
                f"There is no hierarchy '{field.hierarchy}'.",
                "Name a file of risk/hierarchies.",
                (*here, "hierarchy"),
            )
        _check_step(document, (*here, "known_as"), field.hierarchy, field.known_as, hierarchies)


def _check_step(
    document: Document, place: Place, name: str | None, step: str, hierarchies: Mapping[str, Hierarchy]
) -> None:
    steps = hierarchies[name].steps if name is not None else ()
    if step != RELEASED and step not in steps:
        told = ", ".join((RELEASED, *steps))
        raise document.error(f"There is no step '{step}'.", f"The steps are: {told}.", place)


def _check_origin(
    document: Document, here: Place, field: QuasiIdentifier, tables: Mapping[str, TableContract]
) -> None:
    key = "needs" if field.query else "column"
    for table in field.tables:
        if table not in tables or (field.column and PATIENT not in tables[table].fields):
            raise document.error(
                f"There is no table '{table}' that names patients.", "Name a table contract.", (*here, key)
            )
    if field.column is not None:
        table, _, column = field.column.partition(".")
        if column not in tables[table].fields:
            raise document.error(
                f"The table '{table}' has no column '{column}'.", "Correct it.", (*here, "column")
            )
        return
    wanted = {PATIENT, "value", *(("position",) if field.keep == "in_order" else ())}
    (given,) = columns_of([(field.query or "", {name: tables[name].empty() for name in field.needs})])
    if not wanted <= given:
        raise document.error(
            f"The query cannot be run on the tables it needs, or does not give {', '.join(sorted(wanted))}.",
            "It may use the columns of these tables, in DuckDB's SQL.",
            (*here, "query"),
        )


def columns_of(queries: Iterable[tuple[str, Mapping[str, object]]]) -> list[frozenset[str]]:
    """Columns that each query over tables of its own gives; none if it cannot be run on them."""
    with duckdb.connect(config=_CONFIG) as database:
        return [_columns(database, query, tables) for query, tables in queries]


def _columns(database: duckdb.DuckDBPyConnection, query: str, tables: Mapping[str, object]) -> frozenset[str]:
    for name, table in tables.items():
        database.register(name, table)
    try:
        return frozenset(database.sql(query).columns)
    except duckdb.Error:
        return frozenset()
    finally:
        for name in tables:
            database.unregister(name)
