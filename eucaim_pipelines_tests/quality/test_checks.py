"""How rules are run: rows selected, judged, counted, and pointed at; never a value of a cell."""

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from eucaim_pipelines.contracts import vocabularies
from eucaim_pipelines.contracts.rules import BETWEEN, EXPECTATIONS, IN_SET, NOT_NULL, TOGETHER, Rule
from eucaim_pipelines.contracts.tables import load_tables
from eucaim_pipelines.errors import ContractError
from eucaim_pipelines.quality import checks
from eucaim_pipelines.quality.plan import evaluated_at, known_checks, planned

SECRET = "Grüßner^Özlem"
CONTRACTS = load_tables()
VOCABULARIES = vocabularies.load_all()
RULES = {rule.id: rule for rule in planned(CONTRACTS)}


def patients(**changes: dict[int, Any]) -> pa.Table:
    rows = [
        {"patient_id": f"EUCAIM-{i:04}", "dataset_id": "d", "patient_birth_sex": "COM1001366",
         "patient_diagnostic_category": "COM1001087", "patient_source": "both"}
        for i in range(12)
    ]  # fmt: skip
    for column, values in changes.items():
        for row, value in values.items():
            rows[row][column] = value
    return pa.Table.from_pylist(rows, schema=CONTRACTS["patient"].schema)


def rule(expectation: str, query: str | None = None, **kwargs: Any) -> Rule:
    return Rule(
        "patient.made_up", "patient", None, "made_up", expectation, kwargs, "accuracy", "warning", "patient",
        "Something is wrong.", "Correct it.", query=query, needs=("patient",),
    )  # fmt: skip


def run(some: list[Rule], **tables: pa.Table) -> checks.Outcome:
    return checks.run(some, tables, CONTRACTS, VOCABULARIES)


def failed(one: Rule, **tables: pa.Table) -> list[str]:
    return run([one], **tables).results["pointer"].to_pylist()


def test_a_finding_counts_rows_and_patients_and_the_results_say_which() -> None:
    one = RULES["patient.patient_birth_sex.in_value_set"]
    broken = patients(patient_birth_sex={0: None, 2: SECRET, 7: "COM1"})
    outcome = run([one], patient=broken)
    (found,) = outcome.findings
    assert (found.checked, found.failed, found.patients, found.passed) == (11, 2, 2, False)
    assert (found.field, found.level, found.share) == ("patient_birth_sex", "patient", 9 / 11)
    assert outcome.results.to_pylist() == [
        {"check": one.id, "patient_id": "EUCAIM-0002", "pointer": "EUCAIM-0002"},
        {"check": one.id, "patient_id": "EUCAIM-0007", "pointer": "EUCAIM-0007"},
    ]
    assert SECRET not in repr(found) and SECRET not in str(outcome.results.to_pylist())


def test_rows_without_the_condition_are_not_looked_at() -> None:
    one = RULES["patient.patient_birth_sex.complete"]
    some = patients(patient_birth_sex={3: None, 4: None}, patient_source={3: "images"})
    (found,) = run([one], patient=some).findings
    assert (found.checked, found.failed) == (11, 1)


def test_a_key_that_occurs_thrice_is_one_entry() -> None:
    one = RULES["patient.key.unique"]
    assert failed(one, patient=patients(patient_id={5: "EUCAIM-0004", 6: "EUCAIM-0004"})) == ["EUCAIM-0004"]


def test_an_empty_reference_refers_to_nothing_and_a_missing_table_is_not_said_to_hold() -> None:
    one = RULES["image_study.patient_id.resolves"]
    rows = [{"study_uid": f"1.2.{i}", "patient_id": f"EUCAIM-{i:04}"} for i in (1, 99)]
    studies = pa.Table.from_pylist(rows, schema=CONTRACTS["image_study"].schema)
    assert failed(one, image_study=studies, patient=patients()) == ["1.2.99 EUCAIM-0099"]
    assert run([one], image_study=studies).findings == []
    of_episode = RULES["image_study.episode_id.resolves"]
    (found,) = run([of_episode], image_study=studies, episode=CONTRACTS["episode"].empty()).findings
    assert (found.checked, found.passed) == (0, True)


