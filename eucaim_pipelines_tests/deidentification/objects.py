"""A generated CT object that carries identities wherever one can stand; and the identities.

Used by the tests of this folder only.
"""

from io import BytesIO

from pydicom import Dataset
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

CT = "1.2.840.10008.5.1.4.1.1.2"
SYNTAXES = [
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
]
PLANTED = (
    "Quintanilla",
    "Ñuño-Überfluß",
    "Δημήτριος",
    "HOSP-00417733",
    "ACC7733991",
    "Sanatorio Vallehermoso",
    "Dr. Hölderlin",
    "WARD-SEVEN",
    "19510317",
    "20190604",
    "1.2.826.0.1.3680043.77.1",
    "1.2.826.0.1.3680043.77.2",
    "1.2.826.0.1.3680043.77.3",
    "1.2.826.0.1.3680043.77.4",
    "SN-99887766",
    "geb. in Vallehermoso",
)


def planted_object(**changes: object) -> Dataset:
    """A CT image with a name, numbers, dates and places in public, private and nested elements."""
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 192"
    ds.SOPClassUID, ds.SOPInstanceUID = CT, "1.2.826.0.1.3680043.77.1"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.826.0.1.3680043.77.2", "1.2.826.0.1.3680043.77.3"
    ds.FrameOfReferenceUID = "1.2.826.0.1.3680043.77.4"
    ds.PatientName, ds.PatientID = "Quintanilla^Ñuño-Überfluß^Δημήτριος", "HOSP-00417733"
    ds.PatientBirthDate, ds.PatientSex = "19510317", "F"
    ds.StudyDate, ds.SeriesDate, ds.StudyTime = "20190604", "20190604", "101112"
    ds.AcquisitionDateTime = "20190604101112.5"
    ds.AccessionNumber, ds.StudyID = "ACC7733991", "417"
    ds.InstitutionName, ds.StationName = "Sanatorio Vallehermoso", "WARD-SEVEN"
    ds.ReferringPhysicianName, ds.DeviceSerialNumber = "Dr. Hölderlin", "SN-99887766"
    ds.Modality, ds.Manufacturer, ds.ManufacturerModelName = "CT", "SIEMENS", "SOMATOM Definition Flash"
    ds.SeriesDescription, ds.StudyDescription = "Quintanilla thorax", "TORAX C/C"
    ds.PatientComments = "geb. in Vallehermoso"
    ds.BodyPartExamined, ds.ImageType = "CHEST", ["ORIGINAL", "PRIMARY", "AXIAL", "QUINTANILLA"]
    ds.KVP, ds.SliceThickness, ds.InstanceNumber, ds.SeriesNumber = "120", "1.5", "1", "417"
    ds.ConvolutionKernel = "B31f"
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = CT, "1.2.826.0.1.3680043.77.1"
    reference.ImageComments = "Quintanilla, Sanatorio Vallehermoso"
    ds.ReferencedImageSequence = Sequence([reference])
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator = "CT-THX-417", "99VALLE"
    code.CodeMeaning = "Thorax Sanatorio Vallehermoso"
    ds.ProcedureCodeSequence = Sequence([code])
    block = ds.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
    block.add_new(0x10, "LO", "Quintanilla HOSP-00417733")
    ds.Rows = ds.Columns = 4
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated = ds.BitsStored = 16
    ds.HighBit, ds.PixelRepresentation = 15, 1
    ds.PixelData = bytes(range(32))
    ds["PixelData"].VR = "OW"
    for keyword, value in changes.items():
        setattr(ds, keyword, value)
    return ds


def to_bytes(ds: Dataset, syntax: str = ExplicitVRLittleEndian) -> bytes:
    """The object as a file whose preamble holds a name too."""
    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = syntax, ds.get("SOPClassUID", CT)
    meta.MediaStorageSOPInstanceUID = ds.get("SOPInstanceUID", "1.2.3")
    encoding = {"is_implicit_VR": meta.TransferSyntaxUID.is_implicit_VR}
    encoding["is_little_endian"] = meta.TransferSyntaxUID.is_little_endian
    file = FileDataset("", ds, file_meta=meta, preamble=b"Quintanilla".ljust(128, b"\0"), **encoding)
    out = BytesIO()
    file.save_as(out, enforce_file_format=True)
    return out.getvalue()
