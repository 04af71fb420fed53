"""A configured server as a swarm uses it: one connection for all, made again when it is lost."""

from collections.abc import Mapping
from contextlib import AsyncExitStack, nullcontext
from typing import Any

import anyio
from anyio.abc import TaskGroup

from openswarm.tools.background import open_background
from openswarm.tools.mcp.config import ServerConfig
from openswarm.tools.mcp.connection import Connection, McpFailure, OnProgress

RESTARTS = 3
"""How often in a row a process is started again without having answered a call."""
CLOSE_S = 10.0


class Server:
    """A server that a hundred agents call at once."""

    def __init__(self, config: ServerConfig, environ: Mapping[str, str], tasks: TaskGroup) -> None:
        self.config = config
        self._environ = environ
        self._tasks = tasks
        self._connection: Connection | None = None
        self._starts = 0
        """Since a call was answered."""
        at_once = config.at_once
        self._places = anyio.CapacityLimiter(at_once) if at_once else None

    async def call(
        self, tool: str, arguments: dict[str, Any], on_progress: OnProgress | None = None
    ) -> Any:
        """The SDK's `CallToolResult` of a call. Raises `McpFailure`."""
        from mcp.types import CallToolRequest, CallToolRequestParams, CallToolResult

        # not the SDK's `call_tool`: it would check the answer against a schema of the server's,
        # which costs whatever the server likes
        request = CallToolRequest(params=CallToolRequestParams(name=tool, arguments=arguments))
        async with self._places or nullcontext():
            result = await self._current().ask(
                request, CallToolResult, self.config.tool_s, on_progress
            )
        self._starts = 1
        return result

    async def tools_page(self, cursor: str | None) -> Any:
        """The SDK's `ListToolsResult` of one page. Raises `McpFailure`."""
        from mcp.types import ListToolsRequest, ListToolsResult, PaginatedRequestParams

        request = ListToolsRequest(params=PaginatedRequestParams(cursor=cursor))
        return await self._current().ask(request, ListToolsResult, self.config.startup_s)

    async def close(self) -> None:
        """Ends the connection, within a bounded time."""
        if self._connection is not None:
            self._connection.lose("was closed")
            with anyio.move_on_after(CLOSE_S):
                await self._connection.ended.wait()

    def _current(self) -> Connection:
        """The connection, a new one if there is none that works. Raises if it stays down."""
        last = self._connection
        if last is not None and not last.lost:
            return last
        if last is not None and self.config.command and self._starts > RESTARTS:
            raise McpFailure(
                f"{last.failure} It was started {self._starts} times in a row without answering a"
                " call, and stays down: go on without it.",
                last.failure.said,
            )
        self._starts += 1
        self._connection = Connection(self.config, self._environ)
        self._tasks.start_soon(self._connection.run)
        return self._connection


async def open_servers(
    configs: list[ServerConfig], environ: Mapping[str, str], stack: AsyncExitStack
) -> list[Server]:
    """Servers that are ended with the stack; each is started with the first that is asked of it."""
    tasks = await open_background(stack)
    servers = [Server(config, environ, tasks) for config in configs]

    async def close() -> None:
        async with anyio.create_task_group() as closing:
            for server in servers:
                closing.start_soon(server.close)

    stack.push_async_callback(close)
    return servers
