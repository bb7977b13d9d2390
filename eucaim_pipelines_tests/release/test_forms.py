"""The CSV files of the common file structure write codes as the site asks for."""

import io

import pandas as pd
import pytest

from eucaim_pipelines.contracts import synthetic, vocabularies
from eucaim_pipelines.contracts.tables import load_tables
from eucaim_pipelines.release import file_structure

TABLES, VOCABULARIES = load_tables(), vocabularies.load_all()
ROWS = synthetic.rows(
    TABLES,
    VOCABULARIES,
    dict.fromkeys(TABLES, 60) | {"patient": 30, "dataset": 1, "radiotherapy": 0},
    seed=4,
)


def frames(form):
    files = file_structure.build(ROWS, TABLES, form)
    return {name: pd.read_csv(io.BytesIO(content), dtype=str) for name, content in files.items()}


BARE, PREFIXED = frames("bare"), frames("prefixed")


def test_tables_without_rows_are_left_out_unless_every_dataset_has_them():
    assert "clinical_data/radiotherapy.csv" not in BARE
    assert "clinical_data/surgical_procedure.csv" in BARE
    emptied = {name: table.slice(0, 0) for name, table in ROWS.items()}
    files = file_structure.build(emptied, TABLES)
    assert {name for name in files if name.startswith("clinical_data/")} == {
        f"clinical_data/{name}.csv" for name, table in TABLES.items() if table.mandatory
    }


@pytest.mark.parametrize("name", sorted(BARE))
def test_only_codes_differ_between_the_forms_and_columns_are_of_the_model(name):
    table = TABLES.get(name.removeprefix("clinical_data/").removesuffix(".csv"))
    if table is not None:
        assert tuple(BARE[name].columns) == table.cdm_columns
    known = {code for vocabulary in VOCABULARIES.values() for code in vocabulary.codes}
    for column in BARE[name].columns:
        coded = BARE[name][column].dropna().isin(known).all() and BARE[name][column].notna().any()
        expected = "EUCAIM:" + BARE[name][column] if coded else BARE[name][column]
        assert PREFIXED[name][column].equals(expected), column
