"""Who can be singled out in a release: a rare patient stops it, the report names why, mending opens it."""

import json
from typing import Any

import pytest

from eucaim_pipelines.contracts.source_model import SourceContract
from eucaim_pipelines.contracts.source_risk import Risk as Asked
from eucaim_pipelines.quality.risk.assessment import assess
from eucaim_pipelines.quality.risk.joined import column, join, of_tables
from eucaim_pipelines.quality.risk.measure import Risk
from eucaim_pipelines.quality.tiers import risk_changes
from eucaim_pipelines.quality.verdict import DatasetFacts, Exposure, RequirementOutcome, verdict
from eucaim_pipelines_tests.quality.risk.cohorts import IDENTIFIERS, MALE, TIERS, alike, released, tables

People = dict[str, dict[str, Any]]


def source(**risk: Any) -> SourceContract:
    return SourceContract(dataset_id="d", tier=3, risk=Asked(**risk))


def measured(people: People, tier: int = 3, earlier: People | None = None, **risk: Any) -> Risk:
    before = None if earlier is None else released(tier, tables(earlier))
    fields = IDENTIFIERS.of(source(**risk))
    versions = ("now", None if earlier is None else "before")
    return assess(released(tier, tables(people)), before, fields, IDENTIFIERS.hierarchies, versions)[0]


def outcomes(found: Risk, tier: int = 3, **risk: Any) -> dict[str, RequirementOutcome]:
    driving = tuple(each.label for each in found.driving(5)[:3])
    facts = DatasetFacts(
        people=found.known.people,
        smallest_group=Exposure(found.known, driving),
        smallest_group_of_difference=Exposure(found.difference.seen, driving),
    )
    judged = verdict(tier, TIERS, [], facts, fact_changes=risk_changes(source(**risk)))
    return {each.id: each for each in judged.requirements}


RARE = [
    ({"sex": MALE}, "Sex at birth", 1),
    ({"age": 23.4}, "Age at the first examination", 1),
    ({"model": "One of its kind"}, "Models of the scanners", 1),
    ({"body_part": "BP1000051"}, "Parts of the body in the images", 1),
    ({"days": (10, 80)}, "Days between examinations", 1),
    ({"topography": "BP1000051"}, "Site of the cancer", 2),
    ({"treatments": (30,)}, "Days from diagnosis to treatments", 3),
]


@pytest.mark.parametrize(("other", "label", "tier"), RARE, ids=[label for _, label, _ in RARE])
def test_a_rare_patient_stops_the_release_that_shows_it_and_the_fields_are_named(
    other: dict[str, Any], label: str, tier: int
) -> None:
    people = alike(30) | {"rare": other}
    for number in (1, 2, 3):
        found = measured(people, number)
        met = outcomes(found, number)["alike"].met
        assert met is (number < tier), f"tier {number} shows what its own tables hold, and no more"
    outcome = outcomes(found)["alike"]
    assert (found.known.smallest, outcome.short.patients) == (1, 1)
    assert label in outcome.short.fields
    assert label in [each.label for each in found.fields if each.alone.smallest == 1]


@pytest.mark.parametrize(
    "mended",
    [alike(30), alike(30) | {"same": {}}, alike(30) | {f"rare{n}": {"model": "Rare"} for n in range(5)}],
    ids=["left out", "less exact", "five of a kind"],
)
def test_mending_opens_the_release(mended: People) -> None:
    assert not outcomes(measured(alike(30) | {"rare": {"model": "Rare"}}))["alike"].met
    assert outcomes(measured(mended))["alike"].met


def test_everybody_in_a_group_that_is_too_small_is_counted() -> None:
    found = measured(alike(30) | {f"r{n}": {"model": "Rare"} for n in range(4)} | {"one": {"sex": MALE}})
    assert found.known.sizes == ((1, 1), (4, 1), (30, 1))
    assert outcomes(found)["alike"].short.patients == 5


def test_what_one_step_wins_is_told() -> None:
    found = {each.id: each for each in measured(alike(30) | {"lobe": {"body_part": "BP1000263"},
                                                            "lung": {"body_part": "BP1000113"},
                                                            "old": {"age": 68.0}}).fields}  # fmt: skip
    part = found["body_part"]
    assert (part.known_as, part.step, part.stepped.below(2)) == ("as released", "organ", 1)
    assert (part.without.below(2), found["sex"].without.below(2)) == (1, 3)
    assert (found["age"].known_as, found["age"].step) == ("five years", "ten years")
    assert found["sex"].step == "left out" and found["sex"].stepped == found["sex"].without


