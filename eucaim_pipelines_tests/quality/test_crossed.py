"""Counts of the restricted zone become findings."""

from eucaim_pipelines.quality.crossed import CROSSED_CHECKS, CrossedCounts, crossed_findings


def numbers(people: int = 5, **counts: int) -> dict[str, tuple[int, int, int]]:
    found = crossed_findings(people, CrossedCounts(**counts))
    assert [each.check for each in found] == sorted(CROSSED_CHECKS)
    return {each.check.removeprefix("linkage."): (each.checked, each.failed, each.patients) for each in found}


def test_counts_of_the_restricted_zone_arrive_as_they_are() -> None:
    told = numbers(received=50, quarantined=4, coded_cells=90, unmapped_cells=3, studies=7,
                   studies_without_patient_id=2, clinical_rows=30, duplicate_keys=2,
                   removed_rows=5, identity_cells=6, clinical_files=3, clinical_files_empty=1,
                   formed_columns=9, unreadable_columns=2, link_rows=8,
                   link_rows_without_study=2, link_rows_of_another_patient=1, studies_with_timepoint=6,
                   timepoints_out_of_order=4)  # fmt: skip
    assert told == {
        "quarantined_files": (50, 4, 0),
        "unmapped_values": (90, 3, 0),
        "empty_patient_ids": (7, 2, 2),
        "duplicate_keys": (30, 2, 0),
        "removed_rows": (35, 5, 0),
        "identity_cells": (30, 6, 0),
        "ambiguous_patient_ids": (5, 0, 0),
        "clinical_files_empty": (3, 1, 0),
        "columns_unreadable": (9, 2, 0),
        "link_rows_without_study": (8, 2, 0),
        "link_rows_of_another_patient": (8, 1, 0),
        "timepoints_out_of_order": (6, 4, 0),
    }


def test_identifiers_under_two_issuers_are_told() -> None:
    assert numbers(ambiguous_patient_ids=2)["ambiguous_patient_ids"] == (5, 2, 2)


def test_more_cells_than_rows_are_counted_as_looked_at() -> None:
    assert numbers(clinical_rows=3, identity_cells=4)["identity_cells"] == (4, 4, 0)


def test_nothing_received_is_nothing_found() -> None:
    assert all(each.passed for each in crossed_findings(0, CrossedCounts()))
