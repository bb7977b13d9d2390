"""A label map and its JSON become one DICOM object that is read as strictly as any; half of it is refused."""

import gc
import json
from io import BytesIO

import numpy as np
import pytest
from pydicom import Dataset, dcmread

from eucaim_pipelines.dicom.examination import examine
from eucaim_pipelines.dicom.label_maps import is_dicom_json, join
from eucaim_pipelines.errors import Refusal
from eucaim_pipelines_tests.annotations import mapped
from eucaim_pipelines_tests.annotations.drawings import SERIES, Grid
from eucaim_pipelines_tests.annotations.mapped import LIMIT, as_json, described, segment

GRID = Grid()
NUMBERS, WHERE = mapped.voxels(GRID), mapped.affine(GRID)
FILE = mapped.nifti(NUMBERS, WHERE, planted=True)


def beside(**changes: object) -> Dataset:
    return described([segment(n) for n in (1, 2, 3)], **changes)


def reason(label_map: bytes, said: bytes) -> str:
    with pytest.raises(Refusal) as caught:
        examine(join(label_map, said, LIMIT).data)
    return caught.value.reason


def test_the_object_holds_what_the_json_says_and_the_voxels() -> None:
    data = join(FILE, as_json(beside(PatientName="Ñuño^Δημήτριος")), LIMIT).data
    row = examine(data).row
    assert (row["PatientID"], row["Modality"]) == (beside().PatientID, "SEG")
    assert row["referenced_series_instance_uids"] == [SERIES]
    assert [each["label"] for each in row["segments"]] == ["Lung"] * 3
    ds = dcmread(BytesIO(data))
    assert str(ds.PatientName) == "Ñuño^Δημήτριος"
    assert np.array_equal(ds.pixel_array, NUMBERS.T)


def test_no_text_of_the_nifti_file_is_in_it() -> None:
    data = join(mapped.nifti(NUMBERS, WHERE, packed=True, planted=True), as_json(beside()), LIMIT).data
    for text in (*mapped.TEXTS.values(), *mapped.OF_NIFTI_1.values(), mapped.EXTENSION, mapped.FILE_NAME):
        assert text.encode() in FILE or text == mapped.FILE_NAME, "the canary was planted"
        for part in text.split():
            assert part.encode() not in data


def test_what_the_json_says_of_samples_does_not_count() -> None:
    said = beside(
        WindowCenter=40,
        PixelSpacing=[3, 3],
        Rows=7,
        Columns=9,
        NumberOfFrames=2,
        BitsAllocated=32,
        PixelData=b"\1\2\3\4",
    )
    said["PixelData"].VR = "OB"
    assert join(FILE, as_json(said), LIMIT).data == join(FILE, as_json(beside()), LIMIT).data


def test_the_content_is_that_of_both_however_they_are_written() -> None:
    content = join(FILE, as_json(beside()), LIMIT).content
    other = mapped.nifti(NUMBERS.astype("f4"), WHERE, version=2, packed=True)
    spaced = json.dumps([json.loads(as_json(beside()))], indent=3).encode("utf-8-sig")
    assert join(other, spaced, LIMIT).content == content
    moved = WHERE + np.eye(4)[3] * np.array([[1, 0, 0, 0]]).T
    for label_map, said in (
        (mapped.nifti(NUMBERS[::-1], WHERE), beside()),
        (mapped.nifti(NUMBERS, moved), beside()),
        (FILE, beside(ContentDate="20200106")),
    ):
        assert join(label_map, as_json(said), LIMIT).content != content


TEXT = as_json(beside()).decode()
BROKEN = {
    "no JSON": "not json at all",
    "nothing": "",
    "cut": TEXT[:-9],
    "a list of two": f"[{TEXT}, {TEXT}]",
    "an empty object": "{}",
    "names that are no tags": '{"PatientID": {"vr": "LO", "Value": ["1"]}}',
    "values without VR": '{"00100020": ["1"]}',
    "one tag twice": '{"00100020": {"vr": "LO", "Value": ["1"]}, ' + TEXT[1:],
    "one tag in two cases": TEXT.replace(
        '"0020000D"', '"0020000d": {"vr": "UI", "Value": ["2.25.1"]}, "0020000D"'
    ),
    "no number": TEXT.replace('"Value": [8]', '"Value": [NaN]'),
    "a VR that there is none of": TEXT.replace('"vr": "LO"', '"vr": "XX"'),
    "another encoding": TEXT.replace("Lung", "Lúng").encode("utf-16").decode("latin-1"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_json_that_is_not_dicoms_is_refused(name: str) -> None:
    assert BROKEN[name] != TEXT
    assert reason(FILE, BROKEN[name].encode("latin-1")) == "LABEL_MAP_JSON"


def test_what_the_json_lacks_is_told_as_of_any_object() -> None:
    without = {keyword: beside() for keyword in ("SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")}
    for keyword, said in without.items():
        delattr(said, keyword)
        assert reason(FILE, as_json(said)) == "MISSING_UID"


@pytest.mark.parametrize("modality", ["CT", "", "SEGX"])
def test_the_json_of_an_image_describes_no_label_map(modality: str) -> None:
    assert reason(FILE, as_json(beside(Modality=modality))) == "NOT_A_LABEL_MAP"


def test_dicom_json_is_told_from_other_json() -> None:
    assert is_dicom_json(as_json(beside()))
    assert is_dicom_json(b"[" + as_json(beside()) + b"]")
    for other in (b'{"RepetitionTime": 2.5}', b"[1, 2]", b"{", b""):
        assert not is_dicom_json(other)


def test_json_deeper_than_anybody_writes_is_refused() -> None:
    """The collector of garbage would call back into a stack that is full."""
    deep = b'{"00100020": ' + b"[" * 100_000
    gc.disable()
    try:
        assert not is_dicom_json(deep)
        assert reason(FILE, deep) == "LABEL_MAP_JSON"
    finally:
        gc.enable()
