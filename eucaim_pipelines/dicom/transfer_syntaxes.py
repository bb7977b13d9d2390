"""Which transfer syntaxes may enter, how their data sets are encoded and what their pixel streams are.

Encodings only: the streams themselves are read in `pixel_streams`.
"""

from functools import cache
from typing import NamedTuple

from eucaim_pipelines.dicom.tables import rows

DEFLATED = "1.2.840.10008.1.2.1.99"


class Encoding(NamedTuple):
    """How a data set is encoded (PS3.5 §10 and Annex A)."""

    implicit_vr: bool
    little_endian: bool


def encoding(uid: str) -> Encoding | None:
    """Encoding of the data set under a transfer syntax; None when it is not one of the Standard's."""
    if not uid.startswith("1.2.840.10008.1.2"):
        return None
    return Encoding(implicit_vr=uid == "1.2.840.10008.1.2", little_endian=uid != "1.2.840.10008.1.2.2")


def stream(uid: str) -> str | None:
    """Pixel stream of an allowed syntax: native, rle, jpeg, jpegls or jpeg2000; None when not allowed."""
    return _streams().get(uid)


@cache
def _streams() -> dict[str, str]:
    return {row["uid"]: row["stream"] for row in rows("dicom/transfer_syntaxes.csv")}
