"""The tools of the configured MCP servers, as any agent can be given them."""

import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from openswarm.core.errors import OpenswarmError, SettingsError
from openswarm.journal.journal import Journal, MemoryJournal
from openswarm.tools.mcp.arguments import Arguments, arguments_of
from openswarm.tools.mcp.config import ServerConfig, read_servers
from openswarm.tools.mcp.connection import McpFailure
from openswarm.tools.mcp.listing import Offer, offers_of
from openswarm.tools.mcp.results import Reading, failed
from openswarm.tools.mcp.sdk import load_sdk
from openswarm.tools.mcp.server import Server, open_servers
from openswarm.tools.mcp.wording import one_line, readable
from openswarm.tools.setup import ToolSetup
from openswarm.tools.tool import Effect, Tool, ToolContext, ToolResult, no_effect

CONFIG = "mcp.json"


async def open_mcp(setup: ToolSetup, stack: AsyncExitStack) -> list[Tool]:
    """The tools of all enabled servers, which are ended with the stack.

    [] where nothing is configured. Raises `SettingsError` that names each server that did not
    start or offers what cannot be used.
    """
    configs = await anyio.to_thread.run_sync(configured, setup)
    if not configs:
        return []
    await anyio.to_thread.run_sync(load_sdk)
    servers = await open_servers(configs, setup.environ, stack)
    offers: dict[str, list[Offer]] = {}
    problems: dict[str, str] = {}

    async def ask(server: Server) -> None:
        try:
            offers[server.config.name] = await offers_of(server)
        except OpenswarmError as error:
            problems[server.config.name] = _told(error)

    async with anyio.create_task_group() as tasks:
        for server in servers:
            tasks.start_soon(ask, server)
    if problems:
        named = "\n".join(problems[name] for name in sorted(problems))
        raise SettingsError(f'{named}\nMend that, or write "enabled": false in its entry.')
    return [
        mcp_tool(server, offer, setup.journal, images=setup.images)
        for server in servers
        for offer in offers[server.config.name]
    ]


def configured(setup: ToolSetup) -> list[ServerConfig]:
    """The enabled servers of the user's configuration; blocks."""
    named = setup.settings.mcp_config
    path = Path(named).expanduser() if named else setup.home / CONFIG
    if not named and not path.exists():
        return []
    return read_servers(path, setup.environ)


def mcp_tool(server: Server, offer: Offer, journal: Journal, *, images: bool = False) -> Tool:
    """One tool of a server.

    A server's hints are not proof: its word that a tool only reads is taken since the user
    configured this server, and the policy can still ask about the tool or deny it. Whatever is not
    said to read only is asked about unless the policy allows it.
    """
    server_name = server.config.name
    source = f"mcp:{server_name}/{offer.name.removeprefix(f'mcp__{server_name}__')}"

    async def run(params: Arguments, context: ToolContext) -> ToolResult:
        async def tell(done: float, total: float | None, message: str | None) -> None:
            share = f"{done:g} of {total:g}" if total else f"{done:g}"
            context.tick(one_line(f"{share} {message or ''}", 200))

        try:
            answer = await server.call(offer.remote, params.root, tell)
        except McpFailure as failure:
            return failed(source, failure)
        return Reading(source, context, journal, images).result(answer)

    def effect(params: Arguments) -> Effect:
        arguments = json.dumps(params.root, ensure_ascii=False)
        return Effect(f"{source} {readable(arguments, 10_000)}")

    return Tool(
        offer.name,
        offer.description,
        arguments_of(offer.schema),
        run,
        read_only=offer.read_only,
        effect=no_effect if offer.read_only else effect,
        resource=f"mcp:{server_name}",
        schema=offer.schema_text,
    )


async def call(
    config: ServerConfig,
    tool: str,
    arguments: Mapping[str, Any],
    environ: Mapping[str, str],
) -> ToolResult:
    """Calls one tool of a server that is started and ended for it; `tool` is the server's name."""
    await anyio.to_thread.run_sync(load_sdk)
    async with AsyncExitStack() as stack:
        server = (await open_servers([config], environ, stack))[0]
        source = f"mcp:{config.name}/{tool}"
        try:
            answer = await server.call(tool, dict(arguments))
        except McpFailure as failure:
            return failed(source, failure)
        return Reading(source, ToolContext("", ""), MemoryJournal()).result(answer)


def _told(error: OpenswarmError) -> str:
    """An error for people, with the last words of the server."""
    said = error.said if isinstance(error, McpFailure) else ""
    return f"{error}\n{said}" if said else str(error)
