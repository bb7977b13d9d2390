"""Which datasets a node answers for: released, allowed, and with the index of that very release."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from eucaim_pipelines.contracts import folder as contracts_folder
from eucaim_pipelines.errors import MachineError
from eucaim_pipelines.release import manifest as manifests
from eucaim_pipelines.release.manifest import Manifest
from eucaim_pipelines.release.parquet import encode
from eucaim_pipelines.resources.folder_store import FolderStore
from eucaim_pipelines.resources.searchable import INDEX, SearchNode, keep_only, shelf_name
from eucaim_pipelines.resources.site import Contracts
from eucaim_pipelines.resources.zones import Shelf
from eucaim_pipelines.search import index
from eucaim_pipelines.search.preview import preview, singles
from eucaim_pipelines.search.query import everything
from eucaim_pipelines_tests.search.population import CRITERIA, KEY, tables
from eucaim_pipelines_tests.search.serving import served

FIRST, SECOND = "2026.01.01-00000000", "2026.02.01-00000000"
NAME = "demo_breast_mg"


class Site:
    """A store, a restricted zone and a source contract in a folder."""

    def __init__(self, place: Path) -> None:
        self.store, self.restricted, self.sources = FolderStore(place / "release"), place / "r", place / "s"
        self.sources.mkdir()
        self.contract = self.sources / f"{NAME}.yaml"
        self.contract.write_bytes((contracts_folder(None) / "sources" / f"{NAME}.yaml").read_bytes())
        contracts = Contracts(sources=str(self.sources))
        self.node = SearchNode(self.restricted, self.sources, self.store, contracts, CRITERIA, KEY)
        self.shelf = Shelf(self.restricted / NAME)

    def release(self, version: str, title: str, people: int = 300, indexed: bool = True) -> pa.Table:
        node = {
            "@type": "dcat:Dataset",
            "dct:identifier": NAME,
            "dct:title": title,
            "eucaim:hasBirthSex": [{"@id": "eucaim:COM1001370"}, {"@id": "eucaim:COM1001366"}],
            "eucaim:hasImageModality": {"@id": "eucaim:IMG1000042"},
            "healthdcatap:minTypicalAge": {"@value": "40"},
            "healthdcatap:maxTypicalAge": {"@value": "64"},
        }
        record = json.dumps({"@graph": [node]}).encode()
        key = f"{NAME}/tier_2/{version}/catalogue.jsonld"
        self.store.put(key, record)
        item = manifests.item("catalogue.jsonld", key, record)
        manifest = Manifest(NAME, 2, version, "2026-01-01", "test", {}, files=(item,)).to_bytes()
        self.store.put(manifests.manifest_key(NAME, 2, version), manifest)
        made, years = tables(people, seed=people)
        table = index.build(made, CRITERIA, years)
        if indexed:
            self.shelf.write_bytes(f"{shelf_name(version)}/{INDEX}.parquet", encode(table))
        self.store.replace(manifests.pointer(NAME, 2), manifests.pointer_bytes(version, manifest))
        return table

    def names(self) -> list[str]:
        return [each.described.name for each in self.node.collections()]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_a_dataset_is_asked_once_it_is_released(site: Site) -> None:
    assert site.node.refresh() == [] and site.names() == []
    site.release(FIRST, "first")
    assert site.node.refresh() == [] and site.names() == ["first"]
    (found,) = site.node.collections()
    assert found.described.gender == ("Female", "Male")
    assert found.described.modalities == ("Computed tomography",) and found.described.age_range == (40, 64)
    site.node.refresh()
    assert site.node.collections()[0] is found, "nothing is read again"


def test_a_release_is_answered_by_its_own_index_or_by_the_previous_one(site: Site) -> None:
    site.release(FIRST, "first")
    site.node.refresh()
    table = site.release(SECOND, "second", people=500, indexed=False)
    assert site.node.refresh() == [] and site.names() == ["first"]
    site.shelf.write(f"{shelf_name(SECOND)}/{INDEX}", table)
    site.node.refresh()
    assert site.names() == ["second"]


def test_what_disappears_while_it_is_asked_leaves_the_previous_answer(site: Site, tmp_path: Path) -> None:
    site.release(FIRST, "first")
    site.node.refresh()
    with served(site.node, tmp_path / "zone") as client:
        before = client.get()
        site.release(SECOND, "second")
        manifest = tmp_path / "release" / manifests.manifest_key(NAME, 2, SECOND)
        manifest.chmod(0o644)
        manifest.write_bytes(b"{}")
        assert site.node.refresh() == [NAME]
        assert client.get().text == before.text
        site.store.replace(manifests.pointer(NAME, 2), b"\xff damaged")
        assert site.node.refresh() == [NAME]
        assert client.get({"modality": "CT"}).status == 200, "also to a new query"


def test_before_anything_could_be_read_there_is_503(site: Site, tmp_path: Path) -> None:
    site.store.replace(manifests.pointer(NAME, 2), b"\xff damaged")
    assert site.node.refresh() == [NAME]
    with pytest.raises(MachineError):
        site.node.collections()
    with served(site.node, tmp_path / "zone") as client:
        assert client.get().status == 503 and client.get(path="/health").status == 503
        site.release(FIRST, "first")
        site.node.refresh()
        assert client.get().status == 200 and client.get(path="/health").status == 200


@pytest.mark.parametrize("change", [("tier: 3", "tier: 1"), ("tier: 3", "tier: 3\nsearch: {allowed: false}")])
def test_a_contract_that_does_not_allow_it_takes_the_dataset_back(
    site: Site, change: tuple[str, str]
) -> None:
    text = site.contract.read_text(encoding="utf-8")
    aimed = next(line for line in text.splitlines() if line.startswith("tier:"))
    site.release(FIRST, "first")
    site.node.refresh()
    assert site.names() == ["first"]
    site.contract.write_text(text.replace(aimed, change[1].replace("tier: 3", aimed)), encoding="utf-8")
    site.node.refresh()
    assert site.names() == []


def test_a_pointer_that_is_taken_away_takes_the_dataset_back(site: Site, tmp_path: Path) -> None:
    site.release(FIRST, "first")
    site.node.refresh()
    (tmp_path / "release" / manifests.pointer(NAME, 2)).unlink()
    assert site.node.refresh() == [] and site.names() == []


def test_a_damaged_index_of_one_dataset_keeps_no_other_from_being_taken_back(site: Site) -> None:
    site.release(FIRST, "first")
    site.node.refresh()
    broken = site.shelf.path(f"{shelf_name(SECOND)}/{INDEX}.parquet")
    site.release(SECOND, "second")
    broken.write_bytes(bytes(100))
    assert site.node.refresh() == [NAME] and site.names() == ["first"]
    text = site.contract.read_text(encoding="utf-8")
    site.contract.write_text(f"{text}\nsearch: {{allowed: false}}\n", encoding="utf-8")
    assert site.node.refresh() == [] and site.names() == []


def test_indexes_of_older_versions_go(site: Site) -> None:
    site.release(FIRST, "first")
    site.release(SECOND, "second")
    keep_only(site.shelf, {SECOND})
    assert [each.name for each in (site.shelf.folder / "search").iterdir()] == [SECOND]


def test_the_preview_shows_exactly_what_the_service_answers(site: Site, tmp_path: Path) -> None:
    site.release(FIRST, "first", people=700)
    site.node.refresh()
    (collection,) = site.node.collections()
    rows = preview(collection, CRITERIA).to_pylist()
    assert {row["key"] for row in rows} == {""} | {each.keys[0] for each in CRITERIA.by_name.values()}
    told = collection.counts(everything())
    assert (rows[0]["subjects"], rows[0]["studies"]) == (told.subjects, told.studies)
    with served(site.node, tmp_path / "zone", limit=100_000) as client:
        assert client.get().counts() == (rows[0]["subjects"], rows[0]["studies"])
        asked = list(zip(singles(CRITERIA), rows[1:], strict=True))
        seen = [pair for pair in asked if pair[1]["subjects"] > 10] + asked[:60]
        for single, row in seen:
            answer = client.post({"ast": single.condition})
            assert answer.counts() == (row["subjects"], row["studies"]), (row["criterion"], row["asked"])
        for parameter, value in (("bodyPart", "breast"), ("gender", "SNOMEDCT248153007")):
            (row,) = [r for r in rows if r["asked"] == value]
            assert client.get({parameter: value}).counts() == (row["subjects"], row["studies"])
    assert sum(row["subjects"] > 10 for _, row in seen) > 30, "there is something to see"
    assert preview(collection, CRITERIA).to_pylist() == rows
