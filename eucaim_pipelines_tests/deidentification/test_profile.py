"""The profile is what its generator makes of the Standard, and resolves composites by SOP class and place."""

import pytest

from eucaim_pipelines import contracts
from eucaim_pipelines.deidentification.engine.replacements import Replacements
from eucaim_pipelines.deidentification.rules import codes, generator, tables
from eucaim_pipelines.deidentification.rules.profile import TOP_LEVEL, Profile
from eucaim_pipelines.dicom.tables import read_rows, rows

CT, ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.2.1"
SERIAL_NUMBER, PATIENT_NAME, CONTENT_DATE = 0x00181000, 0x00100010, 0x00080023


def test_generated_tables_are_those_in_the_project(shared):
    for name, text in generator.generate(shared / "standards" / "ps3.15_table_e1-1.csv").items():
        assert (contracts.folder() / "deidentification" / name).read_text(encoding="utf-8") == text, name


def test_every_attribute_of_table_e1_1_has_one_row(shared):
    table = read_rows(shared / "standards" / "ps3.15_table_e1-1.csv")
    tags = [row["tag"] for row in rows("deidentification/eucaim.csv")]
    assert len(tags) == len(set(tags))
    assert {row["tag"] for row in table} <= set(tags)


def test_every_deviation_has_a_reason_or_is_only_a_rule():
    for row in rows("deidentification/deviations.csv"):
        assert row["why"] or row["rule"] in ("uid", "number", "pixels", "clear"), row["keyword"]


def test_every_rule_is_one_the_walker_knows(profile):
    own = {"clear", "walk", "code", "dimensions", "dummy_code", "pixels"}
    for rule in profile.rules(CT, TOP_LEVEL).values():
        assert rule.handler in own or hasattr(Replacements, rule.handler), rule.keyword
        if rule.handler == "pattern":
            assert rule.argument in tables.patterns(), rule.keyword


def test_a_composite_is_resolved_by_what_keeps_the_object_conformant(profile):
    assert profile.rules(CT, TOP_LEVEL)[SERIAL_NUMBER].empty == "X"
    assert profile.rules(ENHANCED_CT, TOP_LEVEL)[SERIAL_NUMBER].empty == "D"


def test_what_is_not_listed_has_no_rule(profile):
    rules = profile.rules(CT, TOP_LEVEL)
    assert 0x00291010 not in rules
    assert 0x60003000 not in rules
    assert rules[PATIENT_NAME].handler == "patient"


def test_the_digest_follows_every_file_it_is_made_of(profile, tmp_path):
    source = contracts.folder() / "deidentification"
    for file in source.glob("*.csv"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    assert Profile.load(folder=tmp_path).digest == profile.digest
    (tmp_path / "eucaim.csv").open("a").write("\n# changed")
    assert Profile.load(folder=tmp_path).digest != profile.digest


@pytest.mark.parametrize(
    ("name", "kept", "refused"),
    [
        ("versions", ["syngo CT VA48A", "27", "LX"], ["Quintanilla", "HOSP-00417733"]),
        ("kernels", ["B31f", "STANDARD", "Br40d"], ["Quintanilla"]),
        ("labels", ["GTV", "Lung_L", "Nodule 2", "prostate"], ["Quintanilla", "GTV Quintanilla"]),
        ("orientation", ["L", "RF"], ["Q", "LLLL"]),
        ("methods", ["OSEM 3i 21s", "CT derived"], ["Quintanilla 3i"]),
        ("contrast", ["ULTRAVIST 370", "ISOVUE300/100"], ["Quintanilla 370"]),
        ("offset", ["+0200", "-0500"], ["0200", "+9900"]),
    ],
)
def test_patterns_keep_technique_and_no_names(name, kept, refused):
    pattern = tables.patterns()[name]
    assert [value for value in kept if not pattern.fullmatch(value)] == []
    assert [value for value in refused if pattern.fullmatch(value)] == []


def test_codes_are_public_by_scheme_and_form(pseudonyms):
    assert codes.is_public("113100", "DCM")
    assert codes.is_public("10200004", "SCT")
    assert not codes.is_public("HOSP-00417733", "SCT")
    assert not codes.is_public("{Quintanilla}", "UCUM")
    local = codes.released("M2195", "GEIIS", pseudonyms)
    assert (local.scheme, local.meaning, len(local.value)) == ("99EUCAIM", "Local code", 16)
    assert codes.released("M2195", "GEIIS", pseudonyms) == local
