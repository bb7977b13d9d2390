"""Findings about how images and clinical tables belong together, and about what the input cost.

Checks of one table alone lie in `expectations`; counts that need raw identities arrive here as counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from eucaim_pipelines.quality.findings import Dimension, Finding, Severity, finding

CANCER = "COM1001087"
"""Patient with Cancer, of the value set 'population' (hyper-ontology v2.0, CC BY 4.0)."""


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


_Text = tuple[str, Dimension, Severity, str, str]

_TEXTS: tuple[_Text, ...] = (
    ("images_only_patients", "completeness", "warning", "Some imaged patients stand in no clinical table.",
     "Add their rows to the clinical tables; they are released with their images only."),
    ("table_only_patients", "completeness", "warning", "Some patients of the clinical tables have no images.",
     "Export their images, or leave their rows out."),
    ("cancer_without_condition", "completeness", "warning", "Some patients with cancer have no diagnosis.",
     "Deliver diagnosis and date of diagnosis of these patients."),
    ("empty_patient_ids", "completeness", "warning", "Some studies carry no PatientID.",
     "Complete (0010,0020) at the source and export the studies again."),
    ("ambiguous_patient_ids", "consistency", "warning",
     "Some patient identifiers occur under two issuers; their clinical rows were not linked.",
     "Deliver one issuer per identifier, or separate the identifiers."),
    ("series_in_several_studies", "consistency", "warning", "Some series belong to several studies.",
     "Correct the StudyInstanceUID at the source and export the series again."),
    ("dangling_references", "integrity", "warning", "Some objects refer to images that were not received.",
     "Export the images that segmentations, structure sets and reports refer to."),
    ("rtstruct_present", "validity", "warning", "Some annotations are RTSTRUCT; EUCAIM asks for DICOM-SEG.",
     "Convert the structure sets to DICOM-SEG; they are released as they are."),
    ("unmapped_values", "validity", "warning", "Some local values stand in no value map and were left empty.",
     "Add them to the value map of their column in the source contract; the local report lists them."),
    ("duplicate_keys", "uniqueness", "warning", "Some rows of a clinical file repeat a key.",
     "Remove the repeated rows, or name more columns as the key in the source contract."),
    ("removed_rows", "consistency", "warning", "A newer snapshot left out rows that an older one had.",
     "None if the removal is meant; otherwise deliver the rows again."),
    ("quarantined_files", "accuracy", "warning", "Some of the files received are held back.",
     "See the reasons in the balance of files; each has its own remedy."),
    ("pooled_ages", "accuracy", "warning", "Some ages are given as 90 for 90 and older.",
     "None: it protects the oldest patients."),
    ("identity_cells", "validity", "warning", "Some clinical cells held an identity of their patient.",
     "Keep names and numbers of patients out of these columns; the cells were emptied."),
)  # fmt: skip

LINKAGE_CHECKS: tuple[str, ...] = tuple(f"linkage.{text[0]}" for text in _TEXTS)


def linkage_findings(
    patient: pa.Table,
    instances: pa.Table,
    counts: CrossedCounts,
    cancer_condition: pa.Table | None = None,
) -> list[Finding]:
    """One finding per entry of `LINKAGE_CHECKS`, ordered by check.

    Parameters
    ----------
    patient, cancer_condition
        Tables of the common data model; without the latter `cancer_without_condition` is left out.
    instances
        De-identified header inventory, one row per SOP instance.
    """
    people = patient.num_rows
    source = patient["patient_source"]
    images_only = _count(pc.equal(source, "images"))
    table_only = _count(pc.equal(source, "table"))
    outcomes: dict[str, tuple[int, int, int]] = {
        "images_only_patients": (people, images_only, images_only),
        "table_only_patients": (people, table_only, table_only),
        "series_in_several_studies": _series_in_several_studies(instances),
        "dangling_references": _dangling_references(instances),
        "rtstruct_present": _rtstruct(instances),
        "empty_patient_ids": (counts.studies, *_twice(counts.studies_without_patient_id)),
        "ambiguous_patient_ids": (people, *_twice(counts.ambiguous_patient_ids)),
        "unmapped_values": (counts.coded_cells, counts.unmapped_cells, 0),
        "duplicate_keys": (counts.clinical_rows, counts.duplicate_keys, 0),
        "removed_rows": (counts.clinical_rows + counts.removed_rows, counts.removed_rows, 0),
        "quarantined_files": (counts.received, counts.quarantined, 0),
        "pooled_ages": (people, *_twice(counts.pooled_patients)),
        "identity_cells": (max(counts.clinical_rows, counts.identity_cells), counts.identity_cells, 0),
    }
    if cancer_condition is not None:
        outcomes["cancer_without_condition"] = _without_condition(patient, cancer_condition)
    return sorted(_findings(outcomes), key=lambda each: each.check)


def _findings(outcomes: Mapping[str, tuple[int, int, int]]) -> list[Finding]:
    return [
        finding(
            f"linkage.{name}", table="linkage", dimension=dimension, severity=severity,
            checked=max(outcomes[name][0], outcomes[name][1]), failed=outcomes[name][1],
            patients=outcomes[name][2], sentence=sentence, remedy=remedy,
        )
        for name, dimension, severity, sentence, remedy in _TEXTS
        if name in outcomes
    ]  # fmt: skip


def _twice(count: int) -> tuple[int, int]:
    return count, count


def _count(mask: pa.ChunkedArray) -> int:
    return int(pc.sum(mask).as_py() or 0)


def _people(instances: pa.Table) -> int:
    return int(pc.count_distinct(instances["PatientID"]).as_py())


def _series_in_several_studies(instances: pa.Table) -> tuple[int, int, int]:
    studies = instances.group_by("SeriesInstanceUID").aggregate([("StudyInstanceUID", "count_distinct")])
    several = studies.filter(pc.greater(studies["StudyInstanceUID_count_distinct"], 1))
    at_fault = pc.is_in(instances["SeriesInstanceUID"], several["SeriesInstanceUID"].combine_chunks())
    return studies.num_rows, several.num_rows, _people(instances.filter(at_fault))


def _dangling_references(instances: pa.Table) -> tuple[int, int, int]:
    """Objects with references, and those of them with at least one that leads nowhere."""
    references = instances["referenced_sop_instance_uids"].combine_chunks()
    targets = pc.list_flatten(references)
    parents = pc.list_parent_indices(references)
    here = pc.is_in(targets, value_set=instances["SOPInstanceUID"].combine_chunks())
    dangling = pc.unique(parents.filter(pc.invert(here)))
    return len(pc.unique(parents)), len(dangling), _people(instances.take(dangling))


def _rtstruct(instances: pa.Table) -> tuple[int, int, int]:
    found = instances.filter(pc.equal(instances["Modality"], "RTSTRUCT"))
    return instances.num_rows, found.num_rows, _people(found)


def _without_condition(patient: pa.Table, cancer_condition: pa.Table) -> tuple[int, int, int]:
    cancer = patient.filter(pc.equal(patient["patient_diagnostic_category"], CANCER))
    has = pc.is_in(cancer["patient_id"], value_set=cancer_condition["patient_id"].combine_chunks())
    without = cancer.num_rows - _count(has)
    return cancer.num_rows, without, without
