"""The shareable edition against a reader who subtracts: what is hidden follows from no other number."""

from typing import Any

import pytest

from eucaim_pipelines.contracts.source_model import SourceContract
from eucaim_pipelines.report.content import ActionCount, DispositionCount, Sizes
from eucaim_pipelines.report.page import render
from eucaim_pipelines.report.summary import Changes, Difference, Summaries
from eucaim_pipelines_tests.report.test_page import BODY_PART, CODE, LOCAL, Page, make

IMAGES_ONLY, TABLE_ONLY = "patient.in_clinical_tables", "patient.in_images"
IN_VALUE_SET = "cancer_condition.cancer_condition_code.in_value_set"


def source(*key: str) -> SourceContract:
    """A source whose one clinical file has this key."""
    return SourceContract.model_validate(
        {
            "dataset_id": "breast",
            "tier": 3,
            "clinical": [
                {
                    "name": "patients", "files": "p*.csv", "delivery": "snapshot", "key": key,
                    "columns": {
                        "NHC": {"field": "patient", "is": "patient_id"},
                        "Fecha": {"field": "day", "is": "date", "format": "%Y"},
                    },
                }
            ],
        }
    )  # fmt: skip


def rows(published: int, quarantined: int = 0) -> list[DispositionCount]:
    return [
        DispositionCount("row", "published", "ROW_CURRENT", published),
        DispositionCount("row", "quarantined", "TABLE_ROW_SHORT", quarantined),
    ]


@pytest.mark.parametrize("people", [14, 19, 53, 200])
def test_rows_of_patients_do_not_tell_how_many_have_images_only(people: int) -> None:
    def page(images_only: int) -> bytes:
        few = {IMAGES_ONLY: (images_only,) * 2, "linkage.empty_patient_ids": (images_only,) * 2}
        return render(make(few, people, source=source("patient"), dispositions=rows(people - images_only)))

    assert len({page(images_only) for images_only in range(1, 10)}) == 1
    text = Page(page(3)).text
    assert "Published not shown" in text and "Received not shown" in text
    assert "Rows of clinical files:" not in text
    assert not Page(page(3)).all("svg"), "no bar is drawn of what is not shown"


def test_rows_are_told_where_they_are_not_people_or_nobody_has_images_only() -> None:
    several = make({IMAGES_ONLY: (3, 3)}, 53, source=source("patient", "day"), dispositions=rows(91))
    assert "Rows of clinical files: 90+ received" in Page(render(several)).text
    everybody = make({}, 53, source=source("patient"), dispositions=rows(53))
    assert "Rows of clinical files: 50+ received" in Page(render(everybody)).text


def test_the_local_edition_tells_all_of_it() -> None:
    report = make({IMAGES_ONLY: (3, 3)}, 14, source=source("patient"), dispositions=rows(11))
    text = Page(render(report, LOCAL)).text
    assert "Rows of clinical files: 11 received" in text and "Patients 14" in text


@pytest.mark.parametrize("check", [CODE, "linkage.empty_patient_ids", TABLE_ONLY])
@pytest.mark.parametrize("people", [14, 53, 200])
def test_a_finding_about_nearly_all_patients_does_not_tell_about_the_others(people: int, check: str) -> None:
    pages = {render(make({check: (people - rest, people - rest)}, people)) for rest in range(1, 10)}
    assert len(pages) == 1


def test_people_of_either_side_only_do_not_tell_how_few_are_on_both() -> None:
    pages = {render(make({IMAGES_ONLY: (25, 25), TABLE_ONLY: (28 - n, 28 - n)}, 53)) for n in range(1, 10)}
    assert len(pages) == 1


def test_entries_of_a_check_do_not_tell_how_few_hold() -> None:
    pages = {render(make({BODY_PART: (211 - rest, 30)})) for rest in range(1, 10)}
    assert len(pages) == 1


def test_small_counts_of_two_checks_do_not_follow_from_their_sum() -> None:
    text = Page(render(make({CODE: (9, 9), IN_VALUE_SET: (9, 9)}))).text
    assert "<10 patients, some rows" not in text and "some patients, some rows" in text
    assert "9 patients, 18 rows" in Page(render(make({CODE: (9, 9), IN_VALUE_SET: (9, 9)}), LOCAL)).text


def test_objects_are_hidden_with_the_published_files() -> None:
    held = [
        DispositionCount("file", "published", "RELEASED", 12),
        DispositionCount("file", "quarantined", "TRUNCATED", 5),
    ]
    report = make(dispositions=held, sizes=Sizes(53, 61, 140, 12))
    assert "DICOM objects not shown" in Page(render(report)).text
    assert "DICOM objects 12" in Page(render(report, LOCAL)).text


def test_elements_of_deidentification_do_not_tell_of_how_few_patients_they_are_not() -> None:
    pages = {render(make({}, 14, actions=[ActionCount("emptied", n)])) for n in range(5, 14)}
    assert len(pages) == 1


@pytest.mark.parametrize(
    "failed", [{}, {CODE: (41, 31)}, {IMAGES_ONLY: (20, 20)}, {BODY_PART: (5, 5)}], ids=str
)
def test_one_patient_more_seldom_shows(failed: dict[str, tuple[int, int]]) -> None:
    def page(people: int, more: int) -> bytes:
        grown: dict[str, Any] = {check: (n + more, m + more) for check, (n, m) in failed.items()}
        return render(make(grown, people, sizes=Sizes(people, people + 8, 140 + more, 754 + more)))

    assert page(53, 0) == page(54, 1)


def test_the_page_says_how_its_numbers_are_to_be_read() -> None:
    text = Page(render(make())).text
    assert "40+ stands for 40 to 49" in text and "catalogue record" in text
    assert "Patients 50+" in text and "Files: 800+ received" in text


def test_what_is_public_by_the_catalogue_record_is_not_said_to_be_hidden() -> None:
    changes = Changes("2026.02.01-0a1b2c3d", [Difference("Patients", 53, 4, people=(4, 0, 0))])
    text, local = (Page(render(make(summaries=Summaries(changes=changes)), d)).text for d in (None, LOCAL))
    section = text[text.index("Compared with version") : text.index("The tier ladder")]
    assert "exact numbers of its patients and studies" in section and "is public" in section
    assert "the difference between the totals of two releases is public too" in text
    assert "is public" not in local
