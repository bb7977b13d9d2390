"""The reports of this machine in a browser: a list of them, and each of them; loopback only, nothing else.

Loopback is open to every account of the machine: local editions go only to those who know its token. Which
report an address stands for is said in `resources.reports`.
"""

import hmac
import os
import secrets
from collections.abc import Sequence
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from eucaim_pipelines.errors import EucaimError, MachineError
from eucaim_pipelines.release import manifest as manifests
from eucaim_pipelines.release.manifest import TIERS
from eucaim_pipelines.release.store import ObjectStore
from eucaim_pipelines.report.index import Listed, render_closed, render_index
from eucaim_pipelines.resources.reports import LOCAL, SHAREABLE, asked, path, read, report_file

LOOPBACK = "127.0.0.1"
KEPT_IN = ".reports_token"
"""File of the restricted zone with the token, made once; only its owner reads it."""
_BYTES = 32
_COOKIE, _ENTRY = "eucaim_reports", "/?token="
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def token(restricted: Path) -> str:
    """The token that opens local editions.

    Raises
    ------
    MachineError
        If it can be neither read nor made, or others may read it.
    """
    path = restricted / KEPT_IN
    try:
        if not path.exists():
            restricted.mkdir(parents=True, exist_ok=True, mode=0o700)
            _keep(path, secrets.token_urlsafe(_BYTES))
        if path.stat().st_mode & 0o077:
            raise MachineError(
                f"Others may read {KEPT_IN} of the restricted zone. Remove it: it is made anew."
            )
        kept = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise MachineError(
            f"{KEPT_IN} of the restricted zone cannot be read or made. Check disk and permissions."
        ) from None
    if len(kept) < _BYTES:
        raise MachineError(f"{KEPT_IN} of the restricted zone holds no token. Remove it: it is made anew.")
    return kept


def _keep(path: Path, text: str) -> None:
    """Write a file whole, readable by its owner from its first byte on."""
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    partial.rename(path)


def entry(restricted: Path, port: int) -> str:
    """The address that a person opens first; the browser remembers its token until it is closed."""
    return f"http://{LOOPBACK}:{port}{_ENTRY}{token(restricted)}"


def server(restricted: Path, store: ObjectStore, port: int) -> ThreadingHTTPServer:
    """A server that is bound to loopback and waits for `serve_forever`.

    Raises
    ------
    MachineError
        If the port is taken.
    """
    pages = _Pages(restricted, store)
    handler = type("Handler", (_Handler,), {"pages": pages, "token": token(restricted)})
    try:
        return ThreadingHTTPServer((LOOPBACK, port), handler)
    except OSError as error:
        raise MachineError(
            f"Port {port} of {LOOPBACK} cannot be used: {error.strerror}. Name another one with --port."
        ) from None


class _Pages:
    """What there is to read."""

    def __init__(self, restricted: Path, store: ObjectStore) -> None:
        self.restricted, self.store = restricted, store

    def page(self, address: str, known: bool) -> bytes | None:
        """The page of an address; None where there is none.

        Parameters
        ----------
        known
            The reader has shown the token; local editions are listed then.
        """
        if address == "/":
            return render_index(self.listed((LOCAL, SHAREABLE) if known else (SHAREABLE,)))
        wanted = asked(address)
        return None if wanted is None else read(wanted, self.restricted, self.store)

    def listed(self, editions: Sequence[str]) -> list[Listed]:
        """Every dataset of this machine with the reports of these editions, and with its releases."""
        names = sorted(ledger.parent.name for ledger in self.restricted.glob("*/ledger.sqlite"))
        return [
            Listed(name, {tier: self._editions(name, tier, editions) for tier in TIERS}) for name in names
        ]

    def _editions(self, dataset: str, tier: int, editions: Sequence[str]) -> list[tuple[str, str]]:
        found = [
            (edition, path(dataset, tier, edition))
            for edition in editions
            if report_file(self.restricted, dataset, tier, edition).is_file()
        ]
        version = manifests.current_version(self.store, dataset, tier)
        return found + ([(f"released {version}", path(dataset, tier, version))] if version else [])


class _Handler(BaseHTTPRequestHandler):
    """GET and HEAD of the pages; the name in the request must be loopback's, so that no foreign site asks."""

    pages: _Pages
    token: str
    server_version, sys_version = "eucaim", ""

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def _answer(self, *, body: bool) -> None:
        port = self.connection.getsockname()[1]
        if self.headers.get("Host", "") not in (f"{LOOPBACK}:{port}", f"localhost:{port}"):
            return self._send(HTTPStatus.FORBIDDEN, b"", body=False)
        if self.path.startswith(_ENTRY) and self._is_token(self.path.removeprefix(_ENTRY)):
            return self._let_in()
        known = self._is_token(self._remembered())
        wanted = asked(self.path)
        closed = self.path.startswith(_ENTRY) or (wanted is not None and wanted.edition == LOCAL)
        if closed and not known:
            return self._send(HTTPStatus.FORBIDDEN, render_closed(), body=body)
        try:
            page = self.pages.page(self.path, known)
        except EucaimError:
            return self._send(HTTPStatus.SERVICE_UNAVAILABLE, b"", body=False)
        status = HTTPStatus.NOT_FOUND if page is None else HTTPStatus.OK
        return self._send(status, page or b"", body=body)

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self.token.encode())

    def _remembered(self) -> str:
        """The token that the browser has kept; empty without one."""
        try:
            kept = SimpleCookie(self.headers.get("Cookie", "")).get(_COOKIE)
        except CookieError:
            return ""
        return kept.value if kept else ""

    def _let_in(self) -> None:
        """Hand out the token as a cookie that no script reads, and lead to the list."""
        self.send_response(HTTPStatus.SEE_OTHER)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Set-Cookie", f"{_COOKIE}={self.token}; Path=/; HttpOnly; SameSite=Strict")
        self.send_header("Location", "/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, status: HTTPStatus, page: bytes, *, body: bool) -> None:
        self.send_response(status)
        for name, value in _HEADERS.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        if body:
            self.wfile.write(page)

    def log_message(self, *_: Any) -> None:
        """Say nothing: what is read is nobody's business."""
