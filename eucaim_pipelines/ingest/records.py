"""What the ledger holds, as plain records: a reading, a reception, an object that was made.

How they are stored is said in `ledger`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eucaim_pipelines.ingest.exports import Entry


@dataclass(frozen=True)
class Reading:
    """What reading one file told: hashes, kind and, for DICOM, its header row; `refusal` if it is refused."""

    entry: Entry
    sha256: str | None = None
    content: str | None = None
    clinical_file: str | None = None
    refusal: str | None = None
    header: Mapping[str, Any] | None = None
    described_by: str | None = None


@dataclass(frozen=True)
class Reception:
    """One received file: (export, path) and what is known of it. `order` ranks it among all receptions.

    `described_by` is set for a NIfTI label map: path of its DICOM JSON in the same export. The JSON stands
    for both; the label map has its disposition.
    """

    id: int
    export: str
    path: str
    order: tuple[str, str, str]
    bytes: int
    sha256: str | None
    content: str | None
    clinical_file: str | None
    refusal: str | None
    sop_instance_uid: str | None
    series_instance_uid: str | None
    study_instance_uid: str | None
    patient_id: str | None
    issuer: str | None
    disposition: str | None
    reason: str | None
    object_key: str | None
    object_refusal: str | None
    described_by: str | None = None


@dataclass(frozen=True)
class MadeObject:
    """What de-identification made of one input: a key in the store, or a refusal.

    `unknown_terms` are keyword and term as received; they stay in the restricted zone. `residuals` is how
    many identities the verifier found in it; None if it has not looked.
    """

    sha256: str
    subject: str
    refusal: str | None = None
    key: str | None = None
    bytes: int | None = None
    object_sha256: str | None = None
    row: Mapping[str, Any] | None = None
    actions: tuple[tuple[str, str, str, int], ...] = ()
    structure: str | None = None
    unknown_terms: tuple[tuple[str, str], ...] = ()
    residuals: int | None = None
