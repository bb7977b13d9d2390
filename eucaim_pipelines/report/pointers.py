"""From the entries that checks found to what must be mended: lines of clinical files, SHA-256 of images.

Restricted zone only. Entries name rows of the common data model; what a row was made from is looked up here.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from eucaim_pipelines.report.content import Pointer, Pointers

MOST, MOST_PER_CHECK, LEAST_PER_CHECK = 1500, 200, 5
"""Entries that a report names in all and of one check, so that it stays under 1 MB; the rest is counted."""
RECORDS = pa.schema(
    [
        ("patient_id", pa.string()),
        ("record_id", pa.string()),
        ("file", pa.string()),
        ("export", pa.string()),
        ("line", pa.int64()),
    ]
)
_FEW = 3
_LEVELS = ("SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID", "PatientID")
INSTANCES = [*_LEVELS, "object_key"]
"""Columns of the header inventory by which files are found."""
_UID = re.compile(r"\d+(?:\.\d+)+")
_RECORD = re.compile(r"[0-9a-f]{16}")
_DIGITS = 16
"""First digits of a SHA-256 that are printed; `eucaim explain` asks for 8."""


@dataclass(frozen=True)
class Origins:
    """What the rows of a release were made from.

    Attributes
    ----------
    records
        `RECORDS`: of every record the name of its file in the source contract, export and line.
    instances
        De-identified header inventory, `INSTANCES` of it.
    sources
        Object key to the SHA-256 of the file that it was made from.
    """

    records: pa.Table
    instances: pa.Table
    sources: Mapping[str, str]


def resolve(results: pa.Table, origins: Origins) -> dict[str, Pointers]:
    """Check to the first of its entries with their rows and files, and how many entries there are.

    Parameters
    ----------
    results
        check, patient_id and pointer (`quality.checks.RESULTS`): keys of rows, several joined by spaces.
    """
    counts = {each["values"]: each["counts"] for each in results["check"].value_counts().to_pylist()}
    limit = max(LEAST_PER_CHECK, min(MOST_PER_CHECK, MOST // max(1, len(counts))))
    shown = [results.filter(pc.equal(results["check"], check)).slice(0, limit) for check in sorted(counts)]
    entries = [row for table in shown for row in table.to_pylist()]
    found = _Found(origins, entries)
    by_check: dict[str, list[Pointer]] = defaultdict(list)
    for row in entries:
        where = found.where(row["pointer"] or "", row["patient_id"])
        by_check[row["check"]].append(Pointer(row["patient_id"] or "–", where))
    return {check: Pointers(pointers, counts[check]) for check, pointers in by_check.items()}


class _Found:
    """Lines and files of the entries that are shown, and of no others."""

    def __init__(self, origins: Origins, entries: Sequence[Mapping[str, str | None]]) -> None:
        texts = [entry["pointer"] or "" for entry in entries]
        records = {record for text in texts for record in _RECORD.findall(text)}
        people = {entry["patient_id"] or entry["pointer"] or "" for entry in entries}
        self.files = _files({uid for text in texts for uid in _UID.findall(text)} | people, origins)
        table = origins.records
        asked = pc.or_(
            pc.is_in(table["record_id"], pa.array(sorted(records), pa.string())),
            pc.is_in(table["patient_id"], pa.array(sorted(people), pa.string())),
        )
        self.lines: dict[str, str] = {}
        self.of_patient: dict[str, list[str]] = defaultdict(list)
        for row in table.filter(asked).to_pylist():
            line = f"{row['file']}, line {row['line']} of {row['export']}"
            self.lines[row["record_id"]] = line
            self.of_patient[row["patient_id"]].append(line)

    def where(self, pointer: str, patient: str | None) -> str:
        """Rows and files in words; those of the patient where the entry itself was not received."""
        lines = [self.lines[record] for record in _RECORD.findall(pointer) if record in self.lines]
        hashes = min(
            (self.files[uid] for uid in _UID.findall(pointer) if uid in self.files), key=len, default=[]
        )
        if not lines and not hashes:
            lines = self.of_patient.get(patient or pointer, [])
            hashes = [] if lines else self.files.get(patient or pointer, [])
        said = list(_first(lines, "row", "rows", _FEW))
        if hashes:
            said += _first([f"file {sha256[:_DIGITS]}" for sha256 in hashes], "file", "files", 1)
        return "; ".join(said) or "no row and no file of its own"


def _first(texts: Sequence[str], one: str, many: str, few: int) -> Iterator[str]:
    yield from texts[:few]
    rest = len(texts) - few
    if rest > 0:
        yield f"and {rest} more {one if rest == 1 else many}"


def _files(wanted: Collection[str], origins: Origins) -> dict[str, list[str]]:
    """UID of a study, series or instance, or pseudonym, to the files that it was made from."""
    found: dict[str, list[str]] = {}
    for level in _LEVELS:
        at = pc.is_in(origins.instances[level], pa.array(sorted(wanted), pa.string()))
        named = origins.instances.filter(at).select([level, "object_key"])
        for uid, key in zip(*(column.to_pylist() for column in named.columns), strict=True):
            if key in origins.sources:
                found.setdefault(uid, []).append(origins.sources[key])
    return found
