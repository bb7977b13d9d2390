"""Every contract is valid for the tools of its standard, and no schema of a table is written by hand."""

import ast
import socket
from pathlib import Path

import pytest
from datacontract.data_contract import DataContract

import eucaim_pipelines
from eucaim_pipelines.contracts import folder, odcs
from eucaim_pipelines.contracts.fields import FILLED_BY
from eucaim_pipelines.contracts.tables import FILLED_FROM, SUFFIX, load_tables

TABLES = load_tables()
CONTRACTS = sorted((folder() / "cdm").glob(f"*{SUFFIX}"))


def lint(path):
    return DataContract(data_contract_file=str(path)).lint()


@pytest.fixture
def offline(monkeypatch):
    def refuse(*_):
        raise OSError("no network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.parametrize("path", CONTRACTS, ids=lambda path: path.name.removesuffix(SUFFIX))
def test_datacontract_lint_passes_without_a_network(path, offline):
    run = lint(path)
    assert run.has_passed(), [check.reason for check in run.checks]


def test_datacontract_lint_finds_a_fault(tmp_path, offline):
    path = tmp_path / CONTRACTS[0].name
    text = CONTRACTS[0].read_text(encoding="utf-8")
    path.write_text(text.replace("primaryKey: true", "primaryKey: 1", 1), encoding="utf-8")
    assert not lint(path).has_passed()


def named_columns(node):
    """Names that a literal list or dictionary of columns in a call gives; `pa.schema` and its like."""
    function = getattr(node.func, "attr", getattr(node.func, "id", ""))
    if function not in ("schema", "struct", "Schema", "StructType", "DataFrameSchema", "TableSchema"):
        return set()
    return {
        part.value
        for argument in node.args
        for part in ast.walk(argument)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
    }


def tables_of(source):
    """Tables whose columns a schema in this source names, at least four of five; and how many schemas."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    schemas = [columns for columns in map(named_columns, calls) if columns]
    found = {n for n, t in TABLES.items() for c in schemas if 5 * len(c & set(t.fields)) >= 4 * len(t.fields)}
    return found, len(schemas)


def test_no_schema_of_a_table_of_the_model_is_written_by_hand():
    by_hand, looked_at = {}, 0
    for path in sorted(Path(eucaim_pipelines.__file__).parent.rglob("*.py")):
        found, schemas = tables_of(path.read_text(encoding="utf-8"))
        looked_at += schemas
        by_hand |= {path.name: found} if found else {}
    assert looked_at > 10
    assert by_hand == {}


@pytest.mark.parametrize("name", TABLES)
def test_a_schema_that_is_written_by_hand_would_be_found(name):
    columns = ", ".join(f"('{column}', pa.string())" for column in TABLES[name].fields)
    assert name in tables_of(f"import pyarrow as pa\nX = pa.schema([{columns}])")[0]


def test_the_playbook_names_every_custom_property_and_no_other():
    page = (folder() / "README.md").read_text(encoding="utf-8")
    section = page.split("## A new field", 1)[1].split("## A new value set", 1)[0]
    first_cells = {row.split("|")[1] for row in section.splitlines() if row.startswith("| `")}
    named = {word.partition(":")[0] for cell in first_cells for word in cell.split("`")[1::2]}
    assert named == set(odcs.OF_PROPERTY)
    assert all(f"`{word}`" in section for word in (*FILLED_BY, *FILLED_FROM))
    rules = page.split("## A new check", 1)[1].split("## A new tier", 1)[0]
    assert all(word in rules for word in odcs.OF_RULE)
