"""Pushing to a FAIR Data Point that keeps to the protocol, and refuses what does not."""

from collections.abc import Iterator

import pytest
from rdflib import RDF, Literal, URIRef
from rdflib.namespace import DCTERMS

from eucaim_pipelines.catalogue.fair_data_point import FairDataPoint
from eucaim_pipelines.catalogue.terms import DCAT
from eucaim_pipelines.errors import DataError, MachineError, SettingsError
from eucaim_pipelines_tests.catalogue.point import TOKEN, Point, serving
from eucaim_pipelines_tests.catalogue.test_record import built, source


@pytest.fixture
def point() -> Iterator[Point]:
    with serving() as remembers:
        yield remembers


def test_a_record_is_created_and_published_once_and_then_replaced(point: Point) -> None:
    client = FairDataPoint(point.catalogue, TOKEN)
    place = client.push(built())
    assert place == f"{point.address}/dataset/1" and point.states == {"/dataset/1": "PUBLISHED"}
    assert client.push(built(source(title="A new title")), place) == place
    (graph,) = point.datasets.values()
    assert graph.value(URIRef(place), DCTERMS.title) == Literal("A new title")
    (distribution,) = graph.objects(URIRef(place), DCAT.distribution)
    assert str(distribution) == f"{place}#distribution-1"
    assert (distribution, RDF.type, DCAT.Distribution) in graph
    assert point.calls == [
        ("POST", "/dataset"), ("PUT", "/dataset/1/meta/state"),
        ("PUT", "/dataset/1"), ("PUT", "/dataset/1/meta/state"),
    ]  # fmt: skip


def test_a_record_that_could_not_be_published_is_not_created_twice(point: Point) -> None:
    client, told, point.publishes = FairDataPoint(point.catalogue, TOKEN), list[str](), False
    with pytest.raises(MachineError, match="HTTP 500"):
        client.push(built(), None, told.append)
    assert told == [f"{point.address}/dataset/1"] and point.states == {"/dataset/1": "DRAFT"}
    point.publishes = True
    assert client.push(built(), told[0], told.append) == told[0] and len(told) == 1
    assert point.states == {"/dataset/1": "PUBLISHED"}


def test_what_is_gone_or_of_another_point_is_created_anew(point: Point) -> None:
    client = FairDataPoint(point.catalogue, TOKEN)
    assert client.push(built(), f"{point.address}/dataset/7") == f"{point.address}/dataset/1"
    assert client.push(built(), "https://other.example/dataset/7") == f"{point.address}/dataset/2"


def test_a_token_that_is_not_taken_is_a_setting_to_mend(point: Point) -> None:
    with pytest.raises(SettingsError, match="token") as refused:
        FairDataPoint(point.catalogue, "another").push(built())
    assert "another" not in str(refused.value) and not point.datasets


@pytest.mark.parametrize("token", ["two\nlines", "eu…caim"])
def test_a_token_that_is_none_is_never_repeated(point: Point, token: str) -> None:
    with pytest.raises(SettingsError, match="is no token") as refused:
        FairDataPoint(point.catalogue, token).push(built())
    assert token not in str(refused.value) and refused.value.__suppress_context__ and not point.calls


def test_a_record_that_the_point_refuses_is_told(point: Point) -> None:
    with pytest.raises(DataError, match="HTTP 400"):
        FairDataPoint(point.catalogue, TOKEN).push(built(source(title="")))


def test_a_token_follows_no_redirect(point: Point) -> None:
    point.elsewhere = f"{point.address}/other"
    with pytest.raises(SettingsError, match="HTTP 302"):
        FairDataPoint(point.catalogue, TOKEN).push(built())
    assert point.calls == [("POST", "/dataset")]


def test_a_point_that_is_not_there_is_no_fault_of_the_data() -> None:
    with pytest.raises(MachineError, match="cannot be reached"):
        FairDataPoint("http://127.0.0.1:9/catalog/c1", TOKEN).push(built())
