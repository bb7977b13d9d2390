"""Whether an image may show text that identifies somebody, by what its raw header says.

What is done about it is no concern of this module.
"""

from functools import cache

from eucaim_pipelines.dicom.elements import DataSet
from eucaim_pipelines.dicom.tables import rows
from eucaim_pipelines.dicom.values import text

RISK = "BURNED_IN_RISK"


def risk(ds: DataSet) -> str | None:
    """`BURNED_IN_RISK` when the header says that the pixels may show text, or None.

    BurnedInAnnotation is absent in nearly all real files, so the kind of object counts: by Modality or by SOP
    Class UID, whichever says more, and whatever the case of the letters.
    """
    burned_in = text(ds, 0x00280301)
    kinds = {*_terms(ds, 0x00080060), _modalities().get(text(ds, 0x00080016) or "", "")}
    image_type = _terms(ds, 0x00080008)
    risky = (
        (burned_in is not None and burned_in != "NO")
        or any(kind in ("US", "IVUS") for kind in kinds)
        or (not kinds.isdisjoint({"XA", "RF"}) and burned_in != "NO")
        or 0x00080064 in ds
        or any("SCREEN SAVE" in term.replace("_", " ") for term in image_type)
        or (not kinds.isdisjoint({"MG", "DX", "CR"}) and image_type[:2] == ["DERIVED", "SECONDARY"])
    )
    return RISK if risky else None


def _terms(ds: DataSet, tag: int) -> list[str]:
    return [part.strip().upper() for part in (text(ds, tag) or "").split("\\")]


@cache
def _modalities() -> dict[str, str]:
    """Modality of the allowed SOP classes that have one, by UID."""
    return {row["uid"]: row["modality"] for row in rows("dicom/sop_classes.csv")}
