"""The truth agrees with itself, and the files really are what it says; read with pydicom only."""

from collections import Counter, defaultdict
from datetime import datetime
from io import BytesIO
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from eucaim_pipelines.contracts import folder
from eucaim_pipelines.contracts.sources import load_source
from eucaim_pipelines.demo.encoding import split_meta
from eucaim_pipelines_tests.demo.conftest import EXPORTS, Demo

DATASETS = ("demo_lung_ct", "demo_prostate_mr", "demo_breast_mg")
TIERS = {"demo_lung_ct": 3, "demo_prostate_mr": 2, "demo_breast_mg": 1}
PATIENTS = {"demo_lung_ct": 30, "demo_prostate_mr": 24, "demo_breast_mg": 36}

Objects = dict[str, dict[str, tuple[bytes, Dataset]]]


@pytest.fixture(scope="session")
def objects(demo: Demo) -> Objects:
    """Every object that pydicom can read, by dataset and key."""
    found: Objects = defaultdict(dict)
    for dataset_id in DATASETS:
        for key, data in demo.files(dataset_id):
            if data is not None and data[128:132] == b"DICM" and "DICOMDIR" not in key:
                found[dataset_id][key] = (data, dcmread(BytesIO(data)))
    return found


def with_disposition(truth: dict[str, Any], disposition: str) -> set[str]:
    return {key for key, entry in truth["receptions"].items() if entry["disposition"] == disposition}


def published(truth: dict[str, Any], objects: dict[str, tuple[bytes, Dataset]]) -> list[Dataset]:
    return [objects[key][1] for key in with_disposition(truth, "published") if key in objects]


@pytest.mark.parametrize("dataset_id", DATASETS)
def test_every_file_has_exactly_one_disposition(demo: Demo, dataset_id: str) -> None:
    truth = demo.truth[dataset_id]
    keys = [key for key, _ in demo.files(dataset_id)]
    counts = truth["counts"]
    assert sorted(keys) == sorted(truth["receptions"])
    assert counts["received"] == len(keys)
    assert counts["received"] == sum(
        counts[name] for name in ("published", "quarantined", "duplicate", "pending")
    )
    assert counts["pending"] == 0
    assert Counter(entry["disposition"] for entry in truth["receptions"].values()) == {
        name: counts[name] for name in ("published", "quarantined", "duplicate")
    }


@pytest.mark.parametrize("dataset_id", DATASETS)
def test_reasons_are_those_of_the_contract(demo: Demo, dataset_id: str, reasons: dict[str, str]) -> None:
    for entry in demo.truth[dataset_id]["receptions"].values():
        assert reasons[entry["reason"]] == entry["disposition"]


@pytest.mark.parametrize("dataset_id", DATASETS)
def test_rows_balance(demo: Demo, dataset_id: str) -> None:
    for rows in demo.truth[dataset_id]["rows"].values():
        parts = ("current", "replaced", "removed", "duplicate_keys", "refused")
        assert rows["received"] == sum(rows[part] for part in parts)


@pytest.mark.parametrize("dataset_id", DATASETS)
def test_tiers_and_people_are_as_promised(demo: Demo, dataset_id: str) -> None:
    truth = demo.truth[dataset_id]
    assert (truth["tier_reached"], truth["patients"]) == (TIERS[dataset_id], PATIENTS[dataset_id])
    assert truth["patients_only_in_images"] == truth["patients_only_in_tables"] == 1
    assert truth["patients"] == truth["patients_with_images"] + 1


@pytest.mark.parametrize("dataset_id", DATASETS)
def test_published_objects_are_those_that_the_truth_counts(
    demo: Demo, objects: Objects, dataset_id: str
) -> None:
    truth = demo.truth[dataset_id]
    released = published(truth, objects[dataset_id])
    assert len({ds.SOPInstanceUID for ds in released}) == len(released) == truth["instances"]
    assert len({ds.SeriesInstanceUID for ds in released}) == truth["series"]
    assert len({ds.StudyInstanceUID for ds in released}) == truth["studies"]
    assert len({ds.PatientID for ds in released}) == truth["patients_with_images"]
    assert Counter(ds.Modality for ds in released) == truth["instances_by_modality"]


