"""Both editions of the report: what they say, what the shareable one keeps to itself, how they are built."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any, get_args

import pytest

from eucaim_pipelines.cdm import cells, coding
from eucaim_pipelines.contracts import folder
from eucaim_pipelines.contracts.date_formats import Precision
from eucaim_pipelines.contracts.source_model import SourceContract
from eucaim_pipelines.contracts.sources import load_sources
from eucaim_pipelines.contracts.tables import load_tables
from eucaim_pipelines.quality.findings import Finding, finding
from eucaim_pipelines.quality.plan import known_checks
from eucaim_pipelines.quality.reasons import load_reasons
from eucaim_pipelines.quality.risk.groups import Groups
from eucaim_pipelines.quality.tiers import load_tiers, threshold_changes
from eucaim_pipelines.quality.verdict import NOT_TOLD, DatasetFacts, Exposure, verdict
from eucaim_pipelines.report.content import (
    FORMATS,
    RECEIVED,
    ActionCount,
    DispositionCount,
    HeldFile,
    LessExact,
    LocalDetail,
    Pointer,
    Pointers,
    Removal,
    Report,
    RowChanges,
    RowPointer,
    Sizes,
    UnknownTerm,
    UnmappedValue,
    effect,
)
from eucaim_pipelines.report.matrix import matrix
from eucaim_pipelines.report.page import render
from eucaim_pipelines.report.summary import Changes, Summaries

CODE = "cancer_condition.cancer_condition_code.complete"
BODY_PART = "image_series.series_body_site.complete"
CONTRACTS = load_tables()
KNOWN = known_checks(CONTRACTS)
TIERS = load_tiers(folder() / "tiers.yaml", KNOWN)
LOCAL = LocalDetail(
    files=[HeldFile("ab" * 32, "TRUNCATED", "2026-01 · ordner/Müller.dcm")],
    rows=[RowPointer("patients", 14, "repeats a key")],
    unmapped=[UnmappedValue("patients", "diagnosis", "cancer_condition", "<b>Ca. mama</b>", 3)],
    unknown_terms=[UnknownTerm("PatientPosition", "LIEGEND<", 7)],
)


def make(failed: dict[str, tuple[int, int]] | None = None, people: int = 53, **changes: Any) -> Report:
    """A report whose checks all hold but for `failed` (check: rows, patients of 200)."""
    source = SourceContract.model_validate(
        {
            "dataset_id": "breast",
            "tier": 3,
            "catalogue": {"title": "Breast & ultrasound"},
            "checks": {BODY_PART: {"at_least": 0.5, "why": "Old scanners do not tell."}},
        }
    )
    thresholds = TIERS.thresholds(threshold_changes(source, KNOWN))
    found: list[Finding] = []
    for check in sorted(KNOWN):
        rows, patients = (failed or {}).get(check, (0, 0))
        found.append(
            finding(
                check, table=check.split(".")[0], dimension="completeness", severity="error", checked=211,
                failed=rows, patients=patients, at_least=thresholds.get(check, 1.0),
                sentence=f"Wrong: {check}.", remedy=f"Repair {check}.",
            )
        )  # fmt: skip
    alike = Exposure(Groups(((people, 1),)))
    facts = DatasetFacts(people, 0, smallest_group=alike, smallest_group_of_difference=alike)
    verdicts = [verdict(n, TIERS, found, facts, dict(source.checks)) for n in (1, 2, 3)]
    dispositions = [
        DispositionCount("file", "published", "RELEASED", 760),
        DispositionCount("file", "quarantined", "BURNED_IN_RISK", 6),
        DispositionCount("file", "quarantined", "TRUNCATED", 1),
        DispositionCount("file", "duplicate", "SAME_CONTENT", 33),
    ]
    given: dict[str, Any] = {
        "source": source, "version": "2026.03.01-0a1b2c3d", "issued": "2026-03-01T21:00:00+00:00",
        "verdicts": verdicts, "findings": found, "dispositions": dispositions,
        "sizes": Sizes(people, 61, 140, 754), "actions": [ActionCount("cleaned", 4310)],
        "methods": {"Profile": "eucaim"}, "reasons": load_reasons(folder() / "reasons.csv"),
    }  # fmt: skip
    return Report(**(given | changes))


class Page(HTMLParser):
    """The page's elements with their attributes, its text, and whether every element is closed."""

    VOID = frozenset({"meta", "br", "wbr", "rect"})

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(data.decode("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "title"):
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


EDITIONS = pytest.mark.parametrize("local", [LOCAL, None], ids=["local", "shareable"])


@EDITIONS
def test_the_page_is_well_formed_and_accessible(local: LocalDetail | None) -> None:
    page = Page(render(make({CODE: (4, 4)}), local))
    assert page.open == []
    assert page.all("html") == [{"lang": "en"}]
    assert len(page.all("h1")) == len(page.all("main")) == len(page.all("title")) == 1
    assert len(page.all("table")) == len(page.all("caption")) >= 5
    assert all("scope" in attributes for attributes in page.all("th"))
    assert all(attributes.get("aria-label") for attributes in page.all("svg"))


@EDITIONS
def test_the_page_asks_no_host_and_runs_nothing(local: LocalDetail | None) -> None:
    data = render(make({CODE: (4, 4)}), local).decode()
    page = Page(data.encode())
    assert not {name for name, _ in page.elements} & {"script", "link", "img", "iframe", "object", "form"}
    assert not re.findall(r"\b(?:src|action)\s*=|\bhref\s*=\s*(?!\"#)|@import|url\(", data)
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]


def test_equal_reports_give_equal_bytes() -> None:
    assert render(make({CODE: (4, 4)}), LOCAL) == render(make({CODE: (4, 4)}), LOCAL)


@pytest.mark.parametrize(
    ("failed", "people", "sentence"),
    [
        ({}, 53, "This dataset reaches Tier 3, the tier it aims at."),
        (
            {CODE: (8, 8)},
            53,
            "This dataset reaches Tier 1; it aims at Tier 3. For Tier 2, one requirement is not met.",
        ),
        ({}, 7, "This dataset does not reach any tier yet. For Tier 1, one requirement is not met."),
    ],
)
def test_the_verdict_is_one_sentence(failed: dict[str, tuple[int, int]], people: int, sentence: str) -> None:
    assert sentence in Page(render(make(failed, people))).text


def test_what_cannot_be_told_yet_is_not_met_and_is_nothing_to_fix() -> None:
    made = make({CODE: (8, 8)})
    untold = [replace(each, met=False, remedy=NOT_TOLD) for each in made.verdicts[0].requirements]
    lowest = replace(made.verdicts[0], reached=False, requirements=tuple(untold))
    text = Page(render(replace(made, verdicts=[lowest, *made.verdicts[1:]]))).text
    first = text[text.index("What to fix first") : text.index("Where the files went")]
    assert NOT_TOLD in text and NOT_TOLD not in first and "every diagnosis has a code" in first


def test_what_to_fix_first_begins_with_the_next_tier_and_says_the_gain() -> None:
    text = Page(render(make({CODE: (8, 8), "image_study.has_series": (40, 30)}), LOCAL)).text
    first = text[text.index("What to fix first") : text.index("Where the files went")]
    assert first.index("every diagnosis has a code") < first.index("Files are held back")
    assert "8 patients, 8 rows" in first and "With this the dataset reaches Tier 2" in first
    assert "Up to 6 more files published." in first
    assert "Better data for 30 patients." in first


def test_a_dataset_in_order_has_nothing_to_fix() -> None:
    assert "Nothing: every check holds" in Page(render(make(dispositions=[]))).text


def test_a_check_that_looked_at_nothing_is_not_in_order() -> None:
    report = make()
    [seen] = [each for each in report.findings if each.check == CODE]
    others = [each for each in report.findings if each.check != CODE]
    idle = replace(report, findings=[*others, replace(seen, checked=0)])
    said = "Checks with nothing to check, by table: cancer_condition 1."
    assert said not in Page(render(report)).text
    assert said in Page(render(idle)).text.replace("\xa0", " ")


def test_the_local_edition_shows_exact_numbers_pointers_and_values() -> None:
    page = Page(render(make({CODE: (5, 3)}), LOCAL))
    for each in (
        "3 patients, 5 rows",
        "ab" * 32,
        "patients 14 repeats a key",
        "<b>Ca. mama</b>",
        "Müller",
        "97.6 %",
    ):
        assert each in page.text
    assert "b" not in {name for name, _ in page.elements}


def test_the_shareable_edition_holds_nothing_of_the_local_detail() -> None:
    text = Page(render(make({CODE: (4, 3)}))).text
    for each in ("ab" * 32, "mama", "Müller", "repeats a key", "Numbers are exact"):
        assert each not in text


def test_one_and_nine_patients_look_alike_in_the_shareable_edition() -> None:
    def page(rows: int, patients: int) -> bytes:
        held = [
            DispositionCount("file", "published", "RELEASED", 760),
            DispositionCount("file", "quarantined", "TRUNCATED", rows),
            DispositionCount("file", "duplicate", "SAME_CONTENT", 40 - rows),
        ]
        defects = {CODE: (rows, patients), "patient.in_clinical_tables": (patients, patients)}
        return render(make(defects | {"linkage.quarantined_files": (rows, 0)}, dispositions=held))

    assert page(5, 1) == page(9, 9) == page(6, 2)


def test_a_number_that_the_balance_hides_stands_nowhere_else() -> None:
    held = [
        DispositionCount("file", "published", "RELEASED", 760),
        DispositionCount("file", "quarantined", "BURNED_IN_RISK", 173),
        DispositionCount("file", "duplicate", "SAME_CONTENT", 5),
    ]
    report = make({"linkage.quarantined_files": (173, 0)}, dispositions=held)
    shareable = Page(render(report)).text
    assert "173" not in shareable
    assert "see balance" in shareable and "More files published." in shareable
    assert "173" in Page(render(report, LOCAL)).text


SHIFTED, TRUE_MONTH, GONE = "shifted by a secret", "year and month are the true ones", "Dates are removed"


@pytest.mark.parametrize(("policy", "said"), [("shift", SHIFTED), ("day_one", TRUE_MONTH), ("remove", GONE)])
def test_what_is_said_of_dates_is_what_the_source_chose(policy: str, said: str) -> None:
    chosen = {"dataset_id": "breast", "tier": 3, "deidentification": {"dates": policy}}
    source = SourceContract.model_validate(chosen)
    text = Page(render(make(source=source))).text
    assert [each for each in (SHIFTED, TRUE_MONTH, GONE) if each in text] == [said]
    assert ("no calendar year of a patient is given" in text) == (policy != "day_one")


def test_actions_are_told_in_words() -> None:
    text = Page(render(make(), LOCAL)).text
    assert "cleaned kept in a form that identifies nobody 4310" in text


def test_what_became_of_an_element_follows_from_its_rule_too() -> None:
    """Table E.1-1 asks for an empty AccessionNumber; the rule `identifier` writes a keyed one."""
    assert effect("Z", "identifier") == "replaced"
    assert effect("Z", "clear") == "emptied"
    assert effect("X/Z/D", "walk") == effect("X", "private") == "removed"
    assert effect("K", "private number") == "kept"


def test_a_small_number_of_files_to_gain_reads_well() -> None:
    text = Page(render(make())).text
    assert "Fewer than 10 more files published." in text
    assert "Up to <10" not in text


def test_one_patient_is_a_patient() -> None:
    assert "1 patient, 5 rows" in Page(render(make({CODE: (5, 1)}), LOCAL)).text


def test_rows_are_explained_by_their_reason_code() -> None:
    pointer = LocalDetail(rows=[RowPointer("patients", 14, "TABLE_ENCODING")])
    reason = load_reasons(folder() / "reasons.csv")["TABLE_ENCODING"]
    text = Page(render(make(dispositions=[]), pointer)).text
    assert f"patients 14 TABLE_ENCODING {reason.meaning} {reason.remedy}" in text


def test_the_balance_adds_up_in_the_local_edition() -> None:
    text = Page(render(make(), LOCAL)).text
    assert "Files: 800 received" in text
    assert re.search(r"Published 760 .*Quarantined 7 .*Duplicate 33 .*Pending 0 .*Received 800", text)


def test_a_changed_threshold_is_told_in_both_editions() -> None:
    report = make({BODY_PART: (60, 20)})
    for local in (LOCAL, None):
        text = Page(render(report, local)).text
        assert "Changed by the holder" in text and "at least 50% instead of 90%" in text
        assert "Old scanners do not tell." in text and "tolerated" in text


def test_reasons_are_explained_with_their_remedy() -> None:
    text = Page(render(make(), LOCAL)).text
    reason = load_reasons(folder() / "reasons.csv")["BURNED_IN_RISK"]
    assert reason.meaning in text and reason.remedy in text


def test_ink_and_paper_have_highcontrast() -> None:
    """WCAG 2.2 AA asks for 4.5:1; every colour of text is tried on every paper it stands on."""
    style = re.search(r":root \{(.*?)\}", render(make()).decode(), re.DOTALL)
    assert style
    colours = dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", style[1]))
    pairs = [(ink, paper) for ink in ("ink", "soft", "good", "bad", "warn") for paper in ("paper", "tint")]
    pairs += [("ink", "good-tint"), ("ink", "bad-tint"), ("ink", "warn-tint")]
    assert {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in pairs if
            contrast(colours[pair[0]], colours[pair[1]]) < 4.5} == {}  # fmt: skip


def contrast(one: str, other: str) -> float:
    low, high = sorted((_luminance(one), _luminance(other)))
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_unknown_terms_are_shown_to_the_holder_only() -> None:
    assert b"LIEGEND&lt;" in render(make(), LOCAL)
    assert b"LIEGEND" not in render(make())


REMOVED = Removal(
    objects=754, checked=754, residuals=0, held_back=3,
    effects={"ages": {"kept": 747, "cleaned": 0, "replaced": 0, "emptied": 0, "removed": 0}},
    explained={"equals a kept number": 33},
)  # fmt: skip


def test_what_was_removed_stands_with_exact_numbers_in_the_local_edition_only() -> None:
    local, shareable = (Page(render(make(removal=REMOVED), detail)).text for detail in (LOCAL, None))
    assert "754 of 754 objects were searched; 0 identities found in them, 3 inputs held back" in local
    assert "equals a kept number 33." in local
    assert "ages 747 0 0 0 0" in local
    assert "What was removed" not in shareable
    assert "747" not in shareable
    assert all("was searched for the identities of its source: none" in page for page in (local, shareable))


@pytest.mark.parametrize("change", [{"checked": 753}, {"residuals": 1}])
def test_a_search_that_does_not_hold_is_said(change: dict[str, int]) -> None:
    page = Page(render(make(removal=replace(REMOVED, **change)), None)).text
    assert "the signed statement does not hold" in page
    assert "none was found" not in page


TOLD = "image_series.nearly_the_same_once"


def test_what_a_check_tells_for_information_only_is_no_defect() -> None:
    report = make({TOLD: (40, 30)})
    found = [replace(each, passed=True, informs=each.check == TOLD) for each in report.findings]
    detail = replace(LOCAL, pointers={TOLD: Pointers([Pointer("EUCAIM-01", "row 3")], 1)})
    for local in (None, detail):
        told, held = (render(replace(report, findings=each), local) for each in (found, make().findings))
        text = Page(told).text
        other = Page(held).text
        for part in (("What to fix first", "Where the files went"), ("Quality at a glance", "✓ all hold")):
            assert _section(text, *part) == _section(other, *part)
        checks = _section(text, "All checks, by", "Methods and versions")
        assert "0 of" in checks and "1 tells something for your information" in checks
        assert f"for your information Wrong: {TOLD}." in checks
        assert "Where to mend" not in checks and ("Where it was seen" in checks) == (local is not None)
        assert "tolerated" not in checks and f"Repair {TOLD}." in checks


def test_the_local_edition_counts_rows_that_came_and_values_that_look_more_exact() -> None:
    changes = Changes("2026.02.01-0a1b2c3d", [])
    report = make(summaries=Summaries(changes=changes))
    told = LocalDetail(
        less_exact=[LessExact("labs", "psa", "limit", 31, 17), LessExact("labs", "taken", "month", 4, 3)],
        row_changes=[RowChanges("labs", 211, 37, 13), RowChanges("patients", 0, 0, 0)],
    )
    text, shareable = (Page(render(report, each)).text for each in (told, None))
    assert "labs 211 37 13" in text and "patients 0 0 0" in text
    assert "Values that look more exact than they are: 35" in text
    assert "labs: psa a limit such as <0.1, kept as its number 31 17" in text
    assert "labs: taken a month, kept as its first day 4 3" in text
    for each in ("psa", "211", "more exact than"):
        assert each not in shareable
    first = make(summaries=Summaries(changes=Changes()))
    assert "Rows of the clinical files" not in Page(render(first, told)).text, "nothing to compare with"


def test_every_reason_to_be_less_exact_has_its_words() -> None:
    assert set(RECEIVED) == {cells.LIMIT, *get_args(Precision)}


def _section(text: str, title: str, following: str) -> str:
    start = text.rindex(title)
    return text[start : text.index(following, start)]


def _first(report: Report, local: LocalDetail | None) -> str:
    text = Page(render(report, local)).text
    return text[text.index("What to fix first") : text.index("Where the files went")]


def test_both_editions_mend_in_the_same_order_and_a_mix_up_first() -> None:
    held = [
        DispositionCount("file", "published", "RELEASED", 760),
        *(DispositionCount("file", "quarantined", reason, count) for reason, count in
          (("LINK", 9), ("TRUNCATED", 2), ("UID_CONFLICT", 1), ("TWO_PATIENTS", 3))),
    ]  # fmt: skip
    report = make(dispositions=held)
    words = ("two different PatientIDs", "two contents", "ends before its content")
    for local in (LOCAL, None):
        first = _first(report, local)
        places = [first.index(each) for each in words]
        assert places == sorted(places) and "symbolic link" not in first


def test_values_without_a_code_are_named_where_they_keep_a_tier_away_but_never_outside() -> None:
    source = load_sources(folder() / "sources")["demo_breast_mg"]
    spec = next(each for each in source.clinical for m in each.tables if m.table == "cancer_condition")
    field = next(str(m.fields["cancer_condition_code"]) for m in spec.tables if m.table == "cancer_condition")
    values = [UnmappedValue(spec.name, field, "cancer_condition", f"Ca. {n}", 3) for n in range(5)]
    report = make({CODE: (60, 50)}, source=source)
    named = "Without a code: “Ca. 0”, “Ca. 1”, “Ca. 2” and 2 more."
    assert named in _first(report, LocalDetail(unmapped=values))
    assert "Ca. 0" not in _first(report, None)


def test_what_is_wrong_of_all_is_not_said_of_some() -> None:
    report = make({CODE: (211, 53)})
    found = [replace(e, sentence="The code of some diagnoses is missing.") for e in report.findings
             if e.check == CODE]  # fmt: skip
    page, outside = (Page(render(replace(report, findings=found), each)).text for each in (LOCAL, None))
    assert "The code of all diagnoses is missing." in page and "all 211" in page
    assert "The code of some diagnoses is missing." in outside and "all 211" not in outside


def test_a_warning_that_stops_no_tier_has_a_symbol_of_its_own() -> None:
    report = make({CODE: (60, 50)})
    lesser = [replace(each, severity="warning") for each in report.findings]
    assert [each.failed for each in matrix(lesser)["completeness"]].count(1) == 0
    assert [each.failed for each in matrix(lesser, {CODE})["completeness"]].count(1) == 1
    assert [each.failed for each in matrix(report.findings)["completeness"]].count(1) == 1


def test_a_tier_whose_own_requirements_are_met_waits_for_the_one_below() -> None:
    text = Page(render(make({CODE: (60, 50)}))).text
    assert "Tier 2: ✗ not reached" in text
    assert "Tier 3: requirements met, waits for Tier 2" in text
    assert text.index("✗ no Every diagnosis has a code") < text.index("✓ yes The sex at birth")


def test_series_of_images_and_of_annotations_are_counted_apart() -> None:
    text = Page(render(make(sizes=Sizes(53, 61, 140, 754, 15)), LOCAL)).text
    assert "Image series 140 Annotation series 15" in text


def test_dates_that_could_not_be_read_are_one_row_for_each_field() -> None:
    values = [UnmappedValue("patients", "birth_date", "date", f"day {n}", 2) for n in range(4)]
    text = Page(render(make(), LocalDetail(unmapped=values))).text
    assert "patients birth_ date date 8" in text and "day 1" not in text
    assert "Local values without a code: 0" in text


def test_every_kind_of_cell_that_has_no_vocabulary_is_known_to_the_report() -> None:
    assert set(FORMATS) == set(coding.TYPES) - {"code"}
