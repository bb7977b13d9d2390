"""A real server of the search service on a free port of loopback, and a client that speaks to it."""

import json
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import uvicorn

from eucaim_pipelines.search.clients import Budget, Clients, RequestLog
from eucaim_pipelines.search.collections import Collection
from eucaim_pipelines.search.service import Node, Service, build
from eucaim_pipelines_tests.search.population import CRITERIA


class Fixed:
    """A node of given collections."""

    def __init__(self, *collections: Collection) -> None:
        self.asked = list(collections)

    def collections(self) -> list[Collection]:
        return self.asked

    def name(self, query: bytes) -> str:
        return query.hex()


class Answered(NamedTuple):
    """Status, text and headers of a response."""

    status: int
    text: str
    headers: Mapping[str, str]

    def json(self) -> Any:
        return json.loads(self.text)

    def counts(self) -> tuple[int, int]:
        assert self.status == 200, self.text
        (found,) = self.json()["collections"]
        return found["subjects_count"], found["studies_count"]


class Client(NamedTuple):
    """Asks a server with one key."""

    address: str
    key: str
    folder: Path

    def get(self, parameters: Any = (), path: str = "/search") -> Answered:
        asked = f"?{urlencode(parameters)}" if parameters else ""
        return self._send(Request(f"{self.address}{path}{asked}"))  # noqa: S310 - loopback

    def post(self, body: Any) -> Answered:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        address, kind = f"{self.address}/search", {"Content-Type": "application/json"}
        return self._send(Request(address, data, kind))  # noqa: S310 - loopback

    def _send(self, request: Request) -> Answered:
        if self.key:
            request.add_header("X-API-Key", self.key)
        try:
            with urlopen(request, timeout=30) as answer:  # noqa: S310 - loopback
                return Answered(answer.status, answer.read().decode(), answer.headers)
        except HTTPError as error:
            return Answered(error.code, error.read().decode(), error.headers)


@contextmanager
def served(node: Node, folder: Path, limit: int = 10_000) -> Iterator[Client]:
    """A server of a node; `folder` is its restricted zone."""
    clients = Clients(folder)
    service = Service(node, clients, Budget(folder, limit), RequestLog(folder), CRITERIA, "Hospital")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = uvicorn.Server(
        uvicorn.Config(build(service), port=port, log_level="critical", access_log=False, ws="none")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.01)
    try:
        yield Client(f"http://127.0.0.1:{port}", clients.add("test"), folder)
    finally:
        server.should_exit = True
        thread.join()
