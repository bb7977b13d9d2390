"""Objects to measure with: CT, mammography and enhanced MR as scanners write them, all invented.

About a hundred elements each, sequences and a private block; what a scanner changes from slice to slice
changes here. Run as a program it writes one kind into a folder, so that the measuring process stays small.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    CTImageStorage,
    DigitalMammographyXRayImageStorageForPresentation,
    EnhancedMRImageStorage,
    ExplicitVRLittleEndian,
    generate_uid,
)

PER_SERIES, SERIES_PER_STUDY = 125, 4
FRAMES = 200
DAY = "20250401"


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    ds = Dataset()
    ds.CodeValue, ds.CodingSchemeDesignator, ds.CodeMeaning = value, scheme, meaning
    return ds


def _reference(sop_class: str, uid: str) -> Dataset:
    ds = Dataset()
    ds.ReferencedSOPClassUID, ds.ReferencedSOPInstanceUID = sop_class, uid
    return ds


def _uid(*parts: object) -> str:
    return str(generate_uid(prefix="1.2.826.0.1.3680043.8.498.", entropy_srcs=[str(part) for part in parts]))


def _common(kind: str, sop_class: str, number: int) -> Dataset:
    """Patient, study, series and equipment of object `number`."""
    series, study = number // PER_SERIES, number // (PER_SERIES * SERIES_PER_STUDY)
    second = number % 60
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.ImplementationVersionName = "BENCH_1"
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.InstanceCreationDate = DAY
    ds.InstanceCreationTime = f"1015{second:02d}.{number % 1000:03d}000"
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, _uid(kind, "object", number)
    ds.StudyInstanceUID, ds.SeriesInstanceUID = _uid(kind, "study", study), _uid(kind, "series", series)
    ds.FrameOfReferenceUID = _uid(kind, "frame", study)
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = DAY
    ds.StudyTime, ds.SeriesTime = "101500", f"1016{series % 60:02d}"
    ds.AcquisitionTime = ds.ContentTime = f"1017{second:02d}.{number % 997:03d}500"
    ds.AccessionNumber, ds.StudyID = f"ACC{990000 + study}", f"ST{1000 + study}"
    ds.Manufacturer, ds.ManufacturerModelName = "SIEMENS", "SOMATOM Definition Flash"
    ds.InstitutionName, ds.InstitutionAddress = "Benchmark Hospital", "Some Street 5, Benchville"
    ds.InstitutionalDepartmentName, ds.StationName = "Radiology", "CT0815"
    ds.ReferringPhysicianName, ds.PerformingPhysicianName = "Doctor^Some", "Doctor^Another"
    ds.OperatorsName, ds.DeviceSerialNumber = "Operator^One", "SN-66371"
    ds.StudyDescription, ds.SeriesDescription = "Thorax with contrast", f"Thorax {series} B31f"
    ds.ProtocolName, ds.BodyPartExamined = "ThoraxRoutine", "CHEST"
    ds.SoftwareVersions, ds.DateOfLastCalibration = "syngo CT 2012B", "20250330"
    ds.PatientName, ds.PatientID = f"Bench^Mark^{study}", f"B-{1234 + study:07d}"
    ds.PatientSex, ds.PatientBirthDate, ds.PatientAge = "F", "19600412", "064Y"
    ds.PatientSize, ds.PatientWeight, ds.PatientComments = "1.68", "66.5", "came by ambulance"
    ds.OtherPatientIDs, ds.EthnicGroup = f"OLD-{study:06d}", "unknown"
    ds.SeriesNumber, ds.AcquisitionNumber, ds.InstanceNumber = series + 1, 2, number % PER_SERIES + 1
    ds.PatientPosition, ds.PositionReferenceIndicator = "HFS", ""
    ds.ProcedureCodeSequence = Sequence([_code("24627-2", "LN", "CT Chest")])
    request = Dataset()
    request.ScheduledProcedureStepDescription, request.ScheduledProcedureStepID = "CT Thorax", f"SPS{study}"
    request.RequestedProcedureID, request.RequestedProcedureDescription = f"RP{study}", "CT Thorax"
    request.ScheduledProtocolCodeSequence = Sequence([_code("CTTHX", "99BENCH", "Thorax local")])
    ds.RequestAttributesSequence = Sequence([request])
    ds.ReferencedStudySequence = Sequence([_reference("1.2.840.10008.3.1.2.3.1", _uid(kind, "step", study))])
    ds.PerformedProcedureStepStartDate, ds.PerformedProcedureStepStartTime = DAY, "101500"
    ds.PerformedProcedureStepID = f"PPS{study}"
    block = ds.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
    block.add_new(0x08, "CS", "SOM 5 NULL2")
    block.add_new(0x09, "LO", "VA10A 971201")
    block.add_new(0x10, "OB", bytes((number + n) % 251 for n in range(2048)))
    ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PixelRepresentation = 1, "MONOCHROME2", 0
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 12, 11
    ds.BurnedInAnnotation, ds.LossyImageCompression = "NO", "00"
    return ds


def ct(number: int) -> Dataset:
    """A CT slice of 512 x 512, 0.5 MB."""
    ds = _common("ct", CTImageStorage, number)
    z = 2.0 * (number % PER_SERIES) - 731.25
    ds.Modality, ds.ImageType = "CT", ["ORIGINAL", "PRIMARY", "AXIAL", "CT_SOM5 SPI"]
    ds.KVP, ds.SliceThickness, ds.DataCollectionDiameter, ds.ReconstructionDiameter = 120, 2, 500, 358
    ds.DistanceSourceToDetector, ds.DistanceSourceToPatient, ds.GantryDetectorTilt = 1085.6, 595, 0
    ds.TableHeight, ds.RotationDirection, ds.ExposureTime, ds.FilterType = 148, "CW", 500, "FLAT"
    ds.XRayTubeCurrent, ds.Exposure, ds.GeneratorPower = 180 + number % 97, 90 + number % 47, 25
    ds.FocalSpots, ds.ConvolutionKernel, ds.ExposureModulationType = 1.2, "B31f", "XYZ_EC"
    ds.SingleCollimationWidth, ds.TotalCollimationWidth, ds.TableSpeed = 0.6, 38.4, 46.0
    ds.SpiralPitchFactor, ds.CTDIvol = 0.6, round(6.1 + (number % 31) / 100, 4)
    ds.ContrastBolusAgent, ds.ContrastBolusVolume, ds.ContrastBolusTotalDose = "APPLIED", 90, 90
    ds.ImagePositionPatient, ds.ImageOrientationPatient = [-179.65, -322.15, z], [1, 0, 0, 0, 1, 0]
    ds.SliceLocation, ds.PixelSpacing = z, [0.69921875, 0.69921875]
    ds.Rows = ds.Columns = 512
    ds.SmallestImagePixelValue, ds.LargestImagePixelValue = number % 7, 4095 - number % 13
    ds.WindowCenter, ds.WindowWidth = [40, -600], [400, 1200]
    ds.WindowCenterWidthExplanation = ["WINDOW1", "WINDOW2"]
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = -1024, 1, "HU"
    neighbours = (number - 1, number + 1)
    ds.ReferencedImageSequence = Sequence(
        [_reference(CTImageStorage, _uid("ct", "object", n)) for n in neighbours]
    )
    ds.PixelData = _noise(number, 512 * 512)
    return ds


def mg(number: int) -> Dataset:
    """A mammogram of 3,328 x 2,993, 20 MB."""
    ds = _common("mg", DigitalMammographyXRayImageStorageForPresentation, number)
    del ds.FrameOfReferenceUID
    ds.Modality, ds.ImageType, ds.BodyPartExamined = "MG", ["ORIGINAL", "PRIMARY"], "BREAST"
    ds.PresentationIntentType, ds.ImageLaterality = "FOR PRESENTATION", "LR"[number % 2]
    ds.ViewPosition, ds.KVP, ds.ExposureTime = ("CC", "MLO")[number // 2 % 2], 29, 820 + number
    ds.BodyPartThickness, ds.CompressionForce, ds.AnodeTargetMaterial = 52 + number % 9, 88, "TUNGSTEN"
    ds.FilterMaterial, ds.DetectorType, ds.DetectorID = "RHODIUM", "DIRECT", "DET-4711"
    ds.ImagerPixelSpacing, ds.PatientOrientation = [0.07, 0.07], ["A", "R"]
    ds.ViewCodeSequence = Sequence([_code("399162004", "SCT", "cranio-caudal")])
    ds.AnatomicRegionSequence = Sequence([_code("76752008", "SCT", "Breast")])
    ds.Rows, ds.Columns = 3328, 2993
    ds.WindowCenter, ds.WindowWidth, ds.PixelIntensityRelationship = 2047, 4095, "LOG"
    ds.PixelIntensityRelationshipSign, ds.RescaleIntercept, ds.RescaleSlope = -1, 0, 1
    ds.PixelData = _noise(number, 3328 * 2993)
    return ds


def mr(number: int) -> Dataset:
    """An enhanced MR object of 200 frames of 128 x 128 with functional groups, 6.6 MB."""
    ds = _common("mr", EnhancedMRImageStorage, number)
    ds.Modality, ds.ImageType, ds.BodyPartExamined = (
        "MR",
        ["ORIGINAL", "PRIMARY", "DIFFUSION", "NONE"],
        "PROSTATE",
    )
    ds.NumberOfFrames, ds.Rows, ds.Columns = FRAMES, 128, 128
    ds.AcquisitionContrast, ds.MagneticFieldStrength, ds.ResonantNucleus = "DIFFUSION", 3.0, "1H"
    ds.PixelPresentation, ds.VolumetricProperties = "MONOCHROME", "VOLUME"
    ds.VolumeBasedCalculationTechnique, ds.ComplexImageComponent = "NONE", "MAGNITUDE"
    ds.ContentQualification, ds.AcquisitionDateTime = "RESEARCH", f"{DAY}101500.000000"
    organisation = Dataset()
    organisation.DimensionOrganizationUID = _uid("mr", "dimensions", number)
    ds.DimensionOrganizationSequence = Sequence([organisation])
    ds.DimensionIndexSequence = Sequence(
        [
            _dimension(organisation, p, g)
            for p, g in ((0x00209056, 0x00209111), (0x00209057, 0x00209111), (0x00189087, 0x00189117))
        ]
    )
    shared = Dataset()
    shared.PixelMeasuresSequence = Sequence([Dataset()])
    shared.PixelMeasuresSequence[0].PixelSpacing, shared.PixelMeasuresSequence[0].SliceThickness = (
        [1.5, 1.5],
        3,
    )
    ds.SharedFunctionalGroupsSequence = Sequence([shared])
    ds.PerFrameFunctionalGroupsSequence = Sequence([_frame(number, n) for n in range(FRAMES)])
    ds.PixelData = _noise(number, 128 * 128 * FRAMES)
    return ds


def _dimension(organisation: Dataset, pointer: int, group: int) -> Dataset:
    ds = Dataset()
    ds.DimensionOrganizationUID = organisation.DimensionOrganizationUID
    ds.DimensionIndexPointer, ds.FunctionalGroupPointer = pointer, group
    return ds


def _frame(number: int, n: int) -> Dataset:
    content, position, orientation, diffusion, voi, group = (Dataset() for _ in range(6))
    content.FrameAcquisitionDateTime = f"{DAY}1015{n % 60:02d}.{number:03d}000"
    content.FrameReferenceDateTime, content.FrameAcquisitionDuration = content.FrameAcquisitionDateTime, 71.0
    content.StackID, content.InStackPositionNumber = "1", n % 40 + 1
    content.DimensionIndexValues = [1, n % 40 + 1, n // 40 + 1]
    position.ImagePositionPatient = [-96.0, -88.5, 3.0 * (n % 40) - 60.25]
    orientation.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    diffusion.DiffusionBValue, diffusion.DiffusionDirectionality = 200.0 * (n // 40), "ISOTROPIC"
    voi.WindowCenter, voi.WindowWidth = 300 + n, 700 + n
    group.FrameContentSequence, group.PlanePositionSequence = Sequence([content]), Sequence([position])
    group.PlaneOrientationSequence, group.MRDiffusionSequence = Sequence([orientation]), Sequence([diffusion])
    group.FrameVOILUTSequence = Sequence([voi])
    return group


def _noise(number: int, samples: int) -> bytes:
    return np.random.default_rng(number).integers(0, 4096, samples, np.uint16).tobytes()


KINDS: dict[str, Callable[[int], Dataset]] = {"ct": ct, "mg": mg, "mr": mr}


def write(kind: str, count: int, folder: Path) -> None:
    """Write `count` objects of a kind into one folder; one of the peers looks into no folders below it."""
    folder.mkdir(parents=True)
    for number in range(count):
        ds = KINDS[kind](number)
        ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
        ds.save_as(folder / f"IM{number:06d}.dcm", enforce_file_format=True)


if __name__ == "__main__":
    write(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
