"""A record written down: as Turtle and as JSON-LD, equal graphs as equal bytes.

What stands in a record is said in `record`.
"""

import json
from collections.abc import Mapping
from typing import Any

from rdflib import Graph

from eucaim_pipelines.catalogue.terms import PREFIXES


def turtle(record: Graph) -> bytes:
    """Turtle, UTF-8: prefixes, subjects, predicates and objects in order; blank nodes in their place."""
    return record.serialize(format="turtle", encoding="utf-8")


def json_ld(record: Graph) -> bytes:
    """JSON-LD, UTF-8: blank nodes inside the node that names them, unordered lists sorted.

    The serialiser's own order changes from run to run.
    """
    context = {prefix: str(namespace) for prefix, namespace in PREFIXES.items()}
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
