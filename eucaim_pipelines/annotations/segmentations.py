"""A DICOM segmentation written by highdicom, without its clock and its chance: equal input, equal bytes.

Everything in it comes from objects that were released, the holder's key, and this page.
"""

import warnings
from collections.abc import Callable, Sequence
from importlib.metadata import version
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np
from pydicom import Dataset, dcmwrite

from eucaim_pipelines.dicom.values import quiet

if TYPE_CHECKING:
    from highdicom.seg import SegmentDescription

NAME = "eucaim_pipelines"
_MARKS = (
    *("PatientIdentityRemoved", "DeidentificationMethod", "DeidentificationMethodCodeSequence"),
    "LongitudinalTemporalInformationModified",
)
_OF_IMAGE = ("BodyPartExamined", "Laterality", "PatientAge", "PatientSize", "PatientWeight")
NewUid = Callable[[str, str], str]
"""A UID under the holder's key for a purpose and the UID that it derives from."""


def write(
    masks: np.ndarray,
    images: Sequence[Dataset],
    segments: "Sequence[SegmentDescription]",
    source: Dataset,
    new_uid: NewUid,
) -> bytes:
    """The segmentation of `images` as a file, binary, one segment per mask; segments may overlap.

    Parameters
    ----------
    masks
        images × rows × columns × segments, of 0 and 1; or, of segments that do not overlap, images × rows ×
        columns of their numbers, 0 for none. Empty frames are left out.
    images
        Released headers of the images, in the order of the masks.
    segments
        Numbered from 1 in the order of the masks.
    source
        The released annotation: dates and marks of de-identification are its own; patient and study those of
        the images.
    new_uid
        Makes the UIDs of series, object and dimensions from those of the source.
    """
    import highdicom as hd

    with warnings.catch_warnings(), quiet():
        warnings.simplefilter("ignore")
        ds = hd.seg.Segmentation(
            source_images=list(images),
            pixel_array=masks,
            segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
            segment_descriptions=list(segments),
            series_instance_uid=new_uid("segmentation series", source.SeriesInstanceUID),
            series_number=int(source.get("SeriesNumber") or 1),
            sop_instance_uid=new_uid("segmentation", source.SOPInstanceUID),
            instance_number=1,
            manufacturer=NAME,
            manufacturer_model_name=NAME,
            software_versions=version(NAME),
            device_serial_number=NAME,
            content_label="SEGMENTATION",
            content_description="Converted annotation",
            series_description="Segmentation",
        )
        _settle(ds, images[0], source, new_uid)
        buffer = BytesIO()
        dcmwrite(buffer, ds, enforce_file_format=True)
    return buffer.getvalue()


def _first(source: Dataset, image: Dataset, what: str) -> str:
    """The annotation's own date or time, else that of its study, else that of the images' study."""
    found = [source.get(f"{name}{what}") for name in ("StructureSet", "Content", "Study")]
    return next((str(each) for each in (*found, image.get(f"Study{what}")) if each), "")


def _settle(ds: Dataset, image: Dataset, source: Dataset, new_uid: NewUid) -> None:
    """Put the source's dates, study and marks where highdicom has put the clock, chance, and nothing."""
    date, time = (_first(source, image, each) for each in ("Date", "Time"))
    ds.ContentDate = ds.SeriesDate = ds.InstanceCreationDate = date
    ds.ContentTime = ds.SeriesTime = ds.InstanceCreationTime = time
    for name in _OF_IMAGE:
        if image.get(name):
            setattr(ds, name, image[name].value)
    for name in _MARKS:
        if name in source:
            setattr(ds, name, source[name].value)
    for equipment in ds.get("ContributingEquipmentSequence") or ():
        equipment.pop("ContributionDateTime", None)
    dimensions = new_uid("dimensions of a segmentation", source.SOPInstanceUID)
    for item in (*ds.DimensionOrganizationSequence, *ds.DimensionIndexSequence):
        item.DimensionOrganizationUID = dimensions
