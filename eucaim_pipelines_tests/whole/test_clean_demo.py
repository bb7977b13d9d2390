"""Without the planted defects all three demo datasets reach Tier 3, and nothing is held back."""

import pytest

from eucaim_pipelines_tests.whole.conftest import Run

pytestmark = pytest.mark.xdist_group("clean")


def test_all_reach_tier_3(clean_demo: Run) -> None:
    assert clean_demo.ran.code == 0, clean_demo.ran.text
    assert len(clean_demo.truth) == 3
    for dataset, truth in clean_demo.truth.items():
        assert clean_demo.site.tiers(dataset) == [1, 2, 3], dataset
        ledger = clean_demo.site.receptions(dataset)
        decided = {key: {"disposition": r.disposition, "reason": r.reason} for key, r in ledger.items()}
        assert decided == truth["receptions"]
        assert len(clean_demo.site.objects(dataset, 3)) == truth["instances"] + truth["conversions"]


def test_the_file_structure_of_tier_3_is_there(clean_demo: Run) -> None:
    for dataset in clean_demo.truth:
        files = clean_demo.site.manifest(dataset, 3)["files"]
        names = {item["name"] for item in files}
        assert {"clinical_mandatory_view.csv", "imaging_mandatory_view.csv"} <= names
        mandatory = ("patient", "cancer_condition", "procedure", "episode", "image_study", "image_series")
        assert {f"clinical_data/{name}.csv" for name in mandatory} <= names
        for item in files:
            assert (clean_demo.site.release / item["key"]).stat().st_size > 0
