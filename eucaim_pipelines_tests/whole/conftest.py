"""Whole runs that tests share, each made once; tests of one run stay in one worker process (xdist_group)."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from eucaim_pipelines.demo.exports import PLANS, SEED
from eucaim_pipelines.demo.packing import write_export
from eucaim_pipelines_tests.whole import holder, sites
from eucaim_pipelines_tests.whole.sites import Ran, Site

BREAST = "demo_breast_mg"


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let groups be seen: pytest-xdist 3.8 writes them into `_nodeid`, and pytest 9.2 reads `_id` only."""
    for item in items:
        named = vars(item).get("_nodeid")
        if named is not None and named != item.nodeid:
            item._id = type(item._id).parse(named)


@dataclass(frozen=True)
class Run:
    """A site after a command, how the command ended, and what the truth says of the site's datasets."""

    site: Site
    ran: Ran
    truth: dict[str, Any] = field(default_factory=dict)


def read_truth(site: Site) -> dict[str, Any]:
    """What truth.json says of each dataset."""
    return dict(json.loads((site.folder / "truth.json").read_text(encoding="utf-8"))["datasets"])


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """`eucaim demo` of a fresh folder; the command writes the exports."""
    site = Site.make(tmp_path_factory.mktemp("demo"))
    ran = site.eucaim("demo", str(site.folder))
    return Run(site, ran, read_truth(site))


@pytest.fixture(scope="session")
def clean_demo(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The demo without defects: exports first, then `eucaim demo` on the same folder."""
    site = Site.make(tmp_path_factory.mktemp("clean"))
    assert site.eucaim("demo-export", str(site.folder), "--clean").code == 0
    ran = site.eucaim("demo", str(site.folder))
    return Run(site, ran, read_truth(site))


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory, shared: Path) -> Run:
    """`eucaim real` of the real objects beside the project."""
    dicom = shared / "data" / "dicom"
    if not dicom.is_dir():
        pytest.skip("../shared/data/dicom is not there")
    site = Site.make(tmp_path_factory.mktemp("real"))
    return Run(site, site.eucaim("real", str(site.folder), "--dicom", str(dicom)))


@pytest.fixture(scope="session")
def breast_landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A landing folder with the exports of one demo dataset; several sites read it."""
    landing = tmp_path_factory.mktemp("landing")
    (landing / BREAST).mkdir()
    for export in PLANS[BREAST](SEED, False).exports:
        write_export(landing / BREAST, export)
    return landing


@pytest.fixture(scope="session")
def breast(tmp_path_factory: pytest.TempPathFactory, breast_landing: Path) -> Run:
    """That dataset after an uninterrupted run into a folder."""
    site = Site.make(tmp_path_factory.mktemp("breast"), landing=str(breast_landing))
    return Run(site, site.eucaim("run", BREAST))


@pytest.fixture(scope="session")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The first export of a holder that only a source contract describes: twelve people, and a link."""
    site = holder.make_site(tmp_path_factory.mktemp("newcomer"))
    sites.write_export(site, holder.DATASET, "2026-01", holder.files(12), "")
    (site.landing / holder.DATASET / "2026-01" / "images" / "again.dcm").symlink_to("0-1.dcm")
    sites.complete(site, holder.DATASET, "2026-01", holder.FIRST)
    return Run(site, site.eucaim("run", holder.DATASET))
