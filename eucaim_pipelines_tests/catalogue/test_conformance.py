"""The shapes of the profile: what is mandatory cannot be dropped; what is wrong is told in plain words."""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from rdflib import RDF, BNode, Graph, Literal, URIRef

from eucaim_pipelines.catalogue import conditions, conformance, figures
from eucaim_pipelines.catalogue.facts import CatalogueFacts, collect
from eucaim_pipelines.catalogue.profile import BLANK, Property, load_properties, parts
from eucaim_pipelines.catalogue.record import build
from eucaim_pipelines.catalogue.shapes import shapes
from eucaim_pipelines.catalogue.terms import DCAT, EUCAIM, HEALTH, expanded
from eucaim_pipelines.contracts.source_model import SourceContract
from eucaim_pipelines.contracts.tables import load_tables
from eucaim_pipelines.errors import SettingsError
from eucaim_pipelines_tests.catalogue.test_figures import cohort
from eucaim_pipelines_tests.catalogue.test_record import FACTS, built, release, source

PROPERTIES = load_properties()
FULL: dict[str, Any] = {
    "alternative_titles": ["LCT"],
    "documentation": ["https://hospital.example/lung"],
    "landing_pages": ["https://hospital.example/data"],
    "custodian": {"name": "Hospital", "type": "hospital", "contact_url": "https://hospital.example"},
    "creators": [{"name": "Radiology", "contact_email": "radiology@hospital.example"}],
    "health_data_access_body": {"name": "Health data agency", "contact_email": "access@state.example"},
    "licence": "https://hospital.example/licence",
    "availability": "STABLE",
    "legal_basis": ["https://w3id.org/dpv/legal/eu/gdpr#A9-2-j"],
    "purposes": ["ScientificResearch"],
    "personal_data": ["https://w3id.org/dpv/pd#MedicalHealth"],
    "retention": {"end": "2036-12-31"},
    "population_coverage": "Adults with lung cancer.",
    "spatial": ["http://publications.europa.eu/resource/authority/country/GRC"],
    "languages": ["ENG"],
    "frequency": "MONTHLY",
    "in_series": ["https://hospital.example/series"],
    "derived_from": ["https://hospital.example/registry"],
    "publications": ["https://doi.org/10.1000/1"],
    "related": ["https://hospital.example/other"],
    "other_identifiers": ["HOSP-7"],
}
ALL_FACTS = CatalogueFacts(
    **{**vars(FACTS), "years": (2015, 2019), "finest_spacing": "0.0005", "segmented_studies": 20,
       "segment_labels": ("BP1000021",), "segmentation_methods": ("COM1000003",)}
)  # fmt: skip


def full() -> Graph:
    return build(source(**FULL), ALL_FACTS, release())


def told(graph: Graph) -> list[str]:
    return [each.text for each in conformance.violations(graph, shapes())]


def mandatory() -> Iterator[tuple[str, Property]]:
    """Every mandatory property with the place where the record has it."""
    for each in PROPERTIES:
        if each.mandatory and each.of != "ContactPoint":
            yield f"{each.of}: {each.label}", each


@pytest.mark.parametrize(("table", "of"), [("dataset", "Dataset"), ("distribution", "Distribution")])
def test_the_profile_is_that_of_eucaim(shared: Path, table: str, of: str) -> None:
    with (shared / "eucaim" / f"dcat_eucaim_v2_{table}.csv").open(encoding="utf-8", newline="") as file:
        wanted = [
            (row["label"], expanded(row["iri"].split()[0]), row["cardinality"], row["requirement"][0])
            for row in csv.DictReader(file)
        ]
    own = [
        (p.label, p.paths[0], f"{p.least}..{p.most or 'n'}", p.requirement[0]) for p in parts(of, PROPERTIES)
    ]
    assert own == wanted and len(own) == {"Dataset": 66, "Distribution": 24}[of]
    assert [p.label for p in PROPERTIES if p.requirement == BLANK] == ["Health Data Access Body"]


def test_every_key_of_the_profile_is_one_of_the_source_contract() -> None:
    keys = set(type(source().catalogue).model_fields)
    said = {
        p.key for of in ("Dataset", "Distribution") for p in parts(of, PROPERTIES) if p.source == "contract"
    }
    assert said <= keys
    assert keys - said == {"data_use_conditions", "pool_small_values", "condition_includes"}


