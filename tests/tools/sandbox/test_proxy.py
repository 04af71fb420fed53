"""The fetch proxy: code reaches the web through it alone, and by the fetcher's rules."""

import threading
from collections.abc import Iterator
from contextlib import AsyncExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anyio
import pytest

from openswarm.core.errors import Fault, WebError
from openswarm.journal.journal import MemoryJournal
from openswarm.tools.sandbox.proxy import FetchProxy
from openswarm.tools.setup import ToolSetup
from openswarm.tools.web.fetcher import open_fetcher

pytestmark = pytest.mark.anyio


class Site(BaseHTTPRequestHandler):
    """A page of bytes that are no text."""

    def do_GET(self) -> None:
        """Answers every path but one."""
        body = b"\x00\x01page of " + self.path.encode()
        self.send_response(404 if self.path == "/missing" else 200)
        self.send_header("Content-Type", "application/octet-stream")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture
def site() -> Iterator[str]:
    """Its `host:port`."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.sandbox
@pytest.mark.requirement("code.proxy")
async def test_code_fetches_through_the_runs_fetcher_and_by_its_rules(
    lab: Any, site: str, tmp_path: Path
) -> None:
    """In Python and in a shell; what the fetcher refuses comes as an error with its reason."""
    journal = MemoryJournal()
    async with AsyncExitStack() as stack:
        fetching = ToolSetup(tmp_path, tmp_path, journal=journal)
        fetcher = await open_fetcher(fetching, stack, allow_hosts=[site])
        async with lab(fetcher=fetcher, setup={"journal": journal}) as opened:
            got = await opened.python(f"fetch('http://{site}/a')")
            assert got.data.output == repr(b"\x00\x01page of /a") + "\n"
            shell = await opened.shell(
                f"fetch http://{site}/b | tail -c 7; fetch http://{site}/missing"
            )
            assert "of /b" in shell.data.output and not shell.ok and "404" in shell.text
            private = await opened.python("fetch('http://127.0.0.1:1/')")
            assert not private.ok and "OSError" in private.text and "127.0.0.1" in private.text
            for bad in ("file:///etc/passwd", "http://a b/", "ftp://a/", "http://a/\\r\\nX: y"):
                assert not (await opened.python(f"fetch('{bad}')")).ok
    kept = [(e.agent, e.url) for e in journal.events() if e.type == "page_fetched"]
    assert ("root/1", f"http://{site}/a") in kept


class OnePage:
    """A fetcher of one page, which notes who asks."""

    def __init__(self, journal: MemoryJournal) -> None:
        self.blob = journal.keep_bytes(b"body")
        self.media_type = "text/html\r\nX-Planted: 1"
        self.asked: list[tuple[str, str]] = []

    async def get(self, url: str, holder: str = "") -> "OnePage":
        """The page, unless its address says otherwise."""
        self.asked.append((url, holder))
        if "refused" in url:
            raise WebError(Fault.REFUSED, "robots.txt forbids it")
        if "broken" in url:
            raise RuntimeError("a mistake")
        return self


async def answer(path: Path, request: bytes) -> bytes:
    """What the proxy says to some bytes."""
    said = b""
    async with await anyio.connect_unix(path) as stream:
        if request:
            await stream.send(request)
        await stream.send_eof()
        async for data in stream:
            said += data
    return said


@pytest.mark.requirement("code.proxy")
@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        (b"GET http://a/ HTTP/1.0", 200),
        (b"GET https://a/?q=1 HTTP/1.1", 200),
        (b"POST http://a/ HTTP/1.1", 405),
        (b"PUT http://a/ HTTP/1.1", 405),
        (b"CONNECT a:443 HTTP/1.1", 405),
        (b"GET / HTTP/1.1", 400),
        (b"GET file:///etc/passwd HTTP/1.1", 400),
        (b"GET http://a/ b HTTP/1.1", 400),
        (b"GET http://a/\x01 HTTP/1.1", 400),
        (b"GET http://" + b"a" * 8001 + b" HTTP/1.1", 400),
        (b"\x16\x03\x01", 400),
        (b"GET http://refused/ HTTP/1.1", 502),
        (b"GET http://broken/ HTTP/1.1", 502),
    ],
)
async def test_only_get_of_a_whole_address_is_answered(
    tmp_path: Path, request_line: bytes, status: int
) -> None:
    """Everything else is refused without asking anybody, and no answer can be split."""
    journal = MemoryJournal()
    fetcher = OnePage(journal)
    async with anyio.create_task_group() as tasks:
        await FetchProxy(fetcher, journal.read_bytes, "root/7").listen(tmp_path / "s", tasks)
        with anyio.fail_after(5):
            said = await answer(tmp_path / "s", request_line + b"\r\nHost: a\r\n\r\n")
        tasks.cancel_scope.cancel()
    assert said.startswith(f"HTTP/1.0 {status} ".encode())
    assert b"X-Planted" not in said
    assert (status in (400, 405)) == (not fetcher.asked)
    assert all(holder == "root/7" for _, holder in fetcher.asked)


@pytest.mark.requirement("code.proxy")
async def test_a_request_that_is_cut_off_harms_nobody(tmp_path: Path) -> None:
    """The next one is answered."""
    journal = MemoryJournal()
    async with anyio.create_task_group() as tasks:
        proxy = FetchProxy(OnePage(journal), journal.read_bytes, "root/1")
        await proxy.listen(tmp_path / "s", tasks)
        with anyio.fail_after(5):
            assert await answer(tmp_path / "s", b"") == b""
            assert await answer(tmp_path / "s", b"GET http") == b""
            assert b"body" in await answer(tmp_path / "s", b"GET http://a/ HTTP/1.0\n\n")
        tasks.cancel_scope.cancel()
