"""A label map in NIfTI of a series of the demo, with its DICOM JSON, as a research group hands them in.

Its axes run otherwise than those of the images, and names of persons stand wherever the format has room.
"""

import gzip
import json
from datetime import UTC, datetime, time
from io import BytesIO

import numpy as np
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from eucaim_pipelines.demo.objects import Hospital, Series, start_series
from eucaim_pipelines.demo.people import unaccented
from eucaim_pipelines.demo.plan import LABEL_MAP, Made

_SEG = "1.2.840.10008.5.1.4.1.1.66.4"


def label_map(
    hospital: Hospital, source: Series, masks: list[tuple[str, np.ndarray]], number: int
) -> tuple[Made, bytes]:
    """The JSON of a label map of all slices of `source`, and the packed NIfTI file.

    Parameters
    ----------
    masks
        Label and place (bool, one slice) of each segment; a later one covers an earlier one.
    """
    common = start_series(
        hospital, source.study, source.equipment, modality="SEG", sop_class=_SEG, number=number,
        description="SEGMENTATION", protocol="", body_part=source.common.get("BodyPartExamined"),
    ).common  # fmt: skip
    common.SpecificCharacterSet = "ISO_IR 192"
    common.SOPInstanceUID = hospital.seeds.uid(source.equipment.uid_root, "label map", source.uid)
    common.ContentCreatorName = hospital.staff.reading[0]
    series = Dataset()
    series.SeriesInstanceUID = source.uid
    common.ReferencedSeriesSequence = Sequence([series])
    common.SegmentSequence = Sequence([_segment(n, label) for n, (label, _) in enumerate(masks, start=1)])
    data = json.dumps(common.to_json_dict(), indent=1).encode()
    study = source.study
    made = Made(
        data, common.SOPInstanceUID, common.SeriesInstanceUID, study.uid, study.person.patient_id, LABEL_MAP
    )
    return made, _nifti(source, [mask for _, mask in masks])


def _segment(number: int, label: str) -> Dataset:
    item = Dataset()
    item.SegmentNumber, item.SegmentLabel, item.SegmentDescription = number, label, label
    item.SegmentAlgorithmType, item.SegmentAlgorithmName = "SEMIAUTOMATIC", "ITK-SNAP"
    return item


def _nifti(source: Series, masks: list[np.ndarray]) -> bytes:
    import nibabel

    images = [dcmread(BytesIO(made.data), stop_before_pixels=True) for made in source.made]
    first, rows, person = images[0], images[0].Rows, source.study.person
    numbers = np.zeros((first.Columns, rows, len(images)), np.uint8)
    for number, mask in enumerate(masks, start=1):
        numbers[mask.T, len(images) // 4 : 3 * len(images) // 4] = number
    spacing, apart = [float(each) for each in first.PixelSpacing], float(first.SliceThickness)
    x, y, z = (float(each) for each in first.ImagePositionPatient)
    affine = np.diag([-spacing[1], spacing[0], apart, 1.0])  # rows from the last to the first
    affine[:3, 3] = -x, -(y + spacing[0] * (rows - 1)), z
    image = nibabel.Nifti1Image(numbers[:, ::-1], affine)
    name = unaccented(person.name.family)
    image.header["descrip"], image.header["aux_file"] = f"{name} {source.study.day}"[:79], name[:23]
    image.header["db_name"], image.header["intent_name"] = person.patient_id[:17], name[:15]
    image.header.extensions.append(nibabel.nifti1.Nifti1Extension("comment", person.name.given.encode()))
    written = datetime.combine(source.study.day, time(12), UTC).timestamp()
    buffer = BytesIO()
    with gzip.GzipFile(f"{name}.nii", "wb", fileobj=buffer, mtime=written) as stream:
        stream.write(image.to_bytes())
    return buffer.getvalue()
