"""Unmapped values become rows to paste, shown to a terminal or a private file only."""

import stat

import pyarrow as pa
import pytest
import yaml
from typer.testing import CliRunner

from eucaim_pipelines.cdm.coding import UNMAPPED
from eucaim_pipelines.cli import app
from eucaim_pipelines.contracts.sources import load_source
from eucaim_pipelines.errors import SettingsError
from eucaim_pipelines.onboarding.unmapped import WARNING, columns, rows_to_paste
from eucaim_pipelines.resources.zones import RestrictedZone
from eucaim_pipelines.settings import write_settings
from eucaim_pipelines_tests.onboarding.measuring import SOURCES

ROWS = [
    ("patients", "histology", "histology", 'ca. "escamoso"', 2, 2),
    ("patients", "histology", "histology", "adenocarcinona", 5, 4),
    ("patients", "histology", "histology", "pdte.", 1, 1),
    ("patients", "diagnosis_date", "date", "31/02/2020", 1, 1),
    ("images", "BodyPartExamined", "body_part", "TÓRAX", 7, 3),
    ("gone", "x", "histology", "ADC", 1, 1),
]


@pytest.fixture
def table():
    return pa.Table.from_pylist(
        [dict(zip(UNMAPPED.names, row, strict=True)) for row in ROWS], schema=UNMAPPED
    )


@pytest.fixture
def source():
    return load_source(SOURCES / "demo_lung_ct.yaml")


def test_rows_fit_under_the_values_of_their_column(table, source, matcher):
    text = rows_to_paste(table, source, matcher)
    assert text.startswith(f"# {WARNING}\n")
    rows = [line for line in text.splitlines() if line.startswith(" ")]
    pasted = yaml.safe_load("values:\n" + "\n".join(rows))["values"]
    assert pasted["adenocarcinona"] == "CLIN1047138" and pasted["pdte."] == "TODO"
    assert pasted['ca. "escamoso"'] == "CLIN1049630" and pasted["TÓRAX"] == "BP1000067"
    assert '# patients: column "Histología", field histology, under values: vocabulary histology' in text
    assert "# imaging: body_parts (BodyPartExamined): vocabulary body_part" in text
    assert "nearest: Adenocarcinoma, NOS (96), 5 rows, 4 patients" in text


def test_the_most_frequent_value_comes_first_and_dates_are_comments(table, source, matcher):
    text = rows_to_paste(table, source, matcher)
    assert text.index("adenocarcinona") < text.index("escamoso") < text.index("pdte.")
    assert "#   1 cell(s), 1 different, do not fit the format %d/%m/%Y: correct" in text
    assert "31/02/2020" not in text
    assert rows_to_paste(table.slice(0, 0), source, matcher).count("\n") == 2


def test_counts_name_no_value(table):
    assert ("patients", "histology", 3, 8) in columns(table)


@pytest.fixture
def site(tmp_path, monkeypatch, table):
    places = {name: str(tmp_path / name) for name in ("landing", "restricted", "release")}
    write_settings(tmp_path / "settings.yaml", {**places, "sources": str(SOURCES)})
    monkeypatch.setenv("EUCAIM_SETTINGS", str(tmp_path / "settings.yaml"))
    zone = RestrictedZone(folder=places["restricted"], landing=places["landing"])
    with zone.ledger("demo_lung_ct"):
        zone.shelf("demo_lung_ct").write("unmapped_values", table)
    return tmp_path


def call(*arguments):
    return CliRunner().invoke(app, [str(each) for each in arguments])


def test_no_value_goes_anywhere_but_a_terminal_or_a_private_file(site):
    piped = call("unmapped", "demo_lung_ct")
    assert isinstance(piped.exception, SettingsError) and "--out" in str(piped.exception)
    out = site / "rows.yaml"
    done = call("unmapped", "demo_lung_ct", "--out", out)
    assert done.exit_code == 0, done.exception
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert "adenocarcinona" in out.read_text(encoding="utf-8")
    for value in ("adenocarcinona", "pdte.", "31/02/2020"):
        assert value not in done.output
    assert "patients, histology: 3 value(s) in 8 rows" in done.output
    assert isinstance(call("unmapped", "demo_lung_ct", "--out", out).exception, SettingsError)
    assert isinstance(call("unmapped", "nothing").exception, SettingsError)


def test_a_slip_of_a_spelling_that_the_column_maps_takes_its_code(source, matcher):
    row = ("patients", "population", "population", "Ca. pulmom", 1, 1)
    table = pa.Table.from_pylist([dict(zip(UNMAPPED.names, row, strict=True))], schema=UNMAPPED)
    assert '"Ca. pulmom": COM1001087   # near "Ca. pulmón" of this column' in rows_to_paste(
        table, source, matcher
    )
