"""Laws of the tables that records fill, for every contract of that kind: no table is known by name here."""

import random
from dataclasses import replace
from datetime import date, timedelta

import pyarrow as pa
import pytest

from eucaim_pipelines.cdm import CdmInputs, build, depends_on
from eucaim_pipelines.contracts.source_model import SourceContract
from eucaim_pipelines.contracts.tables import load_tables
from eucaim_pipelines.contracts.vocabularies import load_all
from eucaim_pipelines_tests.cdm import examples

TABLES = load_tables()
VOCABULARIES = load_all()
FILLED = sorted(name for name, contract in TABLES.items() if contract.filled_from == "records")
START = date(2020, 1, 1)
RECORDS = 40


def mappable(table):
    return {name: field for name, field in TABLES[table].fields.items() if field.filled_by is None}


def kind(field):
    if pa.types.is_date(field.type):
        return "date"
    if pa.types.is_boolean(field.type):
        return "boolean"
    if pa.types.is_integer(field.type):
        return "integer"
    return "code" if pa.types.is_string(field.type) else "number"


def value(field, chance):
    """A value of the field, or none in a quarter of the cases."""
    if chance.random() < 0.25:
        return None
    if field.value_set:
        return chance.choice(sorted(VOCABULARIES[field.value_set].codes))
    return {
        "date": START + timedelta(days=chance.randrange(900)),
        "boolean": chance.random() < 0.5,
        "integer": chance.randrange(-50, 50),
        "number": chance.randrange(400) / 8,
        "code": f"text {chance.randrange(9)}",
    }[kind(field)]


def directly(table, *, derived):
    """Fields that a source maps: all of them, or those that nothing can be derived for."""
    return {
        name: field
        for name, field in mappable(table).items()
        if derived or not (field.offset_of or field.unit_of or field.category_of)
    }


def source(*tables, derived):
    """A source contract whose one file fills each table once, field by field."""
    columns = {"P": {"field": "patient", "is": "patient_id"}, "N": {"field": "n", "is": "integer"}}
    mappings = []
    for table in tables:
        fields = directly(table, derived=derived)
        for name, field in fields.items():
            column = {"field": f"{table}__{name}", "is": kind(field)}
            if column["is"] == "code":
                column["vocabulary"] = field.value_set or "units"
            columns[f"{table}.{name}"] = column
        mappings.append({"table": table, "fields": {name: f"{table}__{name}" for name in fields}})
    file = {
        "name": "rows", "files": "rows.csv", "delivery": "snapshot", "key": ["patient", "n"],
        "columns": columns, "tables": mappings,
    }  # fmt: skip
    return SourceContract.model_validate({"dataset_id": "laws", "tier": 3, "clinical": [file]})


