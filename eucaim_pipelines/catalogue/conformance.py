"""Whether a record conforms to shapes, run offline by pySHACL; what does not, in the shapes' own sentences.

The shapes are made in `shapes`; a second, generic set may be read from a file.
"""

from dataclasses import dataclass
from pathlib import Path

from rdflib import RDF, SH, Graph, URIRef
from rdflib.term import Node
from rdflib.util import guess_format

from eucaim_pipelines.errors import SettingsError


@dataclass(frozen=True, order=True)
class Violation:
    """One thing that does not conform: a sentence without a value, and the property that it is about."""

    text: str
    property: str = ""


def violations(record: Graph, shapes: Graph) -> tuple[Violation, ...]:
    """What does not conform, each sentence once, sorted; empty when everything does.

    Nothing is inferred and nothing is fetched: the record says itself of what class its nodes are, as far as
    shapes ask for it.
    """
    from pyshacl import validate

    conforms, results, _ = validate(
        record, shacl_graph=shapes, inference="none", advanced=False, do_owl_imports=False, meta_shacl=False
    )
    if conforms:
        return ()
    if not isinstance(results, Graph):
        raise SettingsError("The shapes cannot be applied: they are no valid SHACL.")
    found = set()
    for result in results.subjects(RDF.type, SH.ValidationResult):
        if results.value(result, SH.resultSeverity) != SH.Violation:
            continue
        path = results.value(result, SH.resultPath)
        named = str(path) if isinstance(path, URIRef) else ""
        found.add(Violation(_sentence(results, result, shapes), named))
    return tuple(sorted(found))


def load_shapes(path: Path) -> Graph:
    """Shapes of a file that the user names.

    Raises
    ------
    SettingsError
        The file is not there or holds no RDF.
    """
    try:
        return Graph().parse(path, format=guess_format(path.name) or "turtle")
    except Exception:  # noqa: BLE001 - every parser has errors of its own
        raise SettingsError(f"The file of shapes {path.name} is not there, or is no RDF.") from None


def _sentence(results: Graph, result: Node, shapes: Graph) -> str:
    """The shape's own sentence; of foreign shapes without one, which constraint of which property it is."""
    shape = results.value(result, SH.sourceShape)
    own = None if shape is None else shapes.value(shape, SH.message) or results.value(shape, SH.message)
    if own is not None:
        return str(own)
    component = str(results.value(result, SH.sourceConstraintComponent)).rpartition("#")[2]
    return f"{component} does not hold for <{results.value(result, SH.resultPath) or 'the record'}>."
