"""Whether somebody's face could be rebuilt from an image: head, neck and whole body in CT, MR and PET.

The words are in `data_contracts/dicom/faces.csv`. What is done about a face is no concern of this module.
"""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

from eucaim_pipelines.dicom import sop_classes
from eucaim_pipelines.dicom.tables import rows

_VOLUMES = frozenset({"CT", "MR", "PT"})
_TEXTS = ("BodyPartExamined", "StudyDescription", "SeriesDescription", "ProtocolName")
_POSITION = re.compile(r"\bHEAD[ _-]?(FIRST|IN)\b")
"""Head first, head in: how the patient lies, not what is shown."""


def recognizable_face(row: Mapping[str, Any]) -> bool:
    """Whether an image may show a face that somebody could recognise (PS3.15 E.3.2).

    Rather too often than too seldom: a word of the table in any description suffices, whatever
    BodyPartExamined says, because scanners fill that by protocol.

    Parameters
    ----------
    row
        Header row, values as received.
    """
    if row["Modality"] not in _VOLUMES or sop_classes.kind(row["SOPClassUID"] or "") != "image":
        return False
    return _speak_of_a_face(*(row[name] or "" for name in _TEXTS))


@lru_cache(1000)
def _speak_of_a_face(*texts: str) -> bool:
    part, *descriptions = map(_folded, texts)
    if any(word in part for word in _words("part")):
        return True
    pattern = _anywhere()
    return any(pattern.search(_POSITION.sub(" ", text)) for text in (part, *descriptions))


def _folded(value: str) -> str:
    """Capitals without accents; underscores are spaces."""
    letters = unicodedata.normalize("NFKD", value)
    return "".join(c for c in letters if not unicodedata.combining(c)).upper().replace("_", " ")


@cache
def _words(where: str) -> tuple[str, ...]:
    return tuple(row["word"] for row in rows("dicom/faces.csv") if row["where"] == where)


@cache
def _anywhere() -> re.Pattern[str]:
    """Any of the table's words; one that ends with `*` may go on."""
    found = []
    for word in _words("any"):
        end = "" if word.endswith("*") else r"\b"
        found.append(rf"\b{re.escape(_folded(word.rstrip('*')))}{end}")
    return re.compile("|".join(found))
