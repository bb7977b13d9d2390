"""What is planted in a demo dataset: files, exports, table rows and identities, as plain records.

No bytes are made here and nothing is written: objects.py makes them, packing.py writes them.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Literal

import numpy as np

Kind = Literal["object", "table", "other", "link"]
Pixels = Literal["quarantine", "clean"]
LABEL_MAP = "NIfTI"
"""In place of a modality: the annotation that a label map and its DICOM JSON are together."""
IDENTITY_BYTES = 6  # shorter strings occur by chance in any file, so their absence could not be tested


@dataclass(frozen=True)
class Made:
    """One DICOM object and what the ledger can know about it.

    `version` tells contents of one SOPInstanceUID apart: equal versions are equal bytes after the file meta
    group. `reason` is the code with which the object is refused for its own sake (None: it is acceptable).
    `risky`: its pixels may show text, by what its header says.
    """

    data: bytes
    sop_uid: str
    series_uid: str
    study_uid: str
    patient_id: str
    modality: str
    version: int = 1
    reason: str | None = None
    risky: bool = False


@dataclass(frozen=True)
class Planted:
    """One file of an export; `made` for objects, `spec` (the clinical file's name) for tables, `described_by`
    (path of its JSON in the same export) for label maps."""

    path: str
    data: bytes
    kind: Kind
    made: Made | None = None
    spec: str | None = None
    reason: str | None = None
    described_by: str | None = None


@dataclass
class Export:
    """One delivery: `name` with its suffix (none: a folder), `completed` None when no marker is written."""

    name: str
    completed: datetime | None
    files: list[Planted] = field(default_factory=list)

    def add_object(self, path: str, made: Made) -> None:
        """Plant a DICOM object."""
        self.files.append(Planted(path, made.data, "object", made=made, reason=made.reason))

    def add_label_map(self, path: str, pair: tuple[Made, bytes]) -> None:
        """Plant the DICOM JSON and the NIfTI file of an annotation, beside each other."""
        self.add_object(f"{path}.json", pair[0])
        self.files.append(Planted(f"{path}.nii.gz", pair[1], "object", described_by=f"{path}.json"))

    def add_table(self, path: str, data: bytes, spec: str) -> None:
        """Plant a clinical table that the source contract describes under `spec`."""
        self.files.append(Planted(path, data, "table", spec=spec))

    def add_other(self, path: str, data: bytes, reason: str) -> None:
        """Plant a file that is neither, with the reason of its quarantine."""
        self.files.append(Planted(path, data, "other", reason=reason))

    def add_link(self, path: str, target: str) -> None:
        """Plant a symbolic link to `target`, relative to the link's own folder."""
        self.files.append(Planted(path, target.encode(), "link", reason="LINK"))


@dataclass(frozen=True)
class RowBalance:
    """What becomes of the rows of one clinical file over all exports.

    received = current + replaced + removed + duplicate_keys + refused; `unmapped` counts cells of current
    rows whose value the source contract does not map.
    """

    files: int
    received: int
    current: int
    replaced: int
    removed: int
    duplicate_keys: int
    refused: int
    unmapped: int


@dataclass
class DatasetPlan:
    """One demo dataset: everything that is written and everything that must come of it.

    `pixels` is what the source contract says of images that may show text: held back or cleaned.
    `birth_dates` (YYYYMMDD) are kept apart from `identities`: eight digits occur by chance in UIDs and
    digests, so they can be looked for in dates only.
    """

    dataset_id: str
    tier_reached: int
    exports: list[Export]
    pixels: Pixels = "quarantine"
    rows: dict[str, RowBalance] = field(default_factory=dict)
    table_patients: set[str] = field(default_factory=set)
    pooled_patients: set[str] = field(default_factory=set)
    identities: set[str] = field(default_factory=set)
    birth_dates: set[str] = field(default_factory=set)

    def identify(self, *strings: str | None) -> None:
        """Note identity strings; those too short to be searched for are left out."""
        for string in strings:
            if string and len(string.strip().encode()) >= IDENTITY_BYTES:
                self.identities.add(string.strip())


def monthly_exports() -> list[Export]:
    """Three exports as all demo holders send them: a folder, a zip, a tar, a month apart."""
    zone = timezone(timedelta(hours=1))
    return [
        Export("2026-01", datetime(2026, 1, 15, 3, 12, 44, tzinfo=zone)),
        Export("2026-02.zip", datetime(2026, 2, 12, 3, 9, 10, tzinfo=zone)),
        Export("2026-03.tar", datetime(2026, 3, 12, 3, 15, 31, tzinfo=zone)),
    ]


@dataclass(frozen=True)
class Seeds:
    """Everything that looks random derives from the seed and a label, so that each part stands alone."""

    seed: int
    dataset_id: str

    def digest(self, *label: object) -> bytes:
        """32 bytes for a label."""
        text = "/".join(str(part) for part in (self.seed, self.dataset_id, *label))
        return hashlib.sha256(text.encode()).digest()

    def uid(self, root: str, *label: object) -> str:
        """Return a UID below a vendor's root, at most 64 characters (PS3.5 9.1)."""
        number = str(int.from_bytes(self.digest("uid", *label)[:12], "big"))
        return f"{root}.{number}"[:64]

    def number(self, low: int, high: int, *label: object) -> int:
        """Whole number from low to high, both included."""
        return low + int.from_bytes(self.digest("number", *label)[:8], "big") % (high - low + 1)

    def generator(self, *label: object) -> np.random.Generator:
        """Return a generator of noise for a label."""
        return np.random.default_rng(int.from_bytes(self.digest("noise", *label)[:8], "big"))
