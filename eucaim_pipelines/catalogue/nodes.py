"""The parts of a catalogue record that are nodes of their own: contacts, organisations, periods, variables.

Blank nodes are named by their role, so that equal records are equal graphs; their places are in `record`.
"""

from collections.abc import Sequence
from typing import Any

from rdflib import RDF, XSD, BNode, Graph, Literal, URIRef
from rdflib.namespace import DCTERMS, FOAF

from eucaim_pipelines.catalogue.terms import CSVW, CV, DCAT, VCARD, bound, iri
from eucaim_pipelines.contracts.source_catalogue import Agent, Contact
from eucaim_pipelines.contracts.tables import TableContract

_DATATYPES = {
    "string": "string", "date32[day]": "date", "int64": "integer", "double": "double", "bool": "boolean"
}  # fmt: skip


class Statements:
    """A graph that grows by statements."""

    def __init__(self) -> None:
        self.graph = bound(Graph(bind_namespaces="none"))

    def say(self, about: URIRef | BNode, predicate: URIRef, *values: Any) -> None:
        """Add one triple per value that is there; plain text becomes a literal."""
        for value in values:
            if value is not None and value != "":
                node = value if isinstance(value, URIRef | BNode | Literal) else Literal(value)
                self.graph.add((about, predicate, node))

    def node(self, role: str, kind: URIRef) -> BNode:
        """A blank node of a class."""
        node = BNode(role)
        self.graph.add((node, RDF.type, kind))
        return node


def period(statements: Statements, role: str, start: Any, end: Any, datatype: URIRef) -> BNode:
    """From when to when; either end may be open."""
    node = statements.node(role, DCTERMS.PeriodOfTime)
    for predicate, value in ((DCAT.startDate, start), (DCAT.endDate, end)):
        statements.say(node, predicate, None if value is None else Literal(str(value), datatype=datatype))
    return node


def variables(statements: Statements, contracts: Sequence[TableContract]) -> BNode:
    """Tables and columns of the release in the words of CSV on the Web."""
    group = statements.node("variables", CSVW.TableGroup)
    for contract in sorted(contracts, key=lambda each: each.name):
        table = statements.node(f"table-{contract.name}", CSVW.Table)
        schema = statements.node(f"schema-{contract.name}", CSVW.Schema)
        statements.say(group, CSVW.table, table)
        statements.say(table, DCTERMS.title, contract.name)
        statements.say(table, DCTERMS.description, contract.description)
        statements.say(table, CSVW.tableSchema, schema)
        columns = [_column(statements, contract, name) for name in contract.schema.names]
        cells = [BNode(f"columns-{contract.name}-{number:03}") for number in range(len(columns))]
        for cell, column, rest in zip(cells, columns, [*cells[1:], RDF.nil], strict=True):
            statements.say(cell, RDF.first, column)
            statements.say(cell, RDF.rest, rest)
        statements.say(schema, CSVW.column, cells[0])
    return group


def _column(statements: Statements, contract: TableContract, name: str) -> BNode:
    field = contract.schema.field(name)
    column = statements.node(f"column-{contract.name}-{name}", CSVW.Column)
    statements.say(column, CSVW.name, name)
    description = (field.metadata or {}).get(b"description", b"").decode()
    statements.say(column, DCTERMS.description, description)
    statements.say(column, CSVW.datatype, XSD[_DATATYPES.get(str(field.type), "string")])
    return column


def contact(statements: Statements, contact: Contact) -> BNode:
    """Whom users ask: name, e-mail and page."""
    node = statements.node("contact", VCARD.Kind)
    statements.say(node, VCARD.fn, contact.name)
    statements.say(node, VCARD.hasEmail, _mail(contact.email))
    statements.say(node, VCARD.hasURL, URIRef(contact.url) if contact.url else None)
    return node


def agent(statements: Statements, role: str, agent: Agent, types: str) -> BNode:
    """An organisation with its contact point; `types` is the list that its type is a term of."""
    node = statements.node(role, FOAF.Agent)
    statements.say(node, FOAF.name, agent.name)
    statements.say(node, DCTERMS.type, iri(agent.type, types) if agent.type else None)
    if agent.contact_email or agent.contact_url:
        point = statements.node(f"{role}-contact", CV.ContactPoint)
        statements.say(point, CV.email, (agent.contact_email or "").removeprefix("mailto:"))
        statements.say(point, CV.contactPage, URIRef(agent.contact_url) if agent.contact_url else None)
        statements.say(node, CV.contactPoint, point)
    return node


def creator(statements: Statements, role: str, agent: Agent) -> BNode:
    """An organisation that made the data, with e-mail and page of its own."""
    node = statements.node(role, FOAF.Agent)
    statements.say(node, FOAF.name, agent.name)
    statements.say(node, FOAF.mbox, _mail(agent.contact_email))
    statements.say(node, FOAF.homepage, URIRef(agent.contact_url) if agent.contact_url else None)
    return node


def _mail(address: str | None) -> URIRef | None:
    return URIRef(f"mailto:{address.removeprefix('mailto:')}") if address else None
