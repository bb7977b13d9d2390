"""The service as a real server: who may ask, how often, what is refused, and what it never says."""

import base64
import json
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from eucaim_pipelines.errors import MachineError, SettingsError
from eucaim_pipelines.search.clients import FOLDER, Budget, Clients
from eucaim_pipelines.search.control import Control
from eucaim_pipelines.search.query import MAX_CONDITIONS
from eucaim_pipelines_tests.search.asked import CT, DIAGNOSIS, MALE, MODALITY, SEX
from eucaim_pipelines_tests.search.population import KEY, collection, tables
from eucaim_pipelines_tests.search.serving import Client, Fixed, served

MADE, YEARS = tables(400, seed=3)
LEAF = MALE.leaf()
AGE = "SNOMEDCT423493009"


def of(*leaves: Any) -> dict[str, Any]:
    return {"ast": {"operand": "OR", "children": [{"operand": "AND", "children": list(leaves)}]}}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    node = Fixed(collection(MADE, YEARS, Control(KEY)))
    with served(node, tmp_path_factory.mktemp("restricted")) as client:
        yield client


def test_the_answer_has_the_shape_that_the_explorer_expects(client: Client) -> None:
    answer = client.post(of(LEAF)).json()
    assert set(answer) == {"provider", "provider_icon", "collections", "total"}
    assert answer["provider"] == "Hospital" and answer["total"] == 1
    (found,) = answer["collections"]
    assert found["subjects_count"] % 10 == found["studies_count"] % 10 == 0
    assert found["age_range"] == {"min": 20, "max": 90} and found["gender"] == ["Female", "Male"]
    assert set(found) == {
        *("id", "name", "description", "studies_count", "subjects_count"),
        *("age_range", "gender", "modalities", "body_parts"),
    }


def test_nothing_but_the_counts_depends_on_the_query(client: Client) -> None:
    def rest(answer: Any) -> Any:
        (found,) = answer.json()["collections"]
        return {name: value for name, value in found.items() if not name.endswith("_count")}

    nobody = client.post(of(LEAF, {**LEAF, "value": "female"}))
    assert nobody.counts() == (10, 10)
    assert rest(client.get()) == rest(client.post(of(LEAF))) == rest(nobody)


def test_the_agent_may_wrap_the_query(client: Client) -> None:
    plain = of(LEAF)
    text = json.dumps(plain)
    folded = base64.b64encode(text.encode()).decode()
    expected = client.post(plain)
    for body in (
        {"lang": "ast", "query": plain},
        {"lang": "ast", "query": text},
        {"lang": "ast", "query": folded},
        {"lang": "ast", "payload": folded},
        folded.encode(),
        base64.b64encode(json.dumps({"lang": "ast", "query": folded}).encode()),
        json.dumps(folded).encode(),
    ):
        answer = client.post(body)
        assert (answer.status, answer.text) == (200, expected.text)