def test_a_row_without_a_patient_takes_that_of_the_row_it_refers_to() -> None:
    segment = {"segmentation_series_uid": "2.1", "segmentation_instance_uid": "2.1.1", "segment_number": 1}
    series = {"segmentation_series_uid": "2.1", "study_uid": "1", "patient_id": "EUCAIM-0001",
              "references_resolved": True}  # fmt: skip
    outcome = run(
        [RULES["segment.label.complete"]],
        segment=pa.Table.from_pylist([segment], schema=CONTRACTS["segment"].schema),
        segmentation_series=pa.Table.from_pylist([series], schema=CONTRACTS["segmentation_series"].schema),
    )
    assert outcome.results.to_pylist() == [
        {"check": "segment.label.complete", "patient_id": "EUCAIM-0001", "pointer": "2.1 2.1.1 1"}
    ]


def test_empty_tables_are_findings_where_a_table_is_mandatory_and_nowhere_else() -> None:
    tables = {name: contract.empty() for name, contract in CONTRACTS.items()}
    found = run([each for each in RULES.values() if set(each.needs) <= tables.keys()], **tables).findings
    mandatory = {f"{name}.rows.present" for name, contract in CONTRACTS.items() if contract.mandatory}
    assert {each.check for each in found if not each.passed} == mandatory


def test_the_same_tables_give_the_same_outcome() -> None:
    some = patients(patient_birth_sex=dict.fromkeys(range(9)), patient_id={5: "EUCAIM-0004"})
    of_patients = [each for each in RULES.values() if set(each.needs) == {"patient"}]
    runs = [run(of_patients, patient=some) for _ in range(3)]
    assert runs[0].findings == runs[1].findings == runs[2].findings
    assert runs[0].results.equals(runs[1].results) and runs[0].results.equals(runs[2].results)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (rule(BETWEEN, "SELECT count(patient) FROM patient WHERE 'Özlem'::INT > 1", column="n"), "query"),
        (rule(BETWEEN, "SELECT * FROM read_csv('/etc/passwd')", column="n"), "query"),
        (rule(BETWEEN, "SELECT 1 AS n FROM SECRET", column="n", max_value=0), "query"),
        (rule(BETWEEN, "SELECT patient_id, 1 AS n FROM patient", column="m", max_value=0), "no column 'm'"),
        (rule(BETWEEN, "SELECT patient_id, 1 AS n FROM patient", column="n", most=0), "arguments"),
        (rule(BETWEEN, "SELECT patient_id, 'x' AS n FROM patient", column="n", max_value=0), "judged"),
    ],
)
def test_a_rule_that_cannot_be_run_says_so_without_a_value(wrong: Rule, words: str) -> None:
    with pytest.raises(ContractError, match=words) as caught:
        run([wrong], patient=patients())
    assert "patient.made_up" in str(caught.value) and "Özlem" not in str(caught.value)
    assert caught.value.__cause__ is None


NUMBERS = "SELECT row_number() OVER () AS patient_id, * FROM (VALUES {}) AS t(a, b)"


def numbers(expectation: str, values: str, **kwargs: Any) -> list[str]:
    columns = {"column_list": ["a", "b"]} if "column" not in kwargs else {}
    return failed(rule(expectation, NUMBERS.format(values), **columns, **kwargs), patient=patients())


def test_cells_are_given_together_or_not_at_all() -> None:
    assert numbers(TOGETHER, "(1, 'mm'), (NULL, NULL), (2, NULL), (NULL, 'mm')") == ["3", "4"]


def test_numbers_differ_at_most_by_so_much_where_both_are_known() -> None:
    values = "(50.0, 51.5), (50.0, 51.6), (51.6, 50.0), (NULL, 3.0)"
    assert numbers("expect_values_to_differ_at_most", values, at_most=1.5) == ["2", "3"]


def around(middle: float, spread: float, count: int, group: str) -> str:
    return ", ".join(f"({middle + spread * (i % 5 - 2)}, '{group}')" for i in range(count))


