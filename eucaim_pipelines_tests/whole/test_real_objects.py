"""Real objects of many makers as one dataset: what came of each, references, people without identifier."""

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pyarrow.parquet as pq
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms, SiteKey
from eucaim_pipelines.demo.real import DATASET, IMAGES, TABLES
from eucaim_pipelines.dicom import sop_classes
from eucaim_pipelines_tests.annotations.drawings import dice, rasterised
from eucaim_pipelines_tests.deidentification.real import conformance
from eucaim_pipelines_tests.whole.conftest import Run

pytestmark = [
    pytest.mark.xdist_group("real"),
    pytest.mark.filterwarnings("ignore"),
]  # pydicom warns of values

INDEXES = ("DICOMDIR", "DIRFILE")
HELD = {
    "QIICR_dcmqi/data/segmentations/sparse-labelmap-noppv.dcm": "UID_CONFLICT",
    "QIICR_dcmqi/data/segmentations/sparse-labelmap-ppv5.dcm": "UID_CONFLICT",
    "highdicom/data/test_files/sm_image.dcm": "UID_CONFLICT",
    "highdicom/data/test_files/sm_image_control.dcm": "UID_CONFLICT",
    "qurit_rt-utils/tests/empty/dummy_rt.dcm": "UID_CONFLICT",
    "qurit_rt-utils/tests/mock_data/invalid_reference_rt.dcm": "UID_CONFLICT",
    "qurit_rt-utils/tests/mock_data/non_existent_reference_rt.dcm": "UID_CONFLICT",
    "qurit_rt-utils/tests/oriented_data/0.dcm": "SAME_CONTENT",
}
"""Objects of allowed SOP classes that are not published: three UIDs have two contents, one file is a copy."""


@pytest.fixture(scope="module")
def dicom(shared: Path) -> Path:
    return shared / "data" / "dicom"


