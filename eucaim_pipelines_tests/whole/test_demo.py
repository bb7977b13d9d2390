"""The demo, typed as a newcomer types it: what came of every file and row is what truth.json says."""

import json
import re
from collections import Counter
from pathlib import PurePosixPath

import pytest
from pydicom import dcmread

from eucaim_pipelines.contracts import folder
from eucaim_pipelines.contracts.sources import load_source
from eucaim_pipelines_tests.deidentification.pictures import read
from eucaim_pipelines_tests.whole.conftest import Run

pytestmark = pytest.mark.xdist_group("demo")
DATASETS = ("demo_breast_mg", "demo_lung_ct", "demo_prostate_mr")
ROWS = {
    "ROW_CURRENT": "current",
    "ROW_REPLACED": "replaced",
    "ROW_REMOVED": "removed",
    "ROW_DUPLICATE_KEY": "duplicate_keys",
}
"""Reasons of rows, as the truth calls them; all others are refusals."""


def test_the_demo_ends_well_and_shows_what_it_did(demo: Run) -> None:
    assert demo.ran.code == 0, demo.ran.text
    for dataset in DATASETS:
        truth = demo.truth[dataset]
        counts = [truth["counts"][name] for name in ("received", "published", "quarantined", "duplicate")]
        sizes = [truth[n] for n in ("patients", "studies", "image_series")]
        sizes += [truth["instances"] + truth["conversions"], truth["tier_reached"]]
        lines = [line.split() for line in demo.ran.text.splitlines() if line.split()[:1] == [dataset]]
        assert [dataset, *(str(number) for number in [*counts, 0])] in lines
        assert [dataset, *(str(number) for number in sizes)] in [line[:-1] for line in lines]
        assert str(demo.site.release / dataset / f"tier_{truth['tier_reached']}") in demo.ran.text
        assert str(demo.site.restricted / dataset / "tier_3/report.html") in demo.ran.text


@pytest.mark.parametrize("dataset", DATASETS)
def test_every_file_has_the_disposition_and_reason_of_the_truth(demo: Run, dataset: str) -> None:
    ledger = demo.site.receptions(dataset)
    decided = {key: {"disposition": r.disposition, "reason": r.reason} for key, r in ledger.items()}
    assert decided == demo.truth[dataset]["receptions"]


@pytest.mark.parametrize("dataset", DATASETS)
def test_commands_say_the_same_as_the_truth(demo: Run, dataset: str) -> None:
    truth = demo.truth[dataset]
    status = json.loads(demo.site.eucaim("status", dataset, "--json").text)
    assert {name: status["files"][name] for name in truth["counts"]} == truth["counts"]
    assert (status["exports"], status["files"]["undecided"]) == (3, 0)
    assert sorted(status["releases"]) == [str(tier) for tier in range(1, truth["tier_reached"] + 1)]
    held = json.loads(demo.site.eucaim("quarantine", "list", dataset, "--json").text)
    expected = [
        each["reason"] for each in truth["receptions"].values() if each["disposition"] == "quarantined"
    ]
    assert Counter(row["reason"] for row in held) == Counter(expected)
    assert all(set(row) == {"export", "sha256", "reason", "remedy"} and row["remedy"] for row in held)


def test_the_life_of_a_file_is_told(demo: Run) -> None:
    ledger = demo.site.receptions("demo_lung_ct").values()
    released = next(r for r in ledger if r.reason == "RELEASED")
    told = demo.site.eucaim("explain", str(released.sha256)).text
    assert str(released.object_key) in told
    for tier in (1, 2, 3):
        assert f"tier {tier}, {demo.site.manifest('demo_lung_ct', tier)['version']}" in told
    held = next(r for r in ledger if r.reason == "TRUNCATED")
    assert "quarantined: TRUNCATED" in demo.site.eucaim("explain", str(held.sha256)[:16]).text


