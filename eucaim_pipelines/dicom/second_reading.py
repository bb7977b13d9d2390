"""A second opinion on what was written: pydicom reads it element by element, converting every value.

Which objects deserve it is decided by the caller; `structure` tells it which are built like ones it has read.
"""

from functools import lru_cache
from hashlib import sha256
from io import BytesIO
from typing import Any

import pydicom
from pydicom.multival import MultiValue

from eucaim_pipelines.dicom.elements import DataSet
from eucaim_pipelines.dicom.values import quiet
from eucaim_pipelines.errors import Refusal


def structure(ds: DataSet, sop_class: str) -> str:
    """16 hex digits that equal objects share: SOP class, transfer syntax, and (tag, VR) at every depth."""
    return _digest((sop_class, ds.transfer_syntax, _shape(ds)))


def _shape(ds: DataSet) -> tuple[Any, ...]:
    """Tags, VRs, and for each sequence the distinct shapes of its items."""
    inner = [
        tuple(dict.fromkeys(map(_shape, value)))
        for _, value in ds.elements.values()
        if isinstance(value, list)
    ]
    return tuple(ds.elements), tuple([vr for vr, _ in ds.elements.values()]), tuple(inner)


@lru_cache(1000)
def _digest(shape: tuple[Any, ...]) -> str:
    return sha256(repr(shape).encode()).hexdigest()[:16]


def read_every_element(data: bytes) -> None:
    """Let pydicom read and convert every element of a file, at every depth, pixel samples as bytes.

    Raises
    ------
    Refusal
        `OUTPUT_UNREADABLE` when it cannot, or when a number is none.
    """
    try:
        with quiet():
            ds = pydicom.dcmread(BytesIO(data))
            for element in (*ds.file_meta, *ds.iterall()):
                value = element.value  # converted here
                numbers = value if isinstance(value, MultiValue) else [value]
                if element.VR in ("DS", "IS") and any(
                    isinstance(number, str) and number for number in numbers
                ):
                    raise Refusal("OUTPUT_UNREADABLE")  # pydicom leaves as text what is no number
    except Exception:  # noqa: BLE001 - whatever pydicom raises quotes values
        raise Refusal("OUTPUT_UNREADABLE") from None
