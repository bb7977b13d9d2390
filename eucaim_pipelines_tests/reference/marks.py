"""What is written on a released object about itself: pseudonym, age, and what was done to it (PS3.15 E.1.1).

Nothing here looks at what the profile keeps; that is the walker's matter.
"""

from pydicom import Dataset

from eucaim_pipelines.deidentification.options import Options
from eucaim_pipelines.dicom.transfer_syntaxes import Encoding
from eucaim_pipelines_tests.reference import writing

TEMPORAL = {"shift": "MODIFIED", "day_one": "MODIFIED", "remove": "REMOVED"}
"""LongitudinalTemporalInformationModified (0028,0303) of each policy."""


def options(chosen: Options, *, structured: bool, private: bool) -> list[tuple[str, str]]:
    """Codes and meanings (PS3.16 CID 7050) of what was done."""
    used = [("113100", "Basic Application Confidentiality Profile")]
    if structured:
        used.append(("113104", "Clean Structured Content Option"))
    if chosen.descriptors:
        used.append(("113105", "Clean Descriptors Option"))
    if chosen.dates != "remove":
        used.append(("113107", "Retain Longitudinal Temporal Information Modified Dates Option"))
    if chosen.patient_characteristics:
        used.append(("113108", "Retain Patient Characteristics Option"))
    if private:
        used.append(("113111", "Retain Safe Private Option"))
    return used


def mark(
    out: Dataset, method: str, chosen: Options, encoding: Encoding, *, structured: bool, private: bool
) -> None:
    """Say what was done to this object and nothing else."""
    put(out, 0x00080005, "CS", "ISO_IR 192", encoding)
    put(out, 0x00120062, "CS", "YES", encoding)
    put(out, 0x00120063, "LO", method, encoding)
    put(out, 0x00280303, "CS", TEMPORAL[chosen.dates], encoding)
    items = []
    for code, meaning in options(chosen, structured=structured, private=private):
        item = Dataset()
        put(item, 0x00080100, "SH", code, encoding)
        put(item, 0x00080102, "SH", "DCM", encoding)
        put(item, 0x00080104, "LO", meaning, encoding)
        items.append(item)
    element = writing.sequence(0x00120064, items)
    out._dict[element.tag] = element


def put(ds: Dataset, tag: int, vr: str, text: str, encoding: Encoding) -> None:
    """Write one element of plain text, in place of what stands there."""
    element = writing.element(tag, vr, text.encode(), encoding)
    ds._dict[element.tag] = element
