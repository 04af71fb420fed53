"""A web server on loopback that answers byte for byte what a test sets, and a fetcher for it."""

import asyncio
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio

from openswarm.core.tooling import ResourceLimit, ToolSettings, WebSettings
from openswarm.journal.journal import Journal, MemoryJournal
from openswarm.pacing.limiter import Pacing
from openswarm.tools.setup import ToolSetup
from openswarm.tools.web.fetcher import Fetcher, open_fetcher

Handler = Callable[["Exchange"], Awaitable[None]]


class Exchange:
    """One request and the connection to answer it on."""

    def __init__(self, head: str, writer: asyncio.StreamWriter) -> None:
        self.head = head
        self.writer = writer

    async def send(self, data: bytes) -> None:
        """Sends bytes as they are."""
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """Ends the connection with no word."""
        self.writer.transport.abort()


def reply(
    body: bytes | str = b"", *, status: int = 200, type_: str = "text/html", **headers: str
) -> bytes:
    """A whole answer. Headers are written with `_` for `-`."""
    data = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(data)}"]
    if type_:
        lines.append(f"Content-Type: {type_}")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + data


class Site:
    """Pages by their path: bytes to answer with, or what to do instead."""

    def __init__(self) -> None:
        self.pages: dict[str, bytes | Handler | list[bytes | Handler]] = {}
        """A list is used up from the front; its last entry stays."""
        self.asked: Counter[str] = Counter()
        self.heads: list[str] = []
        self.busy = self.most_busy = 0
        self.port = 0

    def url(self, path: str, host: str = "127.0.0.1", scheme: str = "http") -> str:
        """The address of a page."""
        return f"{scheme}://{host}:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, as long as it lasts."""
        with suppress(OSError, asyncio.IncompleteReadError, anyio.get_cancelled_exc_class()):
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                await self._answer(head, writer)
        writer.close()

    async def _answer(self, head: str, writer: asyncio.StreamWriter) -> None:
        path = head.split(" ", 2)[1]
        self.asked[path] += 1
        self.heads.append(head)
        self.busy += 1
        self.most_busy = max(self.most_busy, self.busy)
        try:
            page = self.pages.get(path, reply(status=404))
            if isinstance(page, list):
                page = page.pop(0) if len(page) > 1 else page[0]
            exchange = Exchange(head, writer)
            await (exchange.send(page) if isinstance(page, bytes) else page(exchange))
        finally:
            self.busy -= 1


@asynccontextmanager
async def serving(certificate: Path | None = None) -> AsyncIterator[Site]:
    """A site that runs, with TLS if a certificate is given."""
    site = Site()
    tls = None
    if certificate:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate, certificate.with_suffix(".key"))
    server = await asyncio.start_server(site.serve, "127.0.0.1", 0, ssl=tls)
    site.port = server.sockets[0].getsockname()[1]
    try:
        yield site
    finally:
        server.close()


@asynccontextmanager
async def fetching(
    site: Site,
    *,
    journal: Journal | None = None,
    past: Any = (),
    allow: tuple[str, ...] | None = None,
    at_once: int = 6,
    pacing: Pacing | None = None,
    **web: Any,
) -> AsyncIterator[Fetcher]:
    """A fetcher of a run that may ask the site; further settings of the web by name."""
    allowed = (f"127.0.0.1:{site.port}", f"localhost:{site.port}") if allow is None else allow
    setup = ToolSetup(
        scratch=Path(),
        home=Path(),
        journal=journal or MemoryJournal(),
        past=past,
        pacing=pacing or Pacing(limit_of=lambda _: ResourceLimit(at_once=at_once)),
        settings=ToolSettings(web=WebSettings(**{"timeout_s": 5.0, **web})),
    )
    async with AsyncExitStack() as stack:
        yield await open_fetcher(setup, stack, allowed)
