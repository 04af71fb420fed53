"""The tools that a server offers: listed page by page, chosen, named, bounded."""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import anyio

from openswarm.core.errors import SettingsError
from openswarm.tools.mcp.config import ServerConfig
from openswarm.tools.mcp.connection import McpFailure
from openswarm.tools.mcp.server import Server
from openswarm.tools.mcp.wording import one_line, readable, readable_json

NAME_CHARS = 64
"""What the APIs of models take."""
DESCRIPTION_CHARS = 2_000
SCHEMA_CHARS = 20_000
MAX_TOOLS = 500
MAX_LISTED = 20_000
MAX_PAGES = 200


@dataclass(frozen=True, slots=True)
class Offer:
    """A tool of a server, as it is offered to models."""

    name: str
    """`mcp__SERVER__TOOL`."""
    remote: str
    """Its name at the server."""
    description: str
    schema: dict[str, object]
    schema_text: str
    read_only: bool


async def offers_of(server: Server) -> list[Offer]:
    """The tools that the user takes of a server.

    Raises `McpFailure` of the server, and `SettingsError` if it offers more than is sensible.
    """
    config = server.config
    try:
        with anyio.fail_after(config.startup_s):
            listed = await _listed(server)
    except TimeoutError:
        raise McpFailure(
            f"MCP server {config.name!r} did not answer within {config.startup_s:g} s of its start."
        ) from None
    taken = {tool.name: tool for tool in reversed(listed) if config.takes(tool.name)}
    if len(taken) > MAX_TOOLS:
        raise SettingsError(
            f"MCP server {config.name!r} offers {len(taken):,} tools, more than {MAX_TOOLS}; choose"
            " some with enabledTools."
        )
    _check_chosen(config, {tool.name for tool in listed})
    ordered = list(reversed(taken.values()))
    names = tool_names(config.name, [tool.name for tool in ordered])
    return [_offer(config, name, tool) for name, tool in zip(names, ordered, strict=True)]


async def _listed(server: Server) -> list[Any]:
    """All tools of a server, as the SDK gives them."""
    tools: list[Any] = []
    cursor, seen = None, set[str]()
    for _ in range(MAX_PAGES):
        page = await server.tools_page(cursor)
        tools += page.tools
        cursor = page.next_cursor
        if not cursor:
            return tools
        if cursor in seen or len(tools) > MAX_LISTED:
            break
        seen.add(cursor)
    raise SettingsError(
        f"MCP server {server.config.name!r} lists tools without an end; disable it."
    )


def tool_names(server: str, tools: Sequence[str]) -> list[str]:
    """The names for models: the server's name before them, and a hash where a name does not fit
    or would be that of another tool."""
    plain = [f"mcp__{server}__{re.sub(r'[^A-Za-z0-9_-]', '_', tool)}" for tool in tools]
    count = Counter(plain)
    return [
        name
        if len(name) <= NAME_CHARS and (count[name] == 1 or name.endswith(f"__{tool}"))
        else _hashed(name, tool)
        for name, tool in zip(plain, tools, strict=True)
    ]


def _hashed(name: str, tool: str) -> str:
    mark = hashlib.sha256(tool.encode("utf-8", "replace")).hexdigest()[:8]
    return f"{name[: NAME_CHARS - 9]}_{mark}"


def _offer(config: ServerConfig, name: str, tool: Any) -> Offer:
    schema = {key: value for key, value in tool.input_schema.items() if key != "title"}
    text = readable_json({"type": "object"} | schema)
    if len(text) > SCHEMA_CHARS:
        raise SettingsError(
            f"MCP server {config.name!r}: the schema of its tool {one_line(tool.name, 80)!r} has"
            f" {len(text):,} characters, more than {SCHEMA_CHARS:,}; name it in disabledTools."
        )
    described = tool.description or tool.title or ""
    hints = tool.annotations
    return Offer(
        name=name,
        remote=tool.name,
        description=readable(described, DESCRIPTION_CHARS).strip() or "(no description)",
        schema=tool.input_schema,
        schema_text=text,
        read_only=bool(hints and hints.read_only_hint),
    )


def _check_chosen(config: ServerConfig, offered: set[str]) -> None:
    missing = sorted((config.enabled_tools or frozenset()) - offered)
    if missing:
        known = ", ".join(one_line(name, 80) for name in sorted(offered)[:20]) or "none"
        raise SettingsError(
            f"MCP server {config.name!r} has no tool {missing[0]!r}, which enabledTools names; it"
            f" has {known}."
        )
