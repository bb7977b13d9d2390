"""One key, one patient and one family of planted objects for all tests of this folder, made once."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from eucaim_pipelines.deidentification.images import Deidentified, Deidentifier, Subject
from eucaim_pipelines.deidentification.keys.pseudonyms import Pseudonyms, SiteKey
from eucaim_pipelines.deidentification.rules.profile import Profile
from eucaim_pipelines_tests.canaries import plant_contents, plant_places, plant_reports, plant_table
from eucaim_pipelines_tests.canaries.planting import Plant, Planted
from eucaim_pipelines_tests.canaries.searching import survivors
from eucaim_pipelines_tests.canaries.tokens import Tokens

PEOPLE = [f"EUCAIM-{number:016x}" for number in range(200)]


class Outcome(NamedTuple):
    """An object, what became of it, and which planted values stand in that."""

    planted: Planted
    result: Deidentified
    survivors: set[Plant]


@pytest.fixture(scope="session")
def pseudonyms() -> Pseudonyms:
    return Pseudonyms(SiteKey(bytes(range(32))))


@pytest.fixture(scope="session")
def profile() -> Profile:
    return Profile.load()


@pytest.fixture(scope="session")
def deidentifier(profile: Profile, pseudonyms: Pseudonyms) -> Deidentifier:
    return Deidentifier(profile, pseudonyms)


@pytest.fixture(scope="session")
def subject(pseudonyms: Pseudonyms) -> Subject:
    """The one of some people whose dates move farthest: that leaves most days to plant."""
    return Subject(max(PEOPLE, key=pseudonyms.shift_days))


@pytest.fixture(scope="session")
def tokens(pseudonyms: Pseudonyms, subject: Subject) -> Tokens:
    return Tokens(pseudonyms.shift_days(subject.pseudonym))


@pytest.fixture(scope="session")
def family(tokens: Tokens) -> list[Planted]:
    """Every object in which whole classes of places are planted."""
    return list(_family(tokens))


def _family(tokens: Tokens) -> Iterator[Planted]:
    yield from plant_table.objects(tokens)
    yield from plant_places.objects(tokens)
    yield from plant_contents.objects(tokens)
    yield from plant_reports.objects(tokens)


@pytest.fixture(scope="session")
def outcomes(family: list[Planted], deidentifier: Deidentifier, subject: Subject) -> list[Outcome]:
    """All of the family de-identified and verified."""
    made = []
    for planted in family:
        result = deidentifier.deidentify_verified(planted.data, subject)
        made.append(Outcome(planted, result, survivors(planted, result.data)))
    return made
