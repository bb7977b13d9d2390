"""Quality rules as contracts declare them, and what a wrong one is told."""

import shutil
from pathlib import Path

import pytest

from eucaim_pipelines.contracts import folder
from eucaim_pipelines.contracts.rules import Rule
from eucaim_pipelines.contracts.tables import load_tables
from eucaim_pipelines.errors import ContractError

AT_TABLE = """\
    quality:
      - name: treated_people_exist
        type: custom
        engine: greatExpectations
        implementation: {type: expect_column_values_to_be_between, kwargs: {column: age, max_value: 120}}
        dimension: consistency
        severity: warning
        description: >-
          Some ages
          are too high.
        customProperties:
          - {property: remedy, value: Correct them.}
          - {property: level, value: study}
          - {property: eucaimDimension, value: integrity}
          - {property: query, value: "SELECT patient_id, age FROM image_study"}
          - {property: pointer, value: patient_id}
          - {property: needs, value: "image_study, records_people, instances"}
    properties:
"""


def with_rule(tmp_path: Path, rule: str) -> Path:
    copy = tmp_path / "contracts"
    shutil.copytree(folder(), copy)
    path = copy / "cdm" / "treatment.odcs.yaml"
    text = path.read_text(encoding="utf-8")
    assert "    quality:\n      - name: treated" not in text
    path.write_text(text.replace("    properties:\n", rule, 1), encoding="utf-8")
    return copy


def named(contracts: Path, check: str) -> Rule:
    return next(rule for rule in load_tables(contracts)["treatment"].rules if rule.id == check)


def test_a_rule_of_a_whole_table_says_what_it_reads_and_of_whom_it_speaks(tmp_path: Path) -> None:
    rule = named(with_rule(tmp_path, AT_TABLE), "treatment.treated_people_exist")
    assert (rule.field, rule.level, rule.dimension) == (None, "study", "integrity")
    assert rule.needs == ("treatment", "image_study", "records_people", "instances")
    assert rule.columns == ("age",) and rule.pointer == ("patient_id",)
    assert rule.sentence == "Some ages are too high."


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("type: expect_column_values_to_be_between", "type: expect_wonders", "may use"),
        ("type: expect_column_values_to_be_between", "type: [expect_wonders]", "may use"),
        ("{column: age, ", "{colum: age, ", "needs column"),
        ("engine: greatExpectations", "engine: soda", "engine greatExpectations"),
        ("type: custom", "type: text", "type library"),
        ("value: study}", "value: planet}", "Level is one of patient, clinical"),
        ("image_study, records", "image_studies, records", "needs 'image_studies', which does not exist"),
        (
            '          - {property: needs, value: "image_study, records_people, instances"}\n',
            "",
            "A query needs the names",
        ),
        ("{property: remedy, value: Correct them.}", "{property: origin, value: x}", "remedy"),
    ],
)
def test_a_wrong_rule_is_refused_with_file_and_line(
    tmp_path: Path, before: str, after: str, words: str
) -> None:
    assert before in AT_TABLE
    contracts = with_rule(tmp_path, AT_TABLE.replace(before, after))
    with pytest.raises(ContractError, match=words) as caught:
        load_tables(contracts)
    assert str(caught.value.file).endswith("treatment.odcs.yaml") and (caught.value.line or 0) > 1