BAD: list[Any] = [
    b"",
    b"{",
    b"\xff\xfe",
    b"[" * 60_000,
    b'{"ast":' * 5_000,
    b"x" * 70_000,
    b"null",
    b"12",
    b'"text"',
    [],
    {},
    {"ast": []},
    {"ast": None},
    {"lang": "cql", "query": {}},
    {"lang": "ast"},
    {"ast": {"operand": "XOR", "children": []}},
    {"ast": {"operand": "OR"}},
    {"ast": {"operand": "OR", "children": {}}},
    {"ast": {"operand": "OR", "children": [1]}},
    {"ast": {"operand": "OR", "children": [{"operand": "AND", "children": []}]}},
    of({"operand": "OR", "children": []}),
    of({"operand": "OR", "children": [{"operand": "OR", "children": [LEAF]}]}),
    of({"operand": "AND", "children": [LEAF]}),
    of(*[LEAF] * (MAX_CONDITIONS + 1)),
    of({}),
    of({"key": SEX, "type": "EQUALS"}),
    of({"key": 1, "type": "EQUALS", "value": "male"}),
    of({"key": "SNOMEDCT1", "type": "EQUALS", "value": "male"}),
    of({"key": "x" * 5000, "type": "EQUALS", "value": "male"}),
    of({"key": SEX, "type": "LIKE", "value": "male"}),
    of({"key": SEX, "type": "BETWEEN", "value": {"min": 1, "max": 2}}),
    of({"key": SEX, "type": "EQUALS", "value": "SNOMEDCT1"}),
    of({"key": SEX, "type": "EQUALS", "value": None}),
    of({"key": SEX, "type": "EQUALS", "value": ""}),
    of({"key": SEX, "type": "EQUALS", "value": ["male"]}),
    of({"key": SEX, "type": "EQUALS", "value": "x" * 1000}),
    of({"key": SEX, "type": "IN", "value": []}),
    of({"key": SEX, "type": "IN", "value": "male"}),
    of({"key": SEX, "type": "IN", "value": ["male"] * 200}),
    of({"key": SEX, "type": "IN", "value": ["male", {}]}),
    of({"key": DIAGNOSIS, "type": "CONTAINS", "value": "no such words"}),
    of({"key": DIAGNOSIS, "type": "EQUALS", "value": "'; DROP TABLE person; --"}),
    of({"key": AGE, "type": "EQUALS", "value": "old"}),
    of({"key": AGE, "type": "EQUALS", "value": True}),
    of({"key": AGE, "type": "CONTAINS", "value": "4"}),
    of({"key": AGE, "type": "GREATER_THAN", "value": "1e999"}),
    of({"key": AGE, "type": "GREATER_THAN", "value": 10**400}),
    b'{"key": "SNOMEDCT423493009", "type": "EQUALS", "value": NaN}',
    of({"key": AGE, "type": "BETWEEN", "value": {}}),
    of({"key": AGE, "type": "BETWEEN", "value": [1, 2]}),
    of({"key": AGE, "type": "BETWEEN", "value": {"min": None, "max": None}}),
    of({"key": AGE, "type": "BETWEEN", "value": {"min": {}, "max": 1}}),
    of({"key": MODALITY, "type": "GREATER_THAN", "value": 1}),
]


@pytest.mark.parametrize("number", range(len(BAD)))
def test_what_is_malformed_is_refused_with_a_sentence(client: Client, number: int) -> None:
    answer = client.post(BAD[number])
    assert answer.status == 400, answer.text
    sentence = answer.json()["detail"]
    assert sentence[0].isupper() and sentence.endswith(".") and len(sentence) < 200
    assert "Traceback" not in answer.text and "DROP" not in answer.text


@pytest.mark.parametrize(
    "parameters",
    [
        {"sex": "male"},
        {"gender": ""},
        {"gender": "m%00le"},
        {"gender": "xyz"},
        {"modality": "IMG1000044"},
        [("gender", "male"), ("gender", "female")],
    ],
)
def test_parameters_that_are_not_known_are_refused(client: Client, parameters: Any) -> None:
    answer = client.get(parameters)
    assert answer.status == 400 and answer.json()["detail"].endswith(".")


def test_nobody_asks_without_a_key_of_their_own(client: Client) -> None:
    for wrong in ("", "x", client.key[:-1], f"{client.key} x"):
        assert client._replace(key=wrong).get().status == 401
    bearer = Request(f"{client.address}/search", headers={"Authorization": f"Bearer {client.key}"})  # noqa: S310
    assert urlopen(bearer, timeout=30).status == 200  # noqa: S310
    clients = Clients(client.folder)
    second = clients.add("second")
    assert client._replace(key=second).get().status == 200
    clients.add("second")
    assert client._replace(key=second).get().status == 401, "a new key ends the old one"
    clients.remove("second")
    with pytest.raises(SettingsError):
        clients.remove("second")
    with pytest.raises(SettingsError):
        clients.add("../x")


