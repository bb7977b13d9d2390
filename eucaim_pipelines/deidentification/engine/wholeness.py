"""Whether a released object is still one: what it is nothing without must not be lost.

What may stay is the profile's matter.
"""

from collections.abc import Mapping
from typing import Any

from eucaim_pipelines.dicom import values
from eucaim_pipelines.dicom.elements import PIXEL_ELEMENTS, DataSet
from eucaim_pipelines.errors import Refusal

_PHOTOMETRIC = 0x00280004
_NEEDED = (
    *(0x00080016, 0x00080018, 0x0020000D, 0x0020000E, 0x00080060),
    *(0x00280002, _PHOTOMETRIC, 0x00280006, 0x00280008, 0x00280010, 0x00280011),
    *(0x00280100, 0x00280101, 0x00280102, 0x00280103, *PIXEL_ELEMENTS),
)
"""UIDs, modality, Image Pixel module (PS3.3 C.7.6.3) and frames."""


def check_whole(ds: DataSet, out: DataSet, row: Mapping[str, Any]) -> None:
    """Refuse an object of which the profile could not keep what it is nothing without.

    Raises
    ------
    Refusal
        `MALFORMED`: an identifier, the modality, the samples or what describes them had another VR or number
        of values than its attribute, and was removed.
    """
    for tag in _NEEDED:
        before, after = ds.elements.get(tag), out.elements.get(tag)
        if before is not None and before[1] and (after is None or not after[1]):
            raise Refusal("MALFORMED", header=row)
    if values.text(ds, _PHOTOMETRIC) != values.text(out, _PHOTOMETRIC):
        raise Refusal("MALFORMED", header=row)
