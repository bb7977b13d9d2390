"""Laws of de-identification that hold for every object: dates, consistency, unlinkability, memory.

Objects are drawn at random; how, is said in `nests`.
"""

import os
import subprocess
import sys
import warnings
from collections import Counter
from datetime import date, datetime, timedelta
from functools import cache
from hashlib import sha256
from io import BytesIO
from itertools import pairwise

import pyarrow as pa
import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.datadict import dictionary_VR
from pydicom.sequence import Sequence

from eucaim_pipelines.deidentification import clinical
from eucaim_pipelines.deidentification.images import Deidentifier, Subject
from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms, SiteKey
from eucaim_pipelines.deidentification.rules.profile import Profile
from eucaim_pipelines.errors import Refusal

from .nests import DAY, NESTS, ROOT, SIGHTINGS, TOKEN, sighted
from .objects import planted_object, to_bytes

pytestmark = pytest.mark.xdist_group("properties")  # one test counts what another one has seen
DAYS = st.dates(min_value=date(1930, 1, 1), max_value=date(2025, 12, 31))
EVENTS = ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate", "InstanceCreationDate")
SHARED_BY_PATIENTS = (
    "CalibrationDate",
    "CalibrationDateTime",
    "DateOfInstallation",
    "DateOfLastCalibration",
    "DateOfLastDetectorCalibration",
    "DateOfManufacture",
    "DateTimeOfLastCalibration",
    "EffectiveDateTime",
    "EthicsCommitteeApprovalEffectivenessEndDate",
    "EthicsCommitteeApprovalEffectivenessStartDate",
    "HangingProtocolCreationDateTime",
    "InformationIssueDateTime",
    "ProductExpirationDateTime",
    "SourceStrengthReferenceDate",
    "TemplateLocalVersion",
    "TemplateVersion",
)
"""Dates of equipment, trials, templates and batches: who knows one, or sees it under two patients, must not
learn a shift."""
EXAMPLES = settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
FEW = settings(EXAMPLES, max_examples=12)


@cache
def profile() -> Profile:
    return Profile.load()


def read(data: bytes) -> Dataset:
    with warnings.catch_warnings(action="ignore"):
        ds = pydicom.dcmread(BytesIO(data))
        ds.decode()
    return ds


def day_of(text: str) -> date:
    return datetime.strptime(text, "%Y%m%d").date()


def released(deidentifier: Deidentifier, ds: Dataset) -> Dataset:
    person = deidentifier.pseudonyms.patient(ds.PatientID, None, ds.StudyInstanceUID)
    return read(deidentifier.deidentify_verified(to_bytes(ds), Subject(person)).data)


@EXAMPLES
@given(days=st.lists(DAYS, min_size=5, max_size=5), patient=st.integers(0, 10**6))
def test_intervals_and_weekdays_of_one_patient_are_kept(days, patient, deidentifier):
    before = dict(zip(EVENTS, days, strict=True))
    texts = {keyword: f"{day:%Y%m%d}" for keyword, day in before.items()}
    nested = Dataset()
    nested.StudyDate = texts["StudyDate"]
    source = planted_object(PatientID=f"HOSP-{patient}", PatientBirthDate="", **texts)
    source.ReferencedImageSequence[0].StudyDate = texts["StudyDate"]
    out = released(deidentifier, source)
    after = {keyword: day_of(out[keyword].value) for keyword in EVENTS}
    gaps = {before[keyword] - after[keyword] for keyword in EVENTS}
    assert len(gaps) == 1
    (gap,) = gaps
    assert timedelta(182) <= gap <= timedelta(3650)
    assert all(before[keyword].weekday() == after[keyword].weekday() for keyword in EVENTS)
    assert out.ReferencedImageSequence[0].StudyDate == out.StudyDate


@EXAMPLES
@given(day=DAYS, patient=st.text(alphabet="0123456789ABCDEFabc-_. ", min_size=1, max_size=20))
def test_images_and_tables_of_one_patient_agree_in_every_run(day, patient, pseudonyms):
    patient = f"H{patient.strip()}"
    source = planted_object(PatientID=patient, StudyDate=f"{day:%Y%m%d}")
    one, two = (released(Deidentifier(profile(), pseudonyms), source) for _ in range(2))
    assert one == two
    table = pa.table({"PatientID": [patient], "record_key": ["a"], "seen": pa.array([day], pa.date32())})
    row = clinical.deidentify(table, {"seen": "date"}, pseudonyms, frozenset()).table.to_pylist()[0]
    assert row["patient_id"] == one.PatientID == str(one.PatientName)
    assert row["seen"] == day_of(one.StudyDate)


def made(ds: Dataset) -> set[str]:
    """Identifiers, UIDs and tokens of a released object that are not the Standard's."""
    plain = {"SpecificCharacterSet", "DeidentificationMethod"}
    found = set()
    for element in ds.iterall():
        if element.VR == "UI" and str(element.value).startswith("2.25."):
            found.add(str(element.value))
        elif element.VR in ("LO", "SH", "PN", "UT") and element.keyword not in plain:
            text = str(element.value)
            found |= {text} if any(character.isdigit() for character in text) else set()
    return found


