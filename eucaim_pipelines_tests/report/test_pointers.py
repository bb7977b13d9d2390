"""From what a check found to the lines and files that must be mended; restricted zone only."""

import pyarrow as pa

from eucaim_pipelines.quality.checks import RESULTS
from eucaim_pipelines.report import pointers
from eucaim_pipelines.report.pointers import RECORDS, Origins, resolve

A, B = "EUCAIM-0123456789abcdef", "EUCAIM-fedcba9876543210"
IMAGED = "EUCAIM-1111111111111111"
RECORDED = [
    (A, "00000000000000a1", "women", "2026-01", 14),
    (A, "00000000000000a2", "treatments", "2026-02.zip", 3),
    (B, "00000000000000b1", "women", "2026-01", 15),
]
OBJECTS = [("2.25.1", "2.25.11", f"2.25.11{n}", f"key {n}", IMAGED) for n in range(5)]
OBJECTS += [("2.25.1", "2.25.12", "2.25.129", "key 9", A)]


def origins() -> Origins:
    names = ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "object_key", "PatientID"]
    columns = [list(column) for column in zip(*RECORDED, strict=True)]
    return Origins(
        pa.table(columns, schema=RECORDS),
        pa.table(dict(zip(names, map(list, zip(*OBJECTS, strict=True)), strict=True))),
        {f"key {n}": f"{n}" * 64 for n in range(10)},
    )


def where(pointer: str | None, patient: str | None = A) -> str:
    results = pa.table([["x.y"], [patient], [pointer]], schema=RESULTS)
    (one,) = resolve(results, origins())["x.y"].shown
    assert one.patient == (patient or "–")
    return one.where


def test_a_row_of_a_record_is_the_line_it_was_read_from() -> None:
    assert where("cancer_condition-00000000000000b1-2") == "women, line 15 of 2026-01"


def test_a_patient_is_all_the_lines_about_them() -> None:
    assert where(A) == "women, line 14 of 2026-01; treatments, line 3 of 2026-02.zip"
    assert where(B, None) == "women, line 15 of 2026-01"


def test_a_patient_without_rows_is_their_files() -> None:
    assert where(IMAGED, IMAGED) == f"file {'0' * 16}; and 4 more files"


def test_an_image_is_its_file_and_a_series_its_first_file_and_how_many_more() -> None:
    assert where("2.25.113") == f"file {'3' * 16}"
    assert where("2.25.11") == f"file {'0' * 16}; and 4 more files"
    assert where("2.25.1") == f"file {'0' * 16}; and 5 more files"


def test_of_a_key_of_several_parts_the_narrowest_counts() -> None:
    assert where("2.25.12 2.25.1") == f"file {'9' * 16}"
    assert where("2.25.1 2.25.12") == f"file {'9' * 16}"


def test_what_nothing_was_received_for_says_so() -> None:
    assert where("dataset", None) == "no row and no file of its own"
    assert where(None, "EUCAIM-0000000000000000") == "no row and no file of its own"


def test_of_many_entries_the_first_are_shown_and_all_are_counted() -> None:
    checks = [f"check.{n}" for n in range(40)]
    rows = [(check, A, A) for check in checks for _ in range(100)]
    found = resolve(pa.table([list(c) for c in zip(*rows, strict=True)], schema=RESULTS), origins())
    assert {each.total for each in found.values()} == {100}
    assert sum(len(each.shown) for each in found.values()) <= pointers.MOST
    single = pa.table([["one"] * 999, [A] * 999, [A] * 999], schema=RESULTS)
    assert len(resolve(single, origins())["one"].shown) == pointers.MOST_PER_CHECK
