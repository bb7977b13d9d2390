"""DICOM-SEG (by highdicom) and RTSTRUCT objects that refer to series of the demo.

The images they refer to are made elsewhere; nothing here decides which series are annotated.
"""

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from eucaim_pipelines.demo.encoding import EXPLICIT, encode, replace_uids
from eucaim_pipelines.demo.objects import Hospital, Series, fit_character_set, start_series
from eucaim_pipelines.demo.plan import Made

if TYPE_CHECKING:
    import highdicom

_HIGHDICOM_ROOT = "1.2.826.0.1.3680043.10.511.3."
_SEG_ROOT = "1.2.826.0.1.3680043.8.498"
_RTSTRUCT = "1.2.840.10008.5.1.4.1.1.481.3"


@dataclass(frozen=True)
class Finding:
    """One segment: label, what it is, where (bool, one slice), method; `altered` for diseased tissue."""

    label: str
    property_code: tuple[str, str, str]
    mask: np.ndarray
    algorithm: str = "MANUAL"
    algorithm_name: str = ""
    description: str = ""
    altered: bool = False


def segmentation(hospital: Hospital, source: Series, findings: list[Finding], number: int) -> Made:
    """Build a binary segmentation of all instances of `source` (multi-frame sources included)."""
    import highdicom as hd

    images = [dcmread(BytesIO(made.data)) for made in source.made]
    for image in images:  # highdicom refuses an empty first value, which Japanese objects have
        image.PatientName, image.SpecificCharacterSet = source.study.person.dicom_name, "ISO_IR 192"
    frames = sum(int(image.get("NumberOfFrames", 1)) for image in images)
    pixels = np.zeros((frames, images[0].Rows, images[0].Columns, len(findings)), np.uint8)
    for index, finding in enumerate(findings):
        pixels[frames // 4 : max(frames // 4 + 1, 3 * frames // 4), finding.mask, index] = 1
    series_uid = hospital.seeds.uid(_SEG_ROOT, "seg series", source.uid, number)
    ds = hd.seg.Segmentation(
        source_images=images,
        pixel_array=pixels,
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=[_segment(n, f, hospital) for n, f in enumerate(findings, start=1)],
        series_instance_uid=series_uid,
        series_number=number,
        sop_instance_uid=hospital.seeds.uid(_SEG_ROOT, "seg", source.uid, number),
        instance_number=1,
        manufacturer=source.equipment.manufacturer,
        manufacturer_model_name="MITK Workbench",
        software_versions="2.6.0",
        device_serial_number=source.equipment.serial,
        content_creator_name=hospital.staff.reading[0],
        content_label="SEGMENTATION",
        content_description=f"Contour {source.study.person.name.family}"[:64],
        series_description="SEGMENTATION",
    )
    _settle(ds, hospital, source)
    data = encode(ds, EXPLICIT, hospital.application_entity)
    return Made(data, ds.SOPInstanceUID, series_uid, source.study.uid, source.study.person.patient_id, "SEG")


def _segment(number: int, finding: Finding, hospital: Hospital) -> "highdicom.seg.SegmentDescription":
    import highdicom as hd
    from pydicom.sr.codedict import codes

    identification = None
    if finding.algorithm != "MANUAL":
        identification = hd.AlgorithmIdentificationSequence(
            name=finding.algorithm_name, family=codes.DCM.ArtificialIntelligence, version="1.0"
        )
    description = hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=finding.label,
        segmented_property_category=hd.sr.CodedConcept("49755003", "SCT", "Morphologically Altered Structure")
        if finding.altered
        else hd.sr.CodedConcept("123037004", "SCT", "Anatomical Structure"),
        segmented_property_type=hd.sr.CodedConcept(*finding.property_code),
        algorithm_type=finding.algorithm,
        algorithm_identification=identification,
        tracking_uid=hospital.seeds.uid(_SEG_ROOT, "tracking", finding.label, number),
        tracking_id=f"{finding.label} {number}",
    )
    description.SegmentDescription = finding.description or finding.label
    return description


def _settle(ds: Dataset, hospital: Hospital, source: Series) -> None:
    """Replace what highdicom takes from the clock and from chance; fill in what a workstation adds."""
    study, first = source.study, source.common
    ds.SpecificCharacterSet = study.person.charset
    ds.InstitutionName = hospital.staff.institution
    ds.OperatorsName = hospital.staff.operators[0]
    ds.BodyPartExamined = first.get("BodyPartExamined", "")
    if "PatientAge" in first:
        ds.PatientAge = first.PatientAge
    ds.ContentDate = ds.SeriesDate = ds.InstanceCreationDate = ds.StudyDate
    ds.ContentTime = ds.SeriesTime = ds.InstanceCreationTime = f"{study.hour:02d}5900"
    for equipment in ds.ContributingEquipmentSequence:
        equipment.ContributionDateTime = f"{ds.StudyDate}{ds.ContentTime}"
    fit_character_set(ds)
    replace_uids(ds, _HIGHDICOM_ROOT, lambda uid: hospital.seeds.uid(_SEG_ROOT, "dimensions", source.uid))


