"""`eucaim quarantine list` as printed: reasons first, texts as they are, files where they are few.

That it says the same as the truth of the demo is tested in `whole/test_demo.py`.
"""

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from eucaim_pipelines.cli import looking
from eucaim_pipelines.contracts import folder as contracts_folder
from eucaim_pipelines.ingest import inventory
from eucaim_pipelines.ingest.exports import Entry, Export
from eucaim_pipelines.ingest.ledger import Ledger
from eucaim_pipelines.ingest.records import Reading
from eucaim_pipelines.quality.reasons import load_reasons
from eucaim_pipelines_tests.whole.sites import Site

DATASET = "harbour"
RISK = load_reasons(contracts_folder() / "reasons.csv")["BURNED_IN_RISK"].remedy


@pytest.fixture
def held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Make a site whose ledger holds back so many files that may show text, and one link."""
    site = Site.make(tmp_path)
    for name, value in site.environment().items():
        monkeypatch.setenv(name, value)

    def make(number: int) -> None:
        export = Export("2026[01]", tmp_path, "folder", datetime(2026, 1, 1, tzinfo=UTC))
        readings = [
            Reading(Entry(f"Müller/{n}", 1, 1, 1), sha256=f"{n:064x}", refusal="BURNED_IN_RISK")
            for n in range(number)
        ]
        (site.restricted / DATASET).mkdir()
        with Ledger(site.restricted / DATASET / "ledger.sqlite") as ledger:
            ledger.register(export)
            ledger.record(export.name, [*readings, Reading(Entry("LAST", 1, 1, 1), refusal="LINK")])
            inventory.decide(ledger)

    return make


def test_few_files_are_listed_below_their_reasons(
    held: Callable[[int], None], capsys: pytest.CaptureFixture[str]
) -> None:
    held(19)
    looking.quarantine_list(DATASET, as_json=False, paths=False)
    told = capsys.readouterr().out
    assert told.count(RISK) == 1 and "[ocr]" in RISK
    assert told.count("2026[01]") == 20
    assert "20 files of harbour held back" in told
    assert "Müller" not in told


def test_of_many_files_the_reasons_are_counted(
    held: Callable[[int], None], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    held(20)
    looking.quarantine_list(DATASET, as_json=False, paths=False)
    told = capsys.readouterr().out
    assert told.count("BURNED_IN_RISK") == told.count("LINK") == 1
    assert "2026[01]" not in told and "--paths" in told
    looking.quarantine_list(DATASET, as_json=True, paths=False)
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == 21 and {row["remedy"] for row in rows} > {RISK}
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    looking.quarantine_list(DATASET, as_json=False, paths=True)
    assert capsys.readouterr().out.count("Müller") == 20
