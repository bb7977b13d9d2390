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
    clinical_files, clinical_files_empty
        Clinical files of the source contract, and those of which no row counts now.
    formed_columns, unreadable_columns
        Clinical columns of dates, numbers and the like with cells; those in which at least 90 % of the cells
        with a value could not be read.
    link_rows, link_rows_without_study, link_rows_of_another_patient
        Rows of the link file; those that name a study which was not received; those that name a study which
        the images give to another patient.
    studies_with_timepoint, timepoints_out_of_order
        Studies with a timepoint; those whose number is below 1, or not above that of an earlier day.
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
    clinical_files: int = 0
    clinical_files_empty: int = 0
    formed_columns: int = 0
    unreadable_columns: int = 0
    link_rows: int = 0
    link_rows_without_study: int = 0
    link_rows_of_another_patient: int = 0
    studies_with_timepoint: int = 0
    timepoints_out_of_order: int = 0


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
    ("columns_unreadable", "validity", "error", "clinical",
     "Nearly all cells of some columns are not in the form that the source contract names.",
     "See the vocabulary section of the local report for the columns; correct their format, decimal or unit "
     "in the source contract."),
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
    ("clinical_files_empty", "completeness", "warning", "clinical",
     "Some clinical files that the source contract describes bring no row.",
     "Deliver them with their rows, or take them out of the source contract."),
    ("link_rows_without_study", "integrity", "warning", "study",
     "Some rows of the link file name a study that was not received.",
     "Export these studies, or take their rows out of the link file."),
    ("link_rows_of_another_patient", "consistency", "warning", "study",
     "Some rows of the link file name a study that the images give to another patient.",
     "Correct the patient identifier in the link file, or in the images and export them again."),
    ("timepoints_out_of_order", "consistency", "warning", "study",
     "The timepoints of some imaging studies do not ascend with their dates, from 1.",
     "Number the imaging studies of each patient from 1 by date in the link file."),
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
        "columns_unreadable": (counts.formed_columns, counts.unreadable_columns, 0),
        "duplicate_keys": (counts.clinical_rows, counts.duplicate_keys, 0),
        "removed_rows": (counts.clinical_rows + counts.removed_rows, counts.removed_rows, 0),
        "quarantined_files": (counts.received, counts.quarantined, 0),
        "identity_cells": (max(counts.clinical_rows, counts.identity_cells), counts.identity_cells, 0),
        "clinical_files_empty": (counts.clinical_files, counts.clinical_files_empty, 0),
        "link_rows_without_study": (counts.link_rows, counts.link_rows_without_study, 0),
        "link_rows_of_another_patient": (counts.link_rows, counts.link_rows_of_another_patient, 0),
        "timepoints_out_of_order": (counts.studies_with_timepoint, counts.timepoints_out_of_order, 0),
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
