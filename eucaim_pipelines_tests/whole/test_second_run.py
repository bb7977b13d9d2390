"""After the demo nothing is new: a second run does nothing, and doing the work again changes no byte."""

import sqlite3

import pytest

from eucaim_pipelines_tests.whole.conftest import Run

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
    again = site.eucaim("run", dataset)
    assert again.code == 0, again.text
    for tier in (1, 2, 3):
        assert f"Tier {tier}: {site.manifest(dataset, tier)['version']} stands unchanged" in again.text
    assert site.manifests() == manifests
    assert site.traces() == before
    assert site.receptions(dataset) == receptions