def test_every_property_that_is_used_stands_in_a_full_record_and_conforms() -> None:
    graph = full()
    assert told(graph) == []
    for of in ("Dataset", "Distribution"):
        (subject,) = graph.subjects(RDF.type, DCAT[of])
        stands = set(graph.predicates(subject)) - {RDF.type}
        used = {p.paths[0] for p in parts(of, PROPERTIES) if p.source != "unused"}
        assert stands == used


@pytest.mark.parametrize("each", [p for _, p in mandatory()], ids=[name for name, _ in mandatory()])
def test_no_mandatory_property_can_be_dropped(each: Property) -> None:
    graph = full()
    for path in each.paths:
        graph.remove((None, path, None)) if each.of in ("Dataset", "Distribution") else _drop(
            graph, each, path
        )
    texts = told(graph)
    assert texts and any(each.label in text and "is missing." in text for text in texts)
    if each.source == "contract":
        assert any("catalogue." in text for text in texts)


def _drop(graph: Graph, each: Property, path: URIRef) -> None:
    """Take a property from the nodes that are parts of this kind, wherever the record has them."""
    holders = [p.paths[0] for p in PROPERTIES if p.part == each.of]
    for holder in holders:
        for node in list(graph.objects(None, holder)):
            graph.remove((node, path, None))


def test_a_contact_needs_one_of_its_ways() -> None:
    graph = full()
    for node in list(graph.objects(None, expanded("cv:contactPoint"))):
        for way in ("cv:email", "cv:contactPage"):
            graph.remove((node, expanded(way), None))
    assert any("Publisher: contact: e-mail or page is missing" in text for text in told(graph))


def test_the_health_data_access_body_may_be_blank_but_no_placeholder() -> None:
    graph = full()
    graph.remove((None, HEALTH.hdab, None))
    assert told(graph) == []
    placeholder = {"name": "To be determined", "contact_email": "access@state.example"}
    graph = build(source(health_data_access_body=placeholder), FACTS, release())
    (text,) = told(graph)
    assert "Health Data Access Body: name is a placeholder" in text


def test_variables_are_needed_only_where_data_are_structured() -> None:
    graph = full()
    (dataset,) = graph.subjects(RDF.type, DCAT.Dataset)
    graph.remove((dataset, HEALTH.hasVariables, None))
    assert any("Variables is missing" in text for text in told(graph))
    graph.set((dataset, HEALTH.hasStructuredData, Literal(False)))
    assert told(graph) == []


@pytest.mark.parametrize(
    ("term", "value", "said"),
    [
        ("eucaim:hasCondition", EUCAIM.CLIN1000060, "Cancer Condition stands more than once"),
        ("eucaim:hasBirthSex", EUCAIM.CLIN1000060, "Birth Sex is no term of the list"),
        ("dcat:theme", URIRef("http://example.org/theme"), "Theme"),
        ("healthdcatap:numberOfRecords", Literal("many"), "Number of Imaging Studies is no count"),
        ("dct:accessRights", Literal("RESTRICTED"), "Access Rights is no term of the list"),
        ("dct:language", URIRef("http://example.org/en"), "Language is no term of"),
        ("dct:title", Literal(" "), "Title is empty"),
        ("dct:issued", Literal("yesterday"), "Release Date is no date"),
    ],
)
def test_a_wrong_value_is_told_without_the_value(term: str, value: Any, said: str) -> None:
    graph = full()
    (dataset,) = graph.subjects(RDF.type, DCAT.Dataset)
    graph.add((dataset, expanded(term), value))
    texts = told(graph)
    assert any(text.startswith(said) for text in texts), texts
    assert not any("example.org" in text or "many" in text for text in texts)


def test_legislation_must_name_the_health_data_space() -> None:
    laws = ["http://data.europa.eu/eli/reg/2016/679/oj"]
    (text, *_) = told(build(source(legislation=laws), FACTS, release()))
    assert "European Health Data Space" in text


