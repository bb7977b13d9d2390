"""A data holder whose catalogue record is mended step by step, until it is pushed to a FAIR Data Point."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import mlcroissant
import pytest
import yaml
from rdflib import Graph, URIRef
from rdflib.namespace import DCTERMS
from rocrate.rocrate import ROCrate

from eucaim_pipelines.catalogue import conformance
from eucaim_pipelines.catalogue.shapes import shapes
from eucaim_pipelines.catalogue.terms import DCAT
from eucaim_pipelines_tests.catalogue.point import TOKEN, serving
from eucaim_pipelines_tests.whole import holder
from eucaim_pipelines_tests.whole.conftest import Run
from eucaim_pipelines_tests.whole.holder import DATASET
from eucaim_pipelines_tests.whole.sites import Site, write_export

pytestmark = pytest.mark.xdist_group("catalogue")
SHAPES = """
@prefix sh: <http://www.w3.org/ns/shacl#> .
@prefix dcat: <http://www.w3.org/ns/dcat#> .
<urn:x> a sh:NodeShape ; sh:targetClass dcat:Dataset ; sh:property
  [ sh:path dcat:landingPage ; sh:minCount 1 ; sh:message "A landing page is asked for here." ] .
"""


def change(site: Site, **keys: Any) -> None:
    """Keys of the part `catalogue` of the source contract; None takes one away."""
    path = site.folder / "sources" / f"{DATASET}.yaml"
    contract = yaml.safe_load(path.read_text(encoding="utf-8"))
    contract["catalogue"] |= keys
    contract["catalogue"] = {name: v for name, v in contract["catalogue"].items() if v is not None}
    path.write_text(yaml.safe_dump(contract), encoding="utf-8")


def unmet(site: Site) -> dict[str, list[str]]:
    """Requirements of Tier 1 that are not met, and what they name."""
    staged = site.restricted / DATASET / "releasable/tier_1"
    verdict = json.loads((staged / "verdict.json").read_text(encoding="utf-8"))
    return {each["id"]: each["short"]["fields"] for each in verdict["requirements"] if not each["met"]}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """24 people, half of whom have another cancer; the contract lacks a title and holds a placeholder."""
    folder = tmp_path_factory.mktemp("catalogue")
    made = holder.make_site(folder)
    change(made, title=None, health_data_access_body={"name": "TBD", "contact_email": "x@state.example"})
    path = folder / "sources" / f"{DATASET}.yaml"
    contract = yaml.safe_load(path.read_text(encoding="utf-8"))
    contract["clinical"][0]["columns"]["what"]["values"]["breast"] = "CLIN1000060"
    path.write_text(yaml.safe_dump(contract), encoding="utf-8")
    files = holder.files(24)
    rows = files["people.csv"].decode().splitlines()
    mixed = [row.replace(",lung", ",breast") if n % 2 else row for n, row in enumerate(rows)]
    write_export(made, DATASET, "2026-01", files | {"people.csv": "\n".join(mixed).encode()}, holder.FIRST)
    return made


def test_what_people_did_not_say_and_two_conditions_keep_the_record_away(site: Site) -> None:
    ran = site.eucaim("run", DATASET, "--tier", "1")
    assert ran.code == 1 and site.tiers(DATASET) == []
    short = unmet(site)
    assert short["catalogue_record"] == [
        "Title is missing: write catalogue.title.",
        "Health Data Access Body, name is a placeholder: write catalogue.health_data_access_body.name.",
    ]
    (split,) = short["one_condition"]
    assert "CLIN1000060" in split and "people.diagnosis" in split and "dataset_id" in split
    assert set(short) == {"catalogue_record", "one_condition", "catalogue_conforms", "catalogue_recount"}
    assert short["catalogue_conforms"] == short["catalogue_recount"] == [], "there is no record to look at"
    assert not (site.restricted / DATASET / "releasable/tier_1/record").exists()
    page = (site.restricted / DATASET / "tier_1/report.html").read_text(encoding="utf-8")
    assert "catalogue.title" in page and "CLIN1000060" in page


def test_further_shapes_of_the_site_are_asked_for(site: Site) -> None:
    change(site, title="Harbour CT", health_data_access_body=None, condition_includes=["CLIN1000060"])
    (site.folder / "shapes.ttl").write_text(SHAPES, encoding="utf-8")
    with (site.folder / "settings.yaml").open("a", encoding="utf-8") as settings:
        settings.write("generic_shapes: shapes.ttl\n")
    assert site.eucaim("run", DATASET, "--tier", "1").code == 1
    assert unmet(site) == {"catalogue_conforms": ["A landing page is asked for here."]}


def test_the_mended_record_conforms_and_reaches_the_point(site: Site) -> None:
    change(site, landing_pages=["https://harbour.example.org/data"])
    ran = site.eucaim("run", DATASET, "--tier", "1")
    assert ran.code == 0, ran.text
    assert unmet(site) == {} and site.tiers(DATASET) == [1]
    (site.folder / "token").write_text(TOKEN + "\n", encoding="utf-8")
    (site.folder / "token").chmod(0o600)
    assert site.eucaim("push-catalogue", DATASET).code == 2
    with serving() as point:
        with (site.folder / "settings.yaml").open("a", encoding="utf-8") as settings:
            settings.write(f"fair_data_point: {point.catalogue}\nfair_data_point_token_file: token\n")
        for _ in range(2):
            pushed = site.eucaim("push-catalogue", DATASET)
            assert pushed.code == 0, pushed.text
            assert f"{point.address}/dataset/1" in pushed.text and TOKEN not in pushed.text
        (graph,) = point.datasets.values()
        (period,) = graph.objects(None, DCTERMS.temporal)
        assert str(graph.value(period, DCAT.startDate)) == str(graph.value(period, DCAT.endDate)) == "2025"
        assert str(graph.value(URIRef(f"{point.address}/dataset/1"), DCTERMS.identifier)) == DATASET
        assert point.states == {"/dataset/1": "PUBLISHED"}
    assert site.eucaim("push-catalogue", DATASET).code == 3


def check_record(folder: Path) -> Graph:
    """The record of a release conforms, and what lies beside it is what its readers take."""
    graph = Graph().parse(folder / "catalogue.ttl", format="turtle")
    assert conformance.violations(graph, shapes()) == ()
    assert not mlcroissant.Dataset(jsonld=folder / "croissant.json").metadata.ctx.issues.errors
    assert ROCrate(folder).root_dataset["version"] == folder.name
    return graph


@pytest.mark.xdist_group("demo")
@pytest.mark.parametrize("dataset", ["demo_breast_mg", "demo_lung_ct", "demo_prostate_mr"])
def test_the_record_of_each_demo_dataset_conforms(demo: Run, dataset: str) -> None:
    released = {r.study_instance_uid for r in demo.site.receptions(dataset).values() if r.object_key}
    people: dict[int, set[str]] = defaultdict(set)
    for link in demo.site.shelf(dataset, "study_links").to_pylist():
        if link["StudyInstanceUID"] in released and link["StudyDate"] and link["PatientID"]:
            people[link["StudyDate"].year].add(link["PatientID"])
    years = sorted(year for year, who in people.items() if len(who) >= 10)
    for tier in demo.site.tiers(dataset):
        graph = check_record(demo.site.version_folder(dataset, tier))
        (period,) = graph.objects(None, DCTERMS.temporal)
        stated = [str(graph.value(period, DCAT[name])) for name in ("startDate", "endDate")]
        assert stated == [str(years[0]), str(years[-1])]
        assert [str(each) for each in graph.objects(None, DCTERMS.identifier)] == [dataset]
