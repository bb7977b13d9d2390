"""A NIfTI label map and its DICOM JSON (PS3.18 F.2) as one DICOM object, for which all rules of these hold.

The object is a Label Map Segmentation (PS3.3 A.51) on the label map's own grid; it stays where it is made.
"""

import json
import re
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from eucaim_pipelines.dicom import nifti
from eucaim_pipelines.dicom.nifti import LabelMap
from eucaim_pipelines.dicom.values import quiet
from eucaim_pipelines.errors import EucaimError, Refusal

if TYPE_CHECKING:
    from pydicom import Dataset

SOP_CLASS = "1.2.840.10008.5.1.4.1.1.66.7"
"""Label Map Segmentation Storage."""
LARGEST_JSON = 16 * 1024**2
_TAG = re.compile(r"[0-9A-Fa-f]{8}")
_OF_THE_VOXELS = (0x0002, 0x0028, 0x5200, 0x7FE0)
"""Groups of file meta, samples and functional groups: said by the label map, whatever the JSON says."""
_DIMENSIONS = 0x00209222


class LabelMapObject(NamedTuple):
    """Both files as one.

    Attributes
    ----------
    data
        A DICOM file.
    content
        SHA-256 of what both say, the same however they are written.
    """

    data: bytes
    content: str


def is_dicom_json(data: bytes) -> bool:
    """Whether a file is JSON whose names are tags of DICOM."""
    if len(data) > LARGEST_JSON or not data.lstrip(b"\xef\xbb\xbf \t\r\n[").startswith(b"{"):
        return False
    try:
        return bool(_elements(data))
    except Refusal:
        return False


def join(label_map: bytes, described: bytes, limit: int) -> LabelMapObject:
    """One object of a NIfTI file and its DICOM JSON.

    Raises
    ------
    Refusal
        `LABEL_MAP_JSON` (no DICOM JSON of one object), `NOT_A_LABEL_MAP` also when its Modality is not SEG,
        and the reasons of `nifti.read`.
    """
    if len(described) > LARGEST_JSON:
        raise Refusal("TOO_LARGE")
    elements = _elements(described)
    found = nifti.read(label_map, limit)
    try:
        with quiet():
            data = _write(elements, found)
    except EucaimError:
        raise
    except MemoryError:
        raise Refusal("TOO_LARGE") from None
    except Exception:  # noqa: BLE001 - what the library says of a value that it does not understand quotes it
        raise Refusal("LABEL_MAP_JSON") from None
    content = sha256(json.dumps(elements, sort_keys=True).encode())
    content.update(repr(found.voxels.shape).encode() + found.affine.tobytes())
    content.update(found.voxels.data)
    return LabelMapObject(data, content.hexdigest())


def _elements(data: bytes) -> dict[str, Any]:
    """The JSON object, by tag; the only one, where it is given as a list."""
    try:
        found = json.loads(data.decode("utf-8-sig"), object_pairs_hook=_once, parse_constant=_refuse)
    except Refusal:
        raise
    except (ValueError, RecursionError):
        raise Refusal("LABEL_MAP_JSON") from None
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    if not isinstance(found, dict) or not found:
        raise Refusal("LABEL_MAP_JSON")
    if not all(
        _TAG.fullmatch(tag) and isinstance(each, dict) and "vr" in each for tag, each in found.items()
    ):
        raise Refusal("LABEL_MAP_JSON")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names occur once: of two values of one element none is the right one."""
    if len({name.upper() for name, _ in pairs}) != len(pairs):
        raise Refusal("LABEL_MAP_JSON")
    return dict(pairs)


def _refuse(constant: str) -> Any:
    raise Refusal("LABEL_MAP_JSON")


def _write(elements: dict[str, Any], found: LabelMap) -> bytes:
    from pydicom import Dataset, dcmwrite
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import UID, ExplicitVRLittleEndian

    ds = Dataset.from_json(elements)
    if str(ds.get("Modality") or "").strip() != "SEG":
        raise Refusal("NOT_A_LABEL_MAP")
    for tag in list(ds.keys()):
        if tag.group in _OF_THE_VOXELS or tag.element == 0 or tag == _DIMENSIONS:
            del ds[tag]
    ds.SpecificCharacterSet, ds.SOPClassUID = "ISO_IR 192", SOP_CLASS
    ds.SegmentationType = "LABELMAP"
    _place(ds, found)
    ds.preamble, ds.file_meta = bytes(128), FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = UID(SOP_CLASS)
    ds.file_meta.MediaStorageSOPInstanceUID = UID(str(ds.get("SOPInstanceUID") or ""))
    buffer = BytesIO()
    dcmwrite(buffer, ds)
    return buffer.getvalue()


def _place(ds: "Dataset", found: LabelMap) -> None:
    """Samples, and the position of every frame: the k-th lies k steps of the third axis off the origin."""
    from pydicom import Dataset

    frames, ds.Rows, ds.Columns = found.voxels.shape
    ds.NumberOfFrames, ds.SamplesPerPixel, ds.PhotometricInterpretation = frames, 1, "MONOCHROME2"
    bits = 8 if int(found.voxels.max(initial=0)) < 256 else 16
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = bits, bits, bits - 1, 0
    ds.PixelData = found.voxels.astype("<u1" if bits == 8 else "<u2").tobytes()
    columns, rows, steps, origin = found.affine[:3].T
    lengths = np.linalg.norm(columns), np.linalg.norm(rows)
    shared, measures, orientation = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing = _decimals([lengths[1], lengths[0]])
    orientation.ImageOrientationPatient = _decimals([*columns / lengths[0], *rows / lengths[1]])
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = [measures], [orientation]
    ds.SharedFunctionalGroupsSequence, ds.PerFrameFunctionalGroupsSequence = [shared], []
    for number in range(frames):
        frame, position = Dataset(), Dataset()
        position.ImagePositionPatient = _decimals(origin + number * steps)
        frame.PlanePositionSequence = [position]
        ds.PerFrameFunctionalGroupsSequence.append(frame)


def _decimals(numbers: Any) -> list[str]:
    from pydicom.valuerep import format_number_as_ds

    return [format_number_as_ds(float(number)) for number in numbers]
