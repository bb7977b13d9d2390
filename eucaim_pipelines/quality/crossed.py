"""Findings about what the input cost: counts that need the restricted zone, and arrive here as counts.

Whatever the de-identified tables can tell is a rule of their contracts instead.
"""

from dataclasses import dataclass

from eucaim_pipelines.quality.findings import Dimension, Finding, Level, Severity, finding


@dataclass(frozen=True)
class CrossedCounts:
    """What was counted in the restricted zone, where the identities still were; counts only.

    Attributes
    ----------
    received, quarantined
        Receptions of the ledger.
    studies, studies_without_patient_id
        Imaging studies, and those whose pseudonym comes from the study because PatientID is empty.
    coded_cells, unmapped_cells
        Clinical cells bound to a vocabulary, and those whose value no value map knows.
    clinical_rows, duplicate_keys, removed_rows
        Rows read; rows whose key occurs again in the same file; rows that a newer snapshot left out.
    pooled_patients
        Patients who reach 90 years anywhere; their ages are all given as 90.
    identity_cells
        Clinical cells emptied because they held an identity of their patient.
    ambiguous_patient_ids
        Patient identifiers of clinical rows that images carry under several issuers, so that it is not
        known whose the rows are.
    """

    received: int = 0
    quarantined: int = 0
    studies: int = 0
    studies_without_patient_id: int = 0
    coded_cells: int = 0
    unmapped_cells: int = 0
    clinical_rows: int = 0
    duplicate_keys: int = 0
    removed_rows: int = 0
    pooled_patients: int = 0
    identity_cells: int = 0
    ambiguous_patient_ids: int = 0


_Text = tuple[str, Dimension, Severity, Level, str, str]

_TEXTS: tuple[_Text, ...] = (
    ("empty_patient_ids", "completeness", "warning", "study", "Some studies carry no PatientID.",
     "Complete (0010,0020) at the source and export the studies again."),
    ("ambiguous_patient_ids", "consistency", "warning", "patient",
     "Some patient identifiers occur under two issuers; their clinical rows were not linked.",
     "Deliver one issuer per identifier, or separate the identifiers."),
    ("unmapped_values", "validity", "warning", "clinical",
     "Some local values stand in no value map and were left empty.",
     "Add them to the value map of their column in the source contract; the local report lists them."),
    ("duplicate_keys", "uniqueness", "warning", "clinical", "Some rows of a clinical file repeat a key.",
     "Remove the repeated rows, or name more columns as the key in the source contract."),
    ("removed_rows", "consistency", "warning", "clinical",
     "A newer snapshot left out rows that an older one had.",
     "None if the removal is meant; otherwise deliver the rows again."),
    ("quarantined_files", "accuracy", "warning", "instance", "Some of the files received are held back.",
     "See the reasons in the balance of files; each has its own remedy."),
    ("identity_cells", "validity", "warning", "clinical",
     "Some clinical cells held an identity of their patient.",
     "Keep names and numbers of patients out of these columns; the cells were emptied."),
)  # fmt: skip

CROSSED_CHECKS: tuple[str, ...] = tuple(f"linkage.{text[0]}" for text in _TEXTS)


def crossed_findings(people: int, counts: CrossedCounts) -> list[Finding]:
    """One finding per entry of `CROSSED_CHECKS`, ordered by check.

    Parameters
    ----------
    people
        Patients of the dataset.
    """
    outcomes: dict[str, tuple[int, int, int]] = {
        "empty_patient_ids": (counts.studies, *_twice(counts.studies_without_patient_id)),
        "ambiguous_patient_ids": (people, *_twice(counts.ambiguous_patient_ids)),
        "unmapped_values": (counts.coded_cells, counts.unmapped_cells, 0),
        "duplicate_keys": (counts.clinical_rows, counts.duplicate_keys, 0),
        "removed_rows": (counts.clinical_rows + counts.removed_rows, counts.removed_rows, 0),
        "quarantined_files": (counts.received, counts.quarantined, 0),
        "identity_cells": (max(counts.clinical_rows, counts.identity_cells), counts.identity_cells, 0),
    }
    return sorted(
        (
            finding(
                f"linkage.{name}", table="linkage", dimension=dimension, severity=severity, level=level,
                checked=max(outcomes[name][0], outcomes[name][1]), failed=outcomes[name][1],
                patients=outcomes[name][2], sentence=sentence, remedy=remedy,
            )
            for name, dimension, severity, level, sentence, remedy in _TEXTS
        ),
        key=lambda each: each.check,
    )  # fmt: skip


def _twice(count: int) -> tuple[int, int]:
    return count, count
