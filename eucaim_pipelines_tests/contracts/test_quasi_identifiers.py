"""The fields by which somebody may find a patient: as they are shipped, and how each mistake is told."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from eucaim_pipelines.contracts import folder
from eucaim_pipelines.contracts.hierarchies import load_hierarchies
from eucaim_pipelines.contracts.quasi_identifiers import load_quasi_identifiers
from eucaim_pipelines.contracts.source_model import SourceContract
from eucaim_pipelines.contracts.sources import load_source
from eucaim_pipelines.contracts.tables import load_tables
from eucaim_pipelines.contracts.vocabularies import load_all
from eucaim_pipelines.errors import ContractError
from eucaim_pipelines.quality.tiers import risk_changes
from eucaim_pipelines_tests.cdm.examples import SOURCE, write_source

TABLES = load_tables()
SHIPPED = load_quasi_identifiers(TABLES)
CODED = [
    each for each in SHIPPED.fields if each.hierarchy and not SHIPPED.hierarchies[each.hierarchy].of_numbers
]
Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """A folder of contracts in which a file below risk/ holds this text."""

    def made(name: str, text: str) -> Path:
        shutil.copytree(folder() / "risk", tmp_path / "risk")
        (tmp_path / "risk" / name).write_text(text, encoding="utf-8")
        return tmp_path

    return made


@pytest.mark.parametrize("field", CODED, ids=lambda field: field.id)
def test_every_code_that_a_field_may_hold_has_its_steps(field) -> None:
    table, _, column = field.column.partition(".")
    vocabulary = load_all()[TABLES[table].value_sets[column]]
    known = set(SHIPPED.hierarchies[field.hierarchy].rows["value"].to_pylist())
    assert set(vocabulary.codes) <= known


def test_bands_of_ages_are_those_of_every_age_that_leaves() -> None:
    ages = SHIPPED.hierarchies["ages"]
    assert {each.known_as for each in SHIPPED.fields if each.hierarchy == "ages"} == {"five years"}
    bands = ages.rows.column(f"step_{ages.steps.index('five years') + 1}").to_pylist()
    assert (bands[62], bands[64], bands[65], bands[-1]) == ("60-64", "60-64", "65-69", "90+")


ONE = "fields:\n  - id: a\n    label: A\n    {}\n"


@pytest.mark.parametrize(
    ("said", "words", "line"),
    [
        ("column: nobody.sex", "no table 'nobody'", 4),
        ("column: segment.label", "no table 'segment' that names patients", 4),
        ("column: patient.sex", "no column 'sex'", 4),
        ("column: patient.patient_birth_sex\n    hierarchy: sexes", "no hierarchy 'sexes'", 5),
        ("column: patient.patient_birth_sex\n    known_as: months\n    why: x", "no step 'months'", 5),
        ("column: patient.patient_birth_sex\n    rôle: x", "Extra inputs", 5),
        ("query: SELECT 1 AS value FROM patient\n    needs: [patient]", "does not give", 4),
        ("query: SELECT patient_id, shoe AS value FROM patient\n    needs: [patient]", "cannot be run", 4),
        ("query: SELECT patient_id, 1 AS value FROM image_study\n    needs: [patient]", "cannot be run", 4),
        ("query: SELECT * FROM read_csv('/etc/passwd')\n    needs: [patient]", "cannot be run", 4),
        ("query: SELECT patient_id, 1 AS value FROM patient", "a query and the tables", 2),
        ("column: patient.patient_birth_sex\n  - id: a\n    label: A\n    column: patient.patient_ethnicity",
         "occurs twice", 5),
        ("column: image_study.patient_age_at_study_years\n    hierarchy: ages\n    known_as: ten years",
         "says why", 2),
    ],
)  # fmt: skip
def test_a_field_that_is_not_there_is_refused_with_its_line(
    write: Write, said: str, words: str, line: int
) -> None:
    base = write("quasi_identifiers.yaml", ONE.format(said))
    with pytest.raises(ContractError, match=words) as caught:
        load_quasi_identifiers(TABLES, base)
    assert caught.value.line == line


@pytest.mark.parametrize(
    ("text", "words", "line"),
    [
        ("code,a\nx,y\n", "columns are value", 1),
        ("value\nx\n", "columns are value", 1),
        ("value,a\nx,\n", "step is empty", 2),
        ("value,a\nx,y,z\n", "other cells", 2),
        ("value,a\nx,y\nx,z\n", "occurs twice", 3),
        ("value,a,b\nx,s,1\ny,s,2\n", "'b' tells apart what 'a' does not", 3),
        ("from,to,a\n0,5,x\n6,9,y\n", "begins where", 3),
        ("from,to,a\n5,0,x\n", "begins where", 2),
        ("from,to,a\nzero,5,x\n", "are numbers", 2),
    ],
)
def test_a_wrong_hierarchy_is_refused_with_its_line(write: Write, text: str, words: str, line: int) -> None:
    with pytest.raises(ContractError, match=words) as caught:
        load_hierarchies(write("hierarchies/new.csv", text))
    assert caught.value.line == line


RISK = """\
risk:
  at_least: 3
  why: Too few for five.
  known_as: {first_examination: months}
  fields:
    - {id: stage, label: Stage, column: cancer_stage.cancer_stage_value_as_concept}
