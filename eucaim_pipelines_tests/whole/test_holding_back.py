"""What must stop a release stops it, what must not does not, and the next run completes what is left."""

import shutil
import subprocess
import sys
from pathlib import Path

import nibabel
import numpy as np
import pytest
from pydicom import Dataset

from eucaim_pipelines_tests.annotations.mapped import as_json, described, nifti, segment
from eucaim_pipelines_tests.annotations.test_label_maps import assert_same_voxels
from eucaim_pipelines_tests.whole import holder
from eucaim_pipelines_tests.whole.holder import DATASET
from eucaim_pipelines_tests.whole.sites import Site, complete, write_export

pytestmark = pytest.mark.xdist_group("holding_back")
THIRD = "2026-03-31T20:00:00+00:00"
ANNOTATORS = (
    "annotations: {annotators: 2, annotator_type: radiologist, experience_years: 8, sequences: [CT]}\n"
)
MATERIALISE = """
import sys, dagster as dg
from eucaim_pipelines.definitions import build
from eucaim_pipelines.settings import load_settings
job = build(load_settings()).resolve_job_def("publish_tier_1")
with dg.DagsterInstance.get() as instance:
    keys = [dg.AssetKey(["tier_1", "release"])]
    result = job.execute_in_process(
        instance=instance, partition_key=sys.argv[1], asset_selection=keys, raise_on_error=False)
sys.exit(0 if result.success else 1)
"""


@pytest.fixture
def site(tmp_path: Path) -> Site:
    """Twelve people, delivered and not yet run."""
    made = holder.make_site(tmp_path)
    write_export(made, DATASET, "2026-01", holder.files(12), holder.FIRST)
    return made


def contract(site: Site) -> Path:
    return site.folder / "sources" / f"{DATASET}.yaml"


def test_an_identity_in_the_record_blocks_the_release_until_it_is_mended(site: Site) -> None:
    whole = contract(site).read_text(encoding="utf-8")
    contract(site).write_text(
        whole.replace("title: Harbour CT", "title: Harbour CT of HC-770003"), encoding="utf-8"
    )
    ran = site.eucaim("run", DATASET)
    assert ran.code == 1
    assert "no_identity" in ran.text
    assert "HC-770003" not in ran.text
    assert site.tiers(DATASET) == []
    contract(site).write_text(whole, encoding="utf-8")
    assert site.eucaim("run", DATASET).code == 0
    assert site.tiers(DATASET) == [1, 2, 3]


def test_a_release_alone_is_refused_what_the_sweep_has_not_searched(site: Site) -> None:
    assert site.eucaim("run", DATASET).code == 0
    shutil.rmtree(site.release / DATASET / "tier_1")  # else the store itself would refuse other bytes
    before = site.traces()
    report = site.restricted / DATASET / "releasable" / "tier_1" / "report.html"
    report.write_bytes(report.read_bytes() + b"<!-- HC-770003 -->")
    assert _materialise(site) == 1
    assert site.traces() == before


def test_a_lower_tier_can_be_asked_for_first(site: Site) -> None:
    ran = site.eucaim("run", DATASET, "--tier", "1")
    assert (ran.code, site.tiers(DATASET)) == (0, [1]), ran.text
    ran = site.eucaim("run", DATASET)
    assert (ran.code, site.tiers(DATASET)) == (0, [1, 2, 3]), ran.text


def test_a_file_that_came_later_and_changes_no_table_makes_a_version_of_its_own(site: Site) -> None:
    assert site.eucaim("run", DATASET).code == 0
    first = site.version_folder(DATASET, 3).name
    (site.landing / DATASET / "2026-01" / "notes.txt").write_text("hello", encoding="utf-8")
    ran = site.eucaim("run", DATASET)
    assert ran.code == 0, ran.text
    assert site.version_folder(DATASET, 3).name != first
    assert site.balance(DATASET)["quarantined"] == 1
    damaged = site.release / DATASET / "tier_3" / first / "report.html"
    assert site.eucaim("verify", DATASET).code == 0
    damaged.write_bytes(damaged.read_bytes()[:-1] + b" ")
    ran = site.eucaim("verify", DATASET)
    assert (ran.code, ran.text.count("things checked")) == (1, 6), ran.text
    assert f"sha256: {damaged.relative_to(site.release).as_posix()}" in ran.text
    assert site.eucaim("verify", DATASET, "--newest").code == 0
    shutil.rmtree(damaged.parent)
    ran = site.eucaim("verify", DATASET)
    assert (ran.code, f"missing: {DATASET}/tier_3/{first}/manifest.json" in ran.text) == (1, True), ran.text


def test_a_damaged_archive_is_held_and_may_be_repaired_or_withdrawn(site: Site) -> None:
    broken = site.landing / DATASET / "2026-02.zip"
    broken.write_bytes(b"not an archive")
    complete(site, DATASET, "2026-02.zip", holder.SECOND)
    ran = site.eucaim("run", DATASET)
    assert ran.code == 0, ran.text
    assert site.receptions(DATASET)["2026-02.zip/2026-02.zip"].reason == "ARCHIVE_DAMAGED"
    assert site.tiers(DATASET) == [1, 2, 3]
    broken.unlink()
    (site.landing / DATASET / "2026-02.zip._COMPLETE").unlink()
    (site.landing / DATASET / "2026-01" / "notes.txt").write_text("hello", encoding="utf-8")
    ran = site.eucaim("run", DATASET)
    assert ran.code == 0, ran.text


