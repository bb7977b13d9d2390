"""What either edition says of the risk: exact for the holder; outside only fields in order, and no count."""

import re
from dataclasses import replace
from typing import Any

from eucaim_pipelines.quality.risk.measure import Risk
from eucaim_pipelines.quality.verdict import Short, Verdict
from eucaim_pipelines.report.content import Alike, LocalDetail, Report
from eucaim_pipelines.report.numbers import Numbers
from eucaim_pipelines.report.page import render
from eucaim_pipelines_tests.quality.risk.cohorts import MALE, alike
from eucaim_pipelines_tests.quality.risk.test_assessment import measured
from eucaim_pipelines_tests.report.test_page import Page, make

PEOPLE: dict[str, dict[str, Any]] = (
    alike(53) | {f"m{n}": {"sex": MALE} for n in range(7)} | {"r": {"model": "Rare"}}
)
MANY = (
    PEOPLE | {f"n{n}": {"sex": MALE} for n in range(7)} | {f"o{n}": {"age": 40.0 + 5 * n} for n in range(12)}
)
AGES = [f"{what}, known as: five years" for what in ("Age at the first examination", "Age at diagnosis")]
LOCAL = LocalDetail(rare=[Alike("pseudonym-of-r", 1, "new", 1), Alike("pseudonym-of-m", 4, None, None)])


def section(found: Risk, local: LocalDetail | None = None, least: int = 5) -> str:
    report = make(people=61, risk=found, least_alike=least)
    whole = render(report, local).decode()
    start = whole.index('<section aria-labelledby="risk"')
    return whole[start : whole.index("</section>", start) + len("</section>")]


def words(html: str) -> str:
    return Page(html.encode()).text


def test_the_holder_reads_groups_fields_what_a_step_wins_and_who_is_rare() -> None:
    text = words(section(measured(PEOPLE, earlier=alike(53)), LOCAL))
    assert "everybody, as somebody may know them 61 3 1 1 (1.6 %) 1" in text
    assert "new since the last release, among themselves 8 2 1 1 (12.5 %) 1" in text
    assert (
        "Models of the scanners as released k 1, 1 patient k 7, 0 patients left out: k 7, 0 patients" in text
    )
    assert text.index("Models of the scanners") < text.index("Sex at birth")
    assert "People whom fewer than 5 look like: 2" in text
    assert "pseudonym-of-r 1 new 1" in text and "pseudonym-of-m 4 – –" in text


def test_outside_stand_fields_in_order_and_nothing_that_counts_people() -> None:
    html = section(measured(MANY))
    text = words(html)
    assert re.findall(r"<li>(.*?)</li>", html) == ["Sex at birth", *AGES]
    assert set(re.findall(r"\d+", text)) == {"5", "10"}, "the demand, the rule, and no other number"
    assert "%" not in text and "<table" not in html and "pseudonym" not in text


def test_what_is_said_outside_is_the_same_for_other_counts_in_the_same_order() -> None:
    fewer = {name: other for name, other in MANY.items() if name not in ("m5", "m6")}
    assert section(measured(MANY)) == section(measured(fewer))


def test_outside_no_field_is_named_that_few_people_make_differ() -> None:
    html = section(measured(PEOPLE))
    assert "<li>" not in html and "In no field do 10 people or more differ" in words(html)
    report, fields = make(people=61, risk=measured(PEOPLE)), ("Sex at birth", "patient.key.unique")
    missed = _missed(report, 3, fields)
    outcome = next(each for each in missed.requirements if each.id == "alike")
    assert Numbers(report, local=False).fields(outcome) == fields[1:]
    assert Numbers(report, local=True).fields(outcome) == fields
    assert "Sex at birth" not in Page(render(replace(report, verdicts=[missed]))).text


def test_both_editions_say_what_is_compared_and_what_cannot_be() -> None:
    found = measured(PEOPLE, earlier=alike(53))
    lost = replace(found, difference=replace(found.difference, comparable=False))
    for local in (LOCAL, None):
        assert "since version before" in words(section(found, local))
        assert "cannot be read any more" in words(section(lost, local))
        assert "since version" not in words(section(measured(PEOPLE), local))


def test_a_threshold_of_the_source_is_told() -> None:
    report = make(people=61, risk=measured(PEOPLE), least_alike=5)
    given = report.source.model_dump() | {"risk": {"at_least": 2, "why": "Invented."}}
    report = replace(report, source=type(report.source).model_validate(given))
    assert "The source contract asks for 2 instead" in Page(render(report)).text


def test_people_that_are_short_are_hidden_outside_where_they_tell_of_the_rest() -> None:
    report = make(people=61)
    shown = {}
    for short in (3, 30, 55):
        text = Page(render(replace(report, verdicts=[_missed(report, short, ("Sex at birth",))]))).text
        shown[short] = re.search(r"look alike.*?\. Short: (.*?) patients\. The report names", text)
    assert {short: found and found[1] for short, found in shown.items()} == {3: "<10", 30: "30+", 55: "some"}


def _missed(report: Report, short: int, fields: tuple[str, ...]) -> Verdict:
    """The first verdict, in which so many people do not look alike enough."""
    first = report.verdicts[0]
    outcome = next(each for each in first.requirements if each.id == "alike")
    missed = replace(outcome, met=False, short=Short(short, fields=fields))
    rest = tuple(missed if each is outcome else each for each in first.requirements)
    return replace(first, reached=False, requirements=rest)


def test_what_to_fix_first_names_what_singles_people_out() -> None:
    report = make(people=61, risk=measured(PEOPLE))
    report = replace(report, verdicts=[_missed(report, 3, ("Models of the scanners", "Sex at birth"))])
    local, outside = Page(render(report, LOCAL)).text, Page(render(report)).text
    told = "What singles them out: Models of the scanners, Sex at birth. See all"
    assert (
        told in local and "See all . The report names" in outside and "What singles them out" not in outside
    )
