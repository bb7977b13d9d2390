"""Label maps in NIfTI-1 and NIfTI-2 files, plain or gzip: voxels, and where they lie in the patient's space.

Of a header only numbers are read: its texts and extensions, and gzip's name and time, enter nothing.
"""

import gzip
import math
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from eucaim_pipelines.errors import Refusal, contained

if TYPE_CHECKING:
    from nibabel.nifti1 import Nifti1Header

MOST_VOXELS = 500_000_000
"""Voxels of one label map; reading takes up to eight bytes of memory for each, more only where stored so."""
MOST_ALONG_AXIS = 32_767
"""Voxels along one axis, as many as NIfTI-1 can say: each slice becomes a frame, which takes its time."""
MOST_LABEL = 0xFFFF
_LARGEST_OFFSET = 16 * 1024**2
_GZIP = b"\x1f\x8b"
_HEADERS = {b"n+1\0": (344, 348), b"n+2\0\r\n\x1a\n": (4, 540)}
"""Magic of files that hold header and voxels: where it stands, and the header's bytes."""
_UNITS = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}
"""NIFTI_UNITS_UNKNOWN, _METER, _MM and _MICRON in mm; a header without a unit means mm."""
_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


class LabelMap(NamedTuple):
    """Whole numbers on a grid.

    Attributes
    ----------
    voxels
        k × j × i, uint16; 0 is background.
    affine
        4 × 4, from (i, j, k, 1) to the patient's space in mm, directions as in DICOM (PS3.3 C.7.6.2.1.1).
    """

    voxels: np.ndarray
    affine: np.ndarray


def recognised(data: bytes) -> bool:
    """Whether a file is NIfTI by its content; of a packed one only the first bytes are unpacked."""
    try:
        return _header_bytes(_stream(data).read(max(size for _, size in _HEADERS.values()))) is not None
    except (OSError, EOFError, zlib.error):
        return False


def read(data: bytes, limit: int) -> LabelMap:
    """The label map that a file holds.

    Whole numbers stored as floating point count as such. The grid is that of the sform where its code is
    above 0, else that of the qform.

    Parameters
    ----------
    limit
        Bytes to which a file may be unpacked.

    Raises
    ------
    Refusal
        `NOT_A_LABEL_MAP` (not NIfTI; not one volume; scaled; complex, coloured, negative, broken or too large
        numbers), `LABEL_MAP_UNPLACED` (neither sform nor qform, or one without a size), `TOO_LARGE`,
        `TRUNCATED`, `MALFORMED`.
    """
    with contained():
        stream = _stream(data)
        try:
            head = stream.read(max(size for _, size in _HEADERS.values()))
            header = _header(head)
            shape, dtype, offset = _shape(header), _dtype(header), _offset(header, head)
            count = math.prod(shape)  # of NIfTI-2 each may have 64 bits
            size = offset + dtype.itemsize * count
            if max(shape) > MOST_ALONG_AXIS or count > MOST_VOXELS or size > limit:
                raise Refusal("TOO_LARGE")
            whole = head + stream.read(max(0, size - len(head)) + 1)
        except EOFError:
            raise Refusal("TRUNCATED") from None
        except (OSError, zlib.error):
            raise Refusal("MALFORMED") from None
        if len(whole) != size:
            raise Refusal("TRUNCATED" if len(whole) < size else "MALFORMED")
        affine = _affine(header)
        columns, rows, slices = shape
        stored = np.frombuffer(whole, dtype, offset=offset).reshape(slices, rows, columns)
        return LabelMap(_labels(stored), affine)


def _stream(data: bytes) -> Any:
    return gzip.GzipFile(fileobj=BytesIO(data)) if data[:2] == _GZIP else BytesIO(data)


def _header_bytes(head: bytes) -> int | None:
    """Size of the header that these bytes begin with; None when they begin none."""
    return next((size for magic, (at, size) in _HEADERS.items() if head[at : at + len(magic)] == magic), None)


def _header(head: bytes) -> "Nifti1Header":
    from nibabel.nifti1 import Nifti1Header
    from nibabel.nifti2 import Nifti2Header

    size = _header_bytes(head)
    if size is None:
        raise Refusal("NOT_A_LABEL_MAP")
    if len(head) < size:
        raise Refusal("TRUNCATED")
    kind = Nifti1Header if size == 348 else Nifti2Header
    for order in "<>":
        header = kind(head[:size], endianness=order, check=False)
        if int(header["sizeof_hdr"]) == size:
            return header
    raise Refusal("MALFORMED")


def _shape(header: "Nifti1Header") -> tuple[int, int, int]:
    dimensions = [int(number) for number in header["dim"]]
    if not 2 <= dimensions[0] <= 7:
        raise Refusal("MALFORMED" if not 1 <= dimensions[0] <= 7 else "NOT_A_LABEL_MAP")
    sizes = [*dimensions[1 : dimensions[0] + 1], 1]
    if min(sizes) < 1:
        raise Refusal("MALFORMED")
    if any(size != 1 for size in sizes[3:]):
        raise Refusal("NOT_A_LABEL_MAP")
    return sizes[0], sizes[1], sizes[2]


def _dtype(header: "Nifti1Header") -> np.dtype:
    try:
        dtype = header.get_data_dtype()
    except Exception:  # noqa: BLE001 - a code that the library does not know, whatever it raises then
        raise Refusal("NOT_A_LABEL_MAP") from None
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    scaled = np.isfinite(slope) and slope != 0 and (slope, intercept) != (1.0, 0.0)
    if dtype.kind not in "iuf" or scaled:
        raise Refusal("NOT_A_LABEL_MAP")
    if int(header["bitpix"]) != 8 * dtype.itemsize:
        raise Refusal("MALFORMED")
    return dtype


def _offset(header: "Nifti1Header", head: bytes) -> int:
    offset = float(header["vox_offset"])
    if not (_header_bytes(head) or 0) + 4 <= offset <= _LARGEST_OFFSET or offset != int(offset):
        raise Refusal("MALFORMED")
    return int(offset)


def _affine(header: "Nifti1Header") -> np.ndarray:
    unit = _UNITS.get(int(header["xyzt_units"]) & 7)
    if int(header["sform_code"]) > 0:
        affine = header.get_sform()
    elif int(header["qform_code"]) > 0:
        affine = _of_qform(header)
    else:
        raise Refusal("LABEL_MAP_UNPLACED")
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    if unit is None or not np.all(np.isfinite(affine)) or not np.all(lengths > 0):
        raise Refusal("LABEL_MAP_UNPLACED")
    return np.asarray(_RAS_TO_LPS @ np.diag([unit, unit, unit, 1.0]) @ affine)


def _of_qform(header: "Nifti1Header") -> np.ndarray:
    from nibabel.spatialimages import HeaderDataError

    try:
        return np.asarray(header.get_qform())
    except (HeaderDataError, ValueError):  # the numbers are no rotation
        raise Refusal("LABEL_MAP_UNPLACED") from None


def _labels(stored: np.ndarray) -> np.ndarray:
    """The numbers as uint16, slice by slice, so that a large map is not copied as a whole in between."""
    labels = np.empty(stored.shape, np.uint16)
    for into, numbers in zip(labels, stored, strict=True):
        with np.errstate(invalid="ignore"):
            fits = (numbers >= 0) & (numbers <= MOST_LABEL) & (numbers == np.floor(numbers))
        if not fits.all():
            raise Refusal("NOT_A_LABEL_MAP")
        into[...] = numbers
    return labels