def records(*tables, derived, seed=1):
    """De-identified records of three files' worth of patients, as they cross."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    rows = []
    for number in range(RECORDS):
        row = {"patient_id": f"P{number % 13}", "record_id": f"r{number:03d}"}
        for table in tables:
            for name, field in directly(table, derived=derived).items():
                cell = value(field, chance)
                row[f"{table}__{name}"] = cell
                if kind(field) == "date":
                    row[f"{table}__{name}_offset_days"] = None if cell is None else (cell - START).days
        rows.append(row)
    chance.shuffle(rows)
    kinds = [("patient_id", pa.string()), ("record_id", pa.string())]
    for table in tables:
        for name, field in directly(table, derived=derived).items():
            kinds.append((f"{table}__{name}", field.type))
            if kind(field) == "date":
                kinds.append((f"{table}__{name}_offset_days", pa.int64()))
    return pa.Table.from_pylist(rows, pa.schema(kinds))


def inputs(*tables, derived, rows=None):
    found = records(*tables, derived=derived) if rows is None else rows
    contract = source(*tables, derived=derived)
    return CdmInputs(
        instances=examples.INSTANCES.empty_table(),
        records={"rows": examples.told(contract.file("rows"), found)},
        links=examples.crossed_links(),
        source=contract,
        contracts=TABLES,
        vocabularies=VOCABULARIES,
    )


def with_targets(table):
    """The table, and those that its links lead to, first."""
    targets = {r.to_table for r in TABLES[table].relationships} & set(FILLED) - {table}
    return (*sorted(targets), table)


@pytest.mark.parametrize("derived", [True, False])
@pytest.mark.parametrize("table", FILLED)
def test_every_record_is_a_row_that_says_what_it_says(table, derived):
    given = inputs(table, derived=derived)
    built = build(table, given)
    assert built.schema.equals(TABLES[table].schema, check_metadata=True)
    fields = directly(table, derived=derived)
    said = {f"{table}-{row['record_id']}": row for row in given.records["rows"].to_pylist()}
    rows = {row[TABLES[table].primary_key[0]]: row for row in built.to_pylist()}
    follows = {name for name, field in fields.items() if field.offset_of or field.category_of}
    for key, record in said.items():
        cells = {name: record[f"{table}__{name}"] for name in fields}
        assert (key in rows) == any(cell is not None for cell in cells.values())
        for name, cell in cells.items() if key in rows else ():
            if not fields[name].unit_of and (cell is not None or name not in follows):
                assert rows[key][name] == cell
        assert key not in rows or rows[key]["patient_id"] == record["patient_id"]
    assert rows.keys() <= said.keys()


@pytest.mark.parametrize("derived", [True, False])
@pytest.mark.parametrize("table", FILLED)
def test_what_follows_from_a_field_stands_beside_it(table, derived):
    fields = TABLES[table].fields
    for row in build(table, inputs(table, derived=derived)).to_pylist():
        for name, field in fields.items():
            if field.unit_of:
                assert (row[name] is None) == (row[field.unit_of] is None)
                assert derived or row[name] in (None, field.unit_code)
            if field.offset_of and row[field.offset_of] is not None and not derived:
                assert row[name] == (row[field.offset_of] - START).days
            if field.category_of and row[field.category_of] is not None and not derived:
                categories = VOCABULARIES[fields[field.category_of].value_set].categories
                assert row[name] == categories.get(row[field.category_of], row[name])


@pytest.mark.parametrize("table", FILLED)
def test_keys_are_unique_and_links_lead_to_rows_of_the_same_patient(table):
    given = inputs(*with_targets(table), derived=True)
    built, contract = build(table, given), TABLES[table]
    keys = built.select(list(contract.primary_key)).to_pylist()
    assert len({tuple(key.values()) for key in keys}) == built.num_rows > 0
    for relation in contract.relationships:
        if contract.fields[relation.field].filled_by != "link" or relation.to_table not in FILLED:
            continue
        owners = {
            row[relation.to_field]: row["patient_id"] for row in build(relation.to_table, given).to_pylist()
        }
        linked = [row for row in built.to_pylist() if row[relation.field] is not None]
        assert linked
        assert len(linked) == built.num_rows or contract.fields[relation.field].requirement != "always"
        assert all(owners[row[relation.field]] == row["patient_id"] for row in linked)


@pytest.mark.parametrize("table", FILLED)
def test_the_order_of_records_says_nothing(table):
    rows = records(*with_targets(table), derived=True)
    backwards = rows.take(pa.array(range(rows.num_rows - 1, -1, -1)))
    one, other = (inputs(*with_targets(table), derived=True, rows=each) for each in (rows, backwards))
    assert build(table, one).equals(build(table, other))


@pytest.mark.parametrize("table", FILLED)
def test_without_records_a_table_is_empty_and_it_reads_records_only(table):
    nothing = inputs(table, derived=True, rows=records(table, derived=True).slice(0, 0))
    assert build(table, nothing).num_rows == 0
    assert table == "procedure" or depends_on(TABLES[table]) == ("clinical_records",)


@pytest.mark.parametrize("table", FILLED)
def test_what_must_be_part_of_another_row_makes_that_row_where_nothing_else_does(table):
    """A source may tell of a radiotherapy and of nothing else: it is a treatment all the same."""
    given, contract = inputs(table, derived=True), TABLES[table]
    for relation in contract.relationships:
        field = contract.fields[relation.field]
        if field.filled_by == "link" and field.requirement == "always":
            target = build(relation.to_table, given)
            links = build(table, given)[relation.field]
            assert links.null_count == 0
            assert set(links.to_pylist()) == set(target[relation.to_field].to_pylist())
            assert set(target["patient_id"].to_pylist()) <= {f"P{n}" for n in range(13)}


def wide(**cells):
    """One row of one file that tells of an operation, a radiotherapy and a drug, each a treatment."""
    names = ("surgery", "radiotherapy", "drug")
    file = {
        "name": "rows", "files": "rows.csv", "delivery": "snapshot", "key": ["patient"],
        "columns": {"P": {"field": "patient", "is": "patient_id"}}
        | {name: {"field": name, "is": "number"} for name in names},
        "tables": [
            {"table": "treatment", "when": "surgery",
             "fields": {"treatment_type": {"constant": "CLIN1004413"}}},
            {"table": "surgical_procedure", "when": "surgery",
             "fields": {"surgical_procedure_code": {"constant": "CLIN1004413"}}},
            {"table": "treatment", "when": "radiotherapy",
             "fields": {"treatment_type": {"constant": "CLIN1014933"}}},
            {"table": "radiotherapy", "when": "radiotherapy",
             "fields": {"radiotherapy_total_dose": "radiotherapy"}},
            {"table": "medication_administration", "when": {"field": "drug", "above": 1},
             "fields": {"medication_total_dose": "drug"}},
            {"table": "cancer_condition", "fields": {"cancer_condition_code": {"constant": "CLIN1000060"}}},
            {"table": "cancer_stage", "fields": {"cancer_stage_code": {"constant": "CLIN1033379"}}},
        ],
    }  # fmt: skip
    contract = SourceContract.model_validate({"dataset_id": "wide", "tier": 3, "clinical": [file]})
    row = {"patient_id": "P1", "record_id": "r"} | dict.fromkeys(names) | cells
    kinds = [("patient_id", pa.string()), ("record_id", pa.string()), *((n, pa.float64()) for n in names)]
    return replace(
        inputs("treatment", derived=True),
        records={"rows": examples.told(contract.file("rows"), pa.Table.from_pylist([row], pa.schema(kinds)))},
        source=contract,
    )


def test_a_part_belongs_to_the_treatment_that_stands_above_it_in_the_source_contract():
    given = wide(surgery=1.0, radiotherapy=60.0, drug=5.0)
    types = dict(zip(*(build("treatment", given)[n].to_pylist() for n in ("treatment_id", "treatment_type")),
                     strict=True))  # fmt: skip
    [operated] = build("surgical_procedure", given)["treatment_id"].to_pylist()
    [irradiated] = build("radiotherapy", given)["treatment_id"].to_pylist()
    assert (types[operated], types[irradiated]) == ("CLIN1004413", "CLIN1014933")
    assert build("medication_administration", given)["treatment_id"].to_pylist() == [irradiated]
    assert build("cancer_stage", given)["cancer_condition_id"].to_pylist() == ["cancer_condition-r"]


def test_a_part_whose_treatment_the_record_does_not_give_has_one_of_its_own():
    given = wide(drug=5.0)
    [row] = build("treatment", given).to_pylist()
    assert row["treatment_type"] is None and row["patient_id"] == "P1"
    assert build("medication_administration", given)["treatment_id"].to_pylist() == [row["treatment_id"]]
    assert build("treatment", wide(drug=1.0)).num_rows == 0
