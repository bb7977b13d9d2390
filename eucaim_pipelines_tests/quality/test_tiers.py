"""The tiers as they are shipped, and how a wrong file is refused."""

import json
from pathlib import Path

import pytest

from eucaim_pipelines.contracts import folder
from eucaim_pipelines.contracts.source_model import SourceContract
from eucaim_pipelines.contracts.tables import load_tables
from eucaim_pipelines.errors import ContractError
from eucaim_pipelines.quality.plan import known_checks
from eucaim_pipelines.quality.tiers import load_tiers, threshold_changes

SHIPPED = folder() / "tiers.yaml"
FORM = """\
tiers:
  1:
    name: Tier 1
    code: SPEC1000009
    gives: Something.
    tables: [patient]
    requirements:
      - id: one
        text: One thing.
        remedy: Do it.
        {bound}
"""


def write(tmp_path: Path, bound: str) -> Path:
    path = tmp_path / "tiers.yaml"
    path.write_text(FORM.format(bound=bound), encoding="utf-8")
    return path


def test_the_shipped_tiers_name_only_checks_and_tables_that_exist() -> None:
    contracts = load_tables()
    tiers = load_tiers(SHIPPED, known_checks(contracts))
    assert sorted(tiers.tiers) == [1, 2, 3]
    assert set(tiers.tables(3)) == set(contracts)
    assert [tiers.tiers[n].code for n in (1, 2, 3)] == ["SPEC1000009", "SPEC1000011", "SPEC1000010"]


def test_tier_3_holds_every_mandatory_table_of_the_file_structure(shared: Path) -> None:
    source = shared / "eucaim" / "eucaim_file_structure.json"
    mandatory = json.loads(source.read_text(encoding="utf-8"))["root"]["clinical_data/"]["mandatory"]
    assert set(mandatory) <= set(load_tiers(SHIPPED, known_checks(load_tables())).tables(3))


def test_a_check_that_does_not_exist_is_refused_with_its_line(tmp_path: Path) -> None:
    path = write(tmp_path, "checks: {patient.patient_sex.complete: 1}")
    with pytest.raises(ContractError, match="does not exist") as caught:
        load_tiers(path, {"patient.patient_birth_sex.complete"})
    assert caught.value.line == 11


def test_a_form_means_every_check_that_fits_it_and_a_name_outdoes_it(tmp_path: Path) -> None:
    known = {"a.key.unique", "b.key.unique", "b.rows.present"}
    tiers = load_tiers(write(tmp_path, "checks: {a.key.unique: 0.5, '*.key.unique': 1}"), known)
    assert tiers.tiers[1].requirements[0].checks == {"a.key.unique": 0.5, "b.key.unique": 1}
    with pytest.raises(ContractError, match="does not exist"):
        load_tiers(write(tmp_path, "checks: {'*.keys.unique': 1}"), known)


@pytest.mark.parametrize(
    "bound",
    ["fact: people", "fact: shoe_size\n        at_least: 1", "chekcs: {a: 1}", "checks: {a: 1.5}",
     "checks: {a: 1}\n        fact: people\n        at_least: 10"],
)  # fmt: skip
def test_a_wrong_form_is_refused_with_a_line(tmp_path: Path, bound: str) -> None:
    with pytest.raises(ContractError) as caught:
        load_tiers(write(tmp_path, bound), {"a"})
    assert caught.value.line is not None and caught.value.line >= 8


def test_a_source_contract_may_change_only_checks_that_exist() -> None:
    given = {"a.b.complete": {"at_least": 0.5, "why": "Old scanners."}}
    source = SourceContract.model_validate({"dataset_id": "d", "tier": 1, "checks": given})
    assert threshold_changes(source, {"a.b.complete"})["a.b.complete"].at_least == 0.5
    with pytest.raises(ContractError, match=r"a\.b\.complete"):
        threshold_changes(source, {"other"})


def test_the_strictest_tier_or_the_holder_sets_the_threshold(tmp_path: Path) -> None:
    tiers = load_tiers(write(tmp_path, "checks: {a: 0.9, b: 1}"), {"a", "b"})
    source = SourceContract.model_validate(
        {"dataset_id": "d", "tier": 1, "checks": {"a": {"at_least": 0.2, "why": "x"}}}
    )
    assert tiers.thresholds(threshold_changes(source, {"a"})) == {"a": 0.2, "b": 1.0}
