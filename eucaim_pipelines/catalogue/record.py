"""The catalogue record of a release as a graph: EUCAIM DCAT-AP v2.0, Dataset and Distribution.

What stands in it is said by the profile (`profile`), its numbers come from `facts`; how it is written, from
`writing`. Whether a tier is reached with it is decided in `quality.verdict`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rdflib import RDF, RDFS, SKOS, XSD, Graph, Literal, URIRef
from rdflib.namespace import DCTERMS

from eucaim_pipelines.catalogue import nodes
from eucaim_pipelines.catalogue.facts import CatalogueFacts
from eucaim_pipelines.catalogue.nodes import Statements
from eucaim_pipelines.catalogue.profile import Property, load_authorities, load_properties, parts
from eucaim_pipelines.catalogue.terms import (
    ADMS,
    DCAT,
    DPV,
    DUO,
    ELI,
    EUCAIM,
    GEODCATAP,
    HEALTH,
    SPDX,
    iri,
)
from eucaim_pipelines.contracts import vocabularies
from eucaim_pipelines.contracts.source_catalogue import Catalogue
from eucaim_pipelines.contracts.source_model import SourceContract
from eucaim_pipelines.contracts.tables import TableContract

_TITLE = "Images and tables"
_DESCRIPTION = (
    "De-identified images as DICOM objects, tables of EUCAIM's common data model as Parquet. The checksum is "
    "that of the sorted lines 'SHA-256, two spaces, key' of tables and lists of images in the manifest."
)


@dataclass(frozen=True)
class ReleaseFacts:
    """What a record says of the release itself.

    Attributes
    ----------
    tier_code
        Interoperability level, a code such as SPEC1000009 (`Tier.code`).
    contracts
        Contracts of the tables that the release holds; they become the described variables.
    issued
        ISO date or time of the newest export; never the clock.
    changes
        What changed since the release before, in words that may leave.
    bytes
        Size of the images, rounded.
    checksum
        SHA-256 of the content, as the distribution's description says.
    """

    version: str
    issued: str
    tier_code: str
    contracts: Sequence[TableContract] = ()
    changes: str = ""
    bytes: int | None = None
    checksum: str = ""


def dataset_iri(dataset_id: str) -> URIRef:
    """The name of a dataset in graphs: as immutable as its identifier."""
    return URIRef(f"urn:eucaim-pipelines:dataset:{dataset_id}")


def build(
    source: SourceContract, facts: CatalogueFacts, release: ReleaseFacts, folder: Path | None = None
) -> Graph:
    """The record; equal arguments give an equal graph, blank nodes included.

    What is missing is left out, never filled in; `problems` and `conformance` name it.
    """
    properties = load_properties(folder)
    record = _Record(source, _computed(source, facts, release, folder), folder)
    dataset = dataset_iri(source.dataset_id)
    record.say(dataset, RDF.type, DCAT.Dataset)
    record.describe(dataset, parts("Dataset", properties))
    _describe_parts(record, dataset, facts, release)
    if source.catalogue.access_url is not None:
        distribution = URIRef(f"{dataset}:distribution")
        record.say(dataset, DCAT.distribution, distribution)
        record.say(distribution, RDF.type, DCAT.Distribution)
        record.describe(distribution, parts("Distribution", properties))
        _describe_distribution(record, distribution, release)
    return record.graph


def _computed(
    source: SourceContract, facts: CatalogueFacts, release: ReleaseFacts, folder: Path | None
) -> Mapping[str, Sequence[Any]]:
    """Values that the pipeline knows, by the key that the profile gives them."""
    ages = facts.ages or (None, None)
    issued = Literal(release.issued, datatype=XSD.dateTime if "T" in release.issued else XSD.date)
    return {
        "dataset_id": [source.dataset_id],
        "version": [release.version],
        "tier": [release.tier_code],
        "tables": [bool(release.contracts)],
        "individuals": [facts.individuals],
        "studies": [facts.studies],
        "sexes": facts.sexes,
        "youngest": [ages[0]],
        "oldest": [ages[1]],
        "modalities": facts.modalities,
        "manufacturers": facts.manufacturers,
        "body_parts": facts.body_parts,
        "finest_spacing": [facts.finest_spacing],
        "segment_labels": facts.segment_labels,
        "segmentation_methods": facts.segmentation_methods,
        "segmented_studies": [facts.segmented_studies],
        "condition": _code_values(source.catalogue, folder),
        "changes": [release.changes],
        "issued": [issued],
        "bytes": [release.bytes],
    }


def _code_values(text: Catalogue, folder: Path | None) -> list[str]:
    if text.condition is None:
        return []
    labels = vocabularies.load("cancer_condition", folder).labels
    return [f"{vocabularies.ONTOLOGY}: {text.condition} {labels.get(text.condition, '')}".strip()]


class _Record(Statements):
    """Statements that the profile's properties make."""

    def __init__(
        self, source: SourceContract, computed: Mapping[str, Sequence[Any]], folder: Path | None
    ) -> None:
        super().__init__()
        self.text, self.annotated = source.catalogue, source.annotations.told
        self.computed = computed
        self.folder = folder

    def describe(self, about: URIRef, properties: Iterable[Property]) -> None:
        """Every property whose values are texts, numbers or terms; other parts follow."""
        for each in properties:
            if each.source == "unused" or each.part is not None or each.holds == "node":
                continue
            self.say(about, each.paths[0], *(self._term(each, value) for value in self._values(each)))

    def _values(self, each: Property) -> Sequence[Any]:
        if each.source == "computed":
            return self.computed[each.key]
        if each.source == "fixed":
            terms = load_authorities(self.folder).get(each.holds.partition(" ")[2], {})
            return list(terms) or [{DCTERMS.title: _TITLE, DCTERMS.description: _DESCRIPTION}[each.paths[0]]]
        said = getattr(self.text, each.key)
        return said if isinstance(said, tuple) else [said]

    def _term(self, each: Property, value: Any) -> Any:
        if value is None or isinstance(value, Literal):
            return value
        kind, _, rest = each.holds.partition(" ")
        if kind == "count":
            return Literal(str(value), datatype=XSD.nonNegativeInteger)
        if kind == "decimal":
            return Literal(value, datatype=XSD.decimal)
        if kind == "vocabulary":
            return EUCAIM[value]
        if kind == "authority":
            return self._authority(rest, value)
        if kind == "iri":
            return self._address(each, rest, value)
        return value

    def _authority(self, name: str, value: str) -> URIRef:
        """The term whose IRI ends with the value; a value of another list is told by the shapes."""
        terms = load_authorities(self.folder)[name]
        return next(
            (URIRef(term) for term in terms if term == value or term.endswith(f"/{value}")), URIRef(value)
        )

    def _address(self, each: Property, rest: str, value: str) -> URIRef:
        if rest.startswith("under "):
            return iri(value, rest.removeprefix("under "))
        if rest.endswith("dataset_access_condition"):
            code = vocabularies.load("dataset_access_condition", self.folder).code(value)
            return EUCAIM[code or value]
        return iri(value, DPV if str(each.paths[0]).startswith(str(DPV)) else "")


