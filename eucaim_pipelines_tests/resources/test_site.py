"""Where pseudonyms come from is the choice of site and source; a changed one is news, a wrong one is told."""

import pytest

from eucaim_pipelines.cdm.matching import ONTOLOGY
from eucaim_pipelines.contracts.source_model import SourceContract
from eucaim_pipelines.deidentification.keys.pseudonyms import SiteKey
from eucaim_pipelines.errors import SettingsError, SiteKeyError
from eucaim_pipelines.resources.site import Contracts, Pseudonymisation

SECRET = "019a39ba16da7edb9e906440a48e9ed32"


@pytest.fixture
def files(tmp_path):
    """A key, a trust office's map and a Lethe secret, by the names of their settings."""
    SiteKey.generate(tmp_path / "key_file")
    (tmp_path / "pseudonym_map").write_text("patient_id,pseudonym\n0042,TO-1\n")
    (tmp_path / "lethe_secret_file").write_text(SECRET + "\n")
    found = {name: tmp_path / name for name in ("key_file", "pseudonym_map", "lethe_secret_file")}
    for path in found.values():
        path.chmod(0o600)
    return found


def site(files, *names):
    return Pseudonymisation(**{name: str(files[name]) for name in ("key_file", *names)})


def source(**chosen):
    return SourceContract.model_validate({"dataset_id": "x", "tier": 1, "deidentification": chosen})


def test_a_source_chooses_lethe_for_itself(files):
    both = site(files, "pseudonym_map", "lethe_secret_file")
    ours, theirs = both.pseudonyms(source()), both.pseudonyms(source(pseudonyms="lethe"))
    assert ours.patient("0042", None, "") == theirs.patient("0042", None, "") == "TO-1"
    assert ours.uid("1.2", "TO-1") != theirs.uid("1.2", "TO-1")
    assert ours.key_id != theirs.key_id, "objects of one patient are made anew"


def test_lethe_without_its_secret_is_told(files):
    with pytest.raises(SettingsError, match="'lethe_secret_file' is missing"):
        site(files).pseudonyms(source(pseudonyms="lethe"))


def test_a_changed_map_or_secret_is_news(files):
    before = {site(files).digest(), site(files, "pseudonym_map").digest()}
    files["pseudonym_map"].write_text("patient_id,pseudonym\n0042,TO-2\n")
    after = before | {site(files, "pseudonym_map").digest(), site(files, "lethe_secret_file").digest()}
    assert len(after) == 4


@pytest.mark.parametrize("name", ["key_file", "pseudonym_map", "lethe_secret_file"])
def test_nothing_starts_with_a_wrong_secret_file(files, name):
    good = site(files, "pseudonym_map", "lethe_secret_file")
    good.check()
    files[name].chmod(0o644)
    with pytest.raises(SiteKeyError, match="chmod 600"):
        good.check()
    files[name].chmod(0o600)
    files[name].write_text("neither this nor that\n")
    with pytest.raises((SiteKeyError, SettingsError)):
        good.check()


def test_the_full_ontology_is_a_rule_and_widens_what_is_known(tmp_path):
    (tmp_path / "x.yaml").write_text("dataset_id: x\ntier: 1\n", encoding="utf-8")
    full = tmp_path / "full.csv"
    header = "concept_code,concept_uri,concept_name,omop_domain_id\n"
    full.write_text(header + "CLIN1000075,u,Prostatic malignancy,Condition\n", encoding="utf-8")
    alone, wider = Contracts(sources=str(tmp_path)), Contracts(sources=str(tmp_path), ontology=str(full))
    assert alone.vocabularies()["cancer_condition"].code("prostatic malignancy") is None
    assert wider.vocabularies()["cancer_condition"].code("prostatic malignancy") == "CLIN1000075"
    assert wider.matcher().nearest("prostatic malignancy", [ONTOLOGY])[0].code == "CLIN1000075"
    before = {alone.digest("x"), wider.digest("x")}
    full.write_text(header + "CLIN1000075,u,Malignancy of prostate,Condition\n", encoding="utf-8")
    assert len(before | {wider.digest("x")}) == 3
