"""`eucaim deidentify` as typed: what it asks for, what it shows, how it ends, how fast it starts.

What becomes of the files is tested in `deidentification/test_one_off.py`.
"""

import csv
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from eucaim_pipelines import cli
from eucaim_pipelines.contracts import folder as contracts_folder
from eucaim_pipelines_tests.conftest import ROOT
from eucaim_pipelines_tests.deidentification.objects import PLANTED, planted_object, to_bytes
from eucaim_pipelines_tests.whole.sites import COMMAND, KEY, Ran

HEAVY = ("dagster", "pyarrow", "pandas", "boto3", "botocore", "great_expectations", "highdicom", "rich")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to stand in: an input with one good object and one text, and a key."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EUCAIM_KEY", raising=False)
    (tmp_path / "in" / "Quintanilla").mkdir(parents=True)
    (tmp_path / "in" / "Quintanilla" / "ct.dcm").write_bytes(to_bytes(planted_object()))
    (tmp_path / "in" / "notes.txt").write_text("no image", encoding="ascii")
    (tmp_path / "key").write_text(KEY, encoding="ascii")
    (tmp_path / "key").chmod(0o600)
    return tmp_path


@pytest.fixture
def call(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ran]:
    """The command's entry point, in this process."""

    def run(*args: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["eucaim", "deidentify", *args])
        before = signal.getsignal(signal.SIGTERM)
        with pytest.raises(SystemExit) as ended:
            cli.main()
        signal.signal(signal.SIGTERM, before)
        printed = capsys.readouterr()
        return Ran(int(ended.value.code or 0), printed.out + printed.err)

    return run


