"""After the demo nothing is new: a second run does nothing, and doing the work again changes no byte."""

import sqlite3

import pytest

from eucaim_pipelines.ingest.row_book import RowBook, RowCounts
from eucaim_pipelines_tests.whole.conftest import Run
from eucaim_pipelines_tests.whole.sites import Site

pytestmark = pytest.mark.xdist_group("demo")


def test_a_second_run_says_that_nothing_is_new_and_puts_nothing(demo: Run) -> None:
    before = demo.site.traces()
    again = demo.site.eucaim("demo", str(demo.site.folder))
    assert again.code == 0
    assert again.text.count("nothing new since the last run; nothing was published") == len(demo.truth)
    assert "is published" not in again.text
    assert demo.site.traces() == before
    one = demo.site.eucaim("run", "demo_lung_ct")
    assert one.code == 0
    assert "demo_lung_ct: nothing new since the last run" in one.text


def test_doing_the_work_again_gives_the_same_manifests_and_puts_nothing(demo: Run) -> None:
    site, dataset = demo.site, "demo_lung_ct"
    ledger = site.restricted / dataset / "ledger.sqlite"
    with sqlite3.connect(ledger) as database:
        assert database.execute("DELETE FROM facts WHERE name LIKE 'finished_%'").rowcount == 7
    database.close()
    before, manifests, receptions = site.traces(), site.manifests(), site.receptions(dataset)
    rows = _row_book(site, dataset)
    again = site.eucaim("run", dataset)
    assert again.code == 0, again.text
    for tier in (1, 2, 3):
        assert f"Tier {tier}: {site.manifest(dataset, tier)['version']} stands unchanged" in again.text
    assert site.manifests() == manifests
    assert site.traces() == before
    assert site.receptions(dataset) == receptions
    assert _row_book(site, dataset) == rows


def test_the_first_release_brought_every_clinical_row(demo: Run) -> None:
    for dataset, truth in demo.truth.items():
        version = demo.site.manifest(dataset, 1)["version"]
        counts, history = _row_book(demo.site, dataset)
        current = {name: rows["current"] for name, rows in truth["rows"].items()}
        assert counts == {name: RowCounts(unchanged=number) for name, number in current.items()}
        assert history == [(version, name, number, 0, 0) for name, number in sorted(current.items())]


def _row_book(site: Site, dataset: str) -> tuple[dict[str, RowCounts], list[tuple[str, str, int, int, int]]]:
    with RowBook(site.restricted / dataset / "rows.sqlite") as book:
        return book.counts("tier_1"), book.history("tier_1")
