"""Laws of linkage: offsets, timepoints, episodes, ages; and who is in the dataset."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eucaim_pipelines.cdm.linkage import age_string_years, dicom_date, link_studies
from eucaim_pipelines.cdm.people import issuers, people, pooled
from eucaim_pipelines_tests.cdm import examples


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return examples.source(tmp_path_factory.mktemp("source"))


@pytest.fixture(scope="module")
def coded(source):
    return examples.coded(source)


def links(source, coded, *rows):
    return link_studies(examples.instances(list(rows)), coded, source).to_pylist()


def test_offsets_count_from_the_diagnosis_of_the_patient(coded):
    patients = {row["PatientID"]: row for row in coded["patients"].to_pylist()}
    assert patients["P1"]["diagnosis_date_offset_days"] == 0
    assert patients["P1"]["biopsy_date_offset_days"] == -2
    assert patients["P2"]["biopsy_date_offset_days"] is None
    assert coded["treatments"]["start_offset_days"].to_pylist() == [22, 82]


@given(days=st.integers(-3000, 3000))
def test_days_from_diagnosis_are_exact_and_the_first_treatment_parts_the_episodes(source, coded, days):
    day = date(2020, 1, 10) + timedelta(days=days)
    [link] = links(source, coded, examples.instance(1, "P1", "S", "R", StudyDate=f"{day:%Y%m%d}"))
    assert link["days_from_diagnosis"] == days
    assert link["episode_type_code"] == ("GEN1000007" if days >= 22 else "GEN1000008")


@given(order=st.permutations(range(5)))
def test_timepoints_ascend_by_date_whatever_the_order_of_files(source, coded, order):
    rows = [examples.instance(1, "P1", f"S{n}", f"R{n}", StudyDate=f"2020020{n + 1}") for n in order]
    found = links(source, coded, *rows)
    assert [(link["StudyInstanceUID"], link["imaging_timepoint"]) for link in found] == [
        (f"S{n}", n + 1) for n in range(5)
    ]


def test_studies_without_images_have_no_timepoint(source, coded):
    rows = [
        examples.instance(1, "P1", "S1", "R1", SOPClassUID=examples.SEG, StudyDate="20200101"),
        examples.instance(1, "P1", "S2", "R2", StudyDate="20200102"),
        examples.instance(1, "P1", "S3", "R3", StudyDate=None, AcquisitionDate="20200103"),
        examples.instance(1, "P1", "S4", "R4", StudyDate=None, AcquisitionDate="2020-1-4"),
    ]
    found = links(source, coded, *rows)
    assert [link["imaging_timepoint"] for link in found] == [None, 1, 2, 3]
    assert [link["days_from_diagnosis"] for link in found] == [-9, -8, -7, None]


def test_people_without_identifier_are_never_merged(source, coded):
    rows = [
        examples.instance(1, patient, f"S{n}", f"R{n}") for n, patient in enumerate([None, "", "P1", "P1"])
    ]
    found = links(source, coded, *rows)
    assert [(link["PatientID"], link["imaging_timepoint"]) for link in found] == [
        (None, 1), (None, 1), ("P1", 1), ("P1", 2),
    ]  # fmt: skip
    assert people(examples.instances(rows), {}).num_rows == 3


@pytest.mark.parametrize(
    ("patient", "values", "age"),
    [
        ("P1", {"PatientBirthDate": "19500115", "PatientAge": "001Y"}, 70.0),
        ("P1", {"PatientAge": "001Y"}, 61.2),
        ("P9", {"PatientAge": "063Y"}, 63.0),
        ("P9", {"PatientAge": "018M"}, 1.5),
        ("P9", {}, None),
        ("P9", {"PatientBirthDate": "20300101"}, None),
    ],
)
def test_the_age_comes_from_birth_date_else_diagnosis_else_patient_age(source, coded, patient, values, age):
    [link] = links(source, coded, examples.instance(1, patient, "S", "R", **values))
    assert link["age_at_study_years"] == age


@pytest.mark.parametrize(
    "text", ["", None, "20201301", "2020-1-1", "2020011", "202001011", "２０２００１０１"]
)
def test_malformed_dates_are_no_dates(text):
    assert dicom_date(text) is None


@pytest.mark.parametrize("text", ["", None, "63", "63Y", "0063Y", "06xY", "063y"])
def test_malformed_ages_are_no_ages(text):
    assert age_string_years(text) is None


def test_everybody_is_found_in_images_tables_or_both(source, coded):
    rows = people(examples.instances(), coded).to_pylist()
    assert {row["PatientID"]: (row["in_images"], row["in_tables"]) for row in rows} == {
        "P1": (True, True), "P2": (True, True), "P3": (True, False), "P4": (False, True),
    }  # fmt: skip


def test_a_row_takes_the_issuer_of_the_images_where_there_is_only_one(coded):
    rows = [
        examples.instance(1, "P1", "S1", "R1", IssuerOfPatientID="A"),
        examples.instance(1, "P2", "S2", "R2", IssuerOfPatientID="A"),
        examples.instance(1, "P2", "S3", "R3", IssuerOfPatientID="B"),
        examples.instance(1, "P3", "S4", "R4"),
    ]
    assert issuers(people(examples.instances(rows), coded)) == {"P1": "A"}


def pooled_of(source, coded, *rows):
    inventory = examples.instances(list(rows))
    found = link_studies(inventory, coded, source)
    return pooled(
        inventory, coded, found, source, lambda patient, issuer, study: f"{patient or study}/{issuer}"
    )


def test_who_reaches_90_in_one_study_or_row_or_by_a_later_date_is_pooled(source, coded):
    first, later = "20200115", "20490115"
    assert pooled_of(source, coded, examples.instance(1, "P1", "S1", "R1", StudyDate=first)) == set()
    assert pooled_of(
        source, coded,
        examples.instance(1, "P1", "S1", "R1", StudyDate=first),
        examples.instance(1, "P1", "S2", "R2", StudyDate=later),
        examples.instance(1, "P3", "S3", "R3", PatientAge="090Y", PatientBirthDate="20000101"),
        examples.instance(1, None, "S4", "R4", PatientAge="091Y"),
        examples.instance(1, "P5", "S5", "R5", PatientAge="089Y"),
    ) == {"P1/None", "P3/None", "S4/None"}  # fmt: skip
