"""Exports: complete only with their marker, links refused, archives read member by member."""

import os
import tarfile
import zipfile
from datetime import UTC, datetime

import pytest

from eucaim_pipelines.errors import MachineError, Refusal
from eucaim_pipelines.ingest.exports import OpenExport, complete_exports, datasets_in, landing_state


def deliver(landing, name, files, *, time="2026-01-31T12:00:00+00:00"):
    folder = landing / "ds" / name
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    (landing / "ds" / f"{name}._COMPLETE").write_text(time)
    return folder


def test_an_export_without_marker_is_not_touched(tmp_path):
    deliver(tmp_path, "one", {"a": b"1"})
    (tmp_path / "ds" / "two").mkdir()
    assert [export.name for export in complete_exports(tmp_path, "ds")] == ["one"]


def test_a_marker_that_holds_no_time_is_no_marker(tmp_path):
    deliver(tmp_path, "one", {"a": b"1"}, time="yesterday")
    assert complete_exports(tmp_path, "ds") == []


def test_exports_are_ordered_by_the_markers_time_then_name(tmp_path):
    deliver(tmp_path, "b", {"a": b"1"}, time="2026-02-01")
    deliver(tmp_path, "a", {"a": b"1"}, time="2026-02-01")
    deliver(tmp_path, "z", {"a": b"1"}, time="2025-12-31T23:00:00-03:00")
    exports = complete_exports(tmp_path, "ds")
    assert [export.name for export in exports] == ["z", "a", "b"]
    assert exports[0].completed == datetime(2026, 1, 1, 2, tzinfo=UTC)


def test_links_inside_an_export_are_refused_and_a_linked_export_is_followed(tmp_path):
    real = tmp_path / "elsewhere"
    real.mkdir()
    (real / "image").write_bytes(b"1")
    (real / "link").symlink_to(real / "image")
    (tmp_path / "ds").mkdir()
    (tmp_path / "ds" / "one").symlink_to(real)
    (tmp_path / "ds" / "one._COMPLETE").write_text("2026-01-01")
    (export,) = complete_exports(tmp_path, "ds")
    with OpenExport(export) as opened:
        entries = {entry.path: entry.refusal for entry in opened.entries()}
    assert entries == {"image": None, "link": "LINK"}


def test_a_name_that_is_not_utf_8_is_listed_and_read(tmp_path):
    folder = deliver(tmp_path, "one", {"a": b"1"})
    (folder / "a").unlink()
    with open(os.fsencode(folder) + b"/M\xfcller", "wb") as stream:  # noqa: PTH123
        stream.write(b"content")
    (export,) = complete_exports(tmp_path, "ds")
    with OpenExport(export) as opened:
        (entry,) = opened.entries()
        assert opened.read(entry.path, 100) == b"content"
    entry.path.encode("utf-8")


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_archive_members_are_read_and_two_of_one_name_are_told_apart(tmp_path, kind):
    (tmp_path / "ds").mkdir()
    (tmp_path / "first").write_bytes(b"first")
    (tmp_path / "second").write_bytes(b"second")
    path = tmp_path / "ds" / f"one.{kind}"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive, pytest.warns(UserWarning, match="Duplicate name"):
            archive.write(tmp_path / "first", "d/image")
            archive.write(tmp_path / "second", "d/image")
    else:
        with tarfile.open(path, "w") as tar:
            tar.add(tmp_path / "first", "d/image")
            tar.add(tmp_path / "second", "d/image")
    (tmp_path / "ds" / f"one.{kind}._COMPLETE").write_text("2026-01-01")
    (export,) = complete_exports(tmp_path, "ds")
    with OpenExport(export) as opened:
        assert {e.path: opened.read(e.path, 100) for e in opened.entries()} == {
            "d/image": b"first",
            "d/image#2": b"second",
        }
        with pytest.raises(Refusal) as refused:
            opened.read("d/image", 3)
    assert refused.value.reason == "TOO_LARGE"


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_a_damaged_archive_is_refused(tmp_path, kind):
    (tmp_path / "ds").mkdir()
    (tmp_path / "ds" / f"one.{kind}").write_bytes(b"no archive" * 200)
    (tmp_path / "ds" / f"one.{kind}._COMPLETE").write_text("2026-01-01")
    (export,) = complete_exports(tmp_path, "ds")
    with pytest.raises(Refusal) as refused, OpenExport(export):
        pass
    assert refused.value.reason == "ARCHIVE_DAMAGED"


def test_the_state_of_landing_changes_with_a_file_and_not_otherwise(tmp_path):
    folder = deliver(tmp_path, "one", {"a": b"1"})
    before = landing_state(complete_exports(tmp_path, "ds"))
    assert landing_state(complete_exports(tmp_path, "ds")) == before
    (folder / "b").write_bytes(b"2")
    assert landing_state(complete_exports(tmp_path, "ds")) != before


def test_a_landing_that_cannot_be_read_names_the_setting(tmp_path):
    with pytest.raises(MachineError, match="setting 'landing'"):
        datasets_in(tmp_path / "absent")
