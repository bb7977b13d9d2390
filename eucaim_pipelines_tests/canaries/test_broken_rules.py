"""Every rule is broken on purpose, and each time the values it holds back are found in what comes out.

This shows that the tests of `test_canaries` fail without the rule; that they pass with it is shown there.
"""

from pathlib import Path

import pytest

from eucaim_pipelines.deidentification.images import Deidentifier, Subject
from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms
from eucaim_pipelines.deidentification.rules.profile import Profile
from eucaim_pipelines.dicom.tables import read_rows, rows
from eucaim_pipelines.errors import Refusal
from eucaim_pipelines_tests.canaries import breaking, plant_places, plant_reports, plant_table, raw
from eucaim_pipelines_tests.canaries.broken_tables import with_lines
from eucaim_pipelines_tests.canaries.planting import Planted
from eucaim_pipelines_tests.canaries.searching import in_bytes, survivors
from eucaim_pipelines_tests.canaries.test_canaries import rows as named
from eucaim_pipelines_tests.canaries.tokens import Tokens, found

pytestmark = pytest.mark.xdist_group("canaries")
HANDLERS = sorted({breaking.handler(row) for row in rows("deidentification/eucaim.csv")} - {"pixels"})
SEEN_BY_THE_VERIFIER = {
    *("clear", "constant", "content_date", "content_text", "date", "identifier", "patient"),
    *("token", "uid"),
}
"""Rules over what identifies; a verifier cannot know whether a number, a time or a term should have gone."""
UNLISTED = ("tag unknown", "curve", "overlay", "group length")
UNFIT = ("malformed", "mixed", "words", "after known words", "other letters")
CT, SR = plant_places.CT, plant_places.SR


def named_so(family: list[Planted], syntax: str, *names: str) -> list[Planted]:
    return [planted for planted in family if planted.syntax == syntax and planted.name in names]


@pytest.fixture(scope="module")
def suspects(family: list[Planted]) -> list[Planted]:
    """One object with every row of the table, one with the rest of the dictionary, one with a report."""
    made = named_so(family, raw.EXPLICIT, CT, f"{CT} rest of the dictionary", f"{SR} report")
    assert len(made) == 3
    return made


def assert_exactly(
    planted: Planted, opened: dict[int, set[str]], engine: Deidentifier, subject: Subject
) -> int:
    """What must come out without the rules of some tags, does; how many values these are."""
    expected = {plant for plant in planted.plants if breaking.comes_out(plant, opened)}
    out = in_bytes(planted, engine.deidentify(planted.data, subject).data)
    assert named(out - expected) == "", planted.name
    assert named(expected - out) == "", planted.name
    return sum(bool(opened.keys() & {plant.tag, *plant.place}) for plant in out)


def is_refused(planted: Planted, engine: Deidentifier, subject: Subject) -> bool:
    try:
        engine.deidentify_verified(planted.data, subject)
    except Refusal as refusal:
        assert refusal.reason in ("RESIDUAL_IDENTITY", "MALFORMED")  # or it cannot be read for certain
        return True
    return False


@pytest.mark.parametrize("handler", HANDLERS)
def test_without_a_rule_exactly_its_values_come_out(
    handler: str, profile: Profile, pseudonyms: Pseudonyms, subject: Subject, suspects: list[Planted]
) -> None:
    broken, opened = breaking.kept_as_received(profile, lambda row: breaking.handler(row) == handler)
    engine = Deidentifier(broken, pseudonyms)
    assert sum(assert_exactly(planted, opened, engine, subject) for planted in suspects) > 0
    if handler in SEEN_BY_THE_VERIFIER:
        assert any(is_refused(planted, engine, subject) for planted in suspects)


def test_every_row_of_the_table_is_among_the_rules_that_were_broken(
    profile: Profile, suspects: list[Planted], shared: Path
) -> None:
    """Row by row: with it open its values come out; what is in no data set is left to the tests below."""
    listed = plant_table.table(read_rows(shared / "standards" / "ps3.15_table_e1-1.csv"))
    _, opened = breaking.kept_as_received(profile, lambda row: True)
    out = [p for planted in suspects for p in planted.plants if breaking.comes_out(p, opened)]
    shown = {tag for plant in out for tag in (plant.tag, *plant.place)}
    dictionary = {breaking.tag(row) for row in profile.rows}
    missing = {tag for tag, _ in listed} - shown
    left = {tag for tag in missing if tag >> 16 not in (0, 2) and tag in dictionary}
    assert left == {breaking.REFERENCE}


@pytest.mark.parametrize("group", UNLISTED)
def test_an_element_that_is_not_listed_comes_out_once_it_is(
    group: str, family: list[Planted], profile: Profile, pseudonyms: Pseudonyms, subject: Subject
) -> None:
    (planted,) = named_so(family, raw.EXPLICIT, f"{CT} unknown")
    plants = [plant for plant in planted.plants if plant.group == group]
    broken, opened = breaking.also_listed(profile, plants)
    engine = Deidentifier(broken, pseudonyms)
    assert assert_exactly(planted, opened, engine, subject) >= len(plants) > 0
    assert is_refused(planted, engine, subject) or group == "group length"


