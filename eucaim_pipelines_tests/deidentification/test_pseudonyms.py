"""Laws of what derives from the key."""

from datetime import date
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis.strategies import dates, integers, text

from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms, SiteKey
from eucaim_pipelines.deidentification.rules.tables import well_known_uids
from eucaim_pipelines.errors import Fault, SiteKeyError

OURS, THEIRS = Pseudonyms(SiteKey(bytes(range(32)))), Pseudonyms(SiteKey(bytes(32)))
LATER = dates(min_value=date(1900, 1, 1), max_value=date(2100, 1, 1))


@given(day=LATER, gap=integers(0, 20_000), patient=text(min_size=1))
def test_intervals_of_one_patient_survive_the_shift(day, gap, patient):
    later = OURS.shift(date.fromordinal(day.toordinal() + gap), patient)
    assert (later - OURS.shift(day, patient)).days == gap


@given(day=LATER, patient=text())
def test_the_shift_is_whole_weeks_into_the_past(day, patient):
    days = OURS.shift_days(patient)
    assert days % 7 == 0
    assert 182 <= days <= 3650
    assert OURS.shift(day, patient).weekday() == day.weekday()


@given(value=text(min_size=1))
def test_two_keys_share_nothing(value):
    assume(value not in well_known_uids())
    assert OURS.token("purpose", value) != THEIRS.token("purpose", value)
    assert OURS.uid(value) != THEIRS.uid(value)
    assert OURS.patient(value, None, "1.2") != THEIRS.patient(value, None, "1.2")


@given(value=text())
def test_purposes_share_nothing(value):
    assert OURS.token("one", value) != OURS.token("two", value)


@given(value=text(alphabet="0123456789.", min_size=1, max_size=64))
def test_a_new_uid_is_a_uuid_of_version_eight(value):
    assume(value not in well_known_uids())
    new = OURS.uid(value)
    number = UUID(int=int(new.removeprefix("2.25.")))
    assert (number.version, number.variant) == (8, "specified in RFC 4122")
    assert len(new) <= 64


def test_uids_of_the_standard_are_kept():
    for uid in ("1.2.840.10008.5.1.4.1.1.66.7", "1.2.840.10008.1.2.1", "2.16.840.1.113883.6.96"):
        assert OURS.uid(uid) == uid
    assert OURS.uid("1.2.840.10008.5.1.4.1.1.2.99.1").startswith("2.25.")


def test_identifiers_are_compared_trimmed_with_case_and_zeros_kept():
    assert OURS.patient(" 0042 ", None, "1") == OURS.patient("0042", "", "2")
    assert len({OURS.patient(value, None, "1") for value in ("0042", "42", "A", "a")}) == 4
    assert OURS.patient("42", "HOSPITAL", "1") != OURS.patient("42", "CLINIC", "1")


def test_people_without_identifier_are_never_merged():
    assert OURS.patient("", None, "1.2") != OURS.patient(None, None, "1.3")
    assert OURS.patient("  ", None, "1.2") == OURS.patient(None, None, "1.2")
    assert OURS.patient("1.2", None, "9") != OURS.patient("", None, "1.2")


def test_a_trust_office_decides_pseudonym_and_shift():
    ours = Pseudonyms(SiteKey(bytes(32)), {("A", ""): "P1", ("B", ""): "P1"})
    assert ours.patient("A", None, "") == ours.patient("B", None, "") == "P1"


def test_a_generated_key_can_be_loaded_and_is_never_overwritten(tmp_path):
    key = SiteKey.generate(tmp_path / "key")
    assert SiteKey.load(tmp_path / "key").key_id == key.key_id
    with pytest.raises(SiteKeyError, match="exists already"):
        SiteKey.generate(tmp_path / "key")
    with pytest.raises(SiteKeyError, match="folder of the key file does not exist"):
        SiteKey.generate(tmp_path / "nowhere" / "key")


@pytest.mark.parametrize(
    ("content", "mode"),
    [("ab" * 31, 0o600), ("zz" * 32, 0o600), ("", 0o600), ("ab" * 32, 0o644), ("ab" * 32, 0o640)],
)
def test_a_bad_key_file_stops_everything(tmp_path, content, mode):
    path = tmp_path / "key"
    path.write_text(content)
    path.chmod(mode)
    with pytest.raises(SiteKeyError) as error:
        SiteKey.load(path)
    assert error.value.fault is Fault.CALL
    assert not content or content not in str(error.value)


def test_a_missing_key_stops_everything(tmp_path):
    with pytest.raises(SiteKeyError):
        SiteKey.load(tmp_path / "nothing")
    with pytest.raises(SiteKeyError):
        SiteKey.load(environment={})
    assert SiteKey.load(environment={"EUCAIM_KEY": "00" * 32}).key_id == SiteKey(bytes(32)).key_id


def test_the_key_never_shows():
    assert "00" * 16 not in repr(SiteKey(bytes(32)))