@pytest.mark.parametrize("dataset_id", DATASETS)
def test_same_content_is_equal_after_the_file_meta_group(
    demo: Demo, objects: Objects, dataset_id: str
) -> None:
    truth, found = demo.truth[dataset_id], objects[dataset_id]
    first = {ds.SOPInstanceUID: found[key][0] for key, ds in _of(truth, found, "RELEASED")}
    rewritten = 0
    for key, ds in _of(truth, found, "SAME_CONTENT"):
        again, before = split_meta(found[key][0]), split_meta(first[ds.SOPInstanceUID])
        assert again[1] == before[1]
        rewritten += again[0] != before[0]
    assert 0 < rewritten < truth["reasons"]["SAME_CONTENT"]


@pytest.mark.parametrize("dataset_id", DATASETS)
@pytest.mark.parametrize("reason", ["SUPERSEDED", "UID_CONFLICT"])
def test_other_content_comes_under_the_same_uid(
    demo: Demo, objects: Objects, dataset_id: str, reason: str
) -> None:
    truth, found = demo.truth[dataset_id], objects[dataset_id]
    contents = defaultdict(set)
    for _, (data, ds) in found.items():
        contents[ds.get("SOPInstanceUID")].add(split_meta(data)[1])
    differing = [ds for _, ds in _of(truth, found, reason) if len(contents[ds.SOPInstanceUID]) > 1]
    assert len({ds.SOPInstanceUID for ds in differing}) == 1


@pytest.mark.parametrize("dataset_id", DATASETS)
def test_refused_objects_have_the_defect_that_is_named(demo: Demo, objects: Objects, dataset_id: str) -> None:
    truth, found = demo.truth[dataset_id], objects[dataset_id]
    assert all("SeriesInstanceUID" not in ds for _, ds in _of(truth, found, "MISSING_UID"))
    assert all("Modality" not in ds for _, ds in _of(truth, found, "MISSING_MODALITY"))
    mixed = [ds for _, ds in _of(truth, found, "TWO_PATIENTS")]
    assert len({ds.SeriesInstanceUID for ds in mixed}) == 1
    assert len({ds.PatientID for ds in mixed}) == 2
    for _, ds in _of(truth, found, "TRUNCATED"):
        assert len(ds.PixelData) < ds.Rows * ds.Columns * 2
    for _, ds in _of(truth, found, "BURNED_IN_RISK"):
        assert ds.Modality == "US" or ds.BurnedInAnnotation == "YES"
    assert {"DICOMDIR", "LINK", "NOT_DICOM", "TRUNCATED"} <= set(truth["reasons"])


@pytest.mark.parametrize("dataset_id", DATASETS)
def test_the_truth_says_what_happens_with_and_without_cleaned_pixels(
    demo: Demo, objects: Objects, dataset_id: str
) -> None:
    truth, found = demo.truth[dataset_id], objects[dataset_id]
    pixels = truth["pixels"]
    assert all(truth[name] == value for name, value in pixels[pixels["source_contract"]].items())
    risky = [found[key][1] for key in pixels["risky_files"]]
    assert all(ds.Modality == "US" or ds.BurnedInAnnotation == "YES" for ds in risky)
    assert bool(risky) == (dataset_id != "demo_prostate_mr")
    held = pixels["quarantine"]["reasons"].get("BURNED_IN_RISK", 0)
    assert "BURNED_IN_RISK" not in pixels["clean"]["reasons"]
    assert pixels["clean"]["instances"] == pixels["quarantine"]["instances"] + held
    assert held == len({ds.SOPInstanceUID for ds in risky})


def test_one_holder_has_its_pixels_cleaned_and_the_others_say_nothing(demo: Demo) -> None:
    chosen = {name: demo.truth[name]["pixels"]["source_contract"] for name in DATASETS}
    contracts = {name: load_source(folder() / f"sources/{name}.yaml", folder()) for name in DATASETS}
    assert {name: contract.deidentification.pixels for name, contract in contracts.items()} == chosen
    assert list(chosen.values()) == ["clean", "quarantine", "quarantine"]


def _of(
    truth: dict[str, Any], found: dict[str, tuple[bytes, Dataset]], reason: str
) -> list[tuple[str, Dataset]]:
    return [
        (key, found[key][1])
        for key, entry in truth["receptions"].items()
        if entry["reason"] == reason and key in found
    ]


