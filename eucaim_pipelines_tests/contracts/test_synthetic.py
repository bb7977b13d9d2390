"""Laws of the rows that are drawn from the contracts."""

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from eucaim_pipelines.contracts import synthetic, vocabularies
from eucaim_pipelines.contracts.tables import load_tables
from eucaim_pipelines.quality import checks, plan

TABLES, VOCABULARIES = load_tables(), vocabularies.load_all()
SIZES = dict.fromkeys(TABLES, 300) | {"patient": 100, "dataset": 1, "cancer_condition": 120}
MADE = synthetic.rows(TABLES, VOCABULARIES, SIZES, seed=7)


def cells(table, field):
    return MADE[table][field].to_pylist()


@pytest.mark.parametrize("name", TABLES)
def test_rows_are_of_the_schema_and_size_that_was_asked_for(name):
    table = MADE[name]
    table.validate(full=True)
    assert table.schema.equals(TABLES[name].schema, check_metadata=True)
    assert table.num_rows == SIZES[name]
    assert all(f.nullable or table[f.name].null_count == 0 for f in table.schema)


@pytest.mark.parametrize("name", TABLES)
def test_a_round_trip_through_parquet_keeps_types_and_nullability(name, tmp_path):
    pq.write_table(MADE[name], tmp_path / "table.parquet")
    back = pq.read_table(tmp_path / "table.parquet")
    assert back.schema.equals(TABLES[name].schema, check_metadata=True)
    assert back.equals(MADE[name])


@pytest.mark.parametrize("name", TABLES)
def test_keys_are_unique_codes_are_known_and_references_resolve(name):
    contract, table = TABLES[name], MADE[name]
    assert table.group_by(list(contract.primary_key)).aggregate([]).num_rows == table.num_rows
    for field, vocabulary in contract.value_sets.items():
        assert set(cells(name, field)) - {None} <= VOCABULARIES[vocabulary].codes
    for relation in contract.relationships:
        assert set(cells(name, relation.field)) - {None} <= set(cells(relation.to_table, relation.to_field))


@pytest.mark.parametrize("name", TABLES)
def test_units_categories_and_days_stand_where_their_fields_do(name):
    for field in TABLES[name].fields.values():
        for other in (field.unit_of, field.category_of, field.offset_of):
            if other is not None:
                assert pc.equal(
                    MADE[name][field.name].is_valid(), MADE[name][other].is_valid()
                ).to_pylist() == [True] * len(MADE[name])
        if field.category_of:
            of_code = VOCABULARIES[TABLES[name].fields[field.category_of].value_set].categories
            pairs = zip(cells(name, field.category_of), cells(name, field.name), strict=True)
            assert all(of_code.get(code) == category for code, category in pairs)


def test_days_are_counted_from_the_first_diagnosis_of_the_patient():
    first = (
        MADE["cancer_condition"].group_by("patient_id").aggregate([("cancer_condition_asserted_date", "min")])
    )
    first = dict(zip(first["patient_id"].to_pylist(), first.column(1).to_pylist(), strict=True))
    counted = 0
    for name, contract in TABLES.items():
        for field in contract.fields.values():
            if field.offset_of and "patient_id" in contract.fields:
                rows = zip(
                    cells(name, "patient_id"),
                    cells(name, field.offset_of),
                    cells(name, field.name),
                    strict=True,
                )
                for patient, day, offset in rows:
                    if day is not None and patient in first:
                        assert (day - first[patient]).days == offset
                        counted += 1
    assert counted > 2000


def test_rows_of_one_study_belong_together():
    study_of = dict(zip(cells("image_series", "series_uid"), cells("image_series", "study_uid"), strict=True))
    patient_of = dict(zip(cells("image_study", "study_uid"), cells("image_study", "patient_id"), strict=True))
    for table in ("image_series", "segmentation_series"):
        for study, patient in zip(cells(table, "study_uid"), cells(table, "patient_id"), strict=True):
            assert patient_of[study] == patient
    segmented = zip(
        cells("segmentation_series", "referenced_series_uid"),
        cells("segmentation_series", "study_uid"),
        strict=True,
    )
    assert all(series is None or study_of[series] == study for series, study in segmented)
    counts = dict(
        zip(cells("image_study", "study_uid"), cells("image_study", "study_number_of_series"), strict=True)
    )
    assert sum(counts.values()) == 300


def test_equal_arguments_give_equal_rows_and_another_seed_gives_others():
    again = synthetic.rows(TABLES, VOCABULARIES, SIZES, seed=7)
    assert all(again[name].equals(MADE[name]) for name in TABLES)
    other = synthetic.rows(TABLES, VOCABULARIES, SIZES, seed=8)
    assert not other["tumor"].equals(MADE["tumor"])


def test_tables_that_are_not_asked_for_are_empty_and_owners_are_needed():
    made = synthetic.rows(TABLES, VOCABULARIES, {"patient": 3})
    assert [name for name, table in made.items() if table.num_rows] == ["patient"]
    with pytest.raises(ValueError, match="need rows of 'image_study'"):
        synthetic.rows(TABLES, VOCABULARIES, {"patient": 3, "image_series": 1})


def test_many_rows_are_drawn_by_columns():
    table = synthetic.rows(TABLES, VOCABULARIES, {"patient": 50_000, "lab_test_result": 100_000})[
        "lab_test_result"
    ]
    assert isinstance(table, pa.Table) and table.num_rows == 100_000


def test_no_planned_check_finds_anything_and_one_planted_fault_is_found_once():
    rules = plan.planned(TABLES)
    outcome = checks.run(rules, MADE, TABLES, VOCABULARIES)
    assert {rule.table for rule in rules} == TABLES.keys()
    assert len(outcome.findings) > 300
    assert [found.check for found in outcome.findings if found.failed] == []
    dose = [None, *([-1.0]), *MADE["radiotherapy"]["radiotherapy_total_dose"].to_pylist()[2:]]
    at = MADE["radiotherapy"].column_names.index("radiotherapy_total_dose")
    wrong = MADE["radiotherapy"].set_column(at, MADE["radiotherapy"].schema.field(at), pa.array(dose))
    found = checks.run(rules, MADE | {"radiotherapy": wrong}, TABLES, VOCABULARIES).findings
    assert "radiotherapy.radiotherapy_total_dose.plausible" in {each.check for each in found if each.failed}
