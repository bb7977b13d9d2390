"""A name drawn into pixels, and whether it can still be seen.

Only classes that the rules call risky get one: what a header does not announce nobody looks for.
"""

from typing import Any

import numpy as np
import pydicom
from PIL import Image, ImageDraw, ImageFont
from pydicom import Dataset
from pydicom.uid import ExplicitVRLittleEndian

from eucaim_pipelines_tests.midi_b.people import Person

_SIZE = 22
_SAMPLES = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
Mask = np.ndarray[Any, Any]
"""Which pixels of a frame the name was drawn into."""


def draw(ds: Dataset, person: Person) -> Mask:
    """Write a name and number into the first frame and mark the object as burned-in; returns the mask."""
    if ds.file_meta.TransferSyntaxUID.is_compressed:
        ds.decompress(as_rgb=True, generate_instance_uid=False)
    samples = np.array(ds.pixel_array)
    frame = samples[0] if int(ds.get("NumberOfFrames", 1)) > 1 else samples
    mask = _text(f"Postlethwaite {person.patient_id}", frame.shape[:2])
    top = 2**ds.BitsStored - 1 if not ds.PixelRepresentation else 2 ** (ds.BitsStored - 1) - 1
    frame[mask] = top
    ds.PixelData = samples.tobytes()
    ds["PixelData"].VR = "OW" if ds.BitsAllocated > 8 else "OB"
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.BurnedInAnnotation = "YES"
    return mask


def visible(mask: Mask, before: Dataset, after: Dataset) -> bool:
    """Whether more than a tenth of the drawn pixels still differ from what lies around them as before."""
    if not has_pixels(after):
        return False
    one, two = (np.array(ds.pixel_array).astype(np.int64) for ds in (before, after))
    if int(before.get("NumberOfFrames", 1)) > 1:
        one, two = one[0], two[0]
    return float(np.mean(np.all(np.atleast_3d(one == two), axis=2)[mask])) > 0.1


def same_samples(before: Dataset, after: Dataset) -> bool:
    """Whether the decoded samples are equal, or the native bytes where nothing needs decoding."""
    if not has_pixels(after):
        return False
    if pydicom.uid.UID(before.file_meta.TransferSyntaxUID).is_compressed:
        return np.array_equal(before.pixel_array, after.pixel_array)
    one, two = (next(ds[each].value for each in _SAMPLES if each in ds) for ds in (before, after))
    return bool(one + b"\0" * (len(one) % 2) == two)


def has_pixels(ds: Dataset) -> bool:
    """Whether the object has samples."""
    return any(each in ds for each in _SAMPLES)


def _text(text: str, shape: tuple[int, int]) -> Mask:
    image = Image.new("1", (shape[1], shape[0]))
    ImageDraw.Draw(image).text((4, 4), text, fill=1, font=ImageFont.load_default(_SIZE))
    return np.array(image, dtype=bool)
