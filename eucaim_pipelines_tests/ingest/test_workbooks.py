"""Workbooks are opened only if what they unpack to is bounded, by whichever door they come."""

import io
import zipfile

import pytest
from openpyxl import Workbook

from eucaim_pipelines.errors import Refusal, SettingsError
from eucaim_pipelines.ingest import workbooks
from eucaim_pipelines.onboarding.sheets import read_file
from eucaim_pipelines.onboarding.template import read_template

SECRET = "Zwickenpflug"


def workbook(before: bytes = b"-", after: bytes = b"-") -> bytes:
    """A workbook of two lines, in whose XML one text is another."""
    book, made, changed = Workbook(), io.BytesIO(), io.BytesIO()
    for line in (["name", "size"], [SECRET, 4711]):
        book.active.append(line)
    book.save(made)
    with zipfile.ZipFile(made) as parts, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as out:
        for name in parts.namelist():
            out.writestr(name, parts.read(name).replace(before, after))
    return changed.getvalue()


def lines(data: bytes) -> int:
    return sum(1 for rows in workbooks.sheets(data).values() for _ in rows)


def refused(data: bytes) -> None:
    with pytest.raises(Refusal) as told:
        lines(data)
    assert told.value.reason == "TABLE_ENCODING"
    assert told.value.__context__ is None and SECRET not in str(told.value)


def test_a_small_file_that_unpacks_to_a_large_one_is_refused():
    letters = workbooks.UNPACKED_FREELY
    assert lines(workbook(SECRET.encode(), b"A" * (letters // 2))) == 2
    data = workbook(SECRET.encode(), b"A" * letters)
    assert len(data) * workbooks.MOST_RATIO < letters
    refused(data)


def test_what_a_table_may_unpack_to_is_bounded(monkeypatch):
    data = workbook()
    unpacked = sum(part.file_size for part in zipfile.ZipFile(io.BytesIO(data)).infolist())
    monkeypatch.setattr(workbooks, "MOST_BYTES", unpacked)
    assert lines(data) == 2
    monkeypatch.setattr(workbooks, "MOST_BYTES", unpacked - 1)
    refused(data)


def test_lines_past_the_last_one_of_excel_are_refused(monkeypatch):
    assert workbooks.MOST_LINES == 2**20
    monkeypatch.setattr(workbooks, "MOST_LINES", 10)
    assert lines(workbook(b'<row r="2"', b'<row r="10"')) == 10
    refused(workbook(b'<row r="2"', b'<row r="11"'))


@pytest.mark.parametrize("read", [read_file, read_template])
def test_files_that_are_named_come_by_the_same_door(tmp_path, monkeypatch, read):
    path = tmp_path / "a.xlsx"
    path.write_bytes(workbook())
    monkeypatch.setattr(workbooks, "MOST_LINES", 1)
    with pytest.raises(SettingsError, match=r"'a.xlsx' is no readable xlsx workbook") as told:
        read(path)
    assert SECRET not in str(told.value)


@pytest.mark.parametrize("read", [read_file, read_template])
def test_a_cell_that_is_too_long_is_named_by_its_line(tmp_path, read):
    path = tmp_path / "a.csv"
    path.write_text(f"name;size\n{SECRET};1\n{SECRET};{SECRET * 20_000}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"'a.csv' line 3: it cannot be cut") as told:
        read(path)
    assert SECRET not in str(told.value) and told.value.__context__ is None
