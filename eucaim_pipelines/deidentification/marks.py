"""What is written on a released object about itself: pseudonym, age, and what was done to it (PS3.15 E.1.1).

Nothing here looks at what the profile keeps; that is the walker's matter.
"""

from typing import NamedTuple

from pydicom import Dataset

from eucaim_pipelines.deidentification.dates import DatePolicy
from eucaim_pipelines.dicom import writing
from eucaim_pipelines.dicom.transfer_syntaxes import Encoding


class Option(NamedTuple):
    """A code of PS3.16 CID 7050."""

    value: str
    meaning: str


PROFILE = Option("113100", "Basic Application Confidentiality Profile")
DESCRIPTORS = Option("113105", "Clean Descriptors Option")
MODIFIED_DATES = Option("113107", "Retain Longitudinal Temporal Information Modified Dates Option")
CHARACTERISTICS = Option("113108", "Retain Patient Characteristics Option")
STRUCTURED = Option("113104", "Clean Structured Content Option")
OPTIONS = (PROFILE, DESCRIPTORS, MODIFIED_DATES, CHARACTERISTICS, STRUCTURED)
TEMPORAL = {"shift": "MODIFIED", "day_one": "MODIFIED", "remove": "REMOVED"}
"""LongitudinalTemporalInformationModified (0028,0303) of each policy."""


def options(policy: DatePolicy, *, structured: bool) -> list[Option]:
    """Options that were used for an object, by code: modified dates only where dates were retained."""
    used = [PROFILE, DESCRIPTORS, CHARACTERISTICS]
    used += [MODIFIED_DATES] if policy != "remove" else []
    used += [STRUCTURED] if structured else []
    return sorted(used)


def mark(out: Dataset, method: str, policy: DatePolicy, encoding: Encoding, *, structured: bool) -> None:
    """Say what was done to this object and nothing else."""
    put(out, 0x00080005, "CS", "ISO_IR 192", encoding)
    put(out, 0x00120062, "CS", "YES", encoding)
    put(out, 0x00120063, "LO", method, encoding)
    put(out, 0x00280303, "CS", TEMPORAL[policy], encoding)
    items = []
    for option in options(policy, structured=structured):
        item = Dataset()
        put(item, 0x00080100, "SH", option.value, encoding)
        put(item, 0x00080102, "SH", "DCM", encoding)
        put(item, 0x00080104, "LO", option.meaning, encoding)
        items.append(item)
    element = writing.sequence(0x00120064, items)
    out._dict[element.tag] = element


def put(ds: Dataset, tag: int, vr: str, text: str, encoding: Encoding) -> None:
    """Write one element of plain text, in place of what stands there."""
    element = writing.element(tag, vr, text.encode(), encoding)
    ds._dict[element.tag] = element
