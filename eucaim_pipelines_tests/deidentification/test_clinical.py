"""The crossing of clinical rows and study links: same key, same shift, default deny."""

from datetime import date

import pyarrow as pa
import pytest

from eucaim_pipelines.deidentification import clinical, links, sweep

ROWS = pa.table(
    {
        "PatientID": ["417733", "417733", "B2"],
        "record_key": ["patients\x1f417733", "lines\x1f1", "patients\x1fB2"],
        "sex": ["COM1001366", "COM1001366", "COM1001370"],
        "diagnosis_date": pa.array([date(2019, 6, 4), None, date(2020, 1, 1)], pa.date32()),
        "age_at_diagnosis": [68.0, 68.0, 93.5],
        "psa": [4.5, 417733.0, 2.0],
        "line": pa.array([1, 2, 3], pa.int64()),
        "comment": ["Quintanilla", "x", "y"],
    }
)
KINDS = {
    "sex": "code",
    "diagnosis_date": "date",
    "age_at_diagnosis": "age",
    "psa": "number",
    "line": "integer",
}


@pytest.fixture
def crossed(pseudonyms):
    return clinical.deidentify(ROWS, KINDS | {"comment": "free_text"}, pseudonyms, frozenset())


def test_undeclared_and_free_text_columns_are_denied(crossed):
    assert crossed.table.column_names == ["patient_id", "record_id", *KINDS]
    assert crossed.denied == 1


LINKS = pa.table(
    {
        "PatientID": ["417733", "B2", "B2"],
        "record_key": ["a", "b", "c"],
        "study": ["1.2.840.417733", "1.2.3", None],
        "episode": ["GEN1000008", "GEN1000007", None],
        "timepoint": pa.array([1, 417733, None], pa.int64()),
        "days": pa.array([417733, -14, None], pa.int64()),
    }
)
LINK_KINDS = {"study": "study_uid", "episode": "episode", "timepoint": "timepoint", "days": "days"}


@pytest.mark.parametrize("policy", ["shift", "day_one", "remove"])
def test_days_timepoints_and_episodes_cross_as_they_are_whatever_becomes_of_dates(pseudonyms, policy):
    crossed = clinical.deidentify(LINKS, LINK_KINDS, pseudonyms, frozenset(), policy=policy)
    assert crossed.table["days"].to_pylist() == [None, -14, None]  # the first is the number of its patient
    assert crossed.table["timepoint"].to_pylist() == [1, 417733, None]
    assert crossed.table["episode"].to_pylist() == ["GEN1000008", "GEN1000007", None]
    assert crossed.caught == 1
    assert crossed.table.schema.field("days").type == pa.int64()


def test_a_study_of_a_table_is_the_one_of_the_released_images(pseudonyms):
    crossed = clinical.deidentify(LINKS, LINK_KINDS, pseudonyms, frozenset())
    people = crossed.table["patient_id"].to_pylist()
    assert crossed.table["study"].to_pylist() == [
        pseudonyms.uid("1.2.840.417733", people[0]), pseudonyms.uid("1.2.3", people[1]), None,
    ]  # fmt: skip
    assert sweep.find_in_tables([crossed.table], ["1.2.840.417733"]) == 0


@pytest.mark.parametrize("kind", ["patient_id", "identity", "free_text", "ignore", "anything"])
def test_no_other_kind_crosses(pseudonyms, kind):
    crossed = clinical.deidentify(LINKS, LINK_KINDS | {"study": kind}, pseudonyms, frozenset())
    assert "study" not in crossed.table.column_names and crossed.denied == 1


def test_images_and_tables_meet_under_one_pseudonym_and_shift(crossed, pseudonyms):
    person = pseudonyms.patient("417733", None, "1.2.3")
    assert crossed.table["patient_id"].to_pylist()[:2] == [person, person]
    assert crossed.table["diagnosis_date"][0].as_py() == pseudonyms.shift(date(2019, 6, 4), person)


def test_a_cell_that_equals_an_identity_of_its_patient_is_caught(crossed):
    assert crossed.table["psa"].to_pylist() == [4.5, None, 2.0]
    assert crossed.caught == 1


def test_identity_columns_count_too_but_codes_are_left_alone(pseudonyms):
    identities = {"B2": frozenset({"01/01/2020", "COM1001370"})}
    crossed = clinical.deidentify(ROWS, KINDS, pseudonyms, frozenset(), identities)
    assert crossed.table["diagnosis_date"].to_pylist()[2] is None
    assert crossed.table["sex"].to_pylist()[2] == "COM1001370"


@pytest.mark.parametrize(
    "spelling",
    ["5.3.1950", "05.03.1950", "5/3/1950", "03/05/1950", "3/5/1950", "5-3-1950", "05-03-1950", "1950-3-5",
     "1950/03/05", "19500305", "05031950", "05.03.50", "3/5/50"],
)  # fmt: skip
def test_a_day_of_birth_is_found_however_the_site_writes_it(pseudonyms, spelling):
    rows = pa.table(
        {"PatientID": ["B2"], "record_key": ["k"], "seen": pa.array([date(1950, 3, 5)], pa.date32())}
    )
    crossed = clinical.deidentify(rows, {"seen": "date"}, pseudonyms, frozenset(), {"B2": {spelling}})
    assert (crossed.table["seen"].to_pylist(), crossed.caught) == ([None], 1)