def _describe_parts(record: _Record, dataset: URIRef, facts: CatalogueFacts, release: ReleaseFacts) -> None:
    text = record.text
    kind = next(each for each in parts("Agent", load_properties(record.folder)) if each.key == "type")
    types = kind.holds.removeprefix("iri under ")
    if text.contact is not None:
        record.say(dataset, DCAT.contactPoint, nodes.contact(record, text.contact))
    for role, predicate, agent in (
        ("publisher", DCTERMS.publisher, text.publisher),
        ("custodian", GEODCATAP.custodian, text.custodian),
        ("hdab", HEALTH.hdab, text.health_data_access_body),
    ):
        if agent is not None:
            record.say(dataset, predicate, nodes.agent(record, role, agent, types))
    for number, agent in enumerate(text.creators):
        record.say(dataset, DCTERMS.creator, nodes.creator(record, f"creator-{number}", agent))
    for name, said in (("provenance", text.provenance), ("provenance-annotations", record.annotated)):
        if said:
            node = record.node(name, DCTERMS.ProvenanceStatement)
            record.say(node, RDFS.label, said)
            record.say(dataset, DCTERMS.provenance, node)
    for number, identifier in enumerate(sorted(text.other_identifiers)):
        node = record.node(f"identifier-{number}", ADMS.Identifier)
        record.say(node, SKOS.notation, identifier)
        record.say(dataset, ADMS.identifier, node)
    if text.retention is not None:
        node = nodes.period(record, "retention", text.retention.start, text.retention.end, XSD.date)
        record.say(dataset, HEALTH.retentionPeriod, node)
    if facts.years is not None:
        node = nodes.period(record, "acquisition-period", *facts.years, XSD.gYear)
        record.say(dataset, DCTERMS.temporal, node)
    for law in text.legislation:
        record.say(URIRef(law), RDF.type, ELI.LegalResource)
    if release.contracts:
        record.say(dataset, HEALTH.hasVariables, nodes.variables(record, release.contracts))


def _describe_distribution(record: _Record, distribution: URIRef, release: ReleaseFacts) -> None:
    uses = vocabularies.load("data_use_condition", record.folder)
    duo = {use: alias.upper() for alias, use in uses.aliases.items() if alias.startswith("duo_")}
    conditions = record.text.data_use_conditions
    record.say(distribution, DCTERMS.rights, *(iri(duo.get(name, name), DUO) for name in conditions))
    if release.checksum:
        node = record.node("checksum", SPDX.Checksum)
        record.say(node, SPDX.checksumValue, Literal(release.checksum, datatype=XSD.hexBinary))
        (algorithm,) = load_authorities(record.folder)["checksum_algorithm"]
        record.say(node, SPDX.algorithm, URIRef(algorithm))
        record.say(distribution, SPDX.checksum, node)
