"""Laws of linkage: offsets, timepoints, episodes, ages; and who is in the dataset."""

from dataclasses import replace
from datetime import date, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eucaim_pipelines.cdm import build
from eucaim_pipelines.cdm.coding import kinds, schema
from eucaim_pipelines.cdm.linkage import add_offsets, age_string_years, dicom_date, link_studies
from eucaim_pipelines.cdm.people import (
    UNDECIDED_ISSUER,
    ambiguous,
    image_issuers,
    issuers,
    people,
    pooled,
)
from eucaim_pipelines.contracts.sources import load_source
from eucaim_pipelines.deidentification import clinical
from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms, SiteKey
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


def issued(patient, study, issuer=None, **values):
    return examples.instance(1, patient, study, f"{study}.R", IssuerOfPatientID=issuer, **values)


def test_a_row_takes_the_issuer_of_the_images_where_there_is_only_one(coded):
    rows = [
        issued("P1", "S1", "A"), issued("P2", "S2", "A"), issued("P2", "S3", "B"), issued("P3", "S4"),
    ]  # fmt: skip
    found = people(examples.instances(rows), coded)
    assert issuers(found) == {"P1": "A", "P2": UNDECIDED_ISSUER}
    assert image_issuers(found) == {"P1": "A"}
    assert ambiguous(found) == 1


@pytest.mark.parametrize("unissued", [[], [issued("P1", "S3"), issued("P1", "S4", "")]])
def test_rows_of_a_patient_id_under_two_issuers_say_nothing_of_any_image(source, coded, unissued):
    """Whose the row is, is unknown: neither days nor ages nor 90+ nor a pseudonym may come from it."""
    rows = [issued("P1", "S1", "A"), issued("P1", "S2", "B"), *unissued]
    for link in links(source, coded, *rows):
        assert link["days_from_diagnosis"] is link["age_at_study_years"] is link["episode_type_code"] is None
    found = people(examples.instances(rows), coded)
    own = [row for row in found.to_pylist() if row["PatientID"] == "P1"]
    assert [row["IssuerOfPatientID"] for row in own if row["in_tables"]] == [UNDECIDED_ISSUER]
    assert UNDECIDED_ISSUER not in [row["IssuerOfPatientID"] for row in own if row["in_images"]]
    assert image_issuers(found) == {}
    old = [{**row, "StudyDate": "20490115"} for row in rows]  # 90 at that time if the row were theirs
    assert pooled_of(source, coded, *old) == set()


def test_an_image_without_issuer_is_of_the_only_issuer_of_its_patient_id(source, coded):
    """A scanner that leaves the issuer out does not tear a person apart, not even within one study."""
    rows = [
        issued("P1", "S1", "A"), issued("P1", "S1"), issued("P1", "S2", "", StudyDate="20490115"),
        issued(None, "S3", "A"), issued(None, "S4"), issued("P3", "S5"),
    ]  # fmt: skip
    found = links(source, coded, *rows)
    assert [(link["StudyInstanceUID"], link["IssuerOfPatientID"], link["imaging_timepoint"],
             link["days_from_diagnosis"]) for link in found if link["PatientID"] == "P1"] == [
        ("S1", "A", 1, 5), ("S2", "A", 2, 10598),
    ]  # fmt: skip
    everybody = people(examples.instances(rows), coded)
    [one] = [row for row in everybody.to_pylist() if row["PatientID"] == "P1"]
    assert (one["IssuerOfPatientID"], one["in_images"], one["in_tables"]) == ("A", True, True)
    assert issuers(everybody) == image_issuers(everybody) == {"P1": "A"}
    assert ambiguous(everybody) == 0
    assert pooled_of(source, coded, *rows) == {"P1/A"}


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


def test_an_age_in_one_study_is_held_against_every_later_date(source, coded):
    """The intervals stay: 81 at one study and eleven years to another date make 92."""
    told = {"PatientAge": "081Y", "StudyDate": "20100115", "AcquisitionDate": None}
    born = {"PatientBirthDate": "19290301", "StudyDate": "20100115", "AcquisitionDate": None}
    for first in (told, born):
        alone = examples.instance(1, "P5", "S1", "R1", **first)
        later = examples.instance(1, "P5", "S2", "R2", StudyDate="20210115", AcquisitionDate=None)
        assert pooled_of(source, coded, alone) == set()
        assert pooled_of(source, coded, alone, later) == {"P5/None"}
    row = {"PatientID": "P1", "StudyDate": "20100115", "AcquisitionDate": None, "PatientAge": "079Y"}
    image = examples.instance(1, "P1", "S1", "R1") | row
    last = coded["treatments"].to_pylist()[0] | {"start": date(2022, 2, 1), "start_offset_days": 753}
    treated = {
        "patients": coded["patients"].slice(0, 0),
        "treatments": coded["treatments"].from_pylist([last], schema=coded["treatments"].schema),
    }
    assert pooled_of(source, treated, image) == {"P1/None"}
    assert pooled_of(source, treated | {"treatments": coded["treatments"].slice(0, 0)}, image) == set()


@pytest.mark.parametrize(
    ("values", "later", "old"),
    [
        ({"PatientAge": "081Y"}, "20180115", False),  # 82 years before 2010-01-15 or later: not yet 90
        ({"PatientAge": "081Y"}, "20180116", True),
        ({"PatientAge": "081Y", "PatientBirthDate": "19281231"}, "20181230", False),  # both agree: the day
        ({"PatientAge": "081Y", "PatientBirthDate": "19281231"}, "20181231", True),
        ({"PatientAge": "081Y", "PatientBirthDate": "19600101"}, "20180116", True),  # they do not agree
        ({"PatientAge": "081Y", "PatientBirthDate": "17000101"}, "20180115", False),  # no birth date at all
        ({"PatientAge": "972M"}, "20180116", True),
        ({}, "20990101", False),
    ],
)
def test_the_earliest_birth_that_the_sources_allow_decides(source, coded, values, later, old):
    first = {"StudyDate": "20100115", "AcquisitionDate": None}
    rows = [
        examples.instance(1, "P5", "S1", "R1", **first, **values),
        examples.instance(1, "P5", "S2", "R2", **first | {"StudyDate": later}),
    ]
    assert pooled_of(source, coded, *rows) == ({"P5/None"} if old else set())