def test_generic_shapes_are_those_of_the_user(tmp_path: Path) -> None:
    path = tmp_path / "shapes.ttl"
    path.write_text(
        "@prefix sh: <http://www.w3.org/ns/shacl#> . @prefix dcat: <http://www.w3.org/ns/dcat#> .\n"
        "<urn:x> a sh:NodeShape ; sh:targetClass dcat:Dataset ; "
        "sh:property [ sh:path dcat:landingPage ; sh:minCount 1 ] , "
        "[ sh:path dcat:inSeries ; sh:minCount 1 ; sh:severity sh:Warning ] .",
        encoding="utf-8",
    )
    generic = conformance.load_shapes(path)
    assert conformance.violations(full(), generic) == ()
    (found,) = conformance.violations(built(), generic)
    assert (
        found.text == "MinCountConstraintComponent does not hold for <http://www.w3.org/ns/dcat#landingPage>."
    )
    with pytest.raises(SettingsError, match=r"missing\.ttl"):
        conformance.load_shapes(tmp_path / "missing.ttl")


def test_a_record_that_is_not_what_the_tables_give_is_told_by_the_figure_alone() -> None:
    tables = cohort([50.0] * 24, ["IMG1000044"] * 24, 12)
    recount = figures.Recount(tables, load_tables())
    facts = collect(tables)
    graph = build(source(), facts, release())
    assert figures.disagreements(graph, recount) == ()
    (dataset,) = graph.subjects(RDF.type, DCAT.Dataset)
    graph.set((dataset, HEALTH.numberOfRecords, Literal(30)))
    graph.add((dataset, EUCAIM.hasImageModality, EUCAIM.IMG1000038))
    graph.remove((dataset, DCAT.spatialResolutionInMeters, None))
    assert figures.disagreements(graph, recount) == (
        "Number of imaging studies: the record and the tables do not agree",
        "Image modalities: the record and the tables do not agree",
        "Finest spacing between pixels or slices: the record and the tables do not agree",
    )


LABELS = {"CLIN1000065": "Lung", "CLIN1000060": "Breast", "CLIN1000075": "Prostate"}


def people(*codes: tuple[str, str | None]) -> pa.Table:
    return pa.table({"value": [c for _, c in codes], "patient_id": [p for p, _ in codes]})


def test_people_with_another_primary_condition_split_the_dataset() -> None:
    lung = [(f"a{i}", "CLIN1000065") for i in range(20)]
    breast = [(f"b{i}", "CLIN1000060") for i in range(10)]
    assert conditions.others(source(), people(*lung, ("c", None)), LABELS) == ()
    (text,) = conditions.others(source(), people(*lung, *breast), LABELS)
    assert "beside Lung (CLIN1000065), people have Breast (CLIN1000060)" in text
    assert "dataset_id" in text and "when:" in text
    (text,) = conditions.others(source(), people(*lung, *breast[:9], ("z", "CLIN1000075")), LABELS)
    assert "Breast" not in text and "Prostate" not in text and "fewer than 10" in text


def test_a_second_tumour_of_a_person_and_kinds_of_the_condition_do_not_split_it() -> None:
    rows = [(f"a{i}", "CLIN1000065") for i in range(20)]
    assert conditions.others(source(), people(*rows, ("a0", "CLIN1000060")), LABELS) == ()
    kinds = source(condition_includes=["CLIN1000060"])
    assert conditions.others(kinds, people(*rows, ("b0", "CLIN1000060")), LABELS) == ()


def test_a_condition_that_no_table_bears_out_is_told_but_for_images_alone() -> None:
    for nobody in (people(), people(("a", None))):
        (text,) = conditions.others(source(), nobody, LABELS)
        assert "no diagnosis of Lung (CLIN1000065)" in text and "Only-Image" in text
        assert conditions.others(source(collection_methods=["SPEC1000003"]), nobody, LABELS) == ()


def test_the_field_that_tells_conditions_apart_is_named() -> None:
    contract = SourceContract.model_validate({
        "dataset_id": "lung", "tier": 1, "catalogue": {"condition": "CLIN1000065"},
        "clinical": [{"name": "people", "files": "p.csv", "delivery": "snapshot", "key": ["patient"],
                      "columns": {"id": {"field": "patient", "is": "patient_id"},
                                  "dx": {"field": "diagnosis", "is": "code",
                                         "vocabulary": "cancer_condition"}},
                      "tables": [{"table": "cancer_condition",
                                  "fields": {"cancer_condition_code": "diagnosis"}}]}],
    })  # fmt: skip
    (text,) = conditions.others(contract, people(("b0", "CLIN1000060")), LABELS)
    assert "(people.diagnosis)" in text


def test_blank_nodes_of_a_record_have_stable_names() -> None:
    names = [sorted(str(n) for n in set(full().all_nodes()) if isinstance(n, BNode)) for _ in range(2)]
    assert names[0] == names[1]
