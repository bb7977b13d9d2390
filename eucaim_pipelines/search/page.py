"""How the search service describes itself: parts of its OpenAPI description, and a page that asks no host."""

from html import escape
from typing import Any

from eucaim_pipelines.search.criteria import Criteria
from eucaim_pipelines.search.query import MAX_CONDITIONS

REFUSALS = {
    400: "The query is malformed, too deep, too long, or asks for what is not known.",
    401: "No API key, or one that nobody has.",
    429: "The client's distinct queries of today are used up.",
    503: "Queries cannot be answered now.",
}
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
}
SENTENCE = {"type": "object", "required": ["detail"], "properties": {"detail": {"type": "string"}}}
_STRINGS = {"type": "array", "items": {"type": "string"}}
_AGES = {
    "type": ["object", "null"],
    "properties": {"min": {"type": "integer"}, "max": {"type": "integer"}},
}
_COLLECTION = {
    "type": "object",
    "properties": {
        **{name: {"type": "string"} for name in ("id", "name", "description")},
        **{name: {"type": "integer", "multipleOf": 10} for name in ("studies_count", "subjects_count")},
        "age_range": _AGES,
        **dict.fromkeys(("gender", "modalities", "body_parts"), _STRINGS),
    },
}
ANSWER = {
    "type": "object",
    "required": ["provider", "provider_icon", "collections", "total"],
    "properties": {
        "provider": {"type": "string"},
        "provider_icon": {"type": "string"},
        "collections": {"type": "array", "items": _COLLECTION},
        "total": {"type": "integer"},
    },
}


def get_extra(criteria: Criteria) -> dict[str, Any]:
    """Parameters of GET."""
    named = [each for each in criteria.by_name.values() if each.parameter]
    return {
        "parameters": [
            {
                "name": each.parameter,
                "in": "query",
                "required": False,
                "description": each.text,
                "schema": {"type": "string", "minLength": 1, "maxLength": 200},
            }
            for each in named
        ]
        + [_header()]
    }


def post_extra() -> dict[str, Any]:
    """Body of POST."""
    value = {"anyOf": [{"type": kind} for kind in ("string", "number", "array", "object")]}
    condition = {
        "type": "object",
        "required": ["key", "type", "value"],
        "properties": {
            "key": {"type": "string"},
            "type": {"type": "string"},
            "system": {"type": "string"},
            "value": value,
        },
    }
    ast: dict[str, Any] = condition
    for operand in ("OR", "AND", "OR"):
        children = {"type": "array", "items": ast, "maxItems": MAX_CONDITIONS}
        ast = {
            "type": "object",
            "required": ["operand", "children"],
            "properties": {"operand": {"const": operand}, "children": children},
        }
    whole = {
        "type": "object",
        "required": ["ast"],
        "properties": {"ast": ast, "id": {"type": "string"}},
    }
    content = {"application/json": {"schema": whole}}
    return {"requestBody": {"required": True, "content": content}, "parameters": [_header()]}


def _header() -> dict[str, Any]:
    return {
        "name": "X-API-Key",
        "in": "header",
        "required": True,
        "schema": {"type": "string"},
        "description": "The client's key; Authorization: Bearer is understood too.",
    }


def documentation(criteria: Criteria) -> str:
    """The page /docs: both protocols, every key, and what its values may be."""
    rows = "".join(_row(each.name, criteria) for each in criteria.by_name.values())
    refusals = "".join(f"<li>{code}: {escape(text)}</li>" for code, text in REFUSALS.items())
    return f"""<!doctype html><html lang="en"><meta charset="utf-8"><title>Federated search</title>
<style>body{{font:16px/1.5 sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}}
td,th{{text-align:left;vertical-align:top;padding:.3rem .6rem;border-bottom:1px solid #ccc}}</style>
<main><h1>Federated search of this node</h1>
<p>GET /search?gender=female&amp;modality=MR, or POST /search with the query as JSON:
OR of ANDs of ORs of conditions. Header X-API-Key. The machine-readable description is
<a href="/openapi.json">/openapi.json</a>.</p>
<p>Counts are perturbed and rounded to tens; one answer stands for few people, zero included.
All conditions on series of an AND hold for one and the same series. A missing value fulfils no condition.</p>
<ul>{refusals}</ul>
<table><tr><th>Criterion</th><th>Keys</th><th>GET</th><th>Of</th><th>Values</th></tr>{rows}</table></main></html>"""


def _row(name: str, criteria: Criteria) -> str:
    each = criteria.by_name[name]
    values = "a number"
    if each.coded:
        labels = [f"{code} {criteria.label(each, code)}" for code in sorted(criteria.allowed(each))]
        values = f"<details><summary>{len(labels)} codes</summary>{escape('; '.join(labels))}</details>"
    cells = (
        escape(each.text),
        escape(", ".join(each.keys)),
        escape(each.parameter or ""),
        each.level,
        values,
    )
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"