@pytest.mark.parametrize("dataset", DATASETS)
def test_rows_of_every_clinical_file_are_those_of_the_truth(demo: Run, dataset: str) -> None:
    fates = demo.site.shelf(dataset, "clinical_dispositions").to_pylist()
    unmapped = demo.site.shelf(dataset, "unmapped_values").to_pylist()
    source = load_source(folder() / "sources" / f"{dataset}.yaml")
    files = Counter(
        spec.name
        for reception in demo.site.receptions(dataset).values()
        if reception.clinical_file
        for spec in source.files_for(PurePosixPath(reception.path).name)
    )
    assert set(demo.truth[dataset]["rows"]) == set(files)
    for name, truth in demo.truth[dataset]["rows"].items():
        mine = [ROWS.get(row["reason"], "refused") for row in fates if row["file"] == name]
        counted = dict.fromkeys(truth, 0) | Counter(mine) | {"received": len(mine), "files": files[name]}
        counted["unmapped"] = sum(row["rows"] for row in unmapped if row["file"] == name)
        assert counted == truth, name


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_release_holds_the_people_studies_series_and_images_of_the_truth(demo: Run, dataset: str) -> None:
    site, truth = demo.site, demo.truth[dataset]
    tier = truth["tier_reached"]
    patient = site.table(dataset, tier, "patient")
    sources = Counter(patient.column("patient_source").to_pylist())
    assert patient.num_rows == truth["patients"]
    assert sources["images"] == truth["patients_only_in_images"] == 1
    assert sources["table"] == truth["patients_only_in_tables"] == 1
    assert site.table(dataset, tier, "image_study").num_rows == truth["studies"]
    assert site.table(dataset, tier, "image_series").num_rows == truth["image_series"]
    keys = site.objects(dataset, tier)
    assert len(keys) == len(set(keys)) == truth["instances"] + truth["conversions"]
    assert all((site.release / key).is_file() for key in keys)
    folders = [key.removeprefix(f"{dataset}/imaging_data/").split("/") for key in keys]
    assert len({patient for patient, *_ in folders}) == truth["patients_with_images"]
    assert len({study for _, study, *_ in folders}) == truth["studies"]
    assert len({series for _, _, series, _ in folders}) == truth["series"] + truth["conversions"]
    if tier == 3:
        segmentations = site.table(dataset, tier, "segmentation_series")
        assert segmentations.num_rows == truth["segmentation_series"] + truth["conversions"]


@pytest.mark.parametrize("dataset", DATASETS)
def test_a_dataset_is_released_at_the_tier_it_reached_with_its_report(demo: Run, dataset: str) -> None:
    site, reached = demo.site, demo.truth[dataset]["tier_reached"]
    assert site.tiers(dataset) == list(range(1, reached + 1))
    for tier in range(1, reached + 1):
        names = {item["name"] for item in site.manifest(dataset, tier)["files"]}
        assert {"report.html", "catalogue.jsonld"} <= names
        page = (site.version_folder(dataset, tier) / "report.html").read_text(encoding="utf-8")
        assert "<h1" in page
        assert f"Tier {tier}" in page
    for tier in (1, 2, 3):
        local = site.restricted / dataset / f"tier_{tier}/report.html"
        assert "<h1" in local.read_text(encoding="utf-8")
        withheld = f"Tier {tier} is not reached: its release is withheld" in _part(demo.ran.text, dataset)
        assert withheld == (tier > reached)


def _part(text: str, dataset: str) -> str:
    """What the command said while it worked on one dataset."""
    begin = text.index(f"\n{dataset}\n") if not text.startswith(dataset) else 0
    return text[begin : text.index("  done\n", begin)]


@pytest.mark.parametrize(("dataset", "tier"), [("demo_breast_mg", 2), ("demo_prostate_mr", 3)])
def test_the_missed_tier_is_short_by_the_planted_defect_alone(demo: Run, dataset: str, tier: int) -> None:
    folder = demo.site.restricted / dataset / "releasable" / f"tier_{tier}"
    verdict = json.loads((folder / "verdict.json").read_text(encoding="utf-8"))
    unmet = [each["id"] for each in verdict["requirements"] if not each["met"]]
    assert unmet == [{2: "diagnosis", 3: "segmentation_references"}[tier]]


def test_text_in_the_pixels_is_gone_from_what_was_cleaned(demo: Run) -> None:
    ledger = demo.site.receptions("demo_lung_ct")
    risky = demo.truth["demo_lung_ct"]["pixels"]["risky_files"]
    assert len(risky) == 4
    for key in risky:
        released = dcmread(demo.site.release / str(ledger[key].object_key))
        codes = {item.CodeValue for item in released.DeidentificationMethodCodeSequence}
        assert "113101" in codes and released.BurnedInAnnotation == "NO"
        assert not re.search(r"\w{4}", read(released.pixel_array[..., None]))