"""
AT = SOURCE.count("\n") + 1


def test_a_source_sets_its_threshold_and_its_fields(tmp_path: Path) -> None:
    source = load_source(write_source(tmp_path, SOURCE + RISK))
    assert source.risk.at_least == 3
    fields = {each.id: each for each in SHIPPED.of(source)}
    assert fields["first_examination"].known_as == "months"
    assert fields["stage"].role == "quasi" and len(fields) == len(
        SHIPPED.of(SourceContract(dataset_id="d", tier=1))
    )


def test_a_source_takes_the_place_of_a_shared_field_for_a_reason_only(tmp_path: Path) -> None:
    scanner = "    - {id: scanner, label: Scanners, column: patient.patient_birth_sex}\n"
    with pytest.raises(ContractError, match="'scanner' takes the place") as caught:
        load_source(write_source(tmp_path, f"{SOURCE}risk:\n  fields:\n{scanner}"))
    assert caught.value.line == AT + 2
    reason = "risk:\n  why: One scanner only.\n  fields:\n"
    change = risk_changes(load_source(write_source(tmp_path, SOURCE + reason + scanner)))["smallest_group"]
    assert change.known == ("scanner is what the source contract says",) and change.why == "One scanner only."
    own = scanner.replace("id: scanner", "id: room")
    assert not risk_changes(load_source(write_source(tmp_path, f"{SOURCE}risk:\n  fields:\n{own}")))


def test_months_count_only_where_they_are_the_true_ones() -> None:
    def ids(dates: str) -> set[str]:
        given = {"dataset_id": "d", "tier": 1, "deidentification": {"dates": dates}}
        return {each.id for each in SHIPPED.of(SourceContract.model_validate(given))}

    assert ids("day_one") - ids("shift") == {"examination_months"} and ids("shift") == ids("remove")


@pytest.mark.parametrize(
    ("before", "after", "words", "line"),
    [
        ("  why: Too few for five.\n", "", "says why", AT),
        ("why: Too few for five.", 'why: " "', "at least 1 character", AT + 2),
        ("at_least: 3", "at_least: 0", "greater than or equal to 1", AT + 1),
        ("at_least: 3", "at_lest: 3", "Unknown key 'at_lest'", AT + 1),
        ("first_examination: months", "shoe: months", "no field 'shoe'", AT + 3),
        ("first_examination: months", "first_examination: moons", "no step 'moons'", AT + 3),
        ("cancer_stage_value_as_concept", "shoe", "no column 'shoe'", AT + 5),
        ("id: stage", "id: Stage Of", "pattern", AT + 5),
    ],
)
def test_what_a_source_says_wrongly_is_refused_with_its_line(
    tmp_path: Path, before: str, after: str, words: str, line: int
) -> None:
    assert before in RISK
    with pytest.raises(ContractError, match=words) as caught:
        load_source(write_source(tmp_path, SOURCE + RISK.replace(before, after)))
    assert caught.value.line == line
