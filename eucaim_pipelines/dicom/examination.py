"""One call that says whether a file may enter: parsed, and everything refused that the header alone decides.

Decisions that need other files (duplicates, conflicts, two patients in a series) belong to ingest.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from eucaim_pipelines.dicom import pixel_streams, reading, sop_classes, transfer_syntaxes, values
from eucaim_pipelines.dicom.elements import DataSet
from eucaim_pipelines.dicom.inventory import header_row, pixels
from eucaim_pipelines.dicom.values import raw, text
from eucaim_pipelines.errors import Refusal, contained

_WHOLE_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"
_WITH_PIXELS = frozenset({"image", "seg", "parametric_map"})
_UIDS = ("SOPInstanceUID", "SOPClassUID", "StudyInstanceUID", "SeriesInstanceUID")
_UID_CHARACTERS = frozenset("0123456789.")


class Examined(NamedTuple):
    """An object that may enter: its header row and the data set it was read from."""

    row: dict[str, Any]
    ds: DataSet


def examine(data: bytes) -> Examined:
    """Parse a file and refuse what cannot be released whatever the rest of the dataset holds.

    Raises
    ------
    Refusal
        The reasons of `reading.parse`; then, with the header row, `MISSING_UID`, `SOP_CLASS_NOT_ALLOWED`,
        `MISSING_MODALITY`, `TRUNCATED` (an image without pixels), `TRANSFER_SYNTAX_NOT_ALLOWED`,
        `SPECIMEN_LABEL`, `OVERLAY_IN_PIXELS`, `PIXEL_STREAM_MARKER`, `MALFORMED` (its pixel stream). What
        the pixels may show is said in the row (`risk`); whether they may leave, where they leave.
    """
    with contained():
        ds = reading.parse(data)
        row = header_row(ds)
        reason = _reason(ds, row)
        if reason is not None:
            raise Refusal(reason, header=row)
        return Examined(row, ds)


def _reason(ds: DataSet, row: dict[str, Any]) -> str | None:
    uids = [row[name] for name in _UIDS]
    if not all(uid and len(uid) <= 64 and _UID_CHARACTERS.issuperset(uid) for uid in uids):
        return "MISSING_UID"
    if not sop_classes.allowed(row["SOPClassUID"]):
        return "SOP_CLASS_NOT_ALLOWED"
    if not row["Modality"]:
        return "MISSING_MODALITY"
    if pixels(ds) is None and sop_classes.kind(row["SOPClassUID"]) in _WITH_PIXELS:
        return "TRUNCATED"
    stream = transfer_syntaxes.stream(row["TransferSyntaxUID"] or "")
    if stream is None:
        return "TRANSFER_SYNTAX_NOT_ALLOWED"
    if _shows_label(ds, row):
        return "SPECIMEN_LABEL"
    if _overlay_in_pixels(ds):
        return "OVERLAY_IN_PIXELS"
    return _stream_reason(ds, stream)


def _shows_label(ds: DataSet, row: dict[str, Any]) -> bool:
    if (text(ds, 0x00480010) or "NO").upper() != "NO":
        return True
    if row["SOPClassUID"] != _WHOLE_SLIDE:
        return False
    types = [*(row["ImageType"] or ()), *_frame_types(ds)]
    return any(part.strip().upper() in ("LABEL", "OVERVIEW") for part in types)


def _frame_types(ds: DataSet) -> Iterator[str]:
    """Terms of Frame Type at any depth."""
    yield from (text(ds, 0x00089007) or "").split("\\")
    for _, items in values.sequences(ds):
        for item in items:
            yield from _frame_types(item)


def _overlay_in_pixels(ds: DataSet) -> bool:
    """Whether unused bits of the samples hold an overlay (retired, PS3.3-2004 C.9.2), which may show text."""
    groups = {tag & 0xFFFF0000 for tag in ds.elements if 0x60000000 <= tag < 0x60200000}
    return any(
        any(values.numbers(ds, group | 0x0102) or ()) or (values.numbers(ds, group | 0x0100) or [1])[0] > 1
        for group in groups
    )


def _stream_reason(ds: DataSet, stream: str) -> str | None:
    pixels = raw(ds, 0x7FE00010)
    if stream == "native" or pixels is None:
        return None
    try:
        pixel_streams.check(pixels, stream)
    except Refusal as refusal:
        return refusal.reason
    return None