def test_ages_are_pooled_at_ninety_and_for_the_pooled_at_any_age(pseudonyms):
    pooled = frozenset({pseudonyms.patient("417733", None, "")})
    crossed = clinical.deidentify(ROWS, KINDS, pseudonyms, pooled)
    assert crossed.table["age_at_diagnosis"].to_pylist() == [90.0, 90.0, 90.0]
    untouched = clinical.deidentify(ROWS, KINDS, pseudonyms, frozenset())
    assert untouched.table["age_at_diagnosis"].to_pylist() == [68.0, 68.0, 90.0]


def test_record_keys_become_tokens(crossed):
    tokens = crossed.table["record_id"].to_pylist()
    assert len(set(tokens)) == 3
    assert all(len(token) == 16 for token in tokens)
    assert sweep.find_in_tables([crossed.table], ["417733", "patients\x1f417733", "Quintanilla"]) == 0


def test_links_cross_with_their_offsets_and_without_their_dates(pseudonyms):
    table = pa.table(
        {
            "PatientID": ["417733", None],
            "IssuerOfPatientID": pa.array([None, None], pa.string()),
            "StudyInstanceUID": ["1.2.3", "1.2.4"],
            "StudyDate": pa.array([date(2019, 6, 4), None], pa.date32()),
            "days_from_diagnosis": pa.array([7, None], pa.int64()),
            "imaging_timepoint": [1, 1],
            "episode_type_code": ["GEN1000008", None],
            "age_at_study_years": [91.2, None],
            "StudyDescription": ["Quintanilla", None],
        }
    )
    crossed = links.deidentify(table, pseudonyms, frozenset())
    assert crossed.schema == links.SCHEMA
    row = next(row for row in crossed.to_pylist() if row["days_from_diagnosis"] == 7)
    assert row["patient_id"] == pseudonyms.patient("417733", None, "")
    assert row["study_uid"] == pseudonyms.uid("1.2.3")
    assert row["study_date"] == pseudonyms.shift(date(2019, 6, 4), row["patient_id"])
    assert row["age_at_study_years"] == 90.0


def test_people_are_counted_by_the_true_year_of_their_released_studies():
    rows = [
        ("1", None, "1.1", date(2019, 6, 4)),
        ("1", None, "1.2", date(2019, 9, 4)),
        ("1", "OTHER", "1.3", date(2019, 9, 4)),
        ("2", None, "1.4", date(2020, 1, 1)),
        ("3", None, "1.5", date(2020, 1, 1)),
        ("4", None, "1.6", None),
        (None, None, "1.7", date(2021, 1, 1)),
    ]
    names = ("PatientID", "IssuerOfPatientID", "StudyInstanceUID", "StudyDate")
    types = (pa.string(), pa.string(), pa.string(), pa.date32())
    columns = {n: pa.array(c, t) for n, c, t in zip(names, zip(*rows, strict=True), types, strict=True)}
    released = {"1.1", "1.2", "1.3", "1.4", "1.6", "1.7"}
    assert links.people_by_year(pa.table(columns), released) == {2019: 2, 2020: 1}
    assert links.people_by_year(pa.table(columns), set()) == {}


def test_the_sweep_finds_identities_in_every_encoding_and_depth():
    identity = "Hölderlin"
    for encoding in ("utf-8", "latin-1", "utf-16-le"):
        assert sweep.find_identities([b"x " + identity.encode(encoding) + b" x"], [identity]) == 1
    nested = pa.table({"a": [[{"b": identity}]], "n": pa.array([4177331], pa.int64())})
    assert sweep.find_in_tables([nested], [identity]) == 1
    described = pa.table({"n": [1]}).replace_schema_metadata({"note": identity})
    assert (
        sweep.find_in_tables([described], [identity]) == 2
        or sweep.find_in_tables([described], [identity]) == 1
    )


def test_the_sweep_leaves_short_and_embedded_values_alone():
    assert sweep.find_identities([b"123 1.2.34.5678 ab"], ["123"]) == 0
    assert sweep.find_identities([b"2.25.9912345699"], ["123456"]) == 0
    assert sweep.find_identities([b"(123456)"], ["123456"]) == 1


def test_a_number_that_equals_an_identity_by_chance_is_named():
    table = pa.table({"SeriesNumber": [123456, None], "text": ["654321", "x"]})
    assert sweep.find_in_tables([table], ["123456"]) == 0
    assert sweep.kept_numbers([table], ["123456", "654321", "Quintanilla"]) == {"123456"}


def test_days_from_diagnosis_of_a_date_that_was_caught_go_too(pseudonyms):
    rows = pa.table(
        {
            "PatientID": ["A1"],
            "record_key": ["patients\x1fA1"],
            "birth": pa.array([date(1951, 3, 17)], pa.date32()),
            "birth_offset_days": pa.array([-25000], pa.int64()),
        }
    )
    kinds = {"birth": "date", "birth_offset_days": "integer"}
    crossed = clinical.deidentify(rows, kinds, pseudonyms, frozenset(), {"A1": frozenset({"19510317"})})
    assert crossed.table.select(["birth", "birth_offset_days"]).to_pylist() == [
        {"birth": None, "birth_offset_days": None}
    ]
    assert crossed.caught == 1


def test_a_number_column_that_lost_an_identifiers_zeros_is_caught(pseudonyms):
    rows = pa.table({"PatientID": ["00417733", "0001"], "record_key": ["a", "b"], "n": [417733, 1]})
    crossed = clinical.deidentify(rows, {"n": "integer"}, pseudonyms, frozenset())
    assert crossed.table["n"].to_pylist() == [None, 1]
