"""Laws of the link file: what it says of a study counts, and what does not agree is counted."""

from dataclasses import replace
from datetime import date, timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eucaim_pipelines.cdm import build
from eucaim_pipelines.cdm.link_file import LinkFaults, link_faults, link_file
from eucaim_pipelines.cdm.linkage import STUDY_LINKS, add_offsets, link_studies
from eucaim_pipelines.contracts.source_model import SourceContract
from eucaim_pipelines_tests.cdm import examples

START = date(2020, 1, 1)
LINKS = {
    "name": "links",
    "files": "links.csv",
    "delivery": "snapshot",
    "key": ["patient", "study"],
    "columns": {
        "P": {"field": "patient", "is": "patient_id"},
        "S": {"field": "study", "is": "study_uid"},
        "T": {"field": "timepoint", "is": "timepoint"},
        "E": {"field": "episode", "is": "episode"},
        "D": {"field": "days", "is": "days"},
    },
}
TREATMENTS = {
    "name": "treatments",
    "files": "treatments.csv",
    "delivery": "snapshot",
    "key": ["patient"],
    "columns": {
        "P": {"field": "patient", "is": "patient_id"},
        "D": {"field": "start", "is": "days"},
        "R": {"field": "registered", "is": "date"},
    },
}
CODED = pa.schema(
    [
        ("PatientID", pa.string()), ("record_key", pa.string()), ("study", pa.string()),
        ("timepoint", pa.int64()), ("episode", pa.string()), ("days", pa.int64()),
    ]
)  # fmt: skip


def source(**linkage):
    linkage = {"timepoints": "links"} | linkage
    return SourceContract.model_validate(
        {"dataset_id": "x", "tier": 1, "clinical": [LINKS, TREATMENTS], "linkage": linkage}
    )


def coded(*rows):
    """Coded rows of the link file: patient, study, timepoint, episode, days."""
    names = ("PatientID", "study", "timepoint", "episode", "days")
    found = [dict(zip(names, row, strict=True)) | {"record_key": str(n)} for n, row in enumerate(rows)]
    return {"links": pa.Table.from_pylist(found, CODED)}


def study(patient, uid, day=0, **values):
    when = f"{START + timedelta(days=day):%Y%m%d}"
    return examples.instance(1, patient, uid, f"{uid}.R", StudyDate=when, AcquisitionDate=None, **values)


def linked(rows, *told, contract=None):
    links = link_studies(examples.instances(list(rows)), coded(*told), contract or source())
    found = {row["StudyInstanceUID"]: row for row in links.to_pylist()}
    return found, link_faults(links, link_file(coded(*told), contract or source()))


def test_what_the_file_says_of_a_study_counts_and_the_other_studies_of_its_patient_stay_without_number():
    rows = [study("P1", "S1"), study("P1", "S2", 9), study("P2", "S3"), study("P2", "S4", 4)]
    found, faults = linked(rows, ("P1", "S2", 7, "GEN1000010", 12), ("P1", "S1", None, None, None))
    assert [(row["imaging_timepoint"], row["episode_type_code"], row["days_from_diagnosis"])
            for row in found.values()] == [
        (None, None, None), (7, "GEN1000010", 12), (1, None, None), (2, None, None),
    ]  # fmt: skip
    assert faults == LinkFaults(link_rows=2, studies_with_timepoint=3)


def test_a_row_that_names_no_study_or_the_study_of_somebody_else_says_nothing_and_is_counted():
    rows = [study("P1", "S1"), study("P2", "S2"), study(None, "S3")]
    told = [("P1", "S9", 1, None, None), ("P1", "S2", 5, "GEN1000010", 3), ("P1", "S3", 4, None, None)]
    found, faults = linked(rows, *told)
    assert [row["imaging_timepoint"] for row in found.values()] == [1, 1, 1]
    assert {row["episode_type_code"] for row in found.values()} == {None}
    assert (faults.link_rows_without_study, faults.link_rows_of_another_patient) == (1, 2)


def test_a_patient_id_under_two_issuers_takes_nothing_from_the_file():
    rows = [study("P1", "S1", IssuerOfPatientID="A"), study("P1", "S2", IssuerOfPatientID="B")]
    found, _ = linked(rows, ("P1", "S1", 5, "GEN1000010", 3))
    assert [row["imaging_timepoint"] for row in found.values()] == [1, 1]
    assert found["S1"]["days_from_diagnosis"] is found["S1"]["episode_type_code"] is None


