"""`eucaim verify`: a release is as its manifest says, and one changed byte is found and named."""

import json
import shutil
from pathlib import Path

import pytest

from eucaim_pipelines.settings import write_settings
from eucaim_pipelines_tests.whole.conftest import BREAST, Run
from eucaim_pipelines_tests.whole.sites import Site

pytestmark = pytest.mark.xdist_group("demo")


@pytest.mark.parametrize("dataset", ["demo_breast_mg", "demo_lung_ct", "demo_prostate_mr"])
def test_a_release_is_as_its_manifest_says(demo: Run, dataset: str) -> None:
    ran = demo.site.eucaim("verify", dataset)
    assert ran.code == 0, ran.text
    assert ran.text.count(" 0 wrong") == demo.truth[dataset]["tier_reached"]


@pytest.fixture(scope="module")
def copy(demo: Run, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A copy of a release that may be damaged."""
    site = Site.make(tmp_path_factory.mktemp("copy"))
    shutil.copytree(demo.site.release / BREAST, site.release / BREAST)
    return site


@pytest.mark.parametrize("what", ["image", "table", "report", "objects", "missing"])
def test_damage_is_named(copy: Site, what: str) -> None:
    manifest = copy.manifest(BREAST, 1)
    key = {
        "image": copy.objects(BREAST, 1)[17],
        "missing": copy.objects(BREAST, 1)[3],
        "table": manifest["tables"][0]["key"],
        "objects": manifest["objects"][5]["key"],
        "report": next(item["key"] for item in manifest["files"] if item["name"] == "report.html"),
    }[what]
    path: Path = copy.release / key
    whole = path.read_bytes()
    middle = len(whole) // 2
    if what == "missing":
        path.unlink()
    else:
        path.write_bytes(whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :])
    try:
        ran = copy.eucaim("verify", BREAST)
    finally:
        path.write_bytes(whole)
    assert ran.code == 1
    assert f"{'missing' if what == 'missing' else 'sha256'}: {key}" in ran.text
    assert " 1 wrong" in ran.text
    assert ran.text.count(key) == 1
    assert "One thing is not as it was published." in ran.text


def test_every_tier_has_a_statement_that_the_published_key_checks(demo: Run) -> None:
    public = demo.site.eucaim("public-key").text.strip()
    ran = demo.site.eucaim("verify", BREAST, "--public-key", public)
    assert ran.code == 0, ran.text
    searched = "every object was searched or made from searched ones, no identity was found"
    holds = f"  statement: signed; {searched}"
    assert ran.text.splitlines().count(holds) == demo.truth[BREAST]["tier_reached"]
    document = json.loads((demo.site.version_folder(BREAST, 1) / "deidentification.json").read_bytes())
    stated = document["statement"]
    assert stated["objects"] == len(demo.site.objects(BREAST, 1))
    assert stated["objects"] == stated["objects_checked"] + stated["objects_converted"]
    assert stated["table_editions"] == {"2024e": 621, "2026c": 35}
    assert stated["public_key"] == public


def test_who_has_only_the_release_and_the_public_key_can_check_it(demo: Run, tmp_path: Path) -> None:
    public, reader = demo.site.eucaim("public-key").text.strip(), Site(tmp_path)
    write_settings(tmp_path / "settings.yaml", {"release": str(demo.site.release)})
    ran = reader.eucaim("verify", BREAST, "--public-key", public)
    assert ran.code == 0, ran.text
    assert reader.eucaim("verify", BREAST).code == 2


def test_a_statement_under_another_key_does_not_hold(demo: Run) -> None:
    ran = demo.site.eucaim("verify", BREAST, "--tier", "1", "--public-key", "ab" * 32)
    assert ran.code == 1
    assert "statement: it was signed with another key" in ran.text
    assert demo.site.eucaim("verify", BREAST, "--public-key", "ab").code == 2
