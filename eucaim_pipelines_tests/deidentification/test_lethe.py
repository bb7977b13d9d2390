"""Lethe's names are those that EUCAIM's tool makes, link images and tables, and never merge people."""

import json
import pickle

import pyarrow as pa
import pydicom
import pytest
from hypothesis import given
from hypothesis.strategies import text

from eucaim_pipelines.deidentification import links
from eucaim_pipelines.deidentification.images import Deidentifier, Subject
from eucaim_pipelines.deidentification.keys import lethe
from eucaim_pipelines.deidentification.keys.lethe import Lethe
from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms, SiteKey
from eucaim_pipelines.errors import SiteKeyError

from .objects import planted_object, to_bytes

SECRET = "019a39ba16da7edb9e906440a48e9ed32"
"""The example of Lethe's documentation."""
KEY = SiteKey(bytes(range(32)))


@pytest.fixture(scope="module")
def names() -> Pseudonyms:
    return Pseudonyms(KEY, lethe=Lethe(SECRET))


def test_the_published_vectors_hold(shared):
    vectors = json.loads((shared / "eucaim" / "lethe_hash_test_vectors.json").read_text())
    assert f"{vectors['uid_root']}" == lethe.UID_ROOT
    assert len(vectors["vectors"]) == 3
    for vector in vectors["vectors"]:
        names = Pseudonyms(KEY, lethe=Lethe(vector["secret"]))
        person = names.patient(f" {vector['patient_id']} ", "issuers do not count", "1.2")
        assert person == vector["anon_patient_id"]
        assert names.uid(vector["study_uid"], person) == vector["anon_study_uid"]


@given(uid=text(alphabet="0123456789.", min_size=1, max_size=64), person=text(min_size=1))
def test_a_uid_is_one_of_dicom(uid, person):
    new = Lethe(SECRET).uid(uid, person)
    assert len(new) <= 64
    assert lethe.UID.fullmatch(new)
    assert not any(len(part) > 1 and part.startswith("0") for part in new.split("."))


def test_a_hash_that_begins_with_zero_gets_a_nine(monkeypatch):
    monkeypatch.setattr(lethe, "_number", lambda text: "0123")
    assert Lethe(SECRET).uid("1.2", "EUCAIM-1") == f"{lethe.UID_ROOT}.90123"


def test_uids_depend_on_the_patient_and_never_go_without(names):
    assert names.uid("1.2.3", "EUCAIM-1") != names.uid("1.2.3", "EUCAIM-2")
    assert names.uid("1.2.840.10008.1.2.1", "EUCAIM-1") == "1.2.840.10008.1.2.1"
    with pytest.raises(ValueError, match="pseudonym"):
        names.uid("1.2.3")


def test_people_without_a_number_are_never_merged(names):
    first, second = (names.patient(empty, None, uid) for empty, uid in (("", "1.2"), (" ", "1.3")))
    assert first != second
    assert Lethe(SECRET).patient("null") not in (first, second)


def test_a_trust_office_goes_before_lethe():
    names = Pseudonyms(KEY, {("foo", ""): "P1"}, Lethe(SECRET))
    assert names.patient("foo", "any", "1.2") == "P1"
    assert names.patient("bar", None, "1.2").startswith("EUCAIM-327372185")


def test_dates_and_the_rest_still_derive_from_the_site_key(names):
    other = Pseudonyms(SiteKey(bytes(32)), lethe=Lethe(SECRET))
    assert names.patient("foo", None, "") == other.patient("foo", None, "")
    assert names.shift_days("EUCAIM-1") != other.shift_days("EUCAIM-1")
    assert names.key_id != Pseudonyms(KEY).key_id
    assert names.key_id != other.key_id


def test_a_wrong_secret_is_refused_and_never_shown(tmp_path):
    file = tmp_path / "secret"
    for wrong in ("", SECRET[:-1], SECRET[:-1] + "3", SECRET.replace("9a", "a9", 1), "x" * 33):
        file.write_text(wrong + "\n")
        file.chmod(0o600)
        with pytest.raises(SiteKeyError) as told:
            Lethe.load(file)
        assert not wrong or wrong not in str(told.value)
    file.write_text(SECRET + "\n")
    assert Lethe.load(file).patient("foo").startswith("EUCAIM-174392804")
    assert SECRET not in repr(Lethe(SECRET))
    file.chmod(0o640)
    with pytest.raises(SiteKeyError, match="chmod 600"):
        Lethe.load(file)


def test_images_and_links_meet_under_lethe(names, profile, tmp_path):
    person = names.patient("HOSP-00417733", None, "")
    deidentifier = pickle.loads(pickle.dumps(Deidentifier(profile, names)))  # noqa: S301 - our own bytes
    (tmp_path / "out.dcm").write_bytes(
        deidentifier.deidentify_verified(to_bytes(planted_object()), Subject(person)).data
    )
    image = pydicom.dcmread(tmp_path / "out.dcm")
    study = {"PatientID": ["HOSP-00417733"], "StudyInstanceUID": ["1.2.826.0.1.3680043.77.2"]}
    empty = ("IssuerOfPatientID", "StudyDate", "days_from_diagnosis", "imaging_timepoint")
    rest = {name: pa.nulls(1) for name in (*empty, "episode_type_code", "age_at_study_years")}
    (link,) = links.deidentify(pa.table(study | rest), names, frozenset()).to_pylist()
    assert (image.PatientID, image.StudyInstanceUID) == (link["patient_id"], link["study_uid"])
    assert image.PatientID == image.PatientName == person
    assert image.ReferencedImageSequence[0].ReferencedSOPInstanceUID == image.SOPInstanceUID
    assert image.SOPInstanceUID.startswith(lethe.UID_ROOT)
