"""Content items of structured reports (PS3.3 C.17.3) whose concept decides what becomes of their value.

What becomes of it is said in `replacements`.
"""

from eucaim_pipelines.dicom import values
from eucaim_pipelines.dicom.elements import DataSet

Concept = tuple[str, str]
"""Coding scheme and code value."""

TRACKING_IDENTIFIER: Concept = ("DCM", "112039")
BIRTH: frozenset[Concept] = frozenset(
    {("DCM", "121031"), ("SCT", "184099003"), ("SCT", "21840007"), ("LN", "21112-8")}
)
AGE: frozenset[Concept] = frozenset(
    {("DCM", "121033")}
    | {("LN", code) for code in ("30525-0", "29553-5", "21611-9", "21612-7")}
    | {("SCT", code) for code in ("397669002", "424144002", "445518008")}
)
YEARS_PER_UNIT = {"a": 1.0, "mo": 1 / 12, "wk": 7 / 365.25, "d": 1 / 365.25}
"""By UCUM unit."""


def concept(ds: DataSet) -> Concept | None:
    """Scheme and value of a content item's concept name."""
    for item in values.items(ds, 0x0040A043):
        scheme, value = values.text(item, 0x00080102), values.text(item, 0x00080100)
        if scheme and value:
            return scheme, value
    return None
