"""What stops a command before it starts: exit code 2 for the call, 3 for the machine, a sentence for each.

Commands run in this process: nothing of Dagster starts.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from eucaim_pipelines import cli
from eucaim_pipelines.settings import write_settings
from eucaim_pipelines_tests.whole import holder
from eucaim_pipelines_tests.whole.holder import DATASET
from eucaim_pipelines_tests.whole.sites import Ran, Site, write_export

pytestmark = pytest.mark.xdist_group("newcomer")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """A site with one small export that was not run yet."""
    made = holder.make_site(tmp_path)
    write_export(made, DATASET, "2026-01", holder.files(10), holder.FIRST)
    return made


@pytest.fixture
def call(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ran]:
    """The command's entry point, with the site's settings."""
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    for name, value in site.environment().items():
        monkeypatch.setenv(name, value)

    def run(*args: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["eucaim", *args])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        printed = capsys.readouterr()
        return Ran(int(ended.value.code or 0), printed.out + printed.err)

    return run


def _nothing_was_done(site: Site) -> bool:
    return not any(path.is_file() for path in site.release.rglob("*"))


def test_an_unknown_dataset(site: Site, call: Callable[..., Ran]) -> None:
    ran = call("run", "nobodys_data")
    assert ran.code == 2
    assert "nobodys_data.yaml" in ran.text
    for command in (("status",), ("verify",), ("quarantine", "list")):
        assert call(*command, "nobodys_data").code == 2
    assert _nothing_was_done(site)


@pytest.mark.parametrize("name", ["../elsewhere", "a b", ""])
def test_a_name_that_no_dataset_may_have(site: Site, call: Callable[..., Ran], name: str) -> None:
    assert call("run", name).code == 2
    assert _nothing_was_done(site)


def test_a_missing_key(site: Site, call: Callable[..., Ran]) -> None:
    (site.folder / "key").unlink()
    ran = call("run", DATASET)
    assert ran.code == 2
    assert "eucaim keygen" in ran.text
    assert _nothing_was_done(site)


def test_a_key_that_others_may_read(site: Site, call: Callable[..., Ran]) -> None:
    (site.folder / "key").chmod(0o644)
    ran = call("run", DATASET)
    assert ran.code == 2
    assert "chmod 600" in ran.text
    assert _nothing_was_done(site)


def test_an_unknown_key_in_a_source_contract_is_named_with_file_and_line(
    site: Site, call: Callable[..., Ran]
) -> None:
    path = site.folder / "sources" / f"{DATASET}.yaml"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines.insert(3, "  subtitle: a key that no contract has")
    path.write_text("\n".join(lines), encoding="utf-8")
    ran = call("run", DATASET)
    assert ran.code == 2
    assert f"{DATASET}.yaml:4" in ran.text
    assert "subtitle" in ran.text
    assert _nothing_was_done(site)


def test_an_unknown_setting_is_named(site: Site, call: Callable[..., Ran]) -> None:
    write_settings(site.folder / "settings.yaml", {"landing": "landing", "relaese": "release"})
    ran = call("run", DATASET)
    assert ran.code == 2
    assert "'relaese'" in ran.text
    assert "'release'" in ran.text


def test_a_dataset_without_a_complete_export(site: Site, call: Callable[..., Ran]) -> None:
    (site.landing / DATASET / "2026-01._COMPLETE").unlink()
    ran = call("run", DATASET)
    assert ran.code == 2
    assert "_COMPLETE" in ran.text


def test_a_landing_folder_that_is_no_folder(site: Site, call: Callable[..., Ran]) -> None:
    """A file stands where the dataset's exports should be; modes would not stop a superuser."""
    moved = site.landing / "elsewhere"
    (site.landing / DATASET).rename(moved)
    (site.landing / DATASET).write_bytes(b"")
    assert call("run", DATASET).code == 3
    assert _nothing_was_done(site)
