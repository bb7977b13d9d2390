"""The namespaces of a catalogue record, their prefixes, and compact names in full.

Which terms a record may hold is said by the profile (`profile`) and the vocabularies, not here.
"""

from rdflib import RDF, RDFS, SKOS, XSD, Graph, Namespace, URIRef
from rdflib.namespace import DCTERMS, FOAF

ADMS = Namespace("http://www.w3.org/ns/adms#")
CSVW = Namespace("http://www.w3.org/ns/csvw#")
CV = Namespace("http://data.europa.eu/m8g/")
DCAT = Namespace("http://www.w3.org/ns/dcat#")
DCATAP = Namespace("http://data.europa.eu/r5r/")
DPV = Namespace("https://w3id.org/dpv#")
DQV = Namespace("http://www.w3.org/ns/dqv#")
DUO = Namespace("http://purl.obolibrary.org/obo/")
ELI = Namespace("http://data.europa.eu/eli/ontology#")
EUCAIM = Namespace("https://cancerimage.eu/ontology/EUCAIM#")
GEODCATAP = Namespace("http://data.europa.eu/930/")
HEALTH = Namespace("http://healthdataportal.eu/ns/health#")
ODRL = Namespace("http://www.w3.org/ns/odrl/2/")
PROV = Namespace("http://www.w3.org/ns/prov#")
SPDX = Namespace("http://spdx.org/rdf/terms#")
VCARD = Namespace("http://www.w3.org/2006/vcard/ns#")
AUTHORITY = "http://publications.europa.eu/resource/authority"

PREFIXES: dict[str, Namespace] = {
    "adms": ADMS, "csvw": CSVW, "cv": CV, "dcat": DCAT, "dcatap": DCATAP, "dpv": DPV, "dqv": DQV, "eli": ELI,
    "eucaim": EUCAIM, "geodcatap": GEODCATAP, "healthdcatap": HEALTH, "odrl": ODRL, "prov": PROV,
    "spdx": SPDX, "vcard": VCARD,
    "dct": Namespace(str(DCTERMS)), "foaf": Namespace(str(FOAF)), "rdf": Namespace(str(RDF)),
    "rdfs": Namespace(str(RDFS)), "skos": Namespace(str(SKOS)), "xsd": Namespace(str(XSD)),
}  # fmt: skip


def expanded(name: str) -> URIRef:
    """The term of a compact name such as `dct:title`; KeyError for an unknown prefix."""
    prefix, _, term = name.partition(":")
    return PREFIXES[prefix][term]


def iri(value: str, namespace: Namespace | str) -> URIRef:
    """The value itself when it is an IRI already, else a term of the namespace."""
    return URIRef(value) if ":" in value else URIRef(f"{namespace}{value}")


def bound(graph: Graph) -> Graph:
    """The graph with every prefix of a record bound."""
    for prefix, namespace in PREFIXES.items():
        graph.bind(prefix, namespace)
    return graph
