"""The authoring commands: what they print, what they refuse."""

import stat

import pytest
from typer.testing import CliRunner

from eucaim_pipelines.cli import app
from eucaim_pipelines.errors import SettingsError
from eucaim_pipelines_tests.onboarding import shapes
from eucaim_pipelines_tests.onboarding.test_template import TREATMENT, csv_file


@pytest.fixture(autouse=True)
def no_settings(monkeypatch):
    monkeypatch.delenv("EUCAIM_SETTINGS", raising=False)


def call(*arguments):
    return CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=True)


def test_new_source_writes_once_and_prints_columns_and_counts_only(tmp_path):
    file, out = shapes.lung1(tmp_path), tmp_path / "lung1.yaml"
    done = call("new-source", file, "--dataset", "lung1", "--out", out)
    assert done.exit_code == 0, done.output
    assert "Overall.Stage" in done.output and "60 rows" in done.output
    for cell in ("IIIb", "large cell", "LUNG1-001"):
        assert cell not in done.output
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    before = out.read_bytes()
    again = call("new-source", file, "--dataset", "lung1", "--out", out)
    assert isinstance(again.exception, SettingsError) and "exists already" in str(again.exception)
    assert out.read_bytes() == before


@pytest.mark.parametrize("name", ["none.csv", "text.docx", "empty.csv", "broken.xlsx"])
def test_new_source_says_what_it_cannot_read(tmp_path, name):
    if name != "none.csv":
        (tmp_path / name).write_bytes(b"PK no workbook" if name == "broken.xlsx" else b"")
    done = call("new-source", tmp_path / name, "--out", tmp_path / "x.yaml")
    assert isinstance(done.exception, SettingsError) and name in str(done.exception)
    assert not (tmp_path / "x.yaml").exists()


def test_images_are_profiled_with_the_tables(landing, tmp_path):
    out = tmp_path / "mr.yaml"
    export = min(path for path in (landing / "demo_prostate_mr").iterdir() if path.is_dir())
    tables = sorted(path for path in export.rglob("*") if path.suffix in (".csv", ".xlsx"))
    done = call("new-source", *tables, "--images", export, "--out", out)
    assert done.exit_code == 0, done.exception
    text = out.read_text(encoding="utf-8")
    assert "t2_tse_tra_p2 Prostata" in text and "series that were seen, by modality: MR" in text
    for word in ("Zwickenpflug", "Schmädecke"):
        assert word not in text


def test_import_template_writes_a_contract(tmp_path):
    out = tmp_path / "t.yaml"
    path = csv_file(tmp_path / "Treatment 1.csv", TREATMENT)
    done = call("import-template", path, "--out", out, "--dataset", "t")
    assert done.exit_code == 0, done.exception
    assert "Inicio" in done.output and "CLIN1024528" in out.read_text(encoding="utf-8")
    assert isinstance(call("import-template", path, "--out", out).exception, SettingsError)
