"""A second opinion on what was written: pydicom reads it element by element, converting every value.

Which objects deserve it is decided by the caller; `structure` tells it which are built like ones it has read.
"""

from collections.abc import Iterator
from hashlib import sha256
from io import BytesIO
from typing import Any

import pydicom
from pydicom import Dataset
from pydicom.multival import MultiValue

from eucaim_pipelines.dicom.values import items, quiet
from eucaim_pipelines.errors import Refusal


def structure(ds: Dataset, sop_class: str, transfer_syntax: str) -> str:
    """16 hex digits that equal objects share: SOP class, transfer syntax, and (tag, VR) at every depth."""
    return sha256("".join([sop_class, " ", transfer_syntax, *_shape(ds)]).encode()).hexdigest()[:16]


def _shape(ds: Dataset) -> Iterator[str]:
    for tag, entry in sorted(ds._dict.items()):
        element: Any = entry
        yield f" {int(tag):08x}{element.VR or '--'}"
        if element.VR == "SQ":
            for child in items(ds, int(tag)):
                yield "["
                yield from _shape(child)
                yield "]"


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
