"""One key and one profile for all tests of de-identification."""

import pytest

from eucaim_pipelines.deidentification.images import Deidentifier, Subject
from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms, SiteKey
from eucaim_pipelines.deidentification.options import SourceMaps
from eucaim_pipelines.deidentification.rules.profile import Profile


@pytest.fixture(scope="session")
def pseudonyms() -> Pseudonyms:
    return Pseudonyms(SiteKey(bytes(range(32))))


@pytest.fixture(scope="session")
def profile() -> Profile:
    return Profile.load()


@pytest.fixture(scope="session")
def deidentifier(profile: Profile, pseudonyms: Pseudonyms) -> Deidentifier:
    return Deidentifier(profile, pseudonyms, SourceMaps({"TORAX C/C": "CT thorax with contrast"}))


@pytest.fixture(scope="session")
def subject(pseudonyms: Pseudonyms) -> Subject:
    return Subject(pseudonyms.patient("HOSP-00417733", None, ""))
