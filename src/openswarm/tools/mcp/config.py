"""The configuration of MCP servers: the usual JSON, read strictly, its mistakes named.

Owns `ServerConfig` and how a file becomes a list of them.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from openswarm.core.errors import SettingsError
from openswarm.core.tooling import MIN_SECRET_CHARS
from openswarm.journal.redact import PUBLIC_HEADERS, SECRET_SUFFIXES
from openswarm.tools.mcp.entry import SERVER_NAME, Entry, parse_entry
from openswarm.tools.mcp.variables import Variables

KEYS = ("mcpServers", "servers")
MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """One MCP server: a command to start, or a URL to reach."""

    name: str
    command: tuple[str, ...] = field(default=(), repr=False)
    """The program and its arguments; () where there is a URL."""
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    cwd: str = ""
    """Where the command runs; '' is the current folder."""
    url: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    startup_s: float = 30.0
    """Seconds until the server must have answered and told its tools."""
    tool_s: float = 60.0
    """Seconds of one call."""
    enabled_tools: frozenset[str] | None = None
    """The only tools that are taken, by the server's own names; None: all."""
    disabled_tools: frozenset[str] = frozenset()
    at_once: int | None = None
    """Calls in flight."""
    secrets: frozenset[str] = field(default=frozenset(), repr=False)
    """Values that came from the environment; nothing that is written may hold them."""

    def takes(self, tool: str) -> bool:
        """Whether the user wants this tool of the server."""
        wanted = self.enabled_tools is None or tool in self.enabled_tools
        return wanted and tool not in self.disabled_tools


def read_servers(path: Path, environ: Mapping[str, str]) -> list[ServerConfig]:
    """The enabled servers of a file. Raises `SettingsError` that names what to mend; blocks."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        text = data.decode("utf-8-sig")
    except FileNotFoundError:
        raise SettingsError(f"{path} is not there; create it, or mend tools.mcp_config.") from None
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise SettingsError(f"{path} is not UTF-8 text.") from None
    if len(data) > MAX_BYTES:
        raise SettingsError(f"{path} is larger than {MAX_BYTES:,} bytes.")
    return parse_servers(text, path, environ)


def parse_servers(text: str, path: Path, environ: Mapping[str, str]) -> list[ServerConfig]:
    """The enabled servers of a configuration; `path` is its file, where relative paths begin."""
    entries = _entries(_json(text, path), path)
    folder = path.absolute().parent
    servers = []
    for name, entry in entries.items():
        where = f"{path}: server {name!r}"
        if not SERVER_NAME.fullmatch(name):
            raise SettingsError(
                f"{where}: the name becomes part of tool names; use 1 to 32 letters, digits, - or"
                " single _, with a letter or digit at both ends."
            )
        server = parse_entry(entry, where)
        if server.enabled:
            servers.append(_config(name, server, Variables(environ), folder, where))
    return servers


def _config(
    name: str, entry: Entry, variables: Variables, folder: Path, where: str
) -> ServerConfig:
    return ServerConfig(
        name=name,
        command=_command(entry, variables, folder, where),
        env={key: variables.fill(text, f"{where}: env.{key}") for key, text in entry.env.items()},
        cwd=variables.path(entry.cwd, folder, f"{where}: cwd") if entry.cwd else "",
        url=entry.checked_url(variables, where),
        headers=entry.checked_headers(variables, where),
        startup_s=entry.startup_timeout_ms / 1000,
        tool_s=entry.tool_timeout_ms / 1000,
        enabled_tools=None if entry.enabled_tools is None else frozenset(entry.enabled_tools),
        disabled_tools=frozenset(entry.disabled_tools),
        at_once=entry.max_concurrency,
        secrets=frozenset({*variables.secrets, *_written(entry)}),
    )


def _written(entry: Entry) -> Iterator[str]:
    """Secrets that stand in the file itself: by the names that they go by, and all headers but
    those that say what is asked for."""
    named = [text for name, text in entry.env.items() if name.upper().endswith(SECRET_SUFFIXES)]
    named += [text for name, text in entry.headers.items() if name.lower() not in PUBLIC_HEADERS]
    for text in named:
        for value in {text.strip(), text.split()[-1] if text.split() else ""}:
            if len(value) >= MIN_SECRET_CHARS and "${" not in value:
                yield value


def _command(entry: Entry, variables: Variables, folder: Path, where: str) -> tuple[str, ...]:
    if not entry.command:
        return ()
    at = f"{where}: command"
    command = variables.home(variables.fill(entry.command, at), at)
    if "/" in command:
        command = str(folder / command)
    args = [variables.fill(text, f"{where}: args") for text in entry.args]
    return (command, *(variables.home(text, f"{where}: args") for text in args))


def _json(text: str, path: Path) -> Any:
    def without_twins(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twin = next(name for name in names if names.count(name) > 1)
            raise SettingsError(f"{path}: {twin!r} stands twice in one object; remove one.")
        return found

    try:
        return json.loads(text, object_pairs_hook=without_twins)
    except json.JSONDecodeError as error:
        raise SettingsError(
            f"{path}, line {error.lineno}, column {error.colno}: {error.msg}. The file must be"
            " JSON without comments."
        ) from None
    except RecursionError:
        raise SettingsError(f"{path} is nested too deeply.") from None


def _entries(document: Any, path: Path) -> dict[str, Any]:
    expected = f'{path} must look like {{"mcpServers": {{"NAME": {{"command": "…"}}}}}}'
    if not isinstance(document, dict):
        raise SettingsError(f"{expected}.")
    found = [key for key in KEYS if key in document]
    if len(found) > 1:
        raise SettingsError(f"{path} has both {KEYS[0]!r} and {KEYS[1]!r}; keep one of them.")
    if not found:
        near = [name for name in document if get_close_matches(name, KEYS, n=1)]
        hint = f"; it has {near[0]!r}" if near else ""
        raise SettingsError(f"{expected}{hint}.")
    entries = document[found[0]]
    if not isinstance(entries, dict):
        raise SettingsError(f"{expected}.")
    return entries
