"""The HTTP side of federated search: two protocols, one answer, an API key per client, and no stack trace.

What may be told is decided in `control`, who may ask in `clients`; where datasets lie is the node's concern.
"""

import base64
import binascii
import json
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from fastapi import FastAPI, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import HTMLResponse

from eucaim_pipelines.errors import EucaimError
from eucaim_pipelines.search import page, query
from eucaim_pipelines.search.clients import Budget, Clients, RequestLog
from eucaim_pipelines.search.collections import Collection, answer
from eucaim_pipelines.search.criteria import Criteria
from eucaim_pipelines.search.query import Query, QueryError

MAX_BODY = 65_536
"""Bytes of a query; also what its base64 form may unfold to."""
_CACHED = 5_000
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class Node(Protocol):
    """Where the datasets come from, and how queries are called in log and budget."""

    def collections(self) -> Sequence[Collection]:
        """Those that may be asked now; `MachineError` when that cannot be known."""

    def name(self, query: bytes) -> str:
        """A keyed name of a query."""


@dataclass(frozen=True)
class Service:
    """What the HTTP side needs."""

    node: Node
    clients: Clients
    budget: Budget
    log: RequestLog
    criteria: Criteria
    provider: str = ""
    provider_icon: str = ""


class _Refused(Exception):
    """A request that ends with a status and a sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status, self.sentence = status, sentence


@dataclass
class _Asked:
    """What is known of a request, for the log."""

    client: str | None = None
    query: str | None = None
    conditions: int = 0


def build(service: Service) -> FastAPI:
    """The application."""
    app = FastAPI(
        title="EUCAIM federated search of this node",
        description="Counts of people and imaging studies, perturbed and rounded to tens.",
        version="1",
        docs_url=None,
        redoc_url=None,
    )
    answers = _Answers(service)
    said: dict[int | str, dict[str, Any]] = {
        code: {"description": text, "content": {"application/json": {"schema": page.SENTENCE}}}
        for code, text in page.REFUSALS.items()
    }
    said[200] = {"description": "The answer.", "content": {"application/json": {"schema": page.ANSWER}}}

    @app.get("/search", responses=said, openapi_extra=page.get_extra(service.criteria))
    async def ask_by_parameters(request: Request) -> Response:
        """One value per parameter, AND between them."""

        async def read() -> Query:
            return query.from_parameters(request.query_params.multi_items(), service.criteria)

        return await answers.respond(request, read)

    @app.post("/search", responses=said, openapi_extra=page.post_extra())
    async def ask_by_ast(request: Request) -> Response:
        """The query as an AST, plain or wrapped as the search agent sends it."""

        async def read() -> Query:
            return query.from_ast(unwrapped(await _body(request)), service.criteria)

        return await answers.respond(request, read)

    @app.get("/health", responses={503: said[503]}, openapi_extra={"security": []})
    async def health() -> Response:
        """Whether queries can be answered."""
        try:
            service.node.collections()
        except EucaimError as error:
            return _json(503, {"detail": str(error)})
        return _json(200, {"status": "ok"})

    @app.get("/docs", include_in_schema=False)
    async def documentation() -> HTMLResponse:
        return HTMLResponse(page.documentation(service.criteria), headers=page.HEADERS)

    return app


class _Answers:
    """Answers requests; equal queries of one state of the releases are computed once."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._cache: OrderedDict[tuple[Any, ...], bytes] = OrderedDict()

    async def respond(self, request: Request, read: Callable[[], Awaitable[Query]]) -> Response:
        """The answer, or the sentence why there is none; either is logged."""
        began, now, asked = time.perf_counter(), datetime.now(UTC), _Asked()
        try:
            response = Response(
                await self._answer(request, read, asked, now),
                media_type="application/json",
                headers=_HEADERS,
            )
        except _Refused as refused:
            response = _json(refused.status, {"detail": refused.sentence})
        except QueryError as error:
            response = _json(400, {"detail": str(error)})
        except EucaimError as error:
            response = _json(503, {"detail": str(error)})
        except Exception as error:  # noqa: BLE001 - any message or trace may hold a value
            response = _json(503, {"detail": f"{type(error).__name__}; its message is withheld."})
        seconds = time.perf_counter() - began
        self._service.log.write(
            now, asked.client, asked.query, asked.conditions, response.status_code, seconds
        )
        return response

    async def _answer(
        self, request: Request, read: Callable[[], Awaitable[Query]], asked: _Asked, now: datetime
    ) -> bytes:
        service = self._service
        asked.client = service.clients.named(_key(request))
        if asked.client is None:
            raise _Refused(401, "An API key is needed: header X-API-Key, or Authorization: Bearer.")
        wanted = await read()
        asked.query, asked.conditions = service.node.name(wanted.canonical()), wanted.conditions
        collections = service.node.collections()
        if not service.budget.knows(asked.client, asked.query, now):
            allowed = await run_in_threadpool(service.budget.allows, asked.client, asked.query, now)
            if not allowed:
                raise _Refused(
                    429, f"This client has asked its {service.budget.limit} distinct queries of today (UTC)."
                )
        place = (asked.query, *((each.described, each.version) for each in collections))
        if place in self._cache:
            self._cache.move_to_end(place)
            return self._cache[place]
        made = await run_in_threadpool(self._made, collections, wanted)
        self._cache[place] = made
        while len(self._cache) > _CACHED:
            self._cache.popitem(last=False)
        return made

    def _made(self, collections: Sequence[Collection], wanted: Query) -> bytes:
        found = answer(collections, wanted, self._service.provider, self._service.provider_icon)
        return json.dumps(found, ensure_ascii=False).encode()


def unwrapped(body: bytes) -> Any:
    """The AST of a body: plain JSON, or `{"lang": "ast", "query": …}`, each as it is or in base64.

    Raises
    ------
    QueryError
        The body is neither, or in another language.
    """
    value = query.parsed(body if body.lstrip()[:1] in (b"{", b"[", b'"') else _unfolded(body))
    for _ in range(2):
        if isinstance(value, str):
            plain = value.lstrip()[:1] == "{"
            value = query.parsed(value if plain else _unfolded(value.encode()))
        if isinstance(value, dict) and "lang" in value:
            if value["lang"] != "ast":
                raise QueryError("The language of the query is not 'ast'.")
            value = value.get("query", value.get("payload"))
    return value


def _unfolded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise QueryError("The query is neither JSON nor base64.") from None


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY:
            raise QueryError(f"The query is too long: more than {MAX_BODY} bytes.")
    return bytes(body)


def _key(request: Request) -> str:
    given = request.headers.get("X-API-Key") or request.headers.get("Authorization", "")
    return given.rsplit(" ", 1)[-1]


def _json(status: int, content: dict[str, Any]) -> Response:
    body = json.dumps(content, ensure_ascii=False).encode()
    return Response(body, status, media_type="application/json", headers=_HEADERS)
