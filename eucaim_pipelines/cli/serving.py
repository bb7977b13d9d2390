"""The reports of this machine in a browser: a list of them, and each of them; loopback only, nothing else.

Which report an address stands for is said in `resources.reports`.
"""

from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from eucaim_pipelines.errors import EucaimError, MachineError
from eucaim_pipelines.release import manifest as manifests
from eucaim_pipelines.release.manifest import TIERS
from eucaim_pipelines.release.store import ObjectStore
from eucaim_pipelines.report.index import Listed, render_index
from eucaim_pipelines.resources.reports import LOCAL, SHAREABLE, asked, path, read, report_file

LOOPBACK = "127.0.0.1"
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def server(restricted: Path, store: ObjectStore, port: int) -> ThreadingHTTPServer:
    """A server that is bound to loopback and waits for `serve_forever`.

    Raises
    ------
    MachineError
        If the port is taken.
    """
    pages = _Pages(restricted, store)
    handler = type("Handler", (_Handler,), {"pages": pages})
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

    def page(self, address: str) -> bytes | None:
        """The page of an address; None where there is none."""
        if address == "/":
            return render_index(self.listed())
        wanted = asked(address)
        return None if wanted is None else read(wanted, self.restricted, self.store)

    def listed(self) -> list[Listed]:
        """Every dataset of this machine with the reports that it has."""
        names = sorted(ledger.parent.name for ledger in self.restricted.glob("*/ledger.sqlite"))
        return [Listed(name, {tier: self._editions(name, tier) for tier in TIERS}) for name in names]

    def _editions(self, dataset: str, tier: int) -> list[tuple[str, str]]:
        found = [
            (edition, path(dataset, tier, edition))
            for edition in (LOCAL, SHAREABLE)
            if report_file(self.restricted, dataset, tier, edition).is_file()
        ]
        version = manifests.current_version(self.store, dataset, tier)
        return found + ([(f"released {version}", path(dataset, tier, version))] if version else [])


class _Handler(BaseHTTPRequestHandler):
    """GET and HEAD of the pages; the name in the request must be loopback's, so that no foreign site asks."""

    pages: _Pages
    server_version, sys_version = "eucaim", ""

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def _answer(self, *, body: bool) -> None:
        port = self.connection.getsockname()[1]
        if self.headers.get("Host", "") not in (f"{LOOPBACK}:{port}", f"localhost:{port}"):
            return self._send(HTTPStatus.FORBIDDEN, b"", body=False)
        try:
            page = self.pages.page(self.path)
        except EucaimError:
            return self._send(HTTPStatus.SERVICE_UNAVAILABLE, b"", body=False)
        status = HTTPStatus.NOT_FOUND if page is None else HTTPStatus.OK
        return self._send(status, page or b"", body=body)

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
