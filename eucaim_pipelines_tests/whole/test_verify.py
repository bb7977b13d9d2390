"""`eucaim verify`: a release is as its manifest says, and one changed byte is found and named."""

import shutil
from pathlib import Path

import pytest

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
