"""A loopback server that answers as search providers do, and keeps what it was asked."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
from aiohttp import web

Answer = Callable[["Asked"], web.StreamResponse]


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    query: dict[str, str]
    body: Any

    @property
    def text(self) -> str:
        """The query, wherever the provider wants it."""
        body = self.body or {}
        return self.query.get("q") or body.get("q") or body.get("query") or ""


@dataclass
class SearchServer:
    """Where it listens, what answers, and what it was asked."""

    url: str = ""
    answer: Answer = field(default=lambda _: web.json_response({}))
    asked: list[Asked] = field(default_factory=list)
    under_way: int = 0
    most: int = 0
    """How many requests were under way at once."""
    is_silent: bool = False
    """Whether it never answers."""


@asynccontextmanager
async def search_server(answer: Answer) -> AsyncIterator[SearchServer]:
    """The server, until the end of the block."""
    server = SearchServer(answer=answer)

    async def handle(request: web.Request) -> web.StreamResponse:
        server.under_way += 1
        server.most = max(server.most, server.under_way)
        try:
            body = await request.json() if request.can_read_body else None
            asked = Asked(
                request.method,
                request.path,
                {name.lower(): value for name, value in request.headers.items()},
                dict(request.query),
                body,
            )
            server.asked.append(asked)
            if server.is_silent:
                await anyio.sleep_forever()
            return server.answer(asked)
        finally:
            server.under_way -= 1

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    server.url = f"http://127.0.0.1:{port}"
    try:
        yield server
    finally:
        await runner.cleanup()