def test_studies_without_images_have_no_timepoint_whatever_the_file_says():
    found, _ = linked([study("P1", "S1", SOPClassUID=examples.SEG)], ("P1", "S1", 1, None, None))
    assert found["S1"]["imaging_timepoint"] is None


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from("AB"), st.none() | st.integers(0, 5), st.integers(-1, 4)),
        max_size=9,
    )
)
def test_timepoints_out_of_order_are_those_that_an_earlier_day_reaches(studies):
    """Against the plain reading of the rule, study by study."""
    rows = [
        dict.fromkeys(STUDY_LINKS.names)
        | {
            "PatientID": patient,
            "StudyInstanceUID": f"S{number}",
            "StudyDate": None if day is None else START + timedelta(days=day),
            "imaging_timepoint": timepoint,
        }
        for number, (patient, day, timepoint) in enumerate(studies)
    ]
    links = pa.Table.from_pylist(rows, STUDY_LINKS)
    wrong = sum(
        timepoint < 1
        or any(
            other == patient and day is not None and earlier is not None and earlier < day
            and number >= timepoint
            for other, earlier, number in studies
        )
        for patient, day, timepoint in studies
    )  # fmt: skip
    faults = link_faults(links, link_file(coded(), source()))
    assert (faults.timepoints_out_of_order, faults.studies_with_timepoint) == (wrong, len(studies))


@pytest.mark.parametrize("shift", [0, 40])
def test_day_counts_place_studies_and_treatments_without_any_date_of_diagnosis(shift):
    contract = source(treatment_date="treatments.start")
    rows = {"PatientID": ["P1"], "record_key": ["r"], "start": pa.array([30 + shift]),
            "registered": pa.array([None], pa.date32())}  # fmt: skip
    tables = add_offsets(coded(("P1", "S1", None, None, 29), ("P1", "S2", None, None, 35))
                         | {"treatments": pa.table(rows)}, contract)  # fmt: skip
    links = link_studies(examples.instances([study("P1", "S1"), study("P1", "S2", 6)]), tables, contract)
    assert links["days_from_diagnosis"].to_pylist() == [29, 35]
    assert links["episode_type_code"].to_pylist() == [
        "GEN1000008", "GEN1000008" if shift else "GEN1000007",
    ]  # fmt: skip


def test_days_that_count_from_another_date_become_days_from_the_diagnosis(tmp_path):
    text = examples.SOURCE.replace('"PSA":         {field: psa, is: number, unit: ng/mL}',
                                   '"PSA":         {field: psa, is: days}')  # fmt: skip
    text = text.replace("linkage: {", "linkage: {days_from: patients.biopsy_date, ")
    contract = examples.load_source(examples.write_source(tmp_path, text))
    tables = {
        "patients": pa.table(
            {
                "PatientID": ["P1", "P2"],
                "diagnosis_date": pa.array([START, None]),
                "biopsy_date": pa.array([START + timedelta(days=10), START]),
                "psa": pa.array([5, 5]),
            }
        )
    }
    found = add_offsets(tables, contract)["patients"]
    assert found["psa"].to_pylist() == [15, None]


def test_a_date_of_the_file_dates_a_study_whose_images_have_none():
    with_date = LINKS | {"columns": LINKS["columns"] | {"X": {"field": "day", "is": "date"}}}
    contract = SourceContract.model_validate(
        {"dataset_id": "x", "tier": 1, "clinical": [with_date], "linkage": {"timepoints": "links"}}
    )
    table = coded(("P1", "S1", None, None, None), ("P1", "S2", None, None, None))["links"]
    tables = {"links": table.append_column("day", pa.array([START, START]))}
    undated = study("P1", "S1") | {"StudyDate": None}
    rows = link_studies(examples.instances([undated, study("P1", "S2", 3)]), tables, contract).to_pylist()
    assert [row["StudyDate"] for row in rows] == [START, START + timedelta(days=3)]


def test_a_source_that_counts_days_has_episodes_without_dates(tmp_path):
    text = examples.SOURCE.replace('"Inicio": {field: start, is: date}', '"Inicio": {field: start, is: days}')
    text = text.replace("treatment_start_date: start", "treatment_offset_from_diagnosis: start")
    text = text.replace(
        "linkage: {diagnosis_date: patients.diagnosis_date, treatment_date: treatments.start}", ""
    )
    contract = examples.load_source(examples.write_source(tmp_path, text))
    crossed = examples.crossed(contract)
    treatments = pa.table(
        {
            "patient_id": ["X-P1", "X-P1", "X-P3"],
            "record_id": ["t1", "t2", "t3"],
            "type": pa.array([None, None, "CLIN1024528"]),
            "start": pa.array([40, 22, 1]),
        }
    )
    linkage = contract.linkage.model_copy(update={"treatment_date": "treatments.start"})
    inputs = replace(
        crossed,
        source=contract.model_copy(update={"linkage": linkage}),
        records=crossed.records | {"treatments": examples.told(contract.file("treatments"), treatments)},
    )
    found = [
        (
            row["patient_id"],
            row["episode_type_code"],
            row["start_offset_from_diagnosis"],
            row["episode_number"],
        )
        for row in build("episode", inputs).to_pylist()
    ]
    assert sorted(found) == [
        ("X-P1", "GEN1000007", 22, 2), ("X-P1", "GEN1000008", 0, 1),
        ("X-P2", "GEN1000008", 0, 1), ("X-P4", "GEN1000008", 0, 1),
    ]  # fmt: skip
    assert build("treatment", inputs)["treatment_offset_from_diagnosis"].to_pylist() == [40, 22, 1]
