"""The views over tables, Parquet files and what is absent."""

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from eucaim_pipelines.contracts import synthetic, vocabularies
from eucaim_pipelines.contracts.tables import load_tables
from eucaim_pipelines.contracts.views import SQL_TYPES, connect

TABLES = load_tables()
MADE = synthetic.rows(
    TABLES, vocabularies.load_all(), {"patient": 30, "tumor": 50, "cancer_condition": 20}, 3
)


def described(connection, name):
    query = "SELECT column_name, data_type, comment FROM duckdb_columns() WHERE table_name = ?"
    rows = connection.execute(f"{query} ORDER BY column_index", [name]).fetchall()
    return {column: (kind, comment) for column, kind, comment in rows}


@pytest.fixture(scope="module")
def nothing():
    with connect(TABLES, {}) as connection:
        yield connection


@pytest.mark.parametrize("name", TABLES)
def test_every_table_is_a_view_with_types_and_comments_even_without_rows(nothing, name):
    columns = described(nothing, name)
    assert nothing.view(name).count("*").fetchall() == [(0,)]
    fields = TABLES[name].fields
    assert list(columns) == list(fields)
    for column, (kind, comment) in columns.items():
        assert kind == SQL_TYPES[fields[column].type]
        assert comment.startswith(fields[column].description)
        assert fields[column].unit is None or f"Unit: {fields[column].unit}." in comment


def test_tables_and_parquet_files_give_the_same_rows(tmp_path):
    pq.write_table(MADE["tumor"], tmp_path / "it's.parquet")
    query = """SELECT p.patient_birth_sex, count(*), max(t.tumor_volume) FROM tumor t
        JOIN patient p USING (patient_id) LEFT JOIN radiotherapy r USING (patient_id) GROUP BY 1 ORDER BY 1"""
    with connect(TABLES, {"tumor": MADE["tumor"], "patient": MADE["patient"]}) as connection:
        of_tables = connection.execute(query).fetchall()
        back = connection.sql("SELECT * FROM tumor").to_arrow_table()
    with connect(TABLES, {"tumor": tmp_path / "it's.parquet", "patient": MADE["patient"]}) as connection:
        assert connection.execute(query).fetchall() == of_tables
    assert sum(row[1] for row in of_tables) == 50
    assert [pa.string() if pa.types.is_large_string(f.type) else f.type for f in back.schema] == [
        f.type for f in TABLES["tumor"].schema
    ]


def test_a_table_without_a_contract_is_refused():
    with pytest.raises(KeyError):
        connect(TABLES, {"tumour": MADE["tumor"]})


def test_a_query_reaches_nothing_that_was_not_given(nothing, tmp_path):
    pq.write_table(MADE["tumor"], tmp_path / "tumor.parquet")
    for source in (f"'{tmp_path / 'tumor.parquet'}'", "MADE", f"read_text('{__file__}')"):
        with pytest.raises(duckdb.Error):
            nothing.execute(f"SELECT * FROM {source}")
