"""Settings: variables over file, and a sentence that names what is wrong."""

import pytest

from eucaim_pipelines.errors import SettingsError
from eucaim_pipelines.settings import load_release_settings, load_settings, write_settings

GOOD = {
    "landing": "landing",
    "restricted": "restricted",
    "release": "release",
    "sources": "sources",
    "key_file": "key",
}


@pytest.fixture
def file(tmp_path, monkeypatch):
    def write(**values):
        path = tmp_path / "settings.yaml"
        write_settings(path, values)
        monkeypatch.setenv("EUCAIM_SETTINGS", str(path))
        return path

    return write


@pytest.fixture(autouse=True)
def no_variables(monkeypatch):
    monkeypatch.delenv("EUCAIM_VERIFY", raising=False)


def test_objects_are_sampled_unless_a_setting_says_otherwise(file, monkeypatch):
    file(**GOOD)
    assert load_settings().verify == "sampled"
    monkeypatch.setenv("EUCAIM_VERIFY", "full")
    assert load_settings().verify == "full"


def test_relative_paths_count_from_the_file(file, tmp_path):
    file(**GOOD)
    settings = load_settings()
    assert settings.landing == tmp_path / "landing"
    assert settings.release == str(tmp_path / "release")


def test_a_variable_wins_over_the_file(file, monkeypatch):
    file(**GOOD)
    monkeypatch.setenv("EUCAIM_RELEASE", "s3://bucket/prefix")
    assert load_settings().release == "s3://bucket/prefix"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"landing": None}, "Setting 'landing'"),
        ({"workers": 0}, "Setting 'workers' should be greater than or equal to 1"),
        ({"timezone": "Mars"}, "Setting 'timezone' must be an IANA time zone"),
        ({"release": "ftp://host"}, "Setting 'release' must be a folder or s3://"),
        ({"fair_data_point": "http://fdp.example/catalog/1"}, "Setting 'fair_data_point' must be an address"),
        ({"fair_data_point": "https://fdp.example"}, "Setting 'fair_data_point' must be an address"),
        ({"verify": "some"}, "Setting 'verify' should be 'sampled' or 'full'"),
        ({"landign": "x"}, "Setting 'landign' is not known"),
    ],
)
def test_a_wrong_setting_is_named(file, change, sentence):
    file(**(GOOD | change))
    with pytest.raises(SettingsError, match=sentence):
        load_settings()


def test_a_reader_of_releases_needs_one_setting(file, monkeypatch, tmp_path):
    file(release="release", timezone="Mars")
    assert load_release_settings().release == str(tmp_path / "release")
    monkeypatch.delenv("EUCAIM_SETTINGS")
    with pytest.raises(SettingsError, match="set EUCAIM_RELEASE or write it"):
        load_release_settings()
    monkeypatch.setenv("EUCAIM_RELEASE", "s3://bucket")
    assert load_release_settings().release == "s3://bucket"


def test_a_missing_setting_says_how_to_set_it(monkeypatch):
    monkeypatch.delenv("EUCAIM_SETTINGS", raising=False)
    with pytest.raises(SettingsError, match="set EUCAIM_LANDING or write it"):
        load_settings()


def test_a_file_that_is_not_yaml_is_refused_with_its_line(file):
    path = file(**GOOD)
    path.write_text("landing: [unclosed\nrestricted: x\n")
    with pytest.raises(SettingsError, match="line 2"):
        load_settings()


def test_a_file_that_is_not_there_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("EUCAIM_SETTINGS", str(tmp_path / "absent.yaml"))
    with pytest.raises(SettingsError, match="EUCAIM_SETTINGS"):
        load_settings()