@pytest.fixture(scope="module")
def allowed(dicom: Path) -> set[str]:
    """Paths of objects whose SOP class the profile allows, read with pydicom alone."""
    found = set()
    for path in _files(dicom):
        try:
            header = dcmread(path, specific_tags=["SOPClassUID"], stop_before_pixels=True)
        except InvalidDicomError:
            continue
        if sop_classes.allowed(str(header.get("SOPClassUID", ""))):
            found.add(path.relative_to(dicom).as_posix())
    return found


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _instances(real: Run) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Inventory before and after the crossing."""
    before = real.site.shelf(DATASET, "dicom_instances")
    return before.to_pylist(), real.site.shelf(DATASET, "releasable/deidentified/instances").to_pylist()


def test_every_file_is_received_and_the_balance_holds(real: Run, dicom: Path) -> None:
    assert real.ran.code == 0, real.ran.text
    assert (real.site.landing / DATASET / IMAGES).is_symlink()
    ledger = real.site.receptions(DATASET)
    files = {f"{IMAGES}/{path.relative_to(dicom).as_posix()}" for path in _files(dicom)}
    assert set(ledger) == files | {f"{TABLES}/patients.csv"}
    balance = real.site.balance(DATASET)
    parts = ("published", "quarantined", "duplicate", "pending")
    assert balance["received"] == len(ledger) == sum(balance[name] for name in parts)
    assert (balance["pending"], balance["undecided"]) == (0, 0)
    assert ledger[f"{TABLES}/patients.csv"].reason == "ROWS_READ"


def test_media_indexes_are_held(real: Run) -> None:
    indexes = {key: r.reason for key, r in real.site.receptions(DATASET).items() if Path(key).name in INDEXES}
    assert len(indexes) == 13
    assert set(indexes.values()) == {"DICOMDIR"}


def test_what_is_not_published_of_the_allowed_is_named(real: Run, allowed: set[str]) -> None:
    ledger = real.site.receptions(DATASET)
    missed = {
        path: ledger[f"{IMAGES}/{path}"].reason
        for path in allowed
        if ledger[f"{IMAGES}/{path}"].disposition != "published"
    }
    assert missed == HELD
    assert len(allowed) - len(missed) >= 0.95 * len(allowed)
    assert len(allowed) > 700


def test_what_the_profile_does_not_allow_is_held(real: Run, allowed: set[str]) -> None:
    others = [
        r.reason
        for key, r in real.site.receptions(DATASET).items()
        if r.export == IMAGES and key.removeprefix(f"{IMAGES}/") not in allowed
    ]
    assert Counter(others) == {"DICOMDIR": 13, "SOP_CLASS_NOT_ALLOWED": 11, "NOT_DICOM": 5}


def test_references_resolve_in_the_output_if_and_only_if_they_did_before(real: Run) -> None:
    before, after = _instances(real)
    after = [row for row in after if row["derived_from"] is None]
    new = Pseudonyms(SiteKey.load(real.site.folder / "key")).uid
    accepted = {row["SOPInstanceUID"] for row in before}
    released = {row["SOPInstanceUID"]: row for row in after}
    assert {new(uid) for uid in accepted} == set(released)
    resolved = dangling = 0
    for row in before:
        there = {new(uid) for uid in row["referenced_sop_instance_uids"] or () if uid in accepted}
        gone = {new(uid) for uid in row["referenced_sop_instance_uids"] or () if uid not in accepted}
        output = set(released[new(row["SOPInstanceUID"])]["referenced_sop_instance_uids"] or ())
        assert output & set(released) == there
        assert output - set(released) <= gone
        resolved, dangling = resolved + len(there), dangling + len(gone)
    assert resolved > 50
    assert dangling > 1000


def test_the_published_objects_are_what_the_inventory_says(real: Run) -> None:
    _, after = _instances(real)
    rows = {row["object_key"]: row for row in after}
    assert sorted(real.site.objects(DATASET, 1)) == sorted(rows)
    uids = {row["SOPInstanceUID"] for row in after}
    for key, row in rows.items():
        ds = dcmread(real.site.release / key, stop_before_pixels=True)
        for name in ("PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"):
            assert str(ds[name].value) == row[name]
        inside = set(row["referenced_sop_instance_uids"] or ()) & uids
        assert inside <= set(_references(ds))


def _references(ds: Dataset) -> Iterator[str]:
    for element in ds:
        if element.VR == "SQ":
            for item in element.value:
                yield from _references(item)
        elif element.keyword == "ReferencedSOPInstanceUID":
            yield str(element.value)


def test_a_structure_set_whose_images_are_published_becomes_a_segmentation(real: Run, dicom: Path) -> None:
    """Of the real structure sets one is published; held against shapely on the image as it was received."""
    _, after = _instances(real)
    sources = {row["object_key"] for row in after if row["Modality"] == "RTSTRUCT"}
    [made] = [row for row in after if row["derived_from"] is not None]
    assert sources == {made["derived_from"]}
    folder = dicom / "qurit_rt-utils/tests/mock_data"
    drawn, image = dcmread(folder / "rt.dcm"), dcmread(folder / "ct_1.dcm")
    spacing, (x, y, _) = image.PixelSpacing, image.ImagePositionPatient
    contours = [np.array(c.ContourData).reshape(-1, 3) for c in drawn.ROIContourSequence[0].ContourSequence]
    polygons = [(c[:, :2] - (x, y)) / (spacing[1], spacing[0]) for c in contours]
    inside, _ = rasterised(polygons, (image.Rows, image.Columns))
    new = Pseudonyms(SiteKey.load(real.site.folder / "key")).uid
    found = highdicom.seg.segread(real.site.release / made["object_key"])
    mask = found.get_pixels_by_source_instance([new(image.SOPInstanceUID)], ignore_spatial_locations=True)
    assert inside.sum() > 1000
    assert dice(mask[0, ..., 0].astype(bool), inside) >= 0.99


@pytest.mark.skipif(
    not conformance.available() and os.environ.get("CI") != "true",
    reason="dciodvfy is not installed: apt-get install dicom3tools",
)
def test_dciodvfy_finds_no_error_in_it(real: Run, tmp_path: Path) -> None:
    assert conformance.available(), "dciodvfy is missing: apt-get install dicom3tools"
    _, after = _instances(real)
    [made] = [row for row in after if row["derived_from"] is not None]
    data = (real.site.release / made["object_key"]).read_bytes()
    assert not conformance.errors(data, tmp_path / "object.dcm")


def test_objects_without_patient_id_are_published_under_a_pseudonym_of_their_study(real: Run) -> None:
    before, after = _instances(real)
    pseudonyms = Pseudonyms(SiteKey.load(real.site.folder / "key"))
    nameless = [row for row in before if not (row["PatientID"] or "").strip()]
    assert len(nameless) == 3
    released = {row["SOPInstanceUID"]: row["PatientID"] for row in after}
    people = set()
    for row in nameless:
        pseudonym = released[pseudonyms.uid(row["SOPInstanceUID"])]
        assert pseudonym == pseudonyms.patient(None, None, row["StudyInstanceUID"])
        people.add(pseudonym)
    assert len(people) == len({row["StudyInstanceUID"] for row in nameless})
    assert people <= set(real.site.table(DATASET, 1, "patient").column("patient_id").to_pylist())
    findings = real.site.restricted / DATASET / "releasable/tier_1/findings.parquet"
    empty = [r for r in pq.read_table(findings).to_pylist() if r["check"] == "linkage.empty_patient_ids"]
    assert [(row["passed"], row["severity"], row["failed"]) for row in empty] == [(False, "warning", 3)]