def test_a_source_says_how_much_is_enough_and_how_exactly_something_is_known() -> None:
    people = alike(30) | {"rare": {"days": (12,)}}
    assert not outcomes(measured(people))["alike"].met
    own = {"at_least": 1, "why": "Invented."}
    outcome = outcomes(measured(people), **own)["alike"]
    assert outcome.met and outcome.changes == ("alike: at least 1 instead of 5. Invented.",)
    strict = {"at_least": 40, "why": "Rarer than usual."}
    assert outcomes(measured(alike(30)), **strict)["alike"].short.patients == 30
    known = {"known_as": {"first_examination": "months"}, "why": "Nobody knows the day."}
    outcome = outcomes(measured(people, **known), **known)["alike"]
    assert outcome.met
    assert outcome.changes == ("alike: first_examination counts as known as months. Nobody knows the day.",)
    assert measured(people, **known).released.smallest == 1, "what the release shows is told beside it"


def test_a_field_of_the_source_counts_too() -> None:
    field = {"id": "drug", "label": "Drugs", "column": "medication_administration.medication_code"}
    people = alike(30) | {"rare": {"drug": "CLIN1"}}
    assert outcomes(measured(people))["alike"].met, "a sensitive field singles nobody out"
    assert not outcomes(measured(people, fields=[field]))["alike"].met


def test_of_people_who_look_alike_it_is_told_what_somebody_would_learn() -> None:
    drugs = {f"p{n:04d}": {"drug": f"CLIN{n % 3}"} for n in range(12)}
    found = measured(drugs | {f"m{n}": {"sex": MALE, "drug": "CLIN1"} for n in range(6)})
    assert (found.known.smallest, dict(found.known.diversity)) == (6, {"drug": 1})
    assert dict(measured(drugs).known.diversity) == {"drug": 3}
    assert measured(alike(12)).known.least_diverse is None, "nobody has a value to be learnt"


def test_what_was_measured_survives_storage() -> None:
    found = measured(alike(9) | {"rare": {"sex": MALE, "drug": "CLIN1"}}, earlier=alike(8))
    assert Risk.from_dict(json.loads(json.dumps(found.to_dict()))) == found


def test_risk_that_was_not_measured_holds_nothing() -> None:
    judged = {each.id: each for each in verdict(1, TIERS, [], DatasetFacts(30)).requirements}
    assert not judged["alike"].met and not judged["alike_in_difference"].met


def test_several_values_of_a_person_are_a_set_or_an_order() -> None:
    made = tables({"one": {"days": (400, 10, 80)}, "two": {"days": (10, 400)}, "none": {"days": ()},
                   "undated": {"days": (1, 2), "dates": False}})  # fmt: skip
    fields = of_tables(IDENTIFIERS.of(source()), made)
    rows = {row["patient_id"]: row for row in join(made, fields, IDENTIFIERS.hierarchies).table.to_pylist()}
    intervals = {who: row[column("examination_intervals")].split(chr(31)) for who, row in rows.items()}
    assert intervals == {"one": ["70", "320"], "two": ["390"], "none": [""], "undated": ["?"]}
    assert rows["one"][column("examination_intervals", 1)].split(chr(31)) == ["month 2", "month 10"]
    assert rows["one"][column("modality")] == "IMG1004455" and rows["none"][column("modality")] == ""
    assert rows["one"][column("age", 2)] == "60-64"


def test_dates_are_set_against_each_other_where_days_are_missing() -> None:
    made = tables({"one": {"days": (5, 25)}})
    empty = made["image_study"].set_column(
        made["image_study"].schema.get_field_index("study_offset_from_diagnosis"),
        "study_offset_from_diagnosis", [[None, None]],
    )  # fmt: skip
    fields = [each for each in IDENTIFIERS.fields if each.id == "examination_intervals"]
    found = join(made | {"image_study": empty}, fields, IDENTIFIERS.hierarchies).table
    assert found[column("examination_intervals")].to_pylist() == ["20"]
