"""A data holder that only a source contract describes, and what becomes of its later exports."""

import json
import subprocess
import sys

import pytest
from rdflib import Graph

from eucaim_pipelines.catalogue.terms import ADMS
from eucaim_pipelines_tests.whole import holder
from eucaim_pipelines_tests.whole.conftest import Run
from eucaim_pipelines_tests.whole.holder import DATASET
from eucaim_pipelines_tests.whole.sites import Site, complete, write_export

pytestmark = pytest.mark.xdist_group("newcomer")


def test_a_contract_in_yaml_is_enough(newcomer: Run) -> None:
    """Twelve people with their images and diagnoses reach Tier 3, without a line of Python for them."""
    assert newcomer.ran.code == 0, newcomer.ran.text
    assert newcomer.site.tiers(DATASET) == [1, 2, 3]
    assert newcomer.site.table(DATASET, 3, "patient").num_rows == 12
    assert newcomer.site.table(DATASET, 3, "cancer_condition").num_rows == 12
    assert len(newcomer.site.objects(DATASET, 3)) == 24


def test_a_link_inside_an_export_is_held(newcomer: Run) -> None:
    held = {k: r.reason for k, r in newcomer.site.receptions(DATASET).items() if r.disposition != "published"}
    assert held == {"2026-01/images/again.dcm": "LINK"}


def test_an_export_counts_once_its_marker_is_there_and_may_correct_an_earlier_one(newcomer: Run) -> None:
    site = newcomer.site
    before, manifests = site.traces(), site.manifests()
    first = site.receptions(DATASET)
    corrected = {"c.dcm": holder.image(0, 1, brightness=200), "people.csv": holder.people(13)}
    write_export(site, DATASET, "2026-02", holder.files(1, first=12) | corrected, "")

    unmarked = site.eucaim("run", DATASET)
    assert unmarked.code == 0
    assert "nothing new since the last run" in unmarked.text
    assert (site.traces(), site.receptions(DATASET)) == (before, first)

    complete(site, DATASET, "2026-02", holder.SECOND)
    marked = site.eucaim("run", DATASET)
    assert marked.code == 0, marked.text
    ledger = site.receptions(DATASET)
    old, new = ledger["2026-01/images/0-1.dcm"], ledger["2026-02/c.dcm"]
    assert (old.disposition, old.reason) == ("duplicate", "SUPERSEDED")
    assert (new.disposition, new.reason) == ("published", "RELEASED")
    gone, there = first["2026-01/images/0-1.dcm"].object_key, new.object_key
    for tier in (1, 2, 3):
        named = site.objects(DATASET, tier)
        assert len(named) == 26
        assert there in named
        assert gone not in named
    assert site.table(DATASET, 3, "patient").num_rows == 13
    record = Graph().parse(site.version_folder(DATASET, 3) / "catalogue.ttl", format="turtle")
    (notes,) = map(str, record.objects(None, ADMS.versionNotes))
    assert notes.startswith(f"Since {site.manifest(DATASET, 3)['previous']}:")
    assert "Patients: added not shown, changed 0, removed 0." in notes
    assert {k: site.manifests()[k] for k in manifests if not k.endswith("CURRENT")} == {
        k: v for k, v in manifests.items() if not k.endswith("CURRENT")
    }, "earlier versions stay as they were"
    told = site.eucaim("explain", str(old.sha256)).text
    assert "duplicate: SUPERSEDED" in told
    assert "named by" not in told


def test_a_dataset_that_another_process_holds_is_refused_with_its_pid(newcomer: Run) -> None:
    code = (
        "import sys, time, pathlib; from eucaim_pipelines.resources.lock import dataset_lock\n"
        "with dataset_lock(pathlib.Path(sys.argv[1]), sys.argv[2]):\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    site = newcomer.site
    holding = subprocess.Popen(
        [sys.executable, "-c", code, str(site.restricted), DATASET],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holding.stdout is not None
        assert holding.stdout.readline() == "held\n"
        refused = site.eucaim("run", DATASET)
        looked = site.eucaim("status", DATASET, "--json")
    finally:
        holding.communicate("")
    assert refused.code == 3
    assert f"process {holding.pid}" in refused.text
    assert looked.code == 0
    assert json.loads(looked.text)["files"]["undecided"] == 0
    assert site.eucaim("run", DATASET).code == 0


def test_fewer_than_ten_people_reach_no_tier(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The data is at fault: exit code 1, no release, and a report that says why."""
    site: Site = holder.make_site(tmp_path_factory.mktemp("few"))
    write_export(site, DATASET, "2026-01", holder.files(9), holder.FIRST)
    ran = site.eucaim("run", DATASET)
    assert ran.code == 1
    assert "reaches no tier" in ran.text
    assert site.tiers(DATASET) == []
    assert site.manifests() == {}
    balance = site.balance(DATASET)
    assert (balance["received"], balance["published"], balance["pending"]) == (19, 1, 18)
    local = site.restricted / DATASET / "tier_1/report.html"
    assert "10 people" in local.read_text(encoding="utf-8")
    assert site.eucaim("verify", DATASET).code == 2
