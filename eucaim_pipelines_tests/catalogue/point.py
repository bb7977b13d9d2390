"""A small FAIR Data Point on loopback: it keeps to the protocol of the API, and refuses what does not."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from rdflib import RDF, Graph, URIRef
from rdflib.namespace import DCTERMS

from eucaim_pipelines.catalogue.terms import DCAT

TOKEN = "a-token-of-the-point"


@dataclass
class Point:
    """What a FAIR Data Point remembers: datasets by path with their state, and every call."""

    address: str = ""
    datasets: dict[str, Graph] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    elsewhere: str = ""
    publishes: bool = True

    @property
    def catalogue(self) -> str:
        return f"{self.address}/catalog/c1"

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, str]:
        """Status and Location, by the rules of the API."""
        self.calls.append((method, path))
        if self.elsewhere:
            return 302, self.elsewhere
        if headers.get("Authorization") != f"Bearer {TOKEN}":
            return 403, ""
        if path.endswith("/meta/state"):
            path = path.removesuffix("/meta/state")
            return self._publish(method, path, headers, body) if self.publishes else 500, ""
        if headers.get("Content-Type") != "text/turtle":
            return 415, ""
        if (method, path) == ("POST", "/dataset"):
            path, created = f"/dataset/{len(self.datasets) + 1}", True
        elif method == "PUT" and path in self.datasets:
            created = False
        else:
            return 404, ""
        graph = Graph().parse(data=body, format="turtle", publicID=self.address + path)
        subject = URIRef(self.address + path)
        whole = (subject, RDF.type, DCAT.Dataset) in graph and (subject, DCTERMS.title, None) in graph
        if not whole or (subject, DCTERMS.isPartOf, URIRef(self.catalogue)) not in graph:
            return 400, ""
        self.datasets[path] = graph
        if created:
            self.states[path] = "DRAFT"
        return (201, self.address + path) if created else (200, "")

    def _publish(self, method: str, path: str, headers: dict[str, str], body: bytes) -> int:
        if method != "PUT" or headers.get("Content-Type") != "application/json" or path not in self.states:
            return 400
        self.states[path] = json.loads(body)["current"]
        return 200


@contextmanager
def serving() -> Iterator[Point]:
    """A point on loopback for as long as the context lasts."""
    remembers = Point()

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, location = remembers.answer(self.command, self.path, dict(self.headers.items()), body)
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_PUT = do_GET = _any  # noqa: N815

        def log_message(self, *args: object) -> None:
            """Nothing is printed."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    remembers.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield remembers
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
