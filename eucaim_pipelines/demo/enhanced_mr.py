"""Enhanced MR objects: one multi-frame object per series, with functional groups (PS3.3 A.36 and C.8.13).

Ordinary MR series stand in prostate.py.
"""

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from eucaim_pipelines.demo import pixels
from eucaim_pipelines.demo.objects import Equipment, Hospital, Series, Study, add_image, finish, start_series

ENHANCED_MR = "1.2.840.10008.5.1.4.1.1.4.1"
FRAMES, SIZE = 8, 40


def enhanced_series(
    hospital: Hospital, study: Study, equipment: Equipment, frame: str, number: int
) -> Series:
    """Return a series of one multi-frame T2 object."""
    series = start_series(
        hospital,
        study,
        equipment,
        modality="MR",
        sop_class=ENHANCED_MR,
        number=number,
        description="T2W_mFFE multiframe",
        protocol="T2W_mFFE multiframe",
        body_part="PROSTATE",
    )
    ds = series.common
    ds.ImageType = ["ORIGINAL", "PRIMARY", "T2", "NONE"]
    ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = frame, ""
    ds.AcquisitionDateTime, ds.AcquisitionDuration = f"{study.day:%Y%m%d}{study.hour:02d}0910.25", 182.5
    ds.ContentQualification, ds.ResonantNucleus, ds.KSpaceFiltering = "PRODUCT", "1H", "NONE"
    ds.MagneticFieldStrength, ds.ApplicableSafetyStandardAgency = 3.0, "IEC"
    ds.PixelPresentation, ds.VolumetricProperties = "MONOCHROME", "VOLUME"
    ds.VolumeBasedCalculationTechnique, ds.ComplexImageComponent = "NONE", "MAGNITUDE"
    ds.AcquisitionContrast, ds.BurnedInAnnotation, ds.LossyImageCompression = "T2", "NO", "00"
    ds.PresentationLUTShape, ds.PatientPosition = "IDENTITY", "FFS"
    ds.AcquisitionContextSequence = Sequence()
    _add_dimensions(ds, hospital.seeds.uid(equipment.uid_root, "dimension", series.uid))
    ds.SharedFunctionalGroupsSequence = Sequence([_shared()])
    ds.PerFrameFunctionalGroupsSequence = Sequence([_frame(study, n) for n in range(1, FRAMES + 1)])
    noise = hospital.seeds.generator(series.uid)
    ds.NumberOfFrames = FRAMES
    add_image(ds, np.stack([pixels.prostate(noise, SIZE, 900) for _ in range(FRAMES)]))
    finish(hospital, series, 1)
    return series


def _add_dimensions(ds: Dataset, uid: str) -> None:
    """Stack and position within it (PS3.3 C.7.6.17)."""
    organization = Dataset()
    organization.DimensionOrganizationUID = uid
    ds.DimensionOrganizationSequence, ds.DimensionOrganizationType = Sequence([organization]), "3D"
    ds.DimensionIndexSequence = Sequence()
    for keyword in ("StackID", "InStackPositionNumber"):
        index = Dataset()
        index.DimensionOrganizationUID = uid
        index.DimensionIndexPointer = Tag(keyword)
        index.FunctionalGroupPointer = Tag("FrameContentSequence")
        ds.DimensionIndexSequence.append(index)


def _group(**elements: object) -> Sequence:
    item = Dataset()
    for keyword, value in elements.items():
        setattr(item, keyword, value)
    return Sequence([item])


def _shared() -> Dataset:
    item = Dataset()
    item.PixelMeasuresSequence = _group(PixelSpacing=[4.5, 4.5], SliceThickness=3, SpacingBetweenSlices=3.3)
    item.PlaneOrientationSequence = _group(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])
    item.MRTimingAndRelatedParametersSequence = _group(
        RepetitionTime=3900,
        FlipAngle=90,
        EchoTrainLength=25,
        RFEchoTrainLength=25,
        GradientEchoTrainLength=0,
    )
    item.MRImageFrameTypeSequence = _group(
        FrameType=["ORIGINAL", "PRIMARY", "T2", "NONE"],
        PixelPresentation="MONOCHROME",
        VolumetricProperties="VOLUME",
        VolumeBasedCalculationTechnique="NONE",
        ComplexImageComponent="MAGNITUDE",
        AcquisitionContrast="T2",
    )
    item.FrameAnatomySequence = _group(FrameLaterality="U", AnatomicRegionSequence=_prostate_code())
    item.PixelValueTransformationSequence = _group(RescaleIntercept=0, RescaleSlope=1, RescaleType="US")
    item.FrameVOILUTSequence = _group(WindowCenter=450, WindowWidth=900)
    return item


def _prostate_code() -> Sequence:
    return _group(CodeValue="41216001", CodingSchemeDesignator="SCT", CodeMeaning="Prostata")


def _frame(study: Study, number: int) -> Dataset:
    """One frame's groups, the vendor's private one included: it repeats whom the frame shows."""
    clock = f"{study.day:%Y%m%d}{study.hour:02d}09{10 + number:02d}.25"
    item = Dataset()
    item.FrameContentSequence = _group(
        FrameAcquisitionNumber=1,
        FrameReferenceDateTime=clock,
        FrameAcquisitionDateTime=clock,
        FrameAcquisitionDuration=22.8,
        StackID="1",
        InStackPositionNumber=number,
        DimensionIndexValues=[1, number],
    )
    item.PlanePositionSequence = _group(ImagePositionPatient=[-90.0, -90.0, -60.0 + (number - 1) * 3.3])
    item.MREchoSequence = _group(EffectiveEchoTime=110.0)
    inner = Dataset()
    inner.PatientID, inner.ImageComments = study.person.patient_id, f"Aufnahme {study.person.name.given}"
    block = item.private_block(0x2005, "Philips MR Imaging DD 005", create=True)
    block.add_new(0x0F, "SQ", Sequence([inner]))
    return item