def test_keys_are_kept_as_digests_that_only_the_owner_reads(client: Client) -> None:
    path = client.folder / FOLDER / "clients.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert client.key not in path.read_text()
    path.chmod(0o644)
    assert client.get().status == 503
    path.chmod(0o600)
    assert client.get().status == 200


def test_the_log_tells_who_and_how_long_but_no_value(client: Client) -> None:
    log = client.folder / FOLDER / "requests.jsonl"
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    before = len(log.read_text().splitlines())
    client.post(of(CT.leaf()))
    client.get({"bodyPart": "no such part"})
    lines = [json.loads(line) for line in log.read_text().splitlines()[before:]]
    assert [line["status"] for line in lines] == [200, 400]
    assert lines[0]["client"] == "test" and lines[0]["conditions"] == 1 and lines[0]["ms"] > 0
    assert set(lines[0]) == {"time", "client", "query", "conditions", "status", "ms"}
    assert "no such part" not in log.read_text() and "RID10321" not in log.read_text()


def test_the_budget_counts_distinct_good_queries_over_restarts(tmp_path: Path) -> None:
    node = Fixed(collection(MADE, YEARS, Control(KEY)))
    with served(node, tmp_path, limit=3) as client:
        for body in (of(LEAF), of(LEAF), of(CT.leaf()), b"{", of({**LEAF, "type": "LIKE"}), of(LEAF, LEAF)):
            client.post(body)
        assert client.get({"gender": "male"}).status == 200, "the same query by the other protocol"
        assert client.get().status == 200, "the third"
        refused = client.get({"gender": "female"})
        assert refused.status == 429 and "3 distinct queries" in refused.json()["detail"]
        assert client.post(of(LEAF)).status == 200, "repeating stays allowed"
    with served(node, tmp_path, limit=3) as client:
        assert client.get({"gender": "female"}).status == 429
        assert client.get().status == 200
        other = Clients(tmp_path).add("other")
        assert client._replace(key=other).get({"gender": "female"}).status == 200
    assert stat.S_IMODE((tmp_path / FOLDER / "budget.sqlite").stat().st_mode) == 0o600


def test_a_day_later_the_budget_is_new(tmp_path: Path) -> None:
    budget, now = Budget(tmp_path, 1), datetime(2026, 1, 1, 23, 59, tzinfo=UTC)
    assert budget.allows("a", "q", now) and not budget.allows("a", "r", now)
    assert budget.knows("a", "q", now) and not budget.knows("a", "r", now)
    assert budget.allows("a", "r", now + timedelta(minutes=2))
    (tmp_path / FOLDER / "budget.sqlite").write_bytes(b"no database, but something long enough" * 100)
    with pytest.raises(MachineError):
        budget.allows("a", "s", now)


def test_what_goes_wrong_inside_is_503_without_a_trace(tmp_path: Path) -> None:
    asked = collection(MADE, YEARS, Control(KEY))
    with served(Fixed(asked), tmp_path) as client:
        assert client.get({"gender": "male"}).status == 200
        asked._index.close()
        answer = client.get({"gender": "female"})
        assert answer.status == 503 and answer.json()["detail"].endswith("withheld.")
        assert client.get({"gender": "male"}).status == 200, "the previous answer"


def test_health_description_and_page_need_no_key_and_no_host(client: Client) -> None:
    nobody = client._replace(key="")
    assert nobody.get(path="/health").json() == {"status": "ok"}
    described = nobody.get(path="/openapi.json").json()
    assert set(described["paths"]) == {"/search", "/health"}
    assert {each["name"] for each in described["paths"]["/search"]["get"]["parameters"]} == {
        *("gender", "diagnosis", "modality", "bodyPart", "manufacturer", "X-API-Key")
    }
    page = nobody.get(path="/docs")
    assert page.status == 200 and "SNOMEDCT263495000" in page.text
    assert "<script" not in page.text and "http://" not in page.text and "https://" not in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