@pytest.mark.parametrize("dataset_id", DATASETS)
@pytest.mark.parametrize("keyword", ["Modality", "Manufacturer", "PatientSex"])
def test_every_category_of_the_images_has_ten_people(
    demo: Demo, objects: Objects, dataset_id: str, keyword: str
) -> None:
    people = defaultdict(set)
    for ds in published(demo.truth[dataset_id], objects[dataset_id]):
        if ds.Modality not in ("SEG", "RTSTRUCT"):
            people[ds[keyword].value].add(ds.PatientID)
    assert min(len(patients) for patients in people.values()) >= 10
    assert keyword != "PatientSex" or len(people) == (2 if dataset_id == "demo_lung_ct" else 1)


def test_only_one_segmentation_refers_to_what_was_never_exported(demo: Demo, objects: Objects) -> None:
    dangling = []
    for dataset_id in DATASETS:
        released = published(demo.truth[dataset_id], objects[dataset_id])
        series = {ds.SeriesInstanceUID for ds in released}
        for ds in released:
            if ds.Modality == "SEG":
                named = {item.SeriesInstanceUID for item in ds.ReferencedSeriesSequence}
                dangling += [dataset_id] if named - series else []
    assert dangling == ["demo_prostate_mr"]


def test_the_demo_shows_what_hospitals_send(objects: Objects) -> None:
    every = [ds for found in objects.values() for _, ds in found.values()]
    syntaxes = {str(ds.file_meta.TransferSyntaxUID) for ds in every}
    charsets = {str(ds.get("SpecificCharacterSet")) for ds in every}
    creators = {element.value for ds in every for element in ds if element.tag.is_private_creator}
    assert len(syntaxes) == 5
    assert {"ISO_IR 100", "ISO_IR 126", "ISO_IR 144", "ISO_IR 192", "['', 'ISO 2022 IR 87']"} <= charsets
    assert {"SIEMENS CSA HEADER", "GEMS_PARM_01", "Philips Imaging DD 001"} <= creators
    assert any(int(ds.get("NumberOfFrames", 1)) > 1 and ds.Modality == "MR" for ds in every)
    assert any("PatientAge" not in ds for ds in every)
    assert any(not ds.PatientBirthDate for ds in every)


def test_pixels_can_be_decoded_in_every_transfer_syntax(demo: Demo, objects: Objects) -> None:
    decoded = {}
    for dataset_id in DATASETS:
        for ds in published(demo.truth[dataset_id], objects[dataset_id]):
            syntax = ds.file_meta.TransferSyntaxUID
            if "PixelData" in ds and (ds.Modality, syntax) not in decoded:
                decoded[ds.Modality, syntax] = ds.pixel_array
    assert len(decoded) >= 10
    assert all(array.max() > array.min() for array in decoded.values())


@pytest.mark.parametrize("dataset_id", DATASETS)
def test_planted_identities_stand_in_the_exports(demo: Demo, dataset_id: str) -> None:
    """A truth that lists what was not planted proves nothing (UIDs are left out here)."""
    codecs = ("utf-8", "latin-1", "iso8859-7", "iso8859-5", "iso2022_jp")
    content = b"\n".join(data for _, data in demo.files(dataset_id) if data)
    paths = "\n".join(key for key, _ in demo.files(dataset_id))
    strings = [text for text in demo.truth[dataset_id]["identities"] if not text.replace(".", "").isdigit()]
    found = [
        text
        for text in strings
        if text in paths
        or any(text.encode(codec, "ignore") in content for codec in codecs if _fits(text, codec))
    ]
    assert len(strings) > 200
    assert len(found) / len(strings) > 0.7  # the same name stands there in some of its forms only


def _fits(text: str, codec: str) -> bool:
    try:
        text.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


@pytest.mark.parametrize("dataset_id", DATASETS)
def test_markers_order_the_exports_and_an_unfinished_one_has_none(demo: Demo, dataset_id: str) -> None:
    root = demo.folder / "landing" / dataset_id
    times = [datetime.fromisoformat((root / f"{name}._COMPLETE").read_text().strip()) for name in EXPORTS]
    assert times == sorted(times)
    assert all(time.tzinfo is not None for time in times)
    assert (root / "2026-04").is_dir()
    assert not (root / "2026-04._COMPLETE").exists()
    assert not any(key.startswith("2026-04") for key in demo.truth[dataset_id]["receptions"])
