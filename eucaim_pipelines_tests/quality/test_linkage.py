"""How images and clinical tables belong together, told by counts."""

import pyarrow as pa

from eucaim_pipelines.quality.linkage import LINKAGE_CHECKS, CrossedCounts, linkage_findings

REFERENCES = pa.list_(pa.string())


def patient_table(sources: list[str], category: str | None = "COM1001087") -> pa.Table:
    return pa.table(
        {
            "patient_id": pa.array([f"p{i}" for i in range(len(sources))], pa.string()),
            "patient_source": pa.array(sources, pa.string()),
            "patient_diagnostic_category": pa.array([category] * len(sources), pa.string()),
        }
    )


def instances(rows: list[tuple[str, str, str, str, str, list[str]]]) -> pa.Table:
    names = ["PatientID", "StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "Modality"]
    columns = {name: pa.array([row[i] for row in rows], pa.string()) for i, name in enumerate(names)}
    references = pa.array([row[5] for row in rows], REFERENCES)
    return pa.table(columns | {"referenced_sop_instance_uids": references})


INSTANCES = instances(
    [
        ("p0", "st1", "se1", "i1", "CT", []),
        ("p0", "st1", "se1", "i2", "CT", []),
        ("p0", "st1", "se2", "i3", "SEG", ["i1", "i2"]),
        ("p1", "st2", "se3", "i4", "CT", []),
        ("p1", "st3", "se3", "i5", "CT", []),
        ("p1", "st3", "se4", "i6", "RTSTRUCT", ["i4", "gone1", "gone2"]),
    ]
)


def numbers(**counts: int) -> dict[str, tuple[int, int, int]]:
    people = patient_table(["both", "both", "images", "table", "table"])
    conditions = pa.table({"patient_id": ["p0", "p1", "p3"]})
    found = linkage_findings(people, INSTANCES, CrossedCounts(**counts), conditions)
    assert [each.check for each in found] == sorted(LINKAGE_CHECKS)
    return {each.check.removeprefix("linkage."): (each.checked, each.failed, each.patients) for each in found}


def test_people_of_one_side_only_are_counted() -> None:
    assert numbers()["images_only_patients"] == (5, 1, 1)
    assert numbers()["table_only_patients"] == (5, 2, 2)


def test_people_with_cancer_but_no_diagnosis_are_counted() -> None:
    assert numbers()["cancer_without_condition"] == (5, 2, 2)


def test_a_series_under_two_studies_is_an_error() -> None:
    assert numbers()["series_in_several_studies"] == (4, 1, 1)


def test_objects_are_counted_once_however_many_references_dangle() -> None:
    assert numbers()["dangling_references"] == (2, 1, 1)


def test_structure_sets_are_told() -> None:
    assert numbers()["rtstruct_present"] == (6, 1, 1)


def test_counts_of_the_restricted_zone_arrive_as_they_are() -> None:
    told = numbers(received=50, quarantined=4, coded_cells=90, unmapped_cells=3, studies=7,
                   studies_without_patient_id=2, pooled_patients=1)  # fmt: skip
    assert told["quarantined_files"] == (50, 4, 0)
    assert told["unmapped_values"] == (90, 3, 0)
    assert told["empty_patient_ids"] == (7, 2, 2)
    assert told["pooled_ages"] == (5, 1, 1)


def test_identifiers_under_two_issuers_are_told() -> None:
    assert numbers(ambiguous_patient_ids=2)["ambiguous_patient_ids"] == (5, 2, 2)
    assert numbers()["ambiguous_patient_ids"] == (5, 0, 0)


def test_nothing_received_is_nothing_found() -> None:
    empty = INSTANCES.slice(0, 0)
    found = linkage_findings(
        patient_table([]), empty, CrossedCounts(), pa.table({"patient_id": pa.array([], pa.string())})
    )
    assert all(each.passed for each in found)
