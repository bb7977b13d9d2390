"""The whole page with everything in it: size, structure, determinism, and what it keeps to itself."""

import itertools
import re
from functools import cache
from typing import Any

import pytest

from eucaim_pipelines.report.content import (
    HeldFile,
    LessExact,
    LocalDetail,
    Pointer,
    Pointers,
    RowChanges,
    RowPointer,
    UnmappedValue,
)
from eucaim_pipelines.report.page import render
from eucaim_pipelines.report.summary import Changes, Difference, Summaries, Unmapped
from eucaim_pipelines_tests.report.tables import CT, MR, large, report, summaries, tables
from eucaim_pipelines_tests.report.test_page import CODE, Page, make

LONG = "x" * 150
HEAVY = LocalDetail(
    files=[HeldFile("ab" * 32, "TRUNCATED", f"2026-01/{LONG}/{n}.dcm") for n in range(5000)],
    rows=[RowPointer("patients", n, "repeats a key") for n in range(5000)],
    unmapped=[
        UnmappedValue("patients", "diagnosis", "cancer_condition", f"{LONG}{n}", 3, 3, ["Near (C1)"] * 3)
        for n in range(5000)
    ],
    less_exact=[LessExact("labs", f"field_{n}", "limit", 40, 30) for n in range(30)],
    row_changes=[RowChanges(f"file_{n}", 4, 3, 2) for n in range(30)],
    pointers={CODE: Pointers([Pointer("EUCAIM-0123456789abcdef", LONG)] * 1500, 90_000)},
)
MORE = {
    "unmapped": [
        Unmapped("women", f"field_{n}", "histology", 3, 40, 20, ["Carcinoma (C1)"]) for n in range(30)
    ],
    "changes": Changes("2026.02.01-00000000", [Difference("Patients", 300, 20, 0, 0, (20, 0, 0))]),
}
EDITIONS = pytest.mark.parametrize("local", [True, False], ids=["local", "shareable"])


def full(**changes: Any) -> Summaries:
    found = large()
    return Summaries(
        **{**{name: getattr(found, name) for name in found.__dataclass_fields__}, **MORE, **changes}
    )


def rendered(local: bool) -> bytes:
    return render(report(full(), findings=make({CODE: (50, 40)}).findings), HEAVY if local else None)


page = cache(rendered)


@EDITIONS
def test_a_page_is_under_one_megabyte_whatever_it_holds(local: bool) -> None:
    assert 60_000 < len(page(local)) < 1_000_000


@EDITIONS
def test_the_same_report_is_the_same_bytes(local: bool) -> None:
    assert rendered(local) == page(local)


@EDITIONS
def test_headings_come_in_order_and_none_is_skipped(local: bool) -> None:
    levels = [int(name[1]) for name, _ in Page(page(local)).elements if re.fullmatch("h[1-6]", name)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(later <= before + 1 for before, later in itertools.pairwise(levels))


@EDITIONS
def test_the_sections_come_in_the_order_in_which_they_are_read(local: bool) -> None:
    elements = Page(page(local)).elements
    assert [attributes["id"] for name, attributes in elements if name == "h2"] == [
        "first", "balance", "changes", "tiers", "matrix", "completeness", "imaging", "linkage", "vocabulary",
        "evidence", "risk", "checks", "methods",
    ]  # fmt: skip
    links = {attributes["href"] for name, attributes in elements if name == "a"}
    assert links == {f"#{each['id']}" for name, each in elements if name == "h2"} - {"#first"}


@EDITIONS
def test_every_drawing_says_what_it_is_and_is_followed_by_its_table(local: bool) -> None:
    elements = Page(page(local)).elements
    drawings = [n for n, (name, _) in enumerate(elements) if name == "svg"]
    assert len(drawings) >= 7
    for at in drawings:
        assert elements[at][1]["role"] == "img" and elements[at][1]["aria-label"]
        following = [name for name, _ in elements[at + 1 :] if name in ("svg", "table", "h2", "h3")]
        assert following[0] == "table"


@EDITIONS
def test_no_cell_that_names_a_row_or_a_column_is_empty(local: bool) -> None:
    assert not re.search(r"<th\b[^>]*>\s*</th>", page(local).decode())


@EDITIONS
def test_identifiers_and_names_of_regions_are_unique(local: bool) -> None:
    elements = Page(page(local)).elements
    identifiers = [attributes["id"] for _, attributes in elements if "id" in attributes]
    regions = [attributes["aria-label"] for _, attributes in elements if attributes.get("role") == "region"]
    assert len(set(identifiers)) == len(identifiers)
    assert len(set(regions)) == len(regions) > 10


@EDITIONS
def test_a_browser_would_fetch_nothing(local: bool) -> None:
    text = page(local).decode()
    assert not re.search(
        r"https?://|//[a-z0-9.-]+\.[a-z]{2,}/|url\(|@import|\bsrc=|<(script|link|img|iframe)", text
    )
    assert not re.search(r'\bhref="(?!#)', text)


def lacking(few: int, people: int = 60) -> bytes:
    """A dataset in which a few people have no sex, MR and a late timepoint, and are new since last time."""
    patients = [
        {
            "patient_id": f"p{n}",
            "patient_source": "both",
            "patient_birth_sex": None if n < few else "COM1001370",
        }
        for n in range(people)
    ]
    studies = [
        {"study_uid": f"{n}", "patient_id": f"p{n}", "ImagingTimepoint": 2 if n < few else 1,
         "study_offset_from_diagnosis": 400 if n < few else 10, "patient_age_at_study_years": 50.0}
        for n in range(people)
    ]  # fmt: skip
    series = [
        {"series_uid": f"{n}.1", "study_uid": f"{n}", "patient_id": f"p{n}",
         "series_modality": MR if n < few else CT} for n in range(people)
    ]  # fmt: skip
    found = summaries(tables(patient=patients, image_study=studies, image_series=series))
    changed = Changes("2026.02.01-00000000", [Difference("Patients", people, few, 0, 20, (few, 0, 20))])
    told = [Unmapped("women", "sex", "birth_sex", few, few, few)]
    held = Summaries(found.imaging, found.completeness, found.linkage, told, changed)
    return render(report(held, people))


def test_the_shareable_page_is_the_same_whether_one_or_nine_people_differ() -> None:
    pages = {lacking(few) for few in range(1, 10)}
    assert len(pages) == 1
    assert lacking(10) not in pages and lacking(0) not in pages


def test_both_editions_draw_the_charts_and_the_shareable_one_hides_what_its_tables_hide() -> None:
    text = lacking(3).decode()
    drawn = re.findall(r"<svg class=\"chart\".*?</svg>", text, re.DOTALL)
    assert drawn and all("Magnetic" not in each for each in drawn)
