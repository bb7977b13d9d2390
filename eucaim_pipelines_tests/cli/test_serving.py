"""The reports in a browser: what is there is shown, and nothing else, to nobody but this machine."""

import threading
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path

import pytest

from eucaim_pipelines.cli.serving import KEPT_IN, entry, server, token
from eucaim_pipelines.errors import MachineError
from eucaim_pipelines.release.manifest import pointer, pointer_bytes
from eucaim_pipelines.resources.folder_store import FolderStore
from eucaim_pipelines.resources.reports import Reports, asked, path
from eucaim_pipelines.settings import Settings
from eucaim_pipelines_tests.report.test_page import Page

VERSION = "2026.03.01-0a1b2c3d"


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """A server of one dataset with a local, a staged and a released report, and a secret beside them."""
    restricted, store = tmp_path / "restricted", FolderStore(tmp_path / "release")
    for place, text in (("tier_1", "local"), ("releasable/tier_1", "staged")):
        (restricted / "ds" / place).mkdir(parents=True)
        (restricted / "ds" / place / "report.html").write_text(text, encoding="utf-8")
    (restricted / "ds" / "ledger.sqlite").touch()
    (restricted / "secret.html").write_text("secret", encoding="utf-8")
    store.put(f"ds/tier_1/{VERSION}/report.html", b"released")
    store.replace(pointer("ds", 1), pointer_bytes(VERSION, b"manifest"))
    with server(restricted, store, 0) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield serving.server_port
        serving.shutdown()
        thread.join()


def ask(
    port: int, address: str, method: str = "GET", host: str | None = None, cookie: str = ""
) -> tuple[HTTPResponse, str]:
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    headers = {"Host": host or f"127.0.0.1:{port}"} | ({"Cookie": cookie} if cookie else {})
    connection.request(method, address, headers=headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer, text


@pytest.fixture
def cookie(port: int, tmp_path: Path) -> str:
    """What a browser remembers that opened the printed address."""
    address = entry(tmp_path / "restricted", port).removeprefix(f"http://127.0.0.1:{port}")
    answer, text = ask(port, address)
    assert (answer.status, answer.headers["Location"], text) == (303, "/", "")
    kept, *rules = answer.headers["Set-Cookie"].split("; ")
    assert {"HttpOnly", "SameSite=Strict"} <= set(rules)
    return str(kept)


def test_a_local_edition_opens_only_with_the_token(port: int, cookie: str) -> None:
    for wrong in ("", "eucaim_reports=", f"{cookie}x", cookie[:-1], cookie.replace("=", "x="), 'a="\\;,='):
        answer, text = ask(port, "/ds/tier_1/local.html", cookie=wrong)
        assert answer.status == 403 and "eucaim reports" in text and "local.html" not in text
        assert ask(port, "/ds/tier_2/local.html", cookie=wrong)[0].status == 403, "nor whether there is one"
        assert "local.html" not in ask(port, "/", cookie=wrong)[1]
    for wrong in ("/?token=", "/?token=x", f"/?token={cookie}", "/?token=%00"):
        answer, _ = ask(port, wrong)
        assert (answer.status, answer.headers["Set-Cookie"]) == (403, None)
    assert ask(port, "/ds/tier_1/local.html", cookie=f"other=1; {cookie}")[1] == "local"


def test_what_may_be_shared_needs_no_token(port: int) -> None:
    assert ask(port, "/ds/tier_1/shareable.html")[1] == "staged"
    assert ask(port, f"/ds/tier_1/{VERSION}.html")[1] == "released"


def test_the_token_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    made, path = token(tmp_path), tmp_path / KEPT_IN
    assert len(made) >= 43 and token(tmp_path) == made
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == [KEPT_IN]
    path.chmod(0o640)
    with pytest.raises(MachineError, match="Others may read"):
        token(tmp_path)
    path.chmod(0o600)
    path.write_text("\n", encoding="ascii")
    with pytest.raises(MachineError, match="holds no token"):
        token(tmp_path)
    path.unlink()
    assert token(tmp_path) != made


def test_the_list_links_to_every_report_there_is(port: int, cookie: str) -> None:
    answer, text = ask(port, "/", cookie=cookie)
    links = [str(each["href"]) for each in Page(text.encode()).all("a")]
    assert answer.status == 200
    assert [ask(port, link, cookie=cookie)[1] for link in links] == ["local", "staged", "released"]


@pytest.mark.parametrize(
    "address",
    [
        "/secret.html", "/../secret.html", "/ds/../secret.html", "/ds/tier_1/..%2f..%2fsecret.html",
        "/%2e%2e/secret.html", "//etc/passwd", "/ds/ledger.sqlite", "/ds/tier_1/report.html",
        "/ds/tier_4/local.html", "/ds/tier_2/local.html", "/other/tier_1/local.html",
        "/ds/tier_1/local.html/", "/ds/tier_1/local.html?x=1", f"/ds/tier_1/{VERSION}.html%00",
        "/ds/tier_1/2026.03.01-ffffffff.html",
    ],
)  # fmt: skip
def test_nothing_else_is_found(port: int, address: str, cookie: str) -> None:
    answer, text = ask(port, address, cookie=cookie)
    assert (answer.status, text) == (404, "")


def test_a_page_of_another_site_gets_nothing(port: int, cookie: str) -> None:
    """A name that was bound to 127.0.0.1 afterwards (DNS rebinding) is not ours."""
    answer, text = ask(port, "/ds/tier_1/local.html", host="evil.example:80", cookie=cookie)
    assert (answer.status, text) == (403, "")
    assert ask(port, "/ds/tier_1/local.html", host=f"localhost:{port}", cookie=cookie)[1] == "local"


def test_reports_are_neither_kept_nor_framed_and_run_nothing(port: int) -> None:
    answer, _ = ask(port, "/ds/tier_1/local.html")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert answer.headers["Cache-Control"] == "no-store"


def test_only_reading_is_known(port: int) -> None:
    assert ask(port, "/", "HEAD")[0].status == 200
    assert ask(port, "/", "POST")[0].status == 501


def test_the_server_is_bound_to_loopback_and_says_when_it_cannot_be(port: int, tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="--port"):
        server(tmp_path, FolderStore(tmp_path), port)
    with server(tmp_path, FolderStore(tmp_path), 0) as serving:
        assert serving.server_address[0] == "127.0.0.1"


def test_an_address_leads_back_to_what_it_was_made_of() -> None:
    for edition in ("local", "shareable", VERSION):
        assert asked(path("a-B_9", 3, edition)) == ("a-B_9", 3, edition)
    assert Reports(address="http://127.0.0.1:3001/").url("ds", 1, "local") == (
        "http://127.0.0.1:3001/ds/tier_1/local.html"
    )


def test_the_address_of_the_reports_is_checked(tmp_path: Path) -> None:
    places = dict.fromkeys(("landing", "restricted", "sources"), tmp_path) | {"release": "r"}
    assert Settings(**places).reports == "http://127.0.0.1:3001"
    with pytest.raises(ValueError, match="must be an address"):
        Settings(**places, reports="javascript:alert(1)")
