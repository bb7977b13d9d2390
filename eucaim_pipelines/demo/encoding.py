"""Encoding of the demo's data sets as DICOM files: transfer syntaxes, compression, file meta group.

What stands in a data set is decided in objects.py and annotations.py.
"""

import re
import struct
from collections.abc import Callable
from io import BytesIO

from pydicom import dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_file_meta_info
from pydicom.pixels import get_encoder
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
    RLELossless,
)

EXPLICIT, IMPLICIT = ExplicitVRLittleEndian, ImplicitVRLittleEndian
DEFLATED, RLE, JPEG_LS = DeflatedExplicitVRLittleEndian, RLELossless, JPEGLSLossless
_META_START = 132  # preamble and "DICM" (PS3.10 7.1)
_META_HEAD = 12  # (0002,0000) UL of 4 bytes, explicit VR


def encode(ds: Dataset, syntax: str, application_entity: str) -> bytes:
    """Return the DICOM file (PS3.10) of a dataset whose pixel data, if any, is uncompressed."""
    meta = FileMetaDataset()
    _name_object(meta, ds.SOPClassUID, ds.SOPInstanceUID, syntax)
    meta.ImplementationClassUID = UID("1.2.276.0.7230010.3.0.3.6.7")
    meta.ImplementationVersionName = "OFFIS_DCMTK_367"
    meta.SourceApplicationEntityTitle = application_entity
    ds.file_meta = meta
    raw = ds.get("PixelData")
    if syntax in (RLE, JPEG_LS) and raw is not None:
        _compress(ds, syntax)
    buffer = BytesIO()
    dcmwrite(buffer, ds, enforce_file_format=True)
    if syntax in (RLE, JPEG_LS) and raw is not None:
        ds.PixelData = raw
        ds["PixelData"].is_undefined_length = False
    return buffer.getvalue()


def _name_object(meta: FileMetaDataset, sop_class: str, sop_uid: str, syntax: str) -> None:
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = UID(sop_class), UID(sop_uid)
    meta.TransferSyntaxUID = UID(syntax)


def _compress(ds: Dataset, syntax: str) -> None:
    encoder = get_encoder(syntax)
    options = {
        "rows": ds.Rows,
        "columns": ds.Columns,
        "samples_per_pixel": ds.SamplesPerPixel,
        "photometric_interpretation": ds.PhotometricInterpretation,
        "bits_allocated": ds.BitsAllocated,
        "bits_stored": ds.BitsStored,
        "pixel_representation": ds.PixelRepresentation,
        "number_of_frames": 1,
        "transfer_syntax_uid": EXPLICIT,
    }
    frame = encoder.encode(ds.PixelData, index=0, **options)
    ds.PixelData = encapsulate([frame])
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True


def split_meta(data: bytes) -> tuple[bytes, bytes]:
    """File meta group with preamble, and the content after it (PS3.10 7.1)."""
    (length,) = struct.unpack_from("<L", data, _META_START + 8)
    end = _META_START + _META_HEAD + length
    return data[:end], data[end:]


def rewrite_meta(data: bytes, sop_class: str, sop_uid: str, syntax: str) -> bytes:
    """Return the same content behind the file meta group that another archive would write."""
    meta = FileMetaDataset()
    meta.FileMetaInformationVersion = b"\x00\x01"
    _name_object(meta, sop_class, sop_uid, syntax)
    meta.ImplementationClassUID, meta.ImplementationVersionName = UID("1.2.40.0.13.1.3"), "dcm4che-5.31.0"
    meta.SourceApplicationEntityTitle = "ARCHIVO2"
    buffer = DicomBytesIO()
    write_file_meta_info(buffer, meta, enforce_standard=True)
    return b"\x00" * 128 + b"DICM" + buffer.getvalue() + split_meta(data)[1]


def replace_uids(ds: Dataset, prefix: str, name: Callable[[str], str]) -> None:
    """Give every UID below `prefix`, at any depth, the one that `name` derives for it."""
    pattern = re.compile(re.escape(prefix))
    for element in ds:
        if element.VR == "SQ":
            for item in element.value:
                replace_uids(item, prefix, name)
        elif element.VR == "UI" and isinstance(element.value, str) and pattern.match(element.value):
            element.value = name(element.value)
