"""A source's choice for dates holds alike in images, clinical rows and study links."""

from datetime import date
from io import BytesIO

import pyarrow as pa
import pydicom
import pytest

from eucaim_pipelines.deidentification import clinical, links
from eucaim_pipelines.deidentification.images import Deidentifier
from eucaim_pipelines.deidentification.options import Options
from eucaim_pipelines.deidentification.verification import verifier

from .objects import planted_object, to_bytes

ROWS = pa.table(
    {
        "PatientID": ["HOSP-00417733", "HOSP-00417733"],
        "record_key": ["patients\x1f1", "patients\x1f2"],
        "start": pa.array([date(2019, 6, 4), None], pa.date32()),
        "start_offset_days": pa.array([12, None], pa.int64()),
    }
)
KINDS = {"start": "date", "start_offset_days": "integer"}
LINKS = pa.table(
    {
        "PatientID": ["HOSP-00417733"],
        "IssuerOfPatientID": pa.array([None], pa.string()),
        "StudyInstanceUID": ["1.2.3"],
        "StudyDate": pa.array([date(2019, 6, 4)], pa.date32()),
        "days_from_diagnosis": pa.array([12], pa.int64()),
        "imaging_timepoint": pa.array([1], pa.int64()),
        "episode_type_code": ["GEN1000008"],
        "age_at_study_years": [68.2],
    }
)


def released(profile, pseudonyms, subject, policy, **changes):
    deidentifier = Deidentifier(profile, pseudonyms, options=Options(dates=policy))
    data = deidentifier.deidentify_verified(to_bytes(planted_object(**changes)), subject).data
    return pydicom.dcmread(BytesIO(data))


@pytest.mark.parametrize("policy", ["shift", "day_one", "remove"])
def test_images_rows_and_links_agree(policy, profile, pseudonyms, subject):
    moved = pseudonyms.shift(date(2019, 6, 4), subject.pseudonym)
    expected = {"shift": moved, "day_one": date(2019, 6, 1), "remove": None}[policy]
    image = released(profile, pseudonyms, subject, policy)
    assert image.get("StudyDate", "") == (f"{expected:%Y%m%d}" if expected else "")
    rows = clinical.deidentify(ROWS, KINDS, pseudonyms, frozenset(), policy=policy).table.to_pylist()
    assert [row["start"] for row in rows] == [expected, None]
    assert [row["start_offset_days"] for row in rows] == [12, None]
    (link,) = links.deidentify(LINKS, pseudonyms, frozenset(), policy).to_pylist()
    assert (link["study_date"], link["days_from_diagnosis"], link["imaging_timepoint"]) == (expected, 12, 1)


@pytest.mark.parametrize(
    ("policy", "said", "retained", "time"),
    [
        ("shift", "MODIFIED", True, "101112"),
        ("day_one", "MODIFIED", True, "101112"),
        ("remove", "REMOVED", False, ""),
    ],
)
def test_the_object_says_what_was_done(policy, said, retained, time, profile, pseudonyms, subject):
    image = released(profile, pseudonyms, subject, policy)
    assert image.LongitudinalTemporalInformationModified == said
    assert ("113107" in {code.CodeValue for code in image.DeidentificationMethodCodeSequence}) == retained
    assert image.get("StudyTime", "") == time
    assert image.PatientAge == "068Y"


def test_a_removed_date_leaves_none_at_any_depth(profile, pseudonyms, subject):
    image = released(profile, pseudonyms, subject, "remove")
    assert not [e.keyword for e in image.iterall() if e.VR in ("DA", "DT", "TM") and e.value]


def test_a_day_that_is_the_first_already_is_no_residual_but_counted(profile, pseudonyms, subject):
    source = to_bytes(planted_object(StudyDate="20190601"))
    deidentifier = Deidentifier(profile, pseudonyms, options=Options(dates="day_one"))
    actions = deidentifier.deidentify_verified(source, subject).actions
    assert actions[0x00080020, "E", verifier.FIRST_OF_MONTH] == 1


def test_the_digest_names_the_policy(profile, pseudonyms):
    digests = {
        Deidentifier(profile, pseudonyms, options=Options(dates=p)).digest
        for p in ("shift", "day_one", "remove")
    }
    assert len(digests) == 3
