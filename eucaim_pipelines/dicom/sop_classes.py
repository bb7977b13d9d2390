"""Which kinds of objects may enter, and what kind each is.

The list is `data_contracts/dicom/sop_classes.csv`; nothing here reads an object.
"""

from functools import cache

from eucaim_pipelines.dicom.tables import rows


def allowed(uid: str) -> bool:
    """Whether objects of this SOP class may be released at all."""
    return uid in _kinds()


def kind(uid: str) -> str | None:
    """image, seg, rtstruct, sr, rwv, parametric_map or ann; None when the class is not allowed."""
    return _kinds().get(uid)


@cache
def _kinds() -> dict[str, str]:
    return {row["uid"]: row["kind"] for row in rows("dicom/sop_classes.csv")}