def structure_set(hospital: Hospital, source: Series, regions: list[tuple[str, str]], number: int) -> Made:
    """Build a structure set with one contour per region and slice, as a planning system writes it.

    `regions` are pairs of ROI name and RT ROI interpreted type.
    """
    series = start_series(
        hospital,
        source.study,
        source.equipment,
        modality="RTSTRUCT",
        sop_class=_RTSTRUCT,
        number=number,
        description="RTSTRUCT",
        protocol="",
        body_part=source.common.get("BodyPartExamined"),
    )
    ds = series.common
    frame_of_reference = source.common.FrameOfReferenceUID
    images = [_contour_image(source, made) for made in source.made]
    drawn = [(image, _position(made)) for image, made in zip(images[1:4], source.made[1:4], strict=True)]
    ds.StructureSetLabel, ds.StructureSetName = "PLAN1", f"Plan {source.study.person.name.family}"[:64]
    ds.StructureSetDate, ds.StructureSetTime = ds.StudyDate, f"{source.study.hour:02d}4500"
    ds.FrameOfReferenceUID = frame_of_reference
    ds.PositionReferenceIndicator = ""
    ds.ReferencedFrameOfReferenceSequence = Sequence([_frame_reference(source, frame_of_reference, images)])
    ds.StructureSetROISequence = Sequence()
    ds.ROIContourSequence = Sequence()
    ds.RTROIObservationsSequence = Sequence()
    for index, (name, kind) in enumerate(regions, start=1):
        _add_region(ds, index, name, kind, frame_of_reference, drawn, hospital.staff.reading[0])
    ds.ApprovalStatus = "APPROVED"
    ds.ReviewDate, ds.ReviewTime, ds.ReviewerName = ds.StudyDate, "180000", hospital.staff.reading[0]
    fit_character_set(ds)
    ds.SOPInstanceUID = hospital.seeds.uid(_SEG_ROOT, "rtstruct", source.uid, number)
    data = encode(ds, EXPLICIT, hospital.application_entity)
    return Made(
        data, ds.SOPInstanceUID, series.uid, source.study.uid, source.study.person.patient_id, "RTSTRUCT"
    )


def _contour_image(source: Series, made: Made) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = source.common.SOPClassUID, made.sop_uid
    return item


def _position(made: Made) -> list[float]:
    ds = dcmread(BytesIO(made.data), specific_tags=["ImagePositionPatient"], stop_before_pixels=True)
    return [float(number) for number in ds.ImagePositionPatient]


def _frame_reference(source: Series, frame_of_reference: str, images: list[Dataset]) -> Dataset:
    series = Dataset()
    series.SeriesInstanceUID, series.ContourImageSequence = source.uid, Sequence(images)
    study = Dataset()
    study.ReferencedSOPClassUID, study.ReferencedSOPInstanceUID = "1.2.840.10008.3.1.2.3.1", source.study.uid
    study.RTReferencedSeriesSequence = Sequence([series])
    item = Dataset()
    item.FrameOfReferenceUID, item.RTReferencedStudySequence = frame_of_reference, Sequence([study])
    return item


def _add_region(
    ds: Dataset,
    number: int,
    name: str,
    kind: str,
    frame: str,
    drawn: list[tuple[Dataset, list[float]]],
    physician: str,
) -> None:
    region = Dataset()
    region.ROINumber, region.ReferencedFrameOfReferenceUID = number, frame
    region.ROIName, region.ROIGenerationAlgorithm = name, "MANUAL"
    ds.StructureSetROISequence.append(region)
    contours = Dataset()
    contours.ROIDisplayColor, contours.ReferencedROINumber = [255, 64 * number % 256, 0], number
    contours.ContourSequence = Sequence([_contour(image, where, number) for image, where in drawn])
    ds.ROIContourSequence.append(contours)
    observation = Dataset()
    observation.ObservationNumber, observation.ReferencedROINumber = number, number
    observation.RTROIInterpretedType, observation.ROIInterpreter = kind, physician
    ds.RTROIObservationsSequence.append(observation)


def _contour(image: Dataset, position: list[float], number: int) -> Dataset:
    """A circle in the middle of an axial image, larger for each further region."""
    angle = np.linspace(0, 2 * np.pi, 36, endpoint=False)
    radius = 25.0 + 12.0 * number
    points = np.stack(
        [position[0] + 170 + radius * np.cos(angle), position[1] + 170 + radius * np.sin(angle)], axis=1
    )
    item = Dataset()
    item.ContourImageSequence = Sequence([image])
    item.ContourGeometricType, item.NumberOfContourPoints = "CLOSED_PLANAR", len(points)
    item.ContourData = [round(float(n), 2) for x, y in points for n in (x, y, position[2])]
    return item
