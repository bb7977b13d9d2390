"""Label maps are read from NIfTI files strictly, and of their headers numbers only."""

import gzip

import nibabel
import numpy as np
import pytest

from eucaim_pipelines.dicom import nifti
from eucaim_pipelines.errors import Refusal
from eucaim_pipelines_tests.annotations.drawings import Grid
from eucaim_pipelines_tests.annotations.mapped import LIMIT, affine, changed, voxels
from eucaim_pipelines_tests.annotations.mapped import nifti as written

GRID = Grid()
NUMBERS, WHERE = voxels(GRID), affine(GRID)
PLAIN = written(NUMBERS, WHERE)


def reason(data: bytes, limit: int = LIMIT) -> str:
    with pytest.raises(Refusal) as caught:
        nifti.read(data, limit)
    return caught.value.reason


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", ["u1", "i1", "i2", "u2", "i4", "u4", "i8", "u8", "f4", "f8"])
def test_all_ways_to_write_whole_numbers_are_read_alike(version, order, packed, kind) -> None:
    data = written(NUMBERS.astype(kind), WHERE, version=version, order=order, packed=packed, planted=True)
    assert nifti.recognised(data)
    found = nifti.read(data, LIMIT)
    assert found.voxels.dtype == np.uint16
    assert np.array_equal(found.voxels, NUMBERS.T)
    assert np.allclose(found.affine, np.diag([-1, -1, 1, 1]) @ WHERE, atol=1e-5)


def test_the_sform_counts_before_the_qform() -> None:
    image = nibabel.Nifti1Image(NUMBERS, WHERE)
    other = WHERE.copy()
    other[:3, 3] += 7
    image.set_sform(other, code=2)
    image.set_qform(WHERE, code=1)
    assert np.allclose(nifti.read(image.to_bytes(), LIMIT).affine[:3, 3], [-1, -1, 1] * other[:3, 3])
    image.set_sform(None, code=0)
    assert np.allclose(nifti.read(image.to_bytes(), LIMIT).affine[:3, 3], [-1, -1, 1] * WHERE[:3, 3])
    image.set_qform(None, code=0)
    assert reason(image.to_bytes()) == "LABEL_MAP_UNPLACED"


@pytest.mark.parametrize(("units", "mm"), [("meter", 1000), ("micron", 0.001), ("mm", 1), ("unknown", 1)])
def test_lengths_are_told_in_mm_whatever_their_unit(units: str, mm: float) -> None:
    image = nibabel.Nifti1Image(NUMBERS, WHERE)
    image.header.set_xyzt_units(units)
    found = nifti.read(image.to_bytes(), LIMIT).affine
    assert np.allclose(found[:3], mm * (np.diag([-1, -1, 1, 1]) @ WHERE)[:3], rtol=1e-5)


def test_a_volume_may_have_further_axes_of_one_voxel_or_two_axes_only() -> None:
    assert nifti.read(written(NUMBERS[..., None, None], WHERE), LIMIT).voxels.shape == NUMBERS.T.shape
    assert nifti.read(written(NUMBERS[..., 0], WHERE), LIMIT).voxels.shape == (1, *NUMBERS.T.shape[1:])


