"""DuckDB views over the tables of the common data model: named, typed and described by their contracts.

Where the tables lie is said by the caller; a query can reach nothing else, no file, host or variable.
"""

from collections.abc import Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds

from eucaim_pipelines.contracts.fields import Field
from eucaim_pipelines.contracts.tables import TableContract

CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,  # a query reads no variable of this program
    "threads": 2,
}
SQL_TYPES = {
    pa.string(): "VARCHAR",
    pa.date32(): "DATE",
    pa.int64(): "BIGINT",
    pa.float64(): "DOUBLE",
    pa.bool_(): "BOOLEAN",
}


def connect(
    contracts: Mapping[str, TableContract], tables: Mapping[str, pa.Table | Path]
) -> duckdb.DuckDBPyConnection:
    """A connection in memory with one view per contract, each with its description and those of its columns.

    Parameters
    ----------
    tables
        Table name to its rows, or to the Parquet file that holds them (of a release, for example), which is
        read as far as a query asks. A table that is not among them is a view without rows, so that a query
        need not know what a dataset has.

    Raises
    ------
    KeyError
        A table that has no contract.
    """
    for name in tables:
        contracts[name]
    connection = duckdb.connect(config=CONFIG)
    for name, contract in contracts.items():
        columns = ", ".join(_column(field) for field in contract.fields.values())
        source = f"{name} as Arrow"
        connection.register(source, _source(contract, tables.get(name)))
        selected = f"SELECT {columns} FROM {quoted(source)}"  # noqa: S608 - names of contracts, quoted
        statements = [f"CREATE VIEW {quoted(name)} AS {selected}"]
        statements.append(f"COMMENT ON VIEW {quoted(name)} IS {_text(contract.description)}")
        for field in contract.fields.values():
            place = f"{quoted(name)}.{quoted(field.name)}"
            statements.append(f"COMMENT ON COLUMN {place} IS {_text(comment(field))}")
        connection.execute("; ".join(statements))
    return connection


def comment(field: Field) -> str:
    """What a reader of the column should know: description, unit and value set."""
    said = [field.description]
    if field.unit:
        said.append(f"Unit: {field.unit}.")
    if field.value_set:
        said.append(f"Codes of the value set {field.value_set}.")
    return " ".join(said)


def quoted(name: str) -> str:
    """The name as an identifier of SQL."""
    return '"' + name.replace('"', '""') + '"'


def _source(contract: TableContract, table: pa.Table | Path | None) -> pa.Table | ds.Dataset:
    """What the view selects from: the rows, the Parquet file, or nothing of the right columns."""
    if isinstance(table, Path):
        return ds.dataset(table, format="parquet")
    return contract.empty() if table is None else table


def _column(field: Field) -> str:
    return f"CAST({quoted(field.name)} AS {SQL_TYPES[field.type]}) AS {quoted(field.name)}"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
