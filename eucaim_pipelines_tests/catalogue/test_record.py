"""The catalogue record: complete, deterministic, and silent about small numbers and years."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rdflib import RDF, Graph, URIRef
from rdflib.compare import isomorphic

from eucaim_pipelines.catalogue import writing
from eucaim_pipelines.catalogue.facts import CatalogueFacts
from eucaim_pipelines.catalogue.problems import missing
from eucaim_pipelines.catalogue.record import ReleaseFacts, build
from eucaim_pipelines.contracts.source_model import SourceContract
from eucaim_pipelines.contracts.tables import load_tables

CATALOGUE: dict[str, Any] = {
    "title": "Lung CT",
    "description": "Follow-up of patients with lung cancer.",
    "keywords": ["lung cancer", "CT"],
    "contact": {"name": "Data office", "email": "data@hospital.example", "url": "https://hospital.example"},
    "publisher": {"name": "Hospital", "contact_email": "data@hospital.example"},
    "access_rights": "RESTRICTED",
    "access_conditions": ["IN_SITU_PROCESSING"],
    "data_use_conditions": ["GENERAL_RESEARCH_USE"],
    "access_url": "https://negotiator.example/lung",
    "legislation": ["http://data.europa.eu/eli/reg/2025/327/oj"],
    "health_categories": ["EHRS"],
    "types": ["SPEC1000018"],
    "condition": "CLIN1000065",
    "collection_methods": ["SPEC1000006"],
    "provenance": "Routine care.",
    "health_data_access_body": None,
}
FACTS = CatalogueFacts(
    individuals=30,
    studies=55,
    sexes=("COM1001366", "COM1001370"),
    modalities=("IMG1000042",),
    manufacturers=("IMG1000044",),
    body_parts=("BP1000192",),
    ages=(40, 79),
)
PREFIXES = {
    "dct": "http://purl.org/dc/terms/",
    "dcat": "http://www.w3.org/ns/dcat#",
    "eucaim": "https://cancerimage.eu/ontology/EUCAIM#",
    "healthdcatap": "http://healthdataportal.eu/ns/health#",
    "dcatap": "http://data.europa.eu/r5r/",
}


def source(**changes: Any) -> SourceContract:
    return SourceContract.model_validate({"dataset_id": "lung", "tier": 3, "catalogue": CATALOGUE | changes})


def release(**changes: Any) -> ReleaseFacts:
    contracts = load_tables()
    given = {
        "version": "2026.03.01-0a1b2c3d",
        "issued": "2026-03-01T21:00:00+00:00",
        "tier_code": "SPEC1000011",
        "contracts": [contracts["patient"], contracts["image_study"]],
        "changes": "First release.",
        "bytes": 1_200_000,
        "checksum": "ab" * 32,
    }
    return ReleaseFacts(**(given | changes))


def built(source_: SourceContract | None = None, facts: CatalogueFacts = FACTS) -> Graph:
    return build(source_ or source(), facts, release())


def record(source_: SourceContract | None = None, facts: CatalogueFacts = FACTS) -> bytes:
    return writing.json_ld(built(source_, facts))


def graph(data: bytes) -> Graph:
    return Graph().parse(data=data, format="json-ld")


def expand(name: str) -> URIRef:
    prefix, _, term = name.partition(":")
    return URIRef(PREFIXES[prefix] + term)


@pytest.mark.parametrize(
    ("table", "kind"),
    [("dcat_eucaim_v2_dataset.csv", "Dataset"), ("dcat_eucaim_v2_distribution.csv", "Distribution")],
)
def test_every_mandatory_property_of_the_profile_is_there(shared: Path, table: str, kind: str) -> None:
    with (shared / "eucaim" / table).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    mandatory = {row["iri"] for row in rows if row["requirement"].startswith("M")} - {"healthdcatap:hdab"}
    mandatory |= {"healthdcatap:hasVariables"} if kind == "Dataset" else set()
    assert len(mandatory) >= 3
    read = graph(record())
    (subject,) = read.subjects(RDF.type, expand(f"dcat:{kind}"))
    assert {name for name in mandatory if (subject, expand(name), None) not in read} == set()


def test_single_properties_occur_once(shared: Path) -> None:
    with (shared / "eucaim" / "dcat_eucaim_v2_dataset.csv").open(encoding="utf-8", newline="") as file:
        single = {row["iri"] for row in csv.DictReader(file) if row["cardinality"].endswith("..1")}
    read = graph(record())
    (subject,) = read.subjects(RDF.type, expand("dcat:Dataset"))
    known = [name for name in single if name.partition(":")[0] in PREFIXES]
    assert [name for name in known if len(list(read.objects(subject, expand(name)))) > 1] == []


@pytest.mark.parametrize("form", ["turtle", "json_ld"])
def test_equal_arguments_give_equal_bytes_in_every_process(form: str) -> None:
    code = (
        "import sys; from eucaim_pipelines.catalogue import writing;"
        "from eucaim_pipelines_tests.catalogue.test_record import built;"
        f"sys.stdout.buffer.write(writing.{form}(built()))"
    )
    written = [
        subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2", "3")
    ]
    assert written[0] == written[1] == written[2] == getattr(writing, form)(built())


def test_turtle_and_json_ld_say_the_same() -> None:
    read = Graph().parse(data=writing.turtle(built()), format="turtle")
    assert isomorphic(read, graph(record())) and isomorphic(read, built())


def test_the_identifier_is_the_dataset_and_does_not_change_with_the_release() -> None:
    for changes in ({"version": "2027.01.01-00000000"}, {"tier_code": "SPEC1000010"}, {"contracts": []}):
        changed = build(source(title="Another title"), FACTS, release(**changes))
        (subject,) = changed.subjects(RDF.type, expand("dcat:Dataset"))
        assert str(subject) == "urn:eucaim-pipelines:dataset:lung"
        assert [str(v) for v in changed.objects(subject, expand("dct:identifier"))] == ["lung"]


def test_the_record_says_what_the_arguments_say() -> None:
    (dataset,) = [node for node in json.loads(record())["@graph"] if node["@type"] == "dcat:Dataset"]
    assert dataset["dct:identifier"] == "lung"
    assert dataset["dcat:version"] == "2026.03.01-0a1b2c3d"
    assert dataset["dct:issued"]["@value"].startswith("2026-03-01T21:00:00")
    assert dataset["eucaim:interoperabilityLevel"] == {"@id": "eucaim:SPEC1000011"}
    assert dataset["healthdcatap:numberOfRecords"]["@value"] == "55"
    assert dataset["healthdcatap:minTypicalAge"]["@value"] == "40"
    nodes = {node["@type"]: node for node in json.loads(record())["@graph"]}
    rights = nodes["dcat:Distribution"]["dct:rights"]
    assert {each["@id"].rsplit(":")[-1].rsplit("/")[-1] for each in rights} == {"SPEC1000023", "DUO_0000042"}


def test_columns_keep_the_order_of_their_contract() -> None:
    (dataset,) = [node for node in json.loads(record())["@graph"] if node["@type"] == "dcat:Dataset"]
    tables = {each["dct:title"]: each for each in dataset["healthdcatap:hasVariables"]["csvw:table"]}
    columns = tables["image_study"]["csvw:tableSchema"]["csvw:column"]["@list"]
    assert [column["csvw:name"] for column in columns] == load_tables()["image_study"].schema.names


def test_years_are_named_only_when_true_ones_are_given() -> None:
    assert b"temporal" not in record()
    years = CatalogueFacts(**{**vars(FACTS), "years": (2015, 2019)})
    assert b'"2015"' in record(facts=years) and b"temporal" in record(facts=years)


def test_a_complete_contract_misses_nothing_and_the_body_may_be_left_out() -> None:
    assert missing(source()) == ()
    assert b"hdab" not in record()


@pytest.mark.parametrize("name", sorted(set(CATALOGUE) - {"health_data_access_body", "data_use_conditions"}))
def test_each_thing_left_out_is_named_with_its_key(name: str) -> None:
    without = {key: value for key, value in CATALOGUE.items() if key != name}
    incomplete = SourceContract.model_validate({"dataset_id": "lung", "tier": 3, "catalogue": without})
    (problem,) = missing(incomplete)
    assert problem.endswith(f" is missing: write catalogue.{name}.")


def test_a_part_without_what_it_must_have_is_named_with_its_key() -> None:
    said = missing(source(publisher={"name": "TBD"}, contact={"name": "Data office"}))
    assert said == (
        "Contact Point, e-mail or page is missing: write catalogue.contact.email or catalogue.contact.url.",
        "Publisher, name is a placeholder: write catalogue.publisher.name.",
        "Publisher, contact is missing: write catalogue.publisher.contact_email or "
        "catalogue.publisher.contact_url.",
    )


@pytest.mark.parametrize(
    "text", ["TBD", "to be determined", "n/a", "-", "Placeholder", "xxx", "To be announced", "unknown"]
)
def test_a_placeholder_is_named(text: str) -> None:
    assert missing(source(provenance=text)) == ("Provenance is a placeholder: write catalogue.provenance.",)
    body = {"name": text, "contact_email": "access@state.example"}
    assert missing(source(health_data_access_body=body)) == (
        "Health Data Access Body, name is a placeholder: write catalogue.health_data_access_body.name.",
    )


def test_numbers_under_ten_are_left_out() -> None:
    few = CatalogueFacts(**{**vars(FACTS), "individuals": None, "studies": None})
    assert b"numberOf" not in record(facts=few)


def test_the_order_in_which_words_are_given_does_not_matter() -> None:
    words = [f"word {letter}" for letter in "qwertyuiop"]
    assert record(source(keywords=words)) == record(source(keywords=words[::-1]))
    (dataset,) = [
        node
        for node in json.loads(record(source(keywords=words)))["@graph"]
        if node["@type"] == "dcat:Dataset"
    ]
    assert dataset["dcat:keyword"] == sorted(words)
