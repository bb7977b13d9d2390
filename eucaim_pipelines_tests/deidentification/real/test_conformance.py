"""`dciodvfy` finds no error in an output that it did not find in the source, but for the ones listed here.

Warnings are not compared: a pseudonym of one component is dubious to the tool.
"""

import os
from collections import Counter
from io import BytesIO

import pydicom
import pytest

from eucaim_pipelines.dicom.values import quiet

from . import conformance

pytestmark = [
    pytest.mark.xdist_group("real files"),
    pytest.mark.skipif(
        not conformance.available() and os.environ.get("CI") != "true",
        reason="dciodvfy is not installed: apt-get install dicom3tools",
    ),
]
REMOVED_ON_PURPOSE: dict[str, str] = {}
"""Errors (as `conformance.errors` words them) that a rule of the profile accepts, each with its rule."""


@pytest.fixture(scope="module")
def compared(released):
    """One object of each structure and kind of image; every object where EUCAIM_TESTS is `full`."""
    if os.environ.get("EUCAIM_TESTS") == "full":
        return released
    kinds = {
        (result.structure, row["Manufacturer"], tuple(row["ImageType"] or ())): (data, row, result)
        for data, row, result in released
    }
    assert len(kinds) > 50
    return list(kinds.values())


def test_no_output_has_an_error_that_its_source_had_not(compared, tmp_path):
    assert conformance.available(), "dciodvfy is missing: apt-get install dicom3tools"
    new: Counter[str] = Counter()
    known: Counter[str] = Counter()
    for data, _, result in compared:
        before = conformance.errors(data, tmp_path / "object.dcm")
        new += conformance.errors(result.data, tmp_path / "object.dcm") - before
        known += before
    assert known.total() >= len(compared), "The tool said nothing about sources that have errors"
    assert not {error: count for error, count in new.items() if error not in REMOVED_ON_PURPOSE}
    assert set(REMOVED_ON_PURPOSE) <= set(new), "An exception that nothing needs"


def test_an_error_is_noticed_and_worded_without_values(released, tmp_path):
    data = next(result.data for _, row, result in released if row["Modality"] == "CT")
    with quiet():
        ds = pydicom.dcmread(BytesIO(data))
        del ds.RescaleSlope
        ds.StudyInstanceUID = ds.SeriesInstanceUID
        ds.save_as(tmp_path / "broken.dcm")
    whole = conformance.errors(data, tmp_path / "object.dcm")
    new = conformance.errors((tmp_path / "broken.dcm").read_bytes(), tmp_path / "object.dcm") - whole
    assert any("<RescaleSlope>" in error for error in new)
    assert not any(str(ds.StudyInstanceUID) in error for error in new)
