"""No planted value survives but those that a rule keeps, and what research needs keeps its value.

That the search can fail, rule by rule, is shown in `test_broken_rules`.
"""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from eucaim_pipelines.deidentification.images import Deidentifier, Subject
from eucaim_pipelines.dicom.tables import read_rows
from eucaim_pipelines.errors import Refusal
from eucaim_pipelines_tests.canaries import kept, plant_hidden, plant_table, raw
from eucaim_pipelines_tests.canaries.conftest import Outcome
from eucaim_pipelines_tests.canaries.planting import Plant, Planted
from eucaim_pipelines_tests.canaries.searching import in_bytes, survivors
from eucaim_pipelines_tests.canaries.tokens import Tokens, found

pytestmark = pytest.mark.xdist_group("canaries")
PLACES_TO_PLANT = 2184
"""As many as the test set had on which other tools were measured."""
GROUPS = {
    *("table", "dictionary", "file meta", "preamble", "group length", "tag unknown", "curve", "overlay"),
    *(
        "sequence as UN",
        "private",
        "private of a known creator",
        "private creator",
        "private without creator",
        "malformed",
        "other VR",
    ),
    *(
        "mixed",
        "after a known value",
        "open pattern",
        "word",
        "letters",
        "report",
        "code",
        "public code",
        "segmentation",
    ),
    *("structure set", "annotation", "slide", "colour profile", "functional groups", "image"),
}


def rows(plants: Iterable[Plant]) -> str:
    """Plants as rows of `kept.csv`, without place and rule, for the message of a test that fails."""
    return "\n".join(sorted({",".join(kept.key(plant)) for plant in plants}))


def test_every_value_is_planted_once_and_found_where_it_lies(family: list[Planted]) -> None:
    """The search sees all of them in the files as received, in every encoding."""
    for planted in family:
        assert rows(set(planted.plants) - in_bytes(planted, planted.data)) == "", planted.name
    long = [plant.token for planted in family for plant in planted.plants if isinstance(plant.token, str)]
    assert len(long) == len(set(long))


def test_every_row_of_the_table_is_planted_at_both_depths_in_every_encoding(
    family: list[Planted], shared: Path
) -> None:
    listed = read_rows(shared / "standards" / "ps3.15_table_e1-1.csv")
    tags = {tag for tag, _ in plant_table.table(listed) if tag >> 16 not in (0, 2)}
    assert len(listed) == 656
    for syntax in raw.SYNTAXES:
        at = {0: set[int](), 3: set[int]()}
        for planted in family:
            if planted.syntax == syntax:
                for plant in planted.plants:
                    for depth in (0, 3):
                        at[depth] |= {plant.tag, *plant.place[depth:]} if len(plant.place) >= depth else set()
        assert tags <= at[0]
        assert tags <= at[3]
    meta = {plant.tag for planted in family for plant in planted.plants if plant.group == "file meta"}
    assert 0x00020003 in meta


def test_there_are_values_in_every_kind_of_place(family: list[Planted]) -> None:
    counts = Counter(plant.group for planted in family for plant in planted.plants)
    assert set(counts) == GROUPS
    places = {(plant.place, plant.tag, plant.vr, plant.group) for p in family for plant in p.plants}
    assert len(places) > PLACES_TO_PLANT


def test_no_value_survives_but_those_that_a_rule_keeps(outcomes: list[Outcome]) -> None:
    """Exact both ways: what is listed in `kept.csv` stays in all objects and encodings; nothing else does."""
    left, gone, used = set(), set(), set[kept.Row]()
    for planted, _, survived in outcomes:
        allowed = {plant: kept.rows_of(plant) for plant in planted.plants}
        left |= {plant for plant in survived if not allowed[plant]}
        gone |= {plant for plant, listed in allowed.items() if listed and plant not in survived}
        used |= {row for plant in survived for row in allowed[plant]}
    assert rows(left) == ""
    assert rows(gone) == ""
    assert set(kept.rows().values()) - used == set()
    assert {row.rule for row in used} == set(kept.RULES)


def test_items_three_sequences_deep_are_still_there(outcomes: list[Outcome]) -> None:
    """A nested value is gone because of its own rule, not because its item is."""
    for planted, _, survived in outcomes:
        depths = {len(plant.place) for plant in planted.plants if plant.group == "table"}
        if 3 in depths:
            assert 3 in {len(plant.place) for plant in survived}, planted.name


def test_no_value_is_in_rows_or_counts(outcomes: list[Outcome]) -> None:
    for planted, result, survived in outcomes:
        plain = {plant.token for plant in planted.plants} - {plant.token for plant in survived}
        said = f"{result.row} {sorted(result.actions.items())} {result.structure}"
        assert found(said.encode()) & plain == set(), planted.name


def test_objects_of_different_patients_share_no_value(outcomes: list[Outcome]) -> None:
    """No value of an earlier object comes out with a later one."""
    seen: set[str] = set()
    for planted, result, _ in outcomes:
        assert found(result.data) & seen == set(), planted.name
        seen |= {plant.token for plant in planted.plants if isinstance(plant.token, str)}


@pytest.mark.parametrize("name", sorted({*plant_hidden.STREAMS, *plant_hidden.PLACES}))
def test_what_only_bytes_can_hide_is_refused_or_gone(
    name: str, tokens: Tokens, deidentifier: Deidentifier, subject: Subject
) -> None:
    for planted in plant_hidden.objects(tokens, name):
        assert found(planted.data) or planted.syntax == raw.DEFLATED
        try:
            output = deidentifier.deidentify_verified(planted.data, subject).data
        except Refusal as refusal:
            assert refusal.reason in {"MALFORMED", "PIXEL_STREAM_MARKER", "TRUNCATED", "RESIDUAL_IDENTITY"}
            assert found(f"{refusal} {refusal.args}".encode()) == set()
        else:
            assert survivors(planted, output) == set()


def test_streams_that_hide_nothing_are_taken(
    tokens: Tokens, deidentifier: Deidentifier, subject: Subject
) -> None:
    for planted in plant_hidden.clean(tokens):
        output = deidentifier.deidentify_verified(planted.data, subject).data
        assert survivors(planted, output) == set()
