"""What a source may choose: the contract and the engine know the same, and what is off is gone everywhere."""

from io import BytesIO
from typing import get_args, get_origin

import pyarrow as pa
import pydicom
import pytest
from pydicom import Dataset

from eucaim_pipelines.contracts.source_model import ClinicalFile, Deidentification
from eucaim_pipelines.deidentification import clinical, links
from eucaim_pipelines.deidentification.images import Deidentifier
from eucaim_pipelines.deidentification.options import DatePolicy, Options, PixelPolicy, SourceMaps
from eucaim_pipelines.deidentification.rules.profile import TOP_LEVEL

from .objects import CT, planted_object, to_bytes

ALLOWED = {"dates": get_args(DatePolicy), "pixels": get_args(PixelPolicy)}
PERSON = {
    "PatientSex": "F",
    "PatientAge": "068Y",
    "PatientSize": "1.7",
    "PatientWeight": "61",
    "SmokingStatus": "NO",
}
DESCRIBED = {
    "StudyDescription": "TORAX C/C",
    "ContrastBolusAgent": "ULTRAVIST 370",
    "ConvolutionKernel": "B31f",
}


def image(profile, pseudonyms, subject, **chosen):
    maps = SourceMaps({"TORAX C/C": "CT thorax with contrast"})
    deidentifier = Deidentifier(profile, pseudonyms, maps, Options(**chosen))
    source = to_bytes(planted_object(**PERSON | DESCRIBED))
    return pydicom.dcmread(BytesIO(deidentifier.deidentify_verified(source, subject).data))


def test_names_of_segments_and_regions_become_what_the_source_maps_them_to(profile, pseudonyms, subject):
    maps = SourceMaps(segment_labels={"Tumör Frau Q.": "Neoplasm"})
    source = planted_object()
    source.SegmentSequence = [Dataset(), Dataset()]
    source.StructureSetROISequence = [Dataset(), Dataset()]
    for number, name in enumerate(("Tumör Frau Q.", "tumör frau q."), start=1):
        segment, region = source.SegmentSequence[number - 1], source.StructureSetROISequence[number - 1]
        segment.SegmentNumber, segment.SegmentLabel = number, name
        region.ROINumber, region.ROIName = number, name
    deidentifier = Deidentifier(profile, pseudonyms, maps)
    released = deidentifier.deidentify_verified(to_bytes(source), subject)
    ds = pydicom.dcmread(BytesIO(released.data))
    assert [item.SegmentLabel for item in ds.SegmentSequence] == ["Neoplasm", "SEGMENT_2"]
    assert [item.ROIName for item in ds.StructureSetROISequence] == ["Neoplasm", "ROI_2"]
    assert deidentifier.digest != Deidentifier(profile, pseudonyms).digest


def test_contract_and_engine_allow_the_same():
    fields = Deidentification.model_fields
    assert set(fields) - {"pseudonyms"} == set(Options._fields)
    for name, default in Options._field_defaults.items():
        annotation = fields[name].annotation
        assert fields[name].default == default
        assert (get_args(annotation) if get_origin(annotation) else annotation) == ALLOWED.get(name, bool)


def test_the_digest_of_the_profile_follows_the_options(profile):
    chosen = [
        Options(),
        Options(descriptors=False),
        Options(patient_characteristics=False),
        Options("remove"),
    ]
    assert len({profile.with_options(each).digest for each in chosen}) == len(chosen)
    assert profile.with_options(Options()).digest == profile.digest


@pytest.mark.parametrize("name", ["descriptors", "patient_characteristics"])
def test_without_an_option_its_attributes_follow_the_basic_profile(name, profile):
    code = {"descriptors": "113105", "patient_characteristics": "113108"}[name]
    resolved = profile.with_options(Options(**{name: False}))
    before, after = (p.rules(CT, TOP_LEVEL) for p in (profile, resolved))
    mine = {row["keyword"] for row in profile.rows if row["option"] == code}
    assert len(mine) > 10
    changed = {rule.keyword for tag, rule in after.items() if rule != before[tag]}
    assert changed <= mine
    assert {rule.handler for rule in after.values() if rule.keyword in mine} == {"clear"}


def test_the_person_is_not_described_without_patient_characteristics(profile, pseudonyms, subject):
    described, bare = (
        image(profile, pseudonyms, subject, patient_characteristics=wanted) for wanted in (True, False)
    )
    assert all(described[name].value for name in PERSON)
    assert bare.PatientSex == ""
    assert not [name for name in PERSON if bare.get(name)]
    assert all(bare.get(name) == described.get(name) for name in DESCRIBED)


def test_an_age_is_not_computed_without_patient_characteristics(profile, pseudonyms, subject):
    deidentifier = Deidentifier(profile, pseudonyms, options=Options(patient_characteristics=False))
    source = to_bytes(planted_object())  # a birth date, no age
    assert deidentifier.deidentify_verified(source, subject).row["PatientAge"] is None


def test_descriptions_go_without_descriptors_and_technique_stays(profile, pseudonyms, subject):
    bare = image(profile, pseudonyms, subject, descriptors=False)
    assert [bare.get(name) or "" for name in DESCRIBED] == ["", "", "B31f"]
    assert bare.PatientSex == "F"


@pytest.mark.parametrize(
    ("chosen", "missing"),
    [({"descriptors": False}, "113105"), ({"patient_characteristics": False}, "113108")],
)
def test_an_object_claims_no_option_that_was_off(chosen, missing, profile, pseudonyms, subject):
    all_options, some = (
        {
            code.CodeValue
            for code in image(profile, pseudonyms, subject, **c).DeidentificationMethodCodeSequence
        }
        for c in ({}, chosen)
    )
    assert all_options - some == {missing}


SPEC = ClinicalFile.model_validate(
    {
        "name": "patients", "files": "*.csv", "delivery": "snapshot", "key": ["patient"],
        "columns": {
            "NHC": {"is": "patient_id", "field": "patient"},
            "Sexo": {"is": "code", "field": "sex", "vocabulary": "birth_sex"},
            "Etnia": {"is": "code", "field": "ethnicity", "vocabulary": "ethnicity"},
            "Edad": {"is": "age", "field": "age"},
            "Dx": {"is": "code", "field": "diagnosis", "vocabulary": "cancer_condition"},
        },
    }
)  # fmt: skip


def test_clinical_rows_and_links_do_without_the_same(pseudonyms):
    assert SPEC.characteristics == {"sex", "ethnicity", "age"}
    cells = {"sex": ["A"], "ethnicity": ["B"], "age": pa.array([50.0]), "diagnosis": ["C"]}
    rows = pa.table({"PatientID": ["1"], "record_key": ["1"]} | cells)
    kinds = {name: column.kind for name, column in SPEC.fields.items()}
    (row,) = clinical.deidentify(
        rows, kinds, pseudonyms, frozenset(), emptied=SPEC.characteristics
    ).table.to_pylist()
    assert [row[name] for name in cells] == [None, None, None, "C"]
    names = (
        "IssuerOfPatientID",
        "StudyDate",
        "days_from_diagnosis",
        "imaging_timepoint",
        "episode_type_code",
    )
    link = pa.table(
        {"PatientID": ["1"], "StudyInstanceUID": ["1.2"], "age_at_study_years": [50.0]}
        | {name: pa.nulls(1) for name in names}
    )
    ages = [
        links.deidentify(link, pseudonyms, frozenset(), ages=wanted).column("age_at_study_years")[0].as_py()
        for wanted in (True, False)
    ]
    assert ages == [50.0, None]
