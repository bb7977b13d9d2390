"""With disclosure control switched off, the service answers exactly what brute force counts."""

from collections.abc import Iterator
from typing import Any

import pytest

from eucaim_pipelines.search import query
from eucaim_pipelines_tests.search.asked import BY_PARAMETERS, COMBINED, FEMALE, MALE, SINGLE
from eucaim_pipelines_tests.search.brute import Asked, Brute
from eucaim_pipelines_tests.search.population import CRITERIA, collection, tables
from eucaim_pipelines_tests.search.serving import Client, Fixed, served

MADE, YEARS = tables(120, seed=7)
BRUTE = Brute(MADE, YEARS)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with served(Fixed(collection(MADE, YEARS)), tmp_path_factory.mktemp("restricted")) as client:
        yield client


def ast(branches: list[list[list[Asked]]]) -> dict[str, Any]:
    def node(operand: str, children: list[Any]) -> dict[str, Any]:
        return {"operand": operand, "children": children}

    ands = [
        node("AND", [node("OR", [each.leaf() for each in clause]) for clause in branch])
        for branch in branches
    ]
    return {"ast": node("OR", ands), "id": "a__search__b"}


def test_the_table_holds_at_least_60_queries_and_tells_them_apart() -> None:
    assert len(SINGLE) + len(COMBINED) + len(BY_PARAMETERS) >= 60
    expected = [BRUTE.counts([[[each]]]) for each in SINGLE]
    assert len(set(expected)) > 25, "the data tell the queries apart"


@pytest.mark.parametrize("number", range(len(SINGLE)))
def test_single_conditions(client: Client, number: int) -> None:
    branches = [[[SINGLE[number]]]]
    assert client.post(ast(branches)).counts() == BRUTE.counts(branches)


@pytest.mark.parametrize("number", range(len(COMBINED)))
def test_combined_conditions(client: Client, number: int) -> None:
    branches = COMBINED[number]
    assert client.post(ast(branches)).counts() == BRUTE.counts(branches)


@pytest.mark.parametrize("number", range(len(BY_PARAMETERS)))
def test_parameters(client: Client, number: int) -> None:
    parameters, conditions = BY_PARAMETERS[number]
    branches = [[[each] for each in conditions]] if conditions else []
    assert client.get(parameters).counts() == BRUTE.counts(branches)


def test_levels_may_be_left_out(client: Client) -> None:
    expected = BRUTE.counts([[[MALE]]])
    leaf = MALE.leaf()
    for node in (
        leaf,
        {"operand": "AND", "children": [leaf]},
        {"operand": "OR", "children": [leaf]},
        {"operand": "OR", "children": [{"operand": "AND", "children": [leaf]}]},
        {"operand": "AND", "children": [{"operand": "OR", "children": [leaf]}]},
    ):
        assert client.post(node).counts() == expected
    either = {"operand": "OR", "children": [leaf, FEMALE.leaf()]}
    assert client.post({"ast": either}).counts() == BRUTE.counts([[[MALE]], [[FEMALE]]])


def test_equal_queries_have_one_canonical_form() -> None:
    one = query.from_ast(ast([[[MALE, FEMALE], [SINGLE[2]]], [[FEMALE]]]), CRITERIA)
    other = query.from_ast(ast([[[FEMALE, FEMALE]], [[SINGLE[2]], [FEMALE, MALE]]]), CRITERIA)
    assert one.canonical() == other.canonical() and one == other
