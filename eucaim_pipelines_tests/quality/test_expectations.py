"""The engine's findings against tables whose defects are known."""

import subprocess
import sys
from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from eucaim_pipelines.contracts.tables import TableContract, load_tables
from eucaim_pipelines.quality.expectations import check_table, check_tables
from eucaim_pipelines.quality.findings import Finding
from eucaim_pipelines.quality.plan import known_checks, planned

SECRET = "Grüßner^Özlem"


@pytest.fixture(scope="module")
def contracts() -> dict[str, TableContract]:
    return load_tables()


def table(contract: TableContract, rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=contract.schema)


def patients(contract: TableContract, **changes: dict[int, Any]) -> pa.Table:
    rows = [
        {"patient_id": f"EUCAIM-{i:04}", "dataset_id": "d", "patient_birth_sex": "COM1001366",
         "patient_diagnostic_category": "COM1001087", "patient_source": "both"}
        for i in range(12)
    ]  # fmt: skip
    for column, values in changes.items():
        for row, value in values.items():
            rows[row][column] = value
    return table(contract, rows)


def by_check(found: list[Finding]) -> dict[str, Finding]:
    return {each.check: each for each in found}


def test_a_table_in_order_has_every_planned_finding_and_all_pass(contracts: dict[str, TableContract]) -> None:
    contract = contracts["patient"]
    found = check_table("patient", patients(contract), contract, {})
    assert [each.check for each in found] == sorted(check.id for check in planned(contract))
    assert all(each.passed and each.failed == 0 for each in found)


def test_defects_are_counted_in_rows_and_patients(contracts: dict[str, TableContract]) -> None:
    broken = patients(
        contracts["patient"],
        patient_birth_sex={0: None, 1: None, 2: SECRET},
        patient_id={5: "EUCAIM-0004"},
    )
    found = by_check(check_table("patient", broken, contracts["patient"], {}))
    missing = found["patient.patient_birth_sex.complete"]
    assert (missing.checked, missing.failed, missing.patients, missing.passed) == (12, 2, 2, False)
    wrong = found["patient.patient_birth_sex.in_value_set"]
    assert (wrong.checked, wrong.failed, wrong.patients) == (10, 1, 1)
    twice = found["patient.key.unique"]
    assert (twice.failed, twice.patients) == (2, 1)
    assert SECRET not in repr(found)


def test_people_known_from_images_only_are_not_asked_for_clinical_fields(
    contracts: dict[str, TableContract],
) -> None:
    some = patients(contracts["patient"], patient_birth_sex={3: None}, patient_source={3: "images"})
    found = by_check(check_table("patient", some, contracts["patient"], {}))
    assert found["patient.patient_birth_sex.complete"].checked == 11
    assert found["patient.patient_birth_sex.complete"].passed


def test_a_threshold_lets_a_finding_pass_and_keeps_its_counts(contracts: dict[str, TableContract]) -> None:
    check = "patient.patient_birth_sex.complete"
    some = patients(contracts["patient"], patient_birth_sex={0: None})
    found = by_check(check_table("patient", some, contracts["patient"], {}, thresholds={check: 0.9}))[check]
    assert found.passed and found.failed == 1


def studies(contract: TableContract, count: int = 3, person: str = "EUCAIM-0001") -> pa.Table:
    return table(
        contract,
        [
            {"study_uid": f"1.2.{i}", "patient_id": person, "procedure_id": None,
             "patient_age_at_study_years": 61.5, "study_acquisition_date": date(2011, 3, 4 + i)}
            for i in range(count)
        ],
    )  # fmt: skip


def test_references_must_lead_to_a_row(contracts: dict[str, TableContract]) -> None:
    contract = contracts["image_study"]
    people = patients(contracts["patient"])
    found = by_check(check_table("image_study", studies(contract), contract, {"patient": people}))
    assert found["image_study.patient_id.resolves"].passed
    assert "image_study.procedure_id.resolves" not in found  # procedure was not given, so nothing is claimed
    lost = by_check(
        check_table("image_study", studies(contract, person="EUCAIM-9999"), contract, {"patient": people})
    )
    dangling = lost["image_study.patient_id.resolves"]
    assert (dangling.checked, dangling.failed, dangling.patients) == (3, 3, 1)


def test_a_reference_that_is_empty_refers_to_nothing(contracts: dict[str, TableContract]) -> None:
    contract = contracts["image_study"]
    others = {"procedure": contracts["procedure"].empty(), "patient": patients(contracts["patient"])}
    found = by_check(check_table("image_study", studies(contract), contract, others))
    assert found["image_study.procedure_id.resolves"].failed == 0


def test_empty_tables_are_checked_without_an_error(contracts: dict[str, TableContract]) -> None:
    tables = {name: contract.empty() for name, contract in contracts.items()}
    found = by_check(check_tables(tables, contracts))
    assert known_checks(contracts) - set(found) == {
        c for c in known_checks(contracts) if c.startswith("linkage.")
    }
    failed = {check for check, each in found.items() if not each.passed}
    assert failed == {f"{name}.rows.present" for name, contract in contracts.items() if contract.mandatory}


def test_a_segmentation_that_refers_to_nothing_is_found(contracts: dict[str, TableContract]) -> None:
    contract = contracts["segmentation_series"]
    rows = [
        {"segmentation_series_uid": f"2.1.{i}", "study_uid": "1.2.0", "patient_id": f"EUCAIM-{i:04}",
         "references_resolved": i != 7}
        for i in range(10)
    ]  # fmt: skip
    found = by_check(check_table("segmentation_series", table(contract, rows), contract, {}))
    defect = found["segmentation_series.references_resolved.resolved"]
    assert (defect.checked, defect.failed, defect.patients, defect.severity) == (10, 1, 1, "error")
    assert defect.dimension == "integrity"


def test_the_same_table_gives_the_same_findings(contracts: dict[str, TableContract]) -> None:
    some = patients(contracts["patient"], patient_birth_sex={0: None})
    runs = [check_table("patient", some, contracts["patient"], {}) for _ in range(2)]
    assert runs[0] == runs[1]


def test_the_engine_is_imported_only_when_a_table_is_checked() -> None:
    modules = ["expectations", "linkage", "plan", "tiers", "verdict", "findings", "disclosure", "reasons"]
    code = "import sys; " + "; ".join(f"import eucaim_pipelines.quality.{name}" for name in modules)
    code += "; sys.exit('great_expectations' in sys.modules or 'dagster' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