@pytest.mark.parametrize("syntax", [raw.EXPLICIT, raw.BIG_ENDIAN])
def test_another_vr_comes_out_once_it_is_allowed(
    syntax: str, family: list[Planted], profile: Profile, pseudonyms: Pseudonyms, subject: Subject
) -> None:
    (planted,) = named_so(family, syntax, f"{CT} other vr")
    plants = [plant for plant in planted.plants if plant.group == "other VR"]
    broken, opened = breaking.also_listed(profile, plants)
    engine = Deidentifier(broken, pseudonyms)
    assert assert_exactly(planted, opened, engine, subject) > 0.99 * len(plants)
    assert is_refused(planted, engine, subject)


@pytest.mark.parametrize("name", UNFIT)
def test_a_value_that_does_not_fit_comes_out_once_nobody_looks(
    name: str, family: list[Planted], profile: Profile, pseudonyms: Pseudonyms, subject: Subject
) -> None:
    """Malformed numbers, dates and UIDs, a wrong multiplicity, words beside known ones."""
    broken, opened = breaking.kept_as_received(
        profile, lambda row: "SQ" not in row["vr"] and row["rule"] != "pixels"
    )
    planted = next(p for p in family if p.name.endswith(f" {name}") and p.syntax == raw.EXPLICIT)
    assert assert_exactly(planted, opened, Deidentifier(broken, pseudonyms), subject) > 10


def test_a_reference_that_keeps_its_uid_is_refused(
    profile: Profile, pseudonyms: Pseudonyms, subject: Subject, suspects: list[Planted]
) -> None:
    broken, _ = breaking.also_listed(profile, [p for p in suspects[0].plants if p.tag == breaking.REFERENCE])
    with pytest.raises(Refusal) as refused:
        Deidentifier(broken, pseudonyms).deidentify(suspects[0].data, subject)
    assert refused.value.reason == "REFERENCE_LOST"


OPEN_LINES = {
    "coding_schemes.csv": (f"{CT} codes", 0x00080100, ("99VALLE,.*,broken",)),
    "private.csv": (
        *(f"{plant_places.MR} private", 0x0019200B),
        ("SIEMENS MR HEADER,0019,0B,Number,IS,1,0,1e12,,broken",),
    ),
    "well_known_uids.csv": (CT, 0x00200052, ("{},broken",)),
    "cs_terms.csv": (f"{CT} rest of the dictionary", 0x00189004, ("*,{},broken",)),
    "manufacturers.csv": (f"{CT} words", 0x00080070, ("{},broken",)),
    "text_patterns.csv": (f"{CT} words", 0x00181210, ("kernels,.*,broken",)),
}
"""Table: the object and the attribute that show it broken, and a line that says too much."""


@pytest.mark.parametrize("table", OPEN_LINES)
def test_a_table_that_says_too_much_lets_values_out(
    table: str,
    family: list[Planted],
    profile: Profile,
    pseudonyms: Pseudonyms,
    subject: Subject,
    tmp_path: Path,
) -> None:
    name, tag, lines = OPEN_LINES[table]
    (planted,) = named_so(family, raw.EXPLICIT, name)
    plants = {plant for plant in planted.plants if plant.tag == tag}
    assert plants
    output = Deidentifier(profile, pseudonyms).deidentify(planted.data, subject).data
    assert not plants & in_bytes(planted, output)
    more = [line.format(plant.token) for plant in plants for line in lines]
    with with_lines(tmp_path, {table: more}):
        anew = Deidentifier(profile, Pseudonyms(pseudonyms.key))  # UIDs are remembered
        output = anew.deidentify(planted.data, subject).data
    assert plants & in_bytes(planted, output)


def test_ages_from_ninety_on_come_out_once_they_are_not_pooled(
    profile: Profile, pseudonyms: Pseudonyms, subject: Subject, deidentifier: Deidentifier, tokens: Tokens
) -> None:
    planted = plant_reports.old_person(tokens)
    broken, _ = breaking.kept_as_received(
        profile, lambda row: breaking.handler(row) in ("age", "content_number")
    )
    assert survivors(planted, deidentifier.deidentify_verified(planted.data, subject).data) == set()
    output = Deidentifier(broken, pseudonyms).deidentify(planted.data, subject).data
    assert len(survivors(planted, output)) == 3


@pytest.mark.parametrize("part", ["preamble", "file meta", "behind the last element"])
def test_what_is_not_rebuilt_is_found(
    part: str, suspects: list[Planted], deidentifier: Deidentifier, subject: Subject
) -> None:
    """Parts of the source put back into the output: the search sees them there."""
    planted = suspects[0]
    source, output = planted.data, deidentifier.deidentify(planted.data, subject).data
    start = [144 + int.from_bytes(file[140:144], "little") for file in (source, output)]
    put_back = {
        "preamble": source[:128] + output[128:],
        "file meta": source[: start[0]] + output[start[1] :],
        "behind the last element": output + source[-200:],
    }
    there = found(put_back[part])
    assert {plant.token for plant in planted.plants} & (there - found(output))
