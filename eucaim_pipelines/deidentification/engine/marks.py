"""What is written on a released object about itself: what was done to it (PS3.15 E.1.1), and nothing else.

Nothing here looks at what the profile keeps; that is the walker's matter.
"""

from functools import lru_cache
from typing import NamedTuple

from eucaim_pipelines.deidentification.engine.walker import put
from eucaim_pipelines.deidentification.options import DatePolicy, Options
from eucaim_pipelines.dicom import writing
from eucaim_pipelines.dicom.elements import DataSet
from eucaim_pipelines.dicom.transfer_syntaxes import Encoding


class Option(NamedTuple):
    """A code of PS3.16 CID 7050."""

    value: str
    meaning: str


PROFILE = Option("113100", "Basic Application Confidentiality Profile")
PIXELS = Option("113101", "Clean Pixel Data Option")
STRUCTURED = Option("113104", "Clean Structured Content Option")
DESCRIPTORS = Option("113105", "Clean Descriptors Option")
MODIFIED_DATES = Option("113107", "Retain Longitudinal Temporal Information Modified Dates Option")
CHARACTERISTICS = Option("113108", "Retain Patient Characteristics Option")
SAFE_PRIVATE = Option("113111", "Retain Safe Private Option")
OPTIONS = (PROFILE, PIXELS, STRUCTURED, DESCRIPTORS, MODIFIED_DATES, CHARACTERISTICS, SAFE_PRIVATE)
TEMPORAL: dict[DatePolicy, str] = {"shift": "MODIFIED", "day_one": "MODIFIED", "remove": "REMOVED"}
"""LongitudinalTemporalInformationModified (0028,0303) of each policy."""


class Done(NamedTuple):
    """What was done to one object besides what is done to every one.

    Attributes
    ----------
    structured
        Its content tree was cleaned.
    private
        Private numbers were kept.
    cleaned
        Its pixels were cleaned.
    """

    structured: bool
    private: bool
    cleaned: bool


def options(chosen: Options, done: Done) -> tuple[Option, ...]:
    """Options that were used for an object, by code: modified dates only where dates were retained."""
    used = {
        PROFILE: True,
        PIXELS: done.cleaned,
        STRUCTURED: done.structured,
        DESCRIPTORS: chosen.descriptors,
        MODIFIED_DATES: chosen.dates != "remove",
        CHARACTERISTICS: chosen.patient_characteristics,
        SAFE_PRIVATE: done.private,
    }
    return tuple(sorted(option for option, was_used in used.items() if was_used))


def mark(out: DataSet, encoded: dict[int, bytes], method: str, chosen: Options, done: Done) -> None:
    """Say what was done to this object and nothing else."""
    put(out, encoded, 0x00080005, "CS", "ISO_IR 192")
    put(out, encoded, 0x00120062, "CS", "YES")
    put(out, encoded, 0x00120063, "LO", method)
    put(out, encoded, 0x00280303, "CS", TEMPORAL[chosen.dates])
    if done.cleaned:
        put(out, encoded, 0x00280301, "CS", "NO")
    used = options(chosen, done)
    items, encoded[0x00120064] = _codes(used, out.encoding, out.transfer_syntax)
    out.elements[0x00120064] = ("SQ", items)


@lru_cache(64)
def _codes(used: tuple[Option, ...], encoding: Encoding, transfer_syntax: str) -> tuple[list[DataSet], bytes]:
    items, bodies = [], []
    for option in used:
        item, encoded = DataSet(encoding, transfer_syntax), dict[int, bytes]()
        put(item, encoded, 0x00080100, "SH", option.value)
        put(item, encoded, 0x00080102, "SH", "DCM")
        put(item, encoded, 0x00080104, "LO", option.meaning)
        items.append(item)
        bodies.append(b"".join(encoded.values()))
    return items, writing.sequence(0x00120064, bodies, encoding)