@pytest.mark.parametrize(
    ("diagnosed", "age", "days", "old"),
    [
        (None, 80.0, 3280, False),  # at most 80 years and 364 days, and not quite nine years later
        (None, 80.0, 3700, True),
        (None, None, 40000, False),  # nothing is said of the birth
        (date(2020, 1, 10), 80.0, 3280, False),
        (date(2020, 1, 10), 80.0, 3700, True),
        (date(2020, 1, 10), 85.0, -3700, False),
    ],
)
def test_who_reaches_90_by_days_from_the_diagnosis_is_pooled(tmp_path, diagnosed, age, days, old):
    text = examples.SOURCE.replace("{field: start, is: date}", "{field: start, is: days}")
    text = text.replace("treatment_start_date: start", "treatment_offset_from_diagnosis: start")
    source = load_source(examples.write_source(tmp_path, text))
    row = {"PatientID": "P7", "diagnosis_date": diagnosed, "age_at_diagnosis": age, "start": days}
    tables = {spec.name: pa.Table.from_pylist([row], schema=schema(spec)) for spec in source.clinical}
    found = pooled_of(source, add_offsets(tables, source), examples.instance(1, "P9", "S", "R"))
    assert found == ({"P7/None"} if old else set())


@pytest.mark.parametrize("diagnosed", [None, date(2020, 1, 10)])
@pytest.mark.parametrize(
    ("column", "beside", "number", "old"),
    [
        ("unit: mo", None, 100, False),
        ("unit: mo", None, 124, True),
        ("unit: mo", "{constant: COM1000151}", 10.3, True),  # coded in years, the unit of the table
        ("", "{constant: COM1000154}", 124, True),
        ("", "{constant: COM1000156}", 124, False),  # nanograms are no time
        ("", "unit_of_row", 124, True),
        ("", "other_unit", 124, False),
        ("unit: mo", None, 1e15, True),
        ("unit: mo", None, -1e15, False),
    ],
)
def test_who_reaches_90_by_a_number_that_is_a_time_is_pooled(
    tmp_path, diagnosed, column, beside, number, old
):
    text = examples.SOURCE.replace("is: number, unit: ng/mL", f"is: number, {column}".rstrip(", "))
    units = "".join(
        f"      {name}: {{field: {name}, is: code, vocabulary: units}}\n"
        for name in ("unit_of_row", "other_unit")
    )
    text = text.replace('      "Fuma"', units + '      "Fuma"')
    unit = f", health_status_assessment_value_unit: {beside}" if beside else ""
    text = text.replace(
        "      - table: procedure",
        f"      - table: health_status_assessment\n"
        f"        fields: {{health_status_assessment_value_as_number: psa{unit}}}\n      - table: procedure",
    )
    source = load_source(examples.write_source(tmp_path, text))
    row = {"PatientID": "P7", "diagnosis_date": diagnosed, "age_at_diagnosis": 80.0, "psa": number,
           "unit_of_row": "COM1000154", "other_unit": "COM1000156"}  # fmt: skip
    tables = {spec.name: pa.Table.from_pylist([row], schema=schema(spec)) for spec in source.clinical[:1]}
    found = pooled_of(source, add_offsets(tables, source), examples.instance(1, "P9", "S", "R"))
    assert found == ({"P7/None"} if old else set())


FAMILY = examples.SOURCE.replace(
    "      - table: procedure",
    "      - table: family_member_history\n"
    "        fields: {family_member_history_onset_age: mothers_age}\n      - table: procedure",
).replace('      "Fuma"', '      "Madre": {field: mothers_age, is: age}\n      "Fuma"')


@pytest.mark.parametrize("old", [False, True])
def test_the_age_of_a_relative_is_capped_and_says_nothing_of_the_patient(tmp_path, source, old):
    inputs = examples.crossed(source)
    text = FAMILY if not old else FAMILY.replace("diagnosis: age_at_diagnosis", "diagnosis: mothers_age")
    source = load_source(examples.write_source(tmp_path, text))
    spec = source.clinical[0]
    rows = [
        {"PatientID": "P7", "record_key": "1", "mothers_age": 93.4},
        {"PatientID": "P8", "record_key": "2", "mothers_age": 88.7},
    ]
    told = examples.told(spec, pa.Table.from_pylist(rows, schema=schema(spec)))
    coded = add_offsets({spec.name: told}, source)
    pooled_people = pooled_of(source, coded, examples.instance(1, "P9", "S", "R"))
    assert pooled_people == ({"P7/None"} if old else set())
    pseudonyms = Pseudonyms(SiteKey(bytes(range(32))))
    pooled_pseudonyms = {pseudonyms.patient("P8", None, "")}
    crossed = clinical.deidentify(coded[spec.name], kinds(spec), pseudonyms, pooled_pseudonyms)
    assert crossed.table["mothers_age"].to_pylist() == [90.0, 90.0 if old else 88.7]
    assert "mothers_age" in spec.characteristics
    inputs = replace(inputs, source=source, records={spec.name: crossed.table})
    assert sorted(build("family_member_history", inputs)["family_member_history_onset_age"].to_pylist()) == (
        [90, 90] if old else [88, 90]
    )
