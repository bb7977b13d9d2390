"""Which rows a delivered line makes, and what they are linked to: from the CSV files to the tables."""

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eucaim_pipelines.cdm import CdmInputs, build, coding, linkage
from eucaim_pipelines.cdm.columns import nearest
from eucaim_pipelines.contracts.tables import load_tables
from eucaim_pipelines.contracts.vocabularies import load_all
from eucaim_pipelines.deidentification import clinical
from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms, SiteKey
from eucaim_pipelines.ingest.clinical_files import Reception, combine, read
from eucaim_pipelines_tests.cdm import examples

VOCABULARIES, TABLES = load_all(), load_tables()
FILE = """
  - name: {name}
    files: "{name}*.csv"
    delivery: snapshot
    key: [patient, n]
    columns:
      "P": {{field: patient, is: patient_id}}
      "N": {{field: n, is: integer}}
"""
PEOPLE = """
      "Dx": {field: dx, is: date}
      "Sex": {field: sex, is: code, vocabulary: birth_sex, values: {"m": COM1001366}}
      "Age": {field: age, is: age}
      "PSA": {field: psa, is: number, unit: ng/mL}
      "Com": {field: com, is: code, vocabulary: comorbidity, separator: ";",
              values: {"a": CLIN1024373, "b": CLIN1036520}}
      "Drug": {field: drug, is: number, separator: ";", values: {"x": 1, "y": 2}}
    tables:
      - {table: cancer_condition, when: dx,
         fields: {cancer_condition_code: {constant: CLIN1000075}, cancer_condition_asserted_date: dx}}
      - {table: tumor_marker_test, when: {field: sex, in: [COM1001366]},
         fields: {tumor_marker_test_code: {constant: CLIN1033410}, tumor_marker_test_value_as_number: psa}}
      - {table: comorbidities, when: {field: age, below: 90}, fields: {comorbidity_code: com}}
      - {table: treatment, when: dx, fields: {treatment_start_date: dx}}
      - {table: medication_administration, fields: {medication_total_dose: drug}}
"""
TREATED = """
      "D": {field: d, is: date}
    tables:
      - {table: treatment, when: d, fields: {treatment_start_date: d}}
"""
EVENTS = """
      "D": {field: d, is: date}
    tables:
      - {table: adverse_event, when: d, fields: {adverse_event_date: d}}
"""
FILES = {"people": PEOPLE, "treated": TREATED, "events": EVENTS}


@pytest.fixture(scope="module")
def pseudonyms():
    return Pseudonyms(SiteKey(bytes(range(32))))


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    files = "".join(FILE.format(name=name).rstrip() + part for name, part in FILES.items())
    text = f"dataset_id: rows\ntier: 3\nclinical:{files}linkage: {{diagnosis_date: people.dx}}\n"
    return examples.load_source(examples.write_source(tmp_path_factory.mktemp("source"), text))


def tables(source, pseudonyms, *, characteristics=True, pooled=(), policy="shift", **lines):
    """The tables that these lines of each file make, once they have crossed."""
    heads = {"people": "P,N,Dx,Sex,Age,PSA,Com,Drug", "treated": "P,N,D", "events": "P,N,D"}
    coded = {}
    for spec in source.clinical:
        data = "\n".join([heads[spec.name], *lines.get(spec.name, ())]).encode()
        rows = combine([Reception("e", "f", read(data, spec))], spec).rows
        coded[spec.name] = coding.code_records(rows, spec, VOCABULARIES).table
    coded = linkage.add_offsets(coded, source)
    records = {
        spec.name: clinical.deidentify(
            coded[spec.name], coding.kinds(spec), pseudonyms, pooled, policy=policy,
            emptied=() if characteristics else spec.characteristics,
        ).table
        for spec in source.clinical
    }  # fmt: skip
    given = CdmInputs(
        instances=examples.INSTANCES.empty_table(),
        records=records,
        links=examples.crossed_links(),
        source=source,
        contracts=TABLES,
        vocabularies=VOCABULARIES,
    )
    return lambda name: build(name, given)


LINE = "A1,1,2015-01-01,m,60,4.2,a;b,x;y"


def test_several_values_of_a_cell_are_rows_of_the_tables_that_read_it_and_of_no_others(source, pseudonyms):
    made = tables(source, pseudonyms, people=[LINE])
    names = ("cancer_condition", "tumor_marker_test", "treatment")
    assert [made(name).num_rows for name in names] == [1, 1, 1]
    assert sorted(made("comorbidities")["comorbidity_code"].to_pylist()) == ["CLIN1024373", "CLIN1036520"]
    assert sorted(made("medication_administration")["medication_total_dose"].to_pylist()) == [1, 2]
    of_line = set(made("medication_administration")["treatment_id"].to_pylist())
    assert of_line == set(made("treatment")["treatment_id"].to_pylist())


@pytest.mark.parametrize("policy", ["shift", "remove"])
def test_a_row_is_linked_to_the_latest_row_that_is_not_after_it(source, pseudonyms, policy):
    made = tables(
        source,
        pseudonyms,
        policy=policy,
        people=["A1,1,2015-01-01,,,,,"],
        treated=["A1,1,2015-02-01", "A1,2,2018-02-01"],
        events=["A1,1,2014-01-01", "A1,2,2015-02-01", "A1,3,2017-01-01", "A1,4,2018-02-10"],
    )
    days = {
        row["treatment_id"]: row["treatment_offset_from_diagnosis"] for row in made("treatment").to_pylist()
    }
    links = {
        row["adverse_event_offset_from_diagnosis"]: days[row["treatment_id"]]
        for row in made("adverse_event").to_pylist()
    }
    assert links == {-365: 0, 31: 31, 731: 31, 1136: 1127}


@pytest.mark.parametrize(
    "options", [{}, {"characteristics": False}, {"policy": "remove"}, {"pooled": True}], ids=str
)
def test_what_the_crossing_takes_away_deletes_no_rows(source, pseudonyms, options):
    if options.get("pooled"):
        options = {"pooled": {pseudonyms.patient("A1", None, ""), pseudonyms.patient("A1", "", "")}}
    made = tables(source, pseudonyms, people=[LINE, "A2,1,,,93,1.0,a,"], **options)
    names = ("cancer_condition", "tumor_marker_test", "comorbidities", "treatment")
    assert {name: made(name).num_rows for name in names} == {
        "cancer_condition": 1, "tumor_marker_test": 1, "comorbidities": 2, "treatment": 1,
    }  # fmt: skip


KNOWN = st.lists(st.tuples(st.sampled_from("AB"), st.none() | st.integers(-2, 2)), max_size=6)
WANTED = st.lists(st.tuples(st.sampled_from("ABC"), st.none() | st.integers(-3, 3)), max_size=6)


def plainly(group, day, known):
    own = [(at, number) for number, (name, at) in enumerate(known) if name == group]
    before = [(at, -number) for at, number in own if None not in (at, day) and at <= day]
    if before:
        return -max(before)[1]
    return own[0][1] if own else None


@settings(deadline=None)
@given(wanted=WANTED, known=KNOWN)
def test_the_nearest_is_the_latest_not_after_else_the_first(wanted, known):
    columns = [
        pa.array([row[place] for row in rows], kind)
        for rows in (wanted, known)
        for place, kind in enumerate((pa.string(), pa.int64()))
    ]
    found = nearest(*columns, pa.array(range(len(known)), pa.int64())).to_pylist()
    assert found == [plainly(group, day, known) for group, day in wanted]