def test_a_store_that_lost_everything_is_filled_again(site: Site) -> None:
    assert site.eucaim("run", DATASET).code == 0
    manifests = site.manifests()
    shutil.rmtree(site.release / DATASET)
    ran = site.eucaim("run", DATASET)
    assert ran.code == 0, ran.text
    assert site.manifests() == manifests
    assert site.eucaim("verify", DATASET).code == 0


def test_where_no_tier_is_reached_nothing_counts_as_published(tmp_path: Path) -> None:
    site = holder.make_site(tmp_path)
    write_export(site, DATASET, "2026-01", holder.files(5), holder.FIRST)
    assert site.eucaim("run", DATASET).code == 1
    assert site.balance(DATASET) | {"undecided": 0} == {
        "received": 11, "published": 1, "quarantined": 0, "duplicate": 0, "pending": 10, "undecided": 0,
    }  # fmt: skip
    page = (site.restricted / DATASET / "tier_1" / "report.html").read_text(encoding="utf-8")
    assert "AWAITS_RELEASE" in page
    assert site.eucaim("run", DATASET).code == 1, "it still reaches no tier"


def test_a_label_map_on_another_grid_keeps_tier_3_until_it_is_mended(site: Site) -> None:
    series = Dataset()
    series.SeriesInstanceUID = f"{holder.ROOT}.1.1"
    said = as_json(
        described(
            [segment(1)],
            ReferencedSeriesSequence=[series],
            PatientID="HC-770000",
            PatientName="Nobodyson^Somebody 0",
            StudyInstanceUID=f"{holder.ROOT}.1",
            SeriesInstanceUID=f"{holder.ROOT}.1.8",
            SOPInstanceUID=f"{holder.ROOT}.1.8.1",
        )
    )
    numbers, where = np.arange(128).reshape(8, 8, 2).astype("u1") % 3 % 2, np.diag([-1.0, -1.0, 2.0, 1.0])
    where[2, 3] = 2
    right, wrong = where, where.copy()
    wrong[2, 3] = 3
    pair = {"mask.json": said, "mask.nii.gz": nifti(numbers, wrong, packed=True)}
    write_export(site, DATASET, "2026-02", pair, holder.SECOND)
    ran = site.eucaim("run", DATASET)
    assert (ran.code, site.tiers(DATASET)) == (0, [1, 2]), ran.text
    held = {site.receptions(DATASET)[f"2026-02/{name}"].reason for name in pair}
    assert held == {"NOT_CONVERTIBLE"}
    page = (site.restricted / DATASET / "tier_3" / "report.html").read_text(encoding="utf-8")
    finding = page[page.index("lie on another grid than the image series") :]
    [image] = [r for key, r in site.receptions(DATASET).items() if key.endswith("images/0-1.dcm")]
    assert str(image.sha256)[:16] in finding
    pair = {"mask.json": said, "mask.nii.gz": nifti(numbers, right, packed=True)}
    write_export(site, DATASET, "2026-03", pair, THIRD)
    ran = site.eucaim("run", DATASET)
    assert (ran.code, site.tiers(DATASET)) == (0, [1, 2]), ran.text
    told = site.eucaim("verdict", DATASET).text
    assert told.count("annotations.") == 4 and "grid" not in told, "it is asked who made the segmentation"
    whole = contract(site).read_text(encoding="utf-8")
    contract(site).write_text(whole + ANNOTATORS, encoding="utf-8")
    ran = site.eucaim("run", DATASET)
    assert (ran.code, site.tiers(DATASET)) == (0, [1, 2, 3]), ran.text
    record = (site.version_folder(DATASET, 3) / "catalogue.ttl").read_text(encoding="utf-8")
    assert "2 annotator(s) (radiologist) with 8 years of experience, on CT." in record
    assert len(site.objects(DATASET, 3)) == 25
    ledger = site.receptions(DATASET)
    [key] = {str(ledger[f"2026-03/{name}"].object_key) for name in pair}
    assert_same_voxels((site.release / key).read_bytes(), nibabel.Nifti1Image(numbers, right))
    told = site.eucaim("explain", str(ledger["2026-03/mask.nii.gz"].sha256)).text
    assert f"object {key}" in told and "published: RELEASED" in told
    told = site.eucaim("explain", key).text
    assert all(str(ledger[f"2026-03/{name}"].sha256) in told for name in pair)
    assert "Nobodyson" not in ran.text


def test_an_export_that_is_gone_keeps_what_another_one_still_holds(site: Site) -> None:
    again = {f"again/{name.split('/')[1]}": data for name, data in holder.files(12).items() if "/" in name}
    write_export(site, DATASET, "2026-02", again, holder.SECOND)
    assert site.eucaim("run", DATASET).code == 0
    shutil.rmtree(site.landing / DATASET / "2026-01")
    (site.landing / DATASET / "2026-01._COMPLETE").unlink()
    whole = contract(site).read_text(encoding="utf-8")
    described = whole.replace("imaging:\n", "imaging:\n  series_descriptions: {a: b}\n")
    contract(site).write_text(described, encoding="utf-8")
    ran = site.eucaim("run", DATASET)
    assert ran.code == 0, ran.text
    assert site.balance(DATASET)["pending"] == 0
    assert len(site.objects(DATASET, 3)) == 24


def _materialise(site: Site) -> int:
    """Materialise one asset alone, as a person can in the UI; the exit code."""
    places = {
        "EUCAIM_SETTINGS": str(site.folder / "settings.yaml"),
        "DAGSTER_HOME": str(site.folder / "home"),
    }
    command = [sys.executable, "-c", MATERIALISE, DATASET]
    return subprocess.run(
        command, env=site.environment() | places, check=False, capture_output=True
    ).returncode
