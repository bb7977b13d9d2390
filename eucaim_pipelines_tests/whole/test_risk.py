"""A release in which somebody could be singled out is withheld until enough people look alike."""

import json

import pytest

from eucaim_pipelines_tests.whole import holder
from eucaim_pipelines_tests.whole.holder import DATASET
from eucaim_pipelines_tests.whole.sites import Ran, Site, write_export

pytestmark = pytest.mark.xdist_group("risk")

THIRD = "2026-03-31T20:00:00+00:00"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Twelve people in five-year bands of age, of which two are alone in the third; the tiers' own demand."""
    folder = tmp_path_factory.mktemp("risk")
    made = holder.make_site(folder)
    path = folder / "sources" / f"{DATASET}.yaml"
    told = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(line for line in told if not line.startswith("risk:")), encoding="utf-8")
    return made


def deliver(site: Site, export: str, files: dict[str, bytes], completed: str) -> Ran:
    write_export(site, DATASET, export, files, completed)
    return site.eucaim("run", DATASET)


def outcome(site: Site, tier: int, name: str) -> dict[str, object]:
    path = site.restricted / DATASET / f"releasable/tier_{tier}/verdict.json"
    return dict(next(each for each in json.loads(path.read_bytes())["requirements"] if each["id"] == name))


def local(site: Site) -> str:
    return (site.restricted / DATASET / "tier_1/report.html").read_text(encoding="utf-8")


def test_a_release_waits_until_nobody_can_be_singled_out(site: Site) -> None:
    ran = deliver(site, "2026-01", holder.files(12), holder.FIRST)
    assert (ran.code, site.tiers(DATASET)) == (1, []), ran.text
    told = outcome(site, 1, "alike")
    short = {"patients": 2, "studies": 0, "rows": 0, "fields": ["Age at the first examination"]}
    assert told["short"] == short
    assert "its release is withheld. It would single out 2 patients." in ran.text
    assert "People whom fewer than 5 look like: 2" in local(site)

    ran = deliver(site, "2026-02", holder.files(3, first=12), holder.SECOND)
    assert (ran.code, site.tiers(DATASET)) == (0, [1, 2, 3]), ran.text
    assert outcome(site, 3, "alike")["met"]
    assert "People whom fewer than" not in local(site)

    before = site.manifests()
    as_old_as_others = ((b"19550412", b"19700412"), (b"65.5", b"52.5"))
    newcomer = holder.files(1, first=15)
    for own, other in as_old_as_others:
        newcomer = {name: data.replace(own, other) for name, data in newcomer.items()}
    ran = deliver(site, "2026-03", newcomer, THIRD)
    told = outcome(site, 1, "alike_in_difference")
    assert (outcome(site, 1, "alike")["met"], told["met"], told["short"]["patients"]) == (True, False, 1)
    assert site.manifests() == before, "the last release stays"
    again = site.eucaim("run", DATASET)
    assert outcome(site, 1, "alike_in_difference") == told and site.manifests() == before, again.text


def test_no_pseudonym_and_no_exact_number_of_the_risk_is_released(site: Site) -> None:
    staged = {path.name for path in (site.restricted / DATASET / "releasable/risk").iterdir()}
    assert len(staged) == 6 and not staged & {path.name for path in site.release.rglob("*")}
    page = (site.version_folder(DATASET, 1) / "report.html").read_text(encoding="utf-8")
    section = page[page.index('aria-labelledby="risk"') : page.index('aria-labelledby="checks"')]
    assert "Age at the first examination" in section and "<table" not in section