@pytest.mark.parametrize(
    ("outlier", "found"), [("9.9", False), ("13.1", False), ("20.0", True), ("-5.0", True)]
)
def test_an_outlier_is_far_from_the_median_of_its_group(outlier: str, found: bool) -> None:
    values = f"{around(10, 0.5, 40, 'CT')}, {around(1000, 1, 40, 'MR')}, ({outlier}, 'CT')"
    kwargs = {"limit": 5, "floor": 0, "smallest_group": 20}
    assert numbers("expect_values_near_their_group", values, **kwargs) == (["81"] if found else [])


def test_a_small_group_and_equal_numbers_make_no_outlier_of_a_neighbour() -> None:
    kwargs = {"limit": 5, "floor": 0.3, "smallest_group": 20}
    assert numbers("expect_values_near_their_group", f"{around(10, 0, 5, 'CT')}, (99, 'CT')", **kwargs) == []
    equal = f"{around(10, 0, 40, 'CT')}, (11.4, 'CT'), (11.6, 'CT')"
    assert numbers("expect_values_near_their_group", equal, **kwargs) == ["42"]


def test_ratios_tell_a_wrong_unit() -> None:
    values = f"{around(90, 5, 40, 'TE')}, (0.09, 'TE'), (200, 'TE'), (0, 'TE')"
    kwargs = {"limit": 6, "floor": 0.25, "smallest_group": 20, "logarithmic": True}
    assert numbers("expect_values_near_their_group", values, **kwargs) == ["41"]


ARGUMENTS: dict[str, dict[str, Any]] = {
    NOT_NULL: {"column": "c"},
    IN_SET: {"column": "a", "value_set": [1, 2, 7]},
    BETWEEN: {"column": "a", "max_value": 3},
    TOGETHER: {"column_list": ["a", "c"]},
    "expect_column_values_to_match_regex": {"column": "c", "regex": "^x"},
    "expect_column_values_to_be_unique": {"column": "a"},
    "expect_compound_columns_to_be_unique": {"column_list": ["a", "c"]},
    "expect_column_pair_values_to_be_equal": {"column_A": "a", "column_B": "b"},
    "expect_column_pair_values_a_to_be_greater_than_b": {"column_A": "b", "column_B": "a", "or_equal": True},
    "expect_values_to_differ_at_most": {"column_list": ["a", "b"], "at_most": 1},
    "expect_values_near_their_group": {"column_list": ["a", "b"], "smallest_group": 2, "floor": 0.1},
}


@pytest.mark.parametrize("expectation", EXPECTATIONS)
def test_every_expectation_that_a_rule_may_name_finds_what_does_not_hold(expectation: str) -> None:
    rows = "(1, 1, 'x'), (2, 2, 'x2'), (9, 2, NULL), (9, 2, 'y'), (2, 2, 'x3'), (9, 2, 'y')"
    query = f"SELECT row_number() OVER () AS patient_id, * FROM (VALUES {rows}) AS t(a, b, c)"
    pointers = failed(rule(expectation, query, **ARGUMENTS[expectation]), patient=patients())
    assert pointers and "1" not in pointers


def test_a_check_is_told_by_the_lowest_tier_that_holds_all_it_reads() -> None:
    held = {1: ("patient", "image_study"), 2: ("patient", "image_study", "cancer_condition")}
    assert evaluated_at(RULES["image_study.patient_id.resolves"], CONTRACTS, held) == 1
    assert evaluated_at(RULES["patient.has_diagnosis"], CONTRACTS, held) == 2
    assert evaluated_at(RULES["episode_event.episode_id.resolves"], CONTRACTS, held) is None
    of_images = replace(RULES["patient.key.unique"], needs=("patient", "instances", "records_x"))
    assert evaluated_at(of_images, CONTRACTS, held) == 1


def test_identifiers_are_known_and_stand_for_one_rule_each() -> None:
    every = planned(CONTRACTS)
    assert len({each.id for each in every}) == len(every)
    assert {each.id for each in every} < known_checks(CONTRACTS)


def test_the_engine_is_imported_only_when_rows_are_judged() -> None:
    modules = ["checks", "crossed", "plan", "tiers", "verdict", "findings", "disclosure", "reasons"]
    code = "import sys; " + "; ".join(f"import eucaim_pipelines.quality.{name}" for name in modules)
    code += "; sys.exit('great_expectations' in sys.modules or 'dagster' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
