"""Structure sets of the demo as segmentations: each region of each slice against shapely alone."""

from collections import defaultdict

import highdicom
import numpy as np
import pyarrow.parquet as pq
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from eucaim_pipelines_tests.annotations.drawings import dice, rasterised
from eucaim_pipelines_tests.whole.conftest import Run

pytestmark = pytest.mark.xdist_group("demo")
DATASET = "demo_lung_ct"
FEW = 100
"""Regions of fewer voxels may differ where a voxel's centre lies on the contour."""


def test_every_released_structure_set_is_a_segmentation_of_the_same_regions(demo: Run) -> None:
    site = demo.site
    rows = pq.read_table(site.restricted / DATASET / "releasable/deidentified/instances.parquet").to_pylist()
    drawn = {row["object_key"] for row in rows if row["Modality"] == "RTSTRUCT"}
    made = {row["derived_from"]: row["object_key"] for row in rows if row["derived_from"] in drawn}
    assert drawn and made.keys() == drawn
    images = {row["SOPInstanceUID"]: row["object_key"] for row in rows}
    compared = 0
    for source, key in made.items():
        structure_set = dcmread(site.release / source)
        segmentation = highdicom.seg.segread(site.release / key)
        assert len(segmentation.SegmentSequence) == len(structure_set.StructureSetROISequence)
        for number, (uid, polygons) in _regions(structure_set):
            image = dcmread(site.release / images[uid], stop_before_pixels=True)
            inside, on_path = rasterised(_pixels(polygons, image), (image.Rows, image.Columns))
            mask = segmentation.get_pixels_by_source_instance(
                [uid], segment_numbers=[number], ignore_spatial_locations=True
            )[0, ..., 0].astype(bool)
            if inside.sum() < FEW:
                assert not ((mask ^ inside) & ~on_path).any()
            else:
                assert dice(mask, inside) >= 0.99
            compared += 1
    assert compared > 10


def _regions(structure_set: Dataset) -> list[tuple[int, tuple[str, list[np.ndarray]]]]:
    """(segment number, (SOPInstanceUID of an image, contours on it in mm)), segments in order of the ROIs."""
    numbers = [int(each.ROINumber) for each in structure_set.StructureSetROISequence]
    found = []
    for roi in structure_set.ROIContourSequence:
        by_image = defaultdict(list)
        for contour in roi.ContourSequence:
            uid = str(contour.ContourImageSequence[0].ReferencedSOPInstanceUID)
            by_image[uid].append(np.array(contour.ContourData, float).reshape(-1, 3))
        number = numbers.index(int(roi.ReferencedROINumber)) + 1
        found += [(number, each) for each in by_image.items()]
    return found


def _pixels(contours: list[np.ndarray], image: Dataset) -> list[np.ndarray]:
    """Points in mm as (column, row) of an image (PS3.3 C.7.6.2.1.1)."""
    origin = np.array(image.ImagePositionPatient, float)
    along, down = np.array(image.ImageOrientationPatient, float).reshape(2, 3)
    row, column = (float(each) for each in image.PixelSpacing)
    return [
        np.stack([(points - origin) @ along / column, (points - origin) @ down / row], axis=1)
        for points in contours
    ]
