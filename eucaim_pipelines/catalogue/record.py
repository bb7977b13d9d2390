"""The catalogue record of a release: EUCAIM DCAT-AP v2.0, Dataset and Distribution, as JSON-LD.

Where its numbers come from is in `facts`; whether a tier is reached with it, in `quality.verdict`.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rdflib import RDF, RDFS, XSD, BNode, Graph, Literal, Namespace, URIRef
from rdflib.namespace import DCTERMS, FOAF

from eucaim_pipelines.catalogue.facts import CatalogueFacts
from eucaim_pipelines.contracts import vocabularies
from eucaim_pipelines.contracts.source_model import Agent, Contact, SourceContract
from eucaim_pipelines.contracts.tables import TableContract

DCAT = Namespace("http://www.w3.org/ns/dcat#")
EUCAIM = Namespace("https://cancerimage.eu/ontology/EUCAIM#")
HEALTH = Namespace("http://healthdataportal.eu/ns/health#")
DCATAP = Namespace("http://data.europa.eu/r5r/")
VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")
CV = Namespace("http://data.europa.eu/m8g/")
ELI = Namespace("http://data.europa.eu/eli/ontology#")
CSVW = Namespace("http://www.w3.org/ns/csvw#")
DUO = Namespace("http://purl.obolibrary.org/obo/")
AUTHORITY = "http://publications.europa.eu/resource/authority"

_PREFIXES = {
    "dcat": DCAT, "dct": DCTERMS, "foaf": FOAF, "vcard": VCARD, "eucaim": EUCAIM, "healthdcatap": HEALTH,
    "dcatap": DCATAP, "cv": CV, "eli": ELI, "csvw": CSVW, "rdfs": RDFS, "xsd": XSD,
}  # fmt: skip
_DATATYPES = {
    "string": "string", "date32[day]": "date", "int64": "integer", "double": "double", "bool": "boolean"
}  # fmt: skip


def build(
    source: SourceContract,
    facts: CatalogueFacts,
    *,
    tier_code: str,
    contracts: Sequence[TableContract],
    version: str,
    issued: str,
    contracts_folder: Path | None = None,
) -> bytes:
    """The record as JSON-LD, UTF-8; equal arguments give equal bytes.

    What is missing is left out, never filled in; `problems` names it.

    Parameters
    ----------
    tier_code
        Interoperability level, a code such as SPEC1000009 (`Tier.code`).
    contracts
        Contracts of the tables that the release holds; they become the described variables.
    version
        Version of the release.
    issued
        ISO date or time of the newest export; never the clock.
    """
    dataset = URIRef(f"urn:eucaim-pipelines:dataset:{source.dataset_id}")
    graph = _Record(dataset)
    _identify(graph, source, tier_code, version, issued)
    _classify(graph, source)
    _describe_data(graph, source, facts, contracts)
    _distribute(graph, source, contracts_folder)
    return _serialised(graph)


class _Record(Graph):
    """A graph with one subject in the middle; blank nodes are named by their role."""

    def __init__(self, dataset: URIRef) -> None:
        super().__init__(bind_namespaces="none")
        self.dataset = dataset

    def say(self, predicate: URIRef, *values: Any, about: Any = None) -> None:
        """Add one triple per value that is there; plain text becomes a literal."""
        for value in values:
            if value is not None and value != "":
                node = value if isinstance(value, URIRef | BNode | Literal) else Literal(value)
                self.add((about if about is not None else self.dataset, predicate, node))

    def node(self, role: str, kind: URIRef) -> BNode:
        """A blank node of a class."""
        node = BNode(role)
        self.add((node, RDF.type, kind))
        return node


def _identify(record: _Record, source: SourceContract, tier_code: str, version: str, issued: str) -> None:
    text = source.catalogue
    record.say(RDF.type, DCAT.Dataset)
    record.say(DCTERMS.identifier, source.dataset_id)
    record.say(DCTERMS.title, text.title)
    record.say(DCTERMS.description, text.description)
    record.say(DCAT.version, version)
    record.say(DCTERMS.issued, Literal(issued, datatype=XSD.dateTime if "T" in issued else XSD.date))
    record.say(EUCAIM.interoperabilityLevel, EUCAIM[tier_code])
    record.say(DCAT.keyword, *text.keywords)
    if text.provenance:
        node = record.node("provenance", DCTERMS.ProvenanceStatement)
        record.say(RDFS.label, text.provenance, about=node)
        record.say(DCTERMS.provenance, node)
    if text.contact is not None:
        record.say(DCAT.contactPoint, _contact(record, text.contact))
    if text.publisher is not None:
        record.say(DCTERMS.publisher, _agent(record, "publisher", text.publisher))
    if text.health_data_access_body is not None:
        record.say(HEALTH.hdab, _agent(record, "hdab", text.health_data_access_body))


def _classify(record: _Record, source: SourceContract) -> None:
    text = source.catalogue
    record.say(DCAT.theme, URIRef(f"{AUTHORITY}/data-theme/HEAL"))
    record.say(HEALTH.healthCategory, *(_iri(each, HEALTH) for each in text.health_categories))
    record.say(DCTERMS.type, *(EUCAIM[each] for each in text.types))
    if text.access_rights is not None:
        record.say(DCTERMS.accessRights, URIRef(f"{AUTHORITY}/access-right/{text.access_rights}"))
    record.say(EUCAIM.collectionMethod, *(EUCAIM[each] for each in text.collection_methods))
    if text.condition is not None:
        record.say(EUCAIM.hasCondition, EUCAIM[text.condition])
    for law in text.legislation:
        record.say(DCATAP.applicableLegislation, URIRef(law))
        record.say(RDF.type, ELI.LegalResource, about=URIRef(law))


def _describe_data(
    record: _Record, source: SourceContract, facts: CatalogueFacts, contracts: Sequence[TableContract]
) -> None:
    record.say(HEALTH.numberOfUniqueIndividuals, _count(facts.individuals))
    record.say(HEALTH.numberOfRecords, _count(facts.studies))
    for predicate, codes in (
        (EUCAIM.hasBirthSex, facts.sexes),
        (EUCAIM.hasImageModality, facts.modalities),
        (EUCAIM.hasEquipmentManufacturer, facts.manufacturers),
        (EUCAIM.hasImageBodyPart, facts.body_parts),
        (EUCAIM.hasAlgorithmType, facts.segmentation_methods),
    ):
        record.say(predicate, *(EUCAIM[code] for code in codes))
    if facts.ages is not None:
        record.say(HEALTH.minTypicalAge, _count(facts.ages[0]))
        record.say(HEALTH.maxTypicalAge, _count(facts.ages[1]))
    if facts.years is not None:
        period = record.node("acquisition-period", DCTERMS.PeriodOfTime)
        record.say(DCAT.startDate, Literal(str(facts.years[0]), datatype=XSD.gYear), about=period)
        record.say(DCAT.endDate, Literal(str(facts.years[1]), datatype=XSD.gYear), about=period)
        record.say(DCTERMS.temporal, period)
    record.say(EUCAIM.nbrOfSegmentations, _count(facts.segmented_studies))
    record.say(HEALTH.hasStructuredData, Literal(bool(contracts)))
    if contracts:
        record.say(HEALTH.hasVariables, _variables(record, contracts))


def _variables(record: _Record, contracts: Sequence[TableContract]) -> BNode:
    """Tables and columns of the release in the words of CSV on the Web."""
    group = record.node("variables", CSVW.TableGroup)
    for contract in sorted(contracts, key=lambda each: each.name):
        table = record.node(f"table-{contract.name}", CSVW.Table)
        schema = record.node(f"schema-{contract.name}", CSVW.Schema)
        record.say(CSVW.table, table, about=group)
        record.say(DCTERMS.title, contract.name, about=table)
        record.say(DCTERMS.description, contract.description, about=table)
        record.say(CSVW.tableSchema, schema, about=table)
        columns = [_column(record, contract, name) for name in contract.schema.names]
        cells = [BNode(f"columns-{contract.name}-{number}") for number in range(len(columns))]
        for cell, column, rest in zip(cells, columns, [*cells[1:], RDF.nil], strict=True):
            record.say(RDF.first, column, about=cell)
            record.say(RDF.rest, rest, about=cell)
        record.say(CSVW.column, cells[0], about=schema)
    return group


def _column(record: _Record, contract: TableContract, name: str) -> BNode:
    field = contract.schema.field(name)
    column = record.node(f"column-{contract.name}-{name}", CSVW.Column)
    record.say(CSVW.name, name, about=column)
    description = (field.metadata or {}).get(b"description", b"").decode()
    record.say(DCTERMS.description, description, about=column)
    record.say(CSVW.datatype, XSD[_DATATYPES.get(str(field.type), "string")], about=column)
    return column


def _distribute(record: _Record, source: SourceContract, folder: Path | None) -> None:
    text = source.catalogue
    if text.access_url is None:
        return
    distribution = URIRef(f"{record.dataset}:distribution")
    record.say(DCAT.distribution, distribution)
    record.say(RDF.type, DCAT.Distribution, about=distribution)
    record.say(DCAT.accessURL, URIRef(text.access_url), about=distribution)
    record.say(DCATAP.applicableLegislation, *(URIRef(law) for law in text.legislation), about=distribution)
    conditions = vocabularies.load("dataset_access_condition", folder)
    for condition in text.access_conditions:
        record.say(DCTERMS.rights, EUCAIM[conditions.code(condition) or condition], about=distribution)
    uses = vocabularies.load("data_use_condition", folder)
    duo = {use: alias.upper() for alias, use in uses.aliases.items() if alias.startswith("duo_")}
    for name in text.data_use_conditions:
        record.say(DCTERMS.rights, _iri(duo.get(name, name), DUO), about=distribution)


def _contact(record: _Record, contact: Contact) -> BNode:
    node = record.node("contact", VCARD.Kind)
    record.say(VCARD.fn, contact.name, about=node)
    record.say(VCARD.hasEmail, _mail(contact.email), about=node)
    record.say(VCARD.hasURL, URIRef(contact.url) if contact.url else None, about=node)
    return node


def _agent(record: _Record, role: str, agent: Agent) -> BNode:
    node = record.node(role, FOAF.Agent)
    record.say(FOAF.name, agent.name, about=node)
    record.say(DCTERMS.type, agent.type, about=node)
    if agent.contact_email or agent.contact_url:
        point = record.node(f"{role}-contact", CV.ContactPoint)
        record.say(CV.email, (agent.contact_email or "").removeprefix("mailto:"), about=point)
        record.say(CV.contactPage, URIRef(agent.contact_url) if agent.contact_url else None, about=point)
        record.say(CV.contactPoint, point, about=node)
    return node


def _mail(address: str | None) -> URIRef | None:
    return URIRef(f"mailto:{address.removeprefix('mailto:')}") if address else None


def _count(number: int | None) -> Literal | None:
    return None if number is None else Literal(str(number), datatype=XSD.nonNegativeInteger)


def _iri(value: str, namespace: Namespace) -> URIRef:
    """The value itself when it is an IRI already, else a term of the namespace."""
    return URIRef(value) if "://" in value else namespace[value]


def _serialised(record: _Record) -> bytes:
    """JSON-LD, blank nodes inside the node that names them, unordered lists sorted.

    The serialiser's own order changes from run to run.
    """
    context = {prefix: str(namespace) for prefix, namespace in _PREFIXES.items()}
    flat = json.loads(record.serialize(format="json-ld", context=context, auto_compact=False))
    nodes = {node["@id"]: node for node in flat["@graph"]}
    named = [_nested(node, nodes) for name, node in nodes.items() if not name.startswith("_:")]
    named.sort(key=lambda node: (node["@type"] != "dcat:Dataset", node["@id"]))
    plain = {"@context": flat["@context"], "@graph": named}
    return (json.dumps(plain, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()


def _nested(value: Any, nodes: Mapping[str, Any], *, ordered: bool = False) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"@id"} and value["@id"].startswith("_:"):
            value = {key: inner for key, inner in nodes[value["@id"]].items() if key != "@id"}
        return {key: _nested(inner, nodes, ordered=key == "@list") for key, inner in value.items()}
    if isinstance(value, list):
        items = [_nested(inner, nodes) for inner in value]
        return items if ordered else sorted(items, key=lambda item: json.dumps(item, sort_keys=True))
    return value