@FEW
@given(numbers=st.lists(st.integers(10**5, 10**9), min_size=4, max_size=4, unique=True))
def test_two_keys_share_no_identifier_uid_or_token(numbers):
    source = planted_object(PatientID=f"H{numbers[0]}", AccessionNumber=f"A{numbers[1]}")
    source.StudyID, source.ContainerIdentifier = f"S{numbers[2]}", f"C{numbers[3]}"
    source.TrackingID, source.StackID = f"T{numbers[2]}", f"K{numbers[1]}"
    ours, theirs = (
        made(released(Deidentifier(profile(), Pseudonyms(SiteKey(secret))), source))
        for secret in (bytes(32), bytes(range(32)))
    )
    public = {"SOMATOM Definition Flash", "B31f", "99EUCAIM", "113100", "113105", "113107", "113108"}
    assert len(ours - public) >= 9
    assert not (ours & theirs) - public


def test_two_keys_share_no_date_relation_between_patients():
    """How far the shifts of two patients lie apart under one key says nothing about another."""
    relations = []
    for keys in (Pseudonyms(SiteKey(bytes(32))), Pseudonyms(SiteKey(bytes(range(32))))):
        shifts = [keys.shift_days(f"EUCAIM-{number}") for number in range(400)]
        assert len(set(shifts)) > 200
        relations.append([one - two for one, two in pairwise(shifts)])
    equal = sum(one == two for one, two in zip(*relations, strict=True))
    assert equal <= 6, "One in about 740 is equal by chance"


_CHILD = """
import sys
from hashlib import sha256
from eucaim_pipelines.deidentification.images import Deidentifier, Subject
from eucaim_pipelines.deidentification.rules.profile import Profile
from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms, SiteKey
deidentifier = Deidentifier(Profile.load(), Pseudonyms(SiteKey(bytes(range(32)))))
print(sha256(deidentifier.deidentify(sys.stdin.buffer.read(), Subject("EUCAIM-1")).data).hexdigest())
"""


@pytest.mark.parametrize("seed", ["1", "2"])
def test_equal_input_gives_equal_bytes_in_every_process(seed, pseudonyms):
    data = to_bytes(planted_object())
    environment = os.environ | {"PYTHONHASHSEED": seed}
    said = subprocess.run(
        [sys.executable, "-c", _CHILD], input=data, capture_output=True, check=True, env=environment
    )
    ours = Deidentifier(profile(), pseudonyms).deidentify(data, Subject("EUCAIM-1")).data
    assert said.stdout.decode().strip() == sha256(ours).hexdigest()


_OUTCOMES: Counter[str] = Counter()


@settings(EXAMPLES, max_examples=60)
@given(nest=NESTS)
def test_nothing_of_a_random_nest_comes_out(nest, deidentifier):
    try:
        out = deidentifier.deidentify_verified(nest, Subject("EUCAIM-1")).data
    except Refusal as refusal:
        _OUTCOMES[refusal.reason] += 1
        assert TOKEN not in str(refusal)
        return
    _OUTCOMES["PUBLISHED"] += 1
    plain = out + to_bytes(read(out))  # the second one is not deflated
    for planted in (TOKEN, TOKEN.upper(), ROOT, DAY):
        assert planted.encode() not in plain, planted
        assert planted.encode("utf-16-le") not in plain, planted


def test_most_nests_were_released():
    assert _OUTCOMES["PUBLISHED"] > 0.8 * _OUTCOMES.total() > 40
    assert "RESIDUAL_IDENTITY" not in _OUTCOMES, "Nothing may be left for the verifier to find"


def dates_in(ds: Dataset) -> set[str]:
    return {
        str(element.value)[:8] for element in ds.iterall() if element.VR in ("DA", "DT") and element.value
    }


@pytest.mark.parametrize("keyword", SHARED_BY_PATIENTS)
def test_a_date_that_two_patients_share_reveals_no_shift(keyword, deidentifier):
    known = "20140228" + ("101112" if dictionary_VR(keyword) == "DT" else "")
    for patient in ("HOSP-1", "HOSP-2"):
        source = planted_object(PatientID=patient, **{keyword: known})
        inner = Dataset()
        setattr(inner, keyword, known)
        source.ContributingEquipmentSequence = Sequence([inner])
        out = released(deidentifier, source)
        moved = {
            f"{day_of(day) - (day_of('20190604') - day_of(out.StudyDate)):%Y%m%d}" for day in ("20140228",)
        }
        assert not dates_in(out) & (moved | {"20140228"})


def test_versions_of_public_groups_are_kept_or_dropped_never_moved(deidentifier):
    source = planted_object()
    groups = []
    for resource in ("DCMR", "99VALLE"):
        item = Dataset()
        item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "10200004", "SCT", "Liver"
        item.MappingResource, item.ContextGroupVersion = resource, "20140228"
        item.ContextGroupLocalVersion = "20140228"
        groups.append(item)
    source.AnatomicRegionSequence = Sequence(groups)
    out = released(deidentifier, source)
    public, local = out.AnatomicRegionSequence
    assert public.get("ContextGroupVersion") == "20140228"
    assert "ContextGroupVersion" not in local
    assert "ContextGroupLocalVersion" not in public


@settings(EXAMPLES, max_examples=40)
@given(sightings=SIGHTINGS)
def test_what_was_seen_before_changes_nothing(sightings, pseudonyms):
    """One de-identifier for two patients in turn gives what a new one gives for each object."""
    shared = Deidentifier(profile(), pseudonyms)
    for sighting in sightings:
        subject = Subject(f"EUCAIM-{sighting.patient}", sighting.pooled)
        with warnings.catch_warnings(action="ignore"):
            data = to_bytes(sighted(sighting), sighting.syntax)
        fresh = Deidentifier(profile(), pseudonyms)
        assert shared.deidentify(data, subject) == fresh.deidentify(data, subject)
