"""The place where a site plugs in its defacing tool; none comes with this project.

Which images show a face is said in `dicom.faces`. That an image was defaced (113102) is never claimed here.
"""

from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Protocol

from eucaim_pipelines.dicom.examination import examine
from eucaim_pipelines.errors import Refusal

GROUP, NAME = "eucaim_pipelines.pixel_rules", "recognizable_face"
"""Entry point of the tool, as an installed package declares it."""
_SAME = ("SOPInstanceUID", "SOPClassUID", "SeriesInstanceUID", "StudyInstanceUID", "PatientID")


class PixelRule(Protocol):
    """A site's own tool."""

    version: str
    """Objects are made anew when it changes."""

    def clean(self, data: bytes, row: Mapping[str, Any]) -> bytes:
        """The same DICOM file with another picture; raise anything to hold the object back."""


def deface(data: bytes, row: Mapping[str, Any], rule: PixelRule | None) -> bytes:
    """What `rule` makes of an image that shows a face; every other file, and all without a rule, as it is.

    Raises
    ------
    Refusal
        `PIXEL_RULE_FAILED`, whatever the tool raises, or if what it gives back is not the same object.
    """
    if rule is None or not row["recognizable_face"]:
        return data
    try:
        cleaned = rule.clean(data, row)
        same = all(examine(cleaned).row[name] == row[name] for name in _SAME)
    except Exception:  # noqa: BLE001 - another's tool may quote what it has read
        same = False
    if not same:
        raise Refusal("PIXEL_RULE_FAILED", header=row) from None
    return cleaned


def digest(rule: PixelRule | None) -> str:
    """Names the tool, so that objects are made anew under another one; empty without one."""
    return f"{type(rule).__module__}.{type(rule).__qualname__} {rule.version}" if rule else ""


@cache
def plugged_in() -> PixelRule | None:
    """The site's defacing tool: what the entry point `recognizable_face` makes; None if there is none."""
    found = entry_points(group=GROUP, name=NAME)
    return next((point.load()() for point in found), None)