BROKEN = {
    "two volumes": (written(np.stack([NUMBERS] * 2, 3), WHERE), "NOT_A_LABEL_MAP"),
    "one axis": (changed(PLAIN, "dim", [1, 5, 1, 1, 1, 1, 1, 1]), "NOT_A_LABEL_MAP"),
    "no axis": (changed(PLAIN, "dim", [0] * 8), "MALFORMED"),
    "an axis without voxels": (changed(PLAIN, "dim", [3, 32, 0, 3, 1, 1, 1, 1]), "MALFORMED"),
    "broken numbers": (written(NUMBERS + np.float32(0.25), WHERE), "NOT_A_LABEL_MAP"),
    "no number": (written(NUMBERS * np.float32("nan"), WHERE), "NOT_A_LABEL_MAP"),
    "negative numbers": (written(NUMBERS.astype("i2") - 1, WHERE), "NOT_A_LABEL_MAP"),
    "numbers of an image": (written(NUMBERS.astype("i4") * 40000, WHERE), "NOT_A_LABEL_MAP"),
    "complex numbers": (written(NUMBERS.astype("c8"), WHERE), "NOT_A_LABEL_MAP"),
    "a slope": (written(NUMBERS, WHERE, scl_slope=0.5, scl_inter=0), "NOT_A_LABEL_MAP"),
    "an intercept": (written(NUMBERS, WHERE, scl_slope=1, scl_inter=1), "NOT_A_LABEL_MAP"),
    "colours": (changed(PLAIN, "datatype", 128), "NOT_A_LABEL_MAP"),
    "an unknown type": (changed(PLAIN, "datatype", 77), "NOT_A_LABEL_MAP"),
    "other bits than the type's": (changed(PLAIN, "bitpix", 16), "MALFORMED"),
    "voxels in the header": (changed(PLAIN, "vox_offset", 100), "MALFORMED"),
    "a gap of gigabytes": (changed(PLAIN, "vox_offset", 2e9), "MALFORMED"),
    "a header of no byte order": (changed(PLAIN, "sizeof_hdr", 347), "MALFORMED"),
    "axes of no length": (changed(PLAIN, "srow_x", [0, 0, 0, 0]), "LABEL_MAP_UNPLACED"),
    "no place": (changed(PLAIN, "srow_x", [np.nan, 0, 0, 0]), "LABEL_MAP_UNPLACED"),
    "no unit of length": (changed(PLAIN, "xyzt_units", 5), "LABEL_MAP_UNPLACED"),
    "no rotation": (
        changed(written(NUMBERS, WHERE, qform=True), "quatern_b", 5),
        "LABEL_MAP_UNPLACED",
    ),
    "half a file": (PLAIN[: len(PLAIN) // 2], "TRUNCATED"),
    "half a header": (PLAIN[:347] + b"\0", "TRUNCATED"),
    "more than its voxels": (PLAIN + b"\0", "MALFORMED"),
    "half of what is packed": (written(NUMBERS, WHERE, packed=True)[:-20], "TRUNCATED"),
    "damage in what is packed": (written(NUMBERS, WHERE, packed=True)[:-8] + bytes(8), "MALFORMED"),
    "a pair of files": (changed(PLAIN, "magic", b"ni1"), "NOT_A_LABEL_MAP"),
    "something else": (b"no NIfTI at all" * 100, "NOT_A_LABEL_MAP"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_no_label_map_is_refused_with_a_reason(name: str) -> None:
    data, expected = BROKEN[name]
    assert reason(data) == expected


@pytest.mark.parametrize("slope", [0, np.nan, 1])
def test_a_slope_that_changes_nothing_is_none(slope: float) -> None:
    data = written(NUMBERS, WHERE, scl_slope=slope, scl_inter=0)
    assert np.array_equal(nifti.read(data, LIMIT).voxels, NUMBERS.T)


def test_a_bomb_is_not_unpacked() -> None:
    """A header of few voxels before a gigabyte of zeros, and one of as many voxels as zeros."""
    zeros = bytes(2**30)
    honest = changed(PLAIN, "dim", [3, 1024, 1024, 1024, 1, 1, 1, 1])
    assert reason(gzip.compress(PLAIN + zeros, 1)) == "MALFORMED"
    assert reason(gzip.compress(honest[:352] + zeros, 1)) == "TOO_LARGE"
    assert reason(gzip.compress(PLAIN, 1), limit=2000) == "TOO_LARGE"


def test_a_map_of_more_voxels_than_fit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nifti, "MOST_VOXELS", NUMBERS.size - 1)
    assert reason(PLAIN) == "TOO_LARGE"
    monkeypatch.setattr(nifti, "MOST_VOXELS", NUMBERS.size)
    assert nifti.read(PLAIN, LIMIT)


def test_a_bomb_takes_no_memory() -> None:
    import tracemalloc

    packed = gzip.compress(PLAIN + bytes(2**28), 1)
    tracemalloc.start()
    assert reason(packed) == "MALFORMED"
    assert tracemalloc.get_traced_memory()[1] < 2**24
    tracemalloc.stop()


def test_axes_whose_product_leaves_64_bits_are_too_large() -> None:
    """NIfTI-2 has axes of 64 bits: 2³² × 2³² voxels are not none."""
    plain = written(NUMBERS, WHERE, version=2)
    huge = bytearray(plain)
    huge[16:48] = np.array([3, 2**32, 2**32, 1], "<i8").tobytes()
    assert reason(bytes(huge)) == "TOO_LARGE"


@pytest.mark.parametrize("shape", [(1, 1, 32_768), (1, 32_768, 1), (32_768, 1, 1)])
def test_a_needle_is_refused_before_it_is_cut_into_as_many_frames(shape: tuple[int, int, int]) -> None:
    assert reason(written(np.zeros(shape, np.uint8), WHERE, version=2)) == "TOO_LARGE"
    assert nifti.read(written(np.zeros(shape, np.uint8)[:32_767, :32_767, :32_767], WHERE), LIMIT)
