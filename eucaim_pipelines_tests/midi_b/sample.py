"""The real objects that identities are put into: of every series the first and last, and every rare kind.

Read in place; which person an object gets follows from its study.
"""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pydicom
from pydicom import Dataset
from pydicom.uid import UID

from eucaim_pipelines.dicom import sop_classes
from eucaim_pipelines.dicom.examination import examine
from eucaim_pipelines.dicom.values import quiet
from eucaim_pipelines.errors import Refusal
from eucaim_pipelines_tests.deidentification.real.corpus import files

_FROM_EACH_END = 4
_WIDE_ENOUGH = 256
"""Columns that a drawn name needs."""
_DRAWABLE = frozenset({"MONOCHROME1", "MONOCHROME2", "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT"})
_IMAGES = frozenset({"CT", "MR", "CR", "DX", "MG", "US"})
SHARED = Path(__file__).resolve().parents[2].parent / "shared"


def sample(shared: Path) -> Iterator[tuple[int, Dataset]]:
    """Number of the study and a real object of it that may enter; first and last of each series."""
    series: dict[str, list[tuple[str, bytes]]] = {}
    for _, path in files(shared):
        data = path.read_bytes()
        try:
            row = examine(data).row
        except Refusal:
            continue
        if row["risk"] is None:
            name = row["SOPInstanceUID"] if sop_classes.kind(row["SOPClassUID"]) != "image" else ""
            series.setdefault(row["SeriesInstanceUID"] + name, []).append((row["StudyInstanceUID"], data))
    studies: dict[str, int] = {}
    for members in series.values():
        chosen = dict.fromkeys((*members[:_FROM_EACH_END], *members[-_FROM_EACH_END:]))
        for study, data in chosen:
            yield studies.setdefault(study, len(studies)), read(data)


def risky(shared: Path) -> Iterator[tuple[int, Dataset]]:
    """Number of a person and an object of a risky kind, or the first of a series, to be marked as one."""
    seen: set[str] = set()
    for _, path in files(shared):
        data = path.read_bytes()
        try:
            row = examine(data).row
        except Refusal:
            continue
        wide = (row["Columns"] or 0) >= _WIDE_ENOUGH and row["PhotometricInterpretation"] in _DRAWABLE
        native = not UID(row["TransferSyntaxUID"]).is_compressed
        first = native and row["SeriesInstanceUID"] not in seen
        if wide and row["Modality"] in _IMAGES and (row["risk"] or first):
            seen.add(row["SeriesInstanceUID"])
            yield len(seen), read(data)


def read(data: bytes) -> Dataset:
    """An object whose texts are decoded, so that its character set can be changed."""
    with quiet():
        ds = pydicom.dcmread(BytesIO(data))
        ds.decode()
        ds.remove_private_tags()
    return ds


def written(ds: Dataset) -> bytes:
    """The object as a file in the transfer syntax it came in."""
    out = BytesIO()
    with quiet():
        ds.save_as(out)
    return out.getvalue()
