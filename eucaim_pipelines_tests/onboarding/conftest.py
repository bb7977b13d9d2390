"""What tests of the authoring tools share: the lists, and the demo exports, written once."""

from pathlib import Path

import pytest

from eucaim_pipelines.cdm.matching import Matcher
from eucaim_pipelines.contracts import vocabularies
from eucaim_pipelines.contracts.tables import load_tables
from eucaim_pipelines.contracts.words import load_words
from eucaim_pipelines.demo import write_exports
from eucaim_pipelines.onboarding.lists import load_lists
from eucaim_pipelines.onboarding.new_source import suggest


@pytest.fixture(scope="session")
def matcher() -> Matcher:
    return Matcher(vocabularies.load_all(), load_words())


@pytest.fixture(scope="session")
def lists():
    return load_lists()


@pytest.fixture(scope="session")
def suggested(matcher, lists):
    """A function that makes the draft of some files."""
    tables = load_tables()
    return lambda *files, **more: suggest(files, matcher, tables, lists, **more)


@pytest.fixture(scope="session")
def landing(tmp_path_factory) -> Path:
    """Landing folder of the demo exports."""
    folder = tmp_path_factory.mktemp("demo")
    write_exports(folder)
    return folder / "landing"
