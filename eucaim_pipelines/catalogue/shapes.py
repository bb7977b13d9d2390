"""SHACL shapes of EUCAIM DCAT-AP v2.0, derived from the profile's table: no cardinality is written twice.

Every constraint is a shape of its own, so that what it says when it fails is a sentence for a data manager.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from rdflib import RDF, SH, XSD, BNode, Graph, Literal, URIRef
from rdflib.collection import Collection

from eucaim_pipelines.catalogue.profile import (
    PLACEHOLDER,
    Property,
    load_authorities,
    load_properties,
    parts,
)
from eucaim_pipelines.catalogue.terms import DCAT, EUCAIM, bound
from eucaim_pipelines.contracts import vocabularies

SHAPES = "urn:eucaim-pipelines:shape:"
_TARGETS = {"Dataset": DCAT.Dataset, "Distribution": DCAT.Distribution}
_CATALOGUE = "catalogue"
Constraint = tuple[str, list[tuple[URIRef, Any]]]
"""A sentence, and what must hold as predicates and values of SHACL."""

_DATATYPES = {
    "count": XSD.nonNegativeInteger, "decimal": XSD.decimal, "boolean": XSD.boolean, "hex": XSD.hexBinary
}  # fmt: skip
_VERSION = r"^[0-9]+\.[0-9]+\.[0-9]+([-+.][0-9A-Za-z.-]+)?$"


@cache
def shapes(folder: Path | None = None) -> Graph:
    """The shapes as a graph; Turtle of it is what others may validate with."""
    properties = load_properties(folder)
    made = _Shapes(folder)
    for name, target in _TARGETS.items():
        shape = made.shape(name, SH.targetClass, target)
        for each in parts(name, properties):
            made.constrain(shape, each, _CATALOGUE)
            if each.part is not None and each.part not in _TARGETS:
                _part(made, each, "", _CATALOGUE, properties)
    return made.graph


def _part(
    made: "_Shapes", holder: Property, label: str, within: str, properties: tuple[Property, ...]
) -> None:
    """The shape of what one property holds: it is named by that property, and so are its sentences."""
    label = f"{label}{holder.label}: "
    within = holder.keys(within)
    shape = made.shape(label, SH.targetObjectsOf, holder.paths[0])
    for each in parts(str(holder.part), properties):
        made.constrain(shape, each, within, label)
        if each.part is not None:
            _part(made, each, label, within.partition(" or ")[0].rpartition(".")[0], properties)


class _Shapes:
    """A graph of shapes that grows by constraints."""

    def __init__(self, folder: Path | None) -> None:
        self.graph = bound(Graph(bind_namespaces="none"))
        self.graph.bind("sh", SH)
        self.folder = folder

    def shape(self, name: str, how: URIRef, target: URIRef) -> URIRef:
        """A node shape on everything that the target stands for."""
        shape = URIRef(SHAPES + "".join(letter for letter in name if letter.isalnum()))
        self.graph.add((shape, RDF.type, SH.NodeShape))
        self.graph.add((shape, how, target))
        return shape

    def constrain(self, shape: URIRef, each: Property, within: str, label: str = "") -> None:
        """Everything that the profile says of one property of a shape."""
        for text, holding in self._constraints(each, within):
            node = self._node(shape, each, f"{label}{each.label} {text}")
            for predicate, value in holding:
                self.graph.add((node, predicate, value))
        if each.needed_if is not None:
            self._conditional(shape, each)

    def _constraints(self, each: Property, within: str) -> Iterator[Constraint]:
        todo = _remedy(each, within)
        if each.mandatory:
            yield f"is missing. {todo}", [(SH.minCount, Literal(each.least))]
        if each.most is not None:
            yield (
                f"stands more than once, and the catalogue takes one. {todo}",
                [(SH.maxCount, Literal(each.most))],
            )
        yield from self._held(each, todo)

    def _held(self, each: Property, todo: str) -> Iterator[Constraint]:
        """What the values may be."""
        kind, _, rest = each.holds.partition(" ")
        if kind == "text":
            yield f"is empty. {todo}", [(SH.pattern, Literal(r"\S"))]
            unfit = BNode()
            self.graph.add((unfit, SH.pattern, Literal(PLACEHOLDER)))
            self.graph.add((unfit, SH.flags, Literal("i")))
            yield f"is a placeholder. {todo}", [(SH["not"], unfit)]
        elif kind in _DATATYPES:
            yield f"is no {kind}. {todo}", [(SH.datatype, _DATATYPES[kind])]
        elif kind == "version":
            yield "is no version such as 1.0.0 or 2026.08.1.", [(SH.pattern, Literal(_VERSION))]
        elif kind == "date":
            dates = self._alternatives(SH.datatype, (XSD.date, XSD.dateTime, XSD.gYear, XSD.gYearMonth))
            yield f"is no date or year. {todo}", [(SH["or"], dates)]
        elif kind in ("authority", "vocabulary"):
            terms = self._list(self._terms(each.holds))
            yield f"is no term of the list that it is taken from. {todo}", [(SH["in"], terms)]
        elif kind == "iri":
            yield f"is no address. {todo}", [(SH.nodeKind, SH.IRI)]
            yield from self._addresses(rest, todo)

    def _addresses(self, rest: str, todo: str) -> Iterator[Constraint]:
        how, _, what = rest.partition(" ")
        if how == "under":
            yield f"is no term of {what}. {todo}", [(SH.pattern, Literal(f"^{what}"))]
        elif how == "with":
            fit = BNode()
            self.graph.add((fit, SH["in"], self._list(self._terms(what))))
            yield (
                f"names none of the terms of which there must be one. {todo}",
                [
                    (SH.qualifiedValueShape, fit),
                    (SH.qualifiedMinCount, Literal(1)),
                ],
            )

    def _conditional(self, shape: URIRef, each: Property) -> None:
        """The other property is not true, or this one stands."""
        without, there = BNode(), BNode()
        refused = BNode()
        self._property(refused, (each.needed_if,), [(SH.hasValue, Literal(True))])
        self.graph.add((without, SH["not"], refused))
        self._property(there, each.paths, [(SH.minCount, Literal(1))])
        node = URIRef(f"{shape}-{each.key}")
        self.graph.add((node, RDF.type, SH.NodeShape))
        for how in (SH.targetClass, SH.targetObjectsOf):
            for target in self.graph.objects(shape, how):
                self.graph.add((node, how, target))
        self.graph.add((node, SH["or"], self._list([without, there])))
        self.graph.add((node, SH.message, Literal(f"{each.label} is missing. {each.say}")))

    def _node(self, shape: URIRef, each: Property, message: str) -> BNode:
        node = BNode()
        self.graph.add((shape, SH.property, node))
        self._property(node, each.paths, [(SH.message, Literal(message.strip()))])
        return node

    def _property(self, node: BNode, paths: tuple[Any, ...], holding: list[tuple[URIRef, Any]]) -> None:
        path: URIRef | BNode = paths[0]
        if len(paths) > 1:
            path = BNode()
            self.graph.add((path, SH.alternativePath, self._list(paths)))
        self.graph.add((node, SH.path, path))
        for predicate, value in holding:
            self.graph.add((node, predicate, value))

    def _terms(self, held: str) -> list[URIRef]:
        kind, _, name = held.partition(" ")
        if kind == "authority":
            return [URIRef(term) for term in load_authorities(self.folder)[name]]
        known = vocabularies.load(name, self.folder)
        # The concept above all values stands for pooled ones, and is a subclass of itself.
        return [EUCAIM[code] for code in sorted({*known.codes, *([known.root] if known.root else [])})]

    def _alternatives(self, predicate: URIRef, values: tuple[URIRef, ...]) -> BNode:
        nodes = [BNode() for _ in values]
        for node, value in zip(nodes, values, strict=True):
            self.graph.add((node, predicate, value))
        return self._list(nodes)

    def _list(self, items: Any) -> BNode:
        head = BNode()
        Collection(self.graph, head, list(items))
        return head


def _remedy(each: Property, within: str) -> str:
    if each.say or each.source != "contract":
        return each.say
    return f"Write {each.keys(within)} in the source contract."
