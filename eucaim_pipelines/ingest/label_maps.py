"""Label maps in NIfTI, each with its DICOM JSON beside it: which files are a pair, and what it holds.

How the two become one DICOM object is said in `dicom.label_maps`.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable

from eucaim_pipelines.dicom import nifti
from eucaim_pipelines.dicom.examination import examine
from eucaim_pipelines.dicom.inventory import pixel_digest, pixels
from eucaim_pipelines.dicom.label_maps import LabelMapObject, is_dicom_json, join
from eucaim_pipelines.errors import Refusal
from eucaim_pipelines.ingest.exports import Entry, OpenExport
from eucaim_pipelines.ingest.records import Reading, Reception

_LABEL_MAP, _JSON = (".nii.gz", ".nii"), (".json",)


def pairs(entries: Iterable[Entry]) -> dict[str, str]:
    """Path of each DICOM JSON to that of the one label map that has its name, in the same folder.

    Two label maps of one name belong to no JSON: which one is meant would be guessed.
    """
    found: dict[str, dict[bool, list[str]]] = defaultdict(lambda: {True: [], False: []})
    for entry in entries:
        for suffix in (*_LABEL_MAP, *_JSON):
            if entry.refusal is None and entry.path.lower().endswith(suffix):
                found[entry.path[: -len(suffix)]][suffix in _JSON].append(entry.path)
                break
    whole = [both for both in found.values() if all(len(paths) == 1 for paths in both.values())]
    return {both[True][0]: both[False][0] for both in whole}


def half(data: bytes) -> str | None:
    """Why a file that is no DICOM file is refused where it is one half of a pair; None where it is none."""
    if nifti.recognised(data):
        return "LABEL_MAP_WITHOUT_JSON"
    return "JSON_WITHOUT_LABEL_MAP" if is_dicom_json(data) else None


def reading(opened: OpenExport, entry: Entry, described: bytes, label_map: str, limit: int) -> Reading:
    """What a pair holds, as the reading of its JSON, of which the bytes are given."""
    sha256 = hashlib.sha256(described).hexdigest()
    try:
        joined = join(opened.read(label_map, limit), described, limit)
    except Refusal as refusal:
        return Reading(entry, sha256, refusal=refusal.reason)
    try:
        header, ds = examine(joined.data)
    except Refusal as refusal:
        return Reading(entry, sha256, joined.content, refusal=refusal.reason, header=refusal.header)
    header["pixel_digest"] = pixel_digest(pixels(ds), ds.transfer_syntax)
    return Reading(entry, sha256, joined.content, header=header)


def again(
    opened: OpenExport, described: Reception, label_map: Reception, limit: int
) -> LabelMapObject | None:
    """A pair that was read before as one object; None when either file is gone or has changed since."""
    try:
        files = [opened.read(each.path, limit) for each in (described, label_map)]
        if [hashlib.sha256(data).hexdigest() for data in files] != [described.sha256, label_map.sha256]:
            return None
        return join(files[1], files[0], limit)
    except (Refusal, KeyError, FileNotFoundError):
        return None
