"""A loopback API that keeps what it was asked, and the tool `http_request` over it."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
from aiohttp import web

from openswarm.core.tooling import HttpSettings, Secret, ToolSettings, WebSettings
from openswarm.pacing.limiter import Pacing
from openswarm.tools.http_request import open_http
from openswarm.tools.setup import ToolSetup
from openswarm.tools.tool import Tool, ToolContext, ToolResult

VALUE = "s3cr3t/Value+with=signs"
ENVIRON = {"CRM_TOKEN": VALUE}


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    query: dict[str, str]
    body: bytes


Answer = Callable[[Asked], web.StreamResponse]


@dataclass
class ApiServer:
    """Where it listens, what answers, and what it was asked."""

    answer: Answer
    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    is_silent: bool = False

    @property
    def url(self) -> str:
        """Its address without a slash at the end."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def host(self) -> str:
        """As secrets name it."""
        return f"127.0.0.1:{self.port}"


def ok(_: Asked) -> web.StreamResponse:
    """Answers that it is well."""
    return web.json_response({"ok": True})


@asynccontextmanager
async def api_server(answer: Answer = ok) -> AsyncIterator[ApiServer]:
    """The server, until the end of the block."""
    server = ApiServer(answer)

    async def handle(request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        query = dict(request.query)
        asked = Asked(request.method, request.raw_path.partition("?")[0], headers, query,
                      await request.read())  # fmt: skip
        server.asked.append(asked)
        if server.is_silent:
            await anyio.sleep_forever()
        return server.answer(asked)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.port = runner.addresses[0][1]
    try:
        yield server
    finally:
        await runner.cleanup()


@asynccontextmanager
async def http_tool(
    *allow: str,
    secrets: Mapping[str, Secret] | None = None,
    environ: Mapping[str, str] = ENVIRON,
    timeout_s: float = 10,
    pacing: Pacing | None = None,
) -> AsyncIterator[Tool]:
    """The tool with these addresses and secrets."""
    settings = ToolSettings(
        http=HttpSettings(allow=allow, secrets=dict(secrets or {})),
        web=WebSettings(timeout_s=timeout_s),
    )
    setup = ToolSetup(
        scratch=Path(), home=Path(), settings=settings, environ=environ, pacing=pacing or Pacing()
    )
    async with AsyncExitStack() as stack:
        yield await open_http(setup, stack)


def secret_of(*hosts: str) -> dict[str, Secret]:
    """The secret `crm` for these hosts."""
    return {"crm": Secret(env="CRM_TOKEN", hosts=hosts)}


async def call(tool: Tool, url: str, method: str = "GET", **more: Any) -> ToolResult:
    """Calls the tool as a model would."""
    arguments = json.dumps({"method": method, "url": url, **more})
    params = tool.params.model_validate_json(arguments)
    return await tool.run(params, ToolContext(agent="root/1", call_id="1"))