def typed(folder: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, "deidentify", *args], cwd=folder, capture_output=True, text=True, check=False
    )


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_folder_becomes_a_tree_and_a_private_ledger(folder: Path) -> None:
    ran = typed(folder, "in", "out", "--key-file", "key", "--workers", "2")
    assert ran.returncode == 0, ran.stderr
    assert re.search(r"published +DEIDENTIFIED +1\n", ran.stdout)
    assert re.search(r"quarantined +NOT_DICOM +1\n", ran.stdout)
    assert "2 files" in ran.stdout and "a second" in ran.stdout and not ran.stderr
    assert not any(word in ran.stdout for word in PLANTED)
    with (folder / "out.ledger.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["input", "sha256", "disposition", "reason", "output"]
    assert [row["input"] for row in rows] == ["Quintanilla/ct.dcm", "notes.txt"]
    assert (folder / "out" / rows[0]["output"]).is_file()
    assert (folder / "out.ledger.csv").stat().st_mode & 0o777 == 0o600


def test_no_key_no_work(folder: Path, call: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    before = names(folder)
    ran = call("in", "out")
    assert ran.code == 2 and "No key: give --key-file FILE or set EUCAIM_KEY." in ran.text
    ran = call("in", "out", "--key-file", "nowhere")
    assert ran.code == 2 and ran.text.startswith("eucaim: There is no file at --key-file.")
    (folder / "key").chmod(0o644)
    ran = call("in", "out", "--key-file", "key")
    assert ran.code == 2 and "chmod 600" in ran.text
    monkeypatch.setenv("EUCAIM_KEY", KEY[:-1])
    assert call("in", "out").code == 2
    assert names(folder) == before
    monkeypatch.setenv("EUCAIM_KEY", KEY)
    assert call("in", "out").code == 0


def test_wrong_calls_and_unpublishable_data_have_their_exit_codes(
    folder: Path, call: Callable[..., Ran]
) -> None:
    key = ("--key-file", "key")
    assert call("in", "in/out", *key).code == 2
    assert call("nowhere", "out", *key).code == 2
    assert call("in", "out", *key, "--profile", "nobodys").code == 2
    assert call("in", "out", *key, "--profile", str(folder)).code == 2
    assert call("in", "out", *key, "--workers", "0").code == 2
    assert not (folder / "out").exists()
    (folder / "in" / "Quintanilla" / "ct.dcm").unlink()
    for ledger in ("out.ledger.csv", "out.ledger-2.csv", "out.ledger-3.csv"):
        ran = call("in", "out", *key)
        assert ran.code == 1 and f"Ledger: {ledger}." in ran.text
        assert (folder / ledger).exists() and not (folder / "out").exists()
    ran = call("in", "out", *key, "--ledger", "out.ledger.csv")
    assert ran.code == 2 and "The ledger out.ledger.csv is there already" in ran.text
    (folder / "map.csv").write_text("patient,pseudonym\n", encoding="ascii")
    (folder / "map.csv").chmod(0o600)
    ran = call("in", "out", *key, "--pseudonym-map", "map.csv")
    assert ran.code == 2 and "--pseudonym-map: line 1" in ran.text


def test_options_reach_the_engine(folder: Path, call: Callable[..., Ran]) -> None:
    """A profile's folder, another date policy and a trust office's map change what they should."""
    shutil.copytree(contracts_folder() / "deidentification", folder / "rules")
    (folder / "map.csv").write_text("patient_id,pseudonym\nHOSP-00417733,TRUST-1\n", encoding="ascii")
    (folder / "map.csv").chmod(0o600)
    outputs = {}
    for out, options in {
        "plain": (),
        "profile": ("--profile", str(folder / "rules")),
        "days": ("--dates", "day_one"),
        "map": ("--pseudonym-map", "map.csv"),
    }.items():
        assert call("in", out, "--key-file", "key", *options).code == 0
        [path] = (folder / out).rglob("*.dcm")
        outputs[out] = path.read_bytes()
        assert (path.relative_to(folder / out).parts[0] == "TRUST-1") == (out == "map")
    assert outputs["plain"] == outputs["profile"]
    assert b"20190601" in outputs["days"] and b"20190601" not in outputs["plain"]
    assert len(set(outputs.values())) == 3


def start_and_stop(folder: Path, how: signal.Signals) -> subprocess.Popen[str]:
    """Start a run that takes some seconds, and end it from outside once it has written something."""
    many = folder / "many"
    many.mkdir()
    for number in range(4000):
        os.link(folder / "in" / "Quintanilla" / "ct.dcm", many / f"{number}.dcm")
    command = [COMMAND, "deidentify", "many", "out", "--key-file", "key", "--workers", "2"]
    with (folder / "said").open("w") as said:
        process = subprocess.Popen(command, cwd=folder, stdout=said, stderr=said, text=True)
    while not any(folder.glob("out/.unfinished/*/*/*/*.dcm")):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(how)
    process.wait()
    return process


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_ended_publishes_nothing_and_says_so(folder: Path, how: signal.Signals) -> None:
    before = names(folder)
    assert start_and_stop(folder, how).returncode == 128 + how
    assert names(folder) == before | {"many", "said"}
    assert (folder / "said").read_text() == "eucaim: Interrupted; nothing was published.\n"


def test_after_a_killed_run_the_next_one_clears_up(folder: Path, call: Callable[..., Ran]) -> None:
    start_and_stop(folder, signal.SIGKILL)
    assert names(folder / "out") == {".unfinished"}
    assert {n for n in names(folder) if "ledger" in n} == {"out.ledger.csv.partial"}
    deadline = time.monotonic() + 10
    while (ran := call("in", "out", "--key-file", "key")).code == 3 and time.monotonic() < deadline:
        time.sleep(0.1)  # its workers notice, finish what they have in hand, and go
    assert ran.code == 0
    assert len(list((folder / "out").rglob("*.dcm"))) == 1
    assert ".unfinished" not in names(folder / "out")
    assert {n for n in names(folder) if "ledger" in n} == {"out.ledger.csv"}


def loaded(code: str, folder: Path) -> set[str]:
    """Heavy packages that are loaded once some code has run."""
    script = f"{code}\nimport sys\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    ran = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=True
    )
    return set(re.findall(r"'(\w+)'", ran.stdout.splitlines()[-1]))


def test_the_command_line_starts_lean(folder: Path) -> None:
    """Start-up counts where thousands of objects take a second."""
    assert loaded("import eucaim_pipelines.cli", folder) == set()
    arguments = ["eucaim", "deidentify", "in", "out", "--key-file", "key", "--workers", "1"]
    run = f"import sys\nsys.argv = {arguments!r}\nfrom eucaim_pipelines import cli\nassert cli._run() == 0"
    assert loaded(run, folder) == set()


def test_the_readmes_four_lines_run(folder: Path) -> None:
    """The library's example is run as it stands in the README."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    [code] = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    shutil.copy(folder / "in" / "Quintanilla" / "ct.dcm", folder / "slice.dcm")
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True)
    assert b"Quintanilla" not in (folder / "released.dcm").read_bytes()
    lines = [line for line in code.splitlines() if line and not line.startswith(("from", "import"))]
    assert len(lines) == 4
