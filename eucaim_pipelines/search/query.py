"""Queries as they are asked, both ways, made into one checked form; malformed ones are refused.

The form is the one of the EUCAIM Explorer: OR of ANDs of ORs of conditions. What it matches is `matching`.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import Any

from eucaim_pipelines.errors import EucaimError
from eucaim_pipelines.search.criteria import Criteria, Criterion

MAX_CONDITIONS = 60
MAX_VALUES = 100
MAX_TEXT = 200
_TEXT_TYPES = ("EQUALS", "NOT_EQUALS", "IN", "CONTAINS")
_NUMBER_TYPES = ("EQUALS", "NOT_EQUALS", "IN", "BETWEEN", "LOWER_THAN", "GREATER_THAN")


class QueryError(EucaimError):
    """A query is malformed, too deep, too long, or asks for what is not known; the sentence says which."""


@dataclass(frozen=True, order=True)
class Condition:
    """One criterion and the values that fulfil it; a missing value fulfils nothing, NOT_EQUALS neither.

    Attributes
    ----------
    values
        Codes or numbers, sorted, of which one must be had, or of which none may be had (`negated`).
    low, high
        Ends of a range of numbers, included unless `strict`; None where it is open. Only without `values`.
    """

    criterion: str
    values: tuple[Any, ...] | None = None
    negated: bool = False
    low: float | None = None
    high: float | None = None
    strict: bool = False


Clause = tuple[Condition, ...]
Branch = tuple[Clause, ...]


@dataclass(frozen=True)
class Query:
    """OR of branches, each an AND of clauses, each an OR of conditions; without a branch it is everybody."""

    branches: tuple[Branch, ...]

    @property
    def conditions(self) -> int:
        """How many conditions it has."""
        return sum(len(clause) for branch in self.branches for clause in branch)

    def canonical(self) -> bytes:
        """The same JSON however order and repetition were written."""
        lists = [[[astuple(each) for each in clause] for clause in branch] for branch in self.branches]
        return json.dumps(lists, separators=(",", ":")).encode()


def everything() -> Query:
    """The query that every person fulfils."""
    return Query(())


def from_parameters(parameters: Sequence[tuple[str, str]], criteria: Criteria) -> Query:
    """The query of a GET: one value per parameter, AND between them.

    Raises
    ------
    QueryError
        Unknown, repeated or empty parameters, unknown values.
    """
    clauses: list[Clause] = []
    names = [name for name, _ in parameters]
    for name, value in parameters:
        criterion = criteria.of_parameter(name)
        if criterion is None:
            known = ", ".join(c.parameter for c in criteria.by_name.values() if c.parameter)
            raise QueryError(f"A parameter is not known. Known ones are: {known}.")
        if names.count(name) > 1:
            raise QueryError(f"Parameter '{name}' stands there more than once.")
        clauses.append((_condition([criterion], "EQUALS", value, criteria),))
    return _query([tuple(clauses)])


def from_ast(body: Any, criteria: Criteria) -> Query:
    """The query of a decoded AST: `{"ast": node}` or the node itself.

    Parameters
    ----------
    body
        A node is `{"operand": "OR" | "AND", "children": [...]}` or
        `{"key", "type", "system", "value"}`. Levels may be left out; no children at all ask for everybody.

    Raises
    ------
    QueryError
        It has another form, is too deep or too long, or names an unknown key, type or value.
    """
    node = body.get("ast", body) if isinstance(body, Mapping) else body
    if not isinstance(node, Mapping):
        raise QueryError("A query is a JSON object with 'ast', or the AST itself.")
    if node.get("operand") == "AND":
        node = {"operand": "OR", "children": [node]}
    branches: list[Branch] = []
    reader = _Reader(criteria)
    for child in reader.children(node, "OR"):
        inner = reader.children(child, "AND")
        if not inner:
            raise QueryError("An AND of the query has no children.")
        branches.append(tuple(reader.clause(each) for each in inner))
    return _query(branches)


class _Reader:
    """Reads the levels of one AST and counts its conditions."""

    def __init__(self, criteria: Criteria) -> None:
        self.criteria, self.seen = criteria, 0

    def children(self, node: Any, operand: str) -> Sequence[Any]:
        """What stands below a node of this operand; another node stands for itself alone."""
        if not isinstance(node, Mapping):
            raise QueryError("A node of the query is no JSON object.")
        if "operand" not in node or node["operand"] != operand:
            if node.get("operand") not in (None, "OR", "AND"):
                raise QueryError("The operand of a node is neither OR nor AND.")
            return [node]
        children = node.get("children")
        if not isinstance(children, list):
            raise QueryError("A node with an operand needs a list of children.")
        if len(children) > MAX_CONDITIONS:
            raise QueryError(f"The query is too long: more than {MAX_CONDITIONS} conditions.")
        return children

    def clause(self, node: Any) -> Clause:
        """An OR of conditions."""
        leaves = self.children(node, "OR")
        if not leaves:
            raise QueryError("An OR below an AND has no children.")
        return tuple(self._leaf(leaf) for leaf in leaves)

    def _leaf(self, leaf: Any) -> Condition:
        if not isinstance(leaf, Mapping) or "operand" in leaf or "children" in leaf:
            raise QueryError("The query is too deep: it is an OR of ANDs of ORs of conditions.")
        self.seen += 1
        if self.seen > MAX_CONDITIONS:
            raise QueryError(f"The query is too long: more than {MAX_CONDITIONS} conditions.")
        key, kind = leaf.get("key"), leaf.get("type")
        if not isinstance(key, str) or not isinstance(kind, str) or "value" not in leaf:
            raise QueryError("A condition needs 'key', 'type' and 'value'.")
        found = self.criteria.keyed(key) if len(key) <= MAX_TEXT else []
        if not found:
            raise QueryError("A key is not known. The page /docs lists the known ones.")
        return _condition(found, kind, leaf["value"], self.criteria)


def _query(branches: Sequence[Branch]) -> Query:
    """The canonical form: sorted, without repetition; a branch without clauses is everybody."""
    if any(not branch for branch in branches):
        return everything()
    clean = {tuple(sorted({tuple(sorted(set(c), key=repr)) for c in b}, key=repr)) for b in branches}
    return Query(tuple(sorted(clean, key=repr)))


def _condition(meant: Sequence[Criterion], kind: str, value: Any, criteria: Criteria) -> Condition:
    key = meant[0].keys[0]
    types = _TEXT_TYPES if meant[0].coded else _NUMBER_TYPES
    if kind not in types:
        raise QueryError(f"Type of the condition on '{key}': it can be {', '.join(types)}.")
    if not meant[0].coded:
        return _number(meant[0], kind, value)
    if kind == "CONTAINS":
        text = _text(value, key)
        found = [(each, criteria.containing(each, text)) for each in meant]
        chosen = next(((each, codes) for each, codes in found if codes), None)
        if chosen is None:
            raise QueryError(f"CONTAINS on '{key}': no value has this in its name.")
        return Condition(chosen[0].name, tuple(sorted(chosen[1])))
    texts = [_text(each, key) for each in _values(kind, value, key)]
    for each in meant:
        sets = [criteria.codes(each, text) for text in texts]
        if all(sets):
            return Condition(each.name, tuple(sorted(frozenset().union(*sets))), kind == "NOT_EQUALS")
    raise QueryError(f"A value of '{key}' is not known. The page /docs lists what it may be.")


def _number(criterion: Criterion, kind: str, value: Any) -> Condition:
    name, key = criterion.name, criterion.keys[0]
    if kind == "BETWEEN":
        if not isinstance(value, Mapping) or not {"min", "max"} & value.keys():
            raise QueryError(f"BETWEEN on '{key}' needs a value with 'min' and 'max'.")
        ends = [None if value.get(end) is None else _float(value[end], key) for end in ("min", "max")]
        if ends == [None, None]:
            raise QueryError(f"BETWEEN on '{key}' needs a value with 'min' and 'max'.")
        return Condition(name, low=ends[0], high=ends[1])
    if kind == "LOWER_THAN":
        return Condition(name, high=_float(value, key), strict=True)
    if kind == "GREATER_THAN":
        return Condition(name, low=_float(value, key), strict=True)
    numbers = {_float(each, key) for each in _values(kind, value, key)}
    return Condition(name, tuple(sorted(numbers)), kind == "NOT_EQUALS")


def _values(kind: str, value: Any, key: str) -> list[Any]:
    if kind != "IN":
        return [value]
    if not isinstance(value, list) or not 0 < len(value) <= MAX_VALUES:
        raise QueryError(f"IN on '{key}' needs a list of 1 to {MAX_VALUES} values.")
    return value


def _text(value: Any, key: str) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_TEXT:
        raise QueryError(f"A value of '{key}' must be text of 1 to {MAX_TEXT} characters.")
    return value


def _float(value: Any, key: str) -> float:
    """A finite number, also as text, as forms send it."""
    if isinstance(value, bool) or not isinstance(value, int | float | str) or len(str(value)) > 30:
        raise QueryError(f"A value of '{key}' must be a number.")
    try:
        number = float(value)
    except (ValueError, OverflowError):
        raise QueryError(f"A value of '{key}' must be a number.") from None
    if not math.isfinite(number):
        raise QueryError(f"A value of '{key}' must be a finite number.")
    return number + 0.0


def parsed(text: str | bytes) -> Any:
    """JSON, or a sentence; numbers that JSON does not know (NaN) are refused too.

    Raises
    ------
    QueryError
        It is no JSON, or nested so deep that it cannot be read.
    """
    try:
        return json.loads(text, parse_constant=_refused)
    except (ValueError, RecursionError):
        raise QueryError("The query is no JSON, or too deep to be read.") from None


def _refused(_: str) -> None:
    raise ValueError
