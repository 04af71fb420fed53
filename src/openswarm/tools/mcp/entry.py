"""One server's entry in the configuration file, as it is written there, and what it must obey."""

import re
from difflib import get_close_matches
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel

from openswarm.core.errors import SettingsError
from openswarm.tools.mcp.variables import Variables

SERVER_NAME = re.compile(r"(?=.{1,32}$)[A-Za-z0-9](?:[A-Za-z0-9-]|_(?!_))*(?<!_)")
"""No `__` inside, which parts the server from its tool in the names that models see."""
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")
_ENV_NAME = re.compile(r"[^=\0]+")
MAX_MS = 24 * 3_600_000

Transport = Literal[
    "stdio", "http", "streamable-http", "streamable_http", "streamableHttp", "streamableHTTP"
]


class Entry(BaseModel):
    """What may be written of one server."""

    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel)

    command: str | None = Field(None, min_length=1)
    args: list[str] = Field(default_factory=list)
    env: dict[str, str] = Field(default_factory=dict)
    cwd: str | None = None
    url: str | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    bearer_token_env_var: str | None = Field(None, min_length=1)
    transport: Transport | None = None
    type: Transport | None = None
    enabled: bool = True
    startup_timeout_ms: int = Field(30_000, ge=1, le=MAX_MS)
    tool_timeout_ms: int = Field(60_000, ge=1, le=MAX_MS)
    enabled_tools: list[str] | None = None
    disabled_tools: list[str] = Field(default_factory=list)
    max_concurrency: int | None = Field(None, ge=1)

    def checked_url(self, variables: Variables, where: str) -> str:
        """The address, '' where there is none. It is named in no error: it may hold a key."""
        if not self.url:
            return ""
        url = variables.fill(self.url, f"{where}: url").strip()
        try:
            parts = urlsplit(url)
            valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            parts, valid = urlsplit(""), False
        if not valid or any(char.isspace() or not char.isprintable() for char in url):
            raise SettingsError(f"{where}: url must be an address such as https://HOST/mcp.")
        if parts.username is not None:
            raise SettingsError(f"{where}: take the user name out of the url and use headers.")
        return url

    def checked_headers(self, variables: Variables, where: str) -> dict[str, str]:
        """The headers of every request."""
        headers = {}
        for name, text in self.headers.items():
            value = variables.fill(text, f"{where}: headers.{name}").strip()
            headers[name] = _header(name, value, where)
        if self.bearer_token_env_var:
            if "authorization" in {name.lower() for name in headers}:
                raise SettingsError(
                    f"{where}: keep one of bearerTokenEnvVar and the header Authorization."
                )
            token = variables.required(self.bearer_token_env_var, f"{where}: bearerTokenEnvVar")
            headers["Authorization"] = _header("Authorization", f"Bearer {token.strip()}", where)
        return headers


def parse_entry(entry: Any, where: str) -> Entry:
    """The entry of a server. Raises `SettingsError` that says what to mend."""
    if not isinstance(entry, dict):
        raise SettingsError(f'{where} must be an object such as {{"command": "…"}}.')
    known = [field.alias or name for name, field in Entry.model_fields.items()]
    for key in entry:
        if key not in known:
            near = ["enabled"] if key == "disabled" else get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"the keys are {', '.join(known)}."
            raise SettingsError(f"{where}: there is no key {key!r}; {hint}")
    if "sse" in (entry.get("transport"), entry.get("type")):
        raise SettingsError(
            f"{where}: the old transport sse is not spoken; give the server's address of"
            " streamable HTTP, which often ends with /mcp."
        )
    try:
        parsed = Entry.model_validate(entry)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part) for part in first["loc"])
        raise SettingsError(f"{where}: {key}: {first['msg']}.") from None
    _check_kind(parsed, where)
    return parsed


def _check_kind(entry: Entry, where: str) -> None:
    if bool(entry.command) == bool(entry.url):
        both = "has both a command and a url; keep one" if entry.url else "needs a command or a url"
        raise SettingsError(f"{where} {both}.")
    kind = "stdio" if entry.command else "http"
    for named in (entry.transport, entry.type):
        if named is not None and (named == "stdio") != (kind == "stdio"):
            raise SettingsError(f"{where}: {named} does not go with a {_source(entry)}.")
    strays = ("headers", "bearer_token_env_var") if entry.command else ("args", "env", "cwd")
    for name in strays:
        if getattr(entry, name):
            alias = Entry.model_fields[name].alias
            raise SettingsError(f"{where}: {alias} does not go with a {_source(entry)}.")
    for name in entry.env:
        if not _ENV_NAME.fullmatch(name):
            raise SettingsError(f"{where}: {name!r} cannot be the name of a variable.")


def _source(entry: Entry) -> str:
    return "command" if entry.command else "url"


def _header(name: str, value: str, where: str) -> str:
    if not _HEADER_NAME.fullmatch(name):
        raise SettingsError(f"{where}: {name!r} cannot be the name of a header.")
    if not _HEADER_VALUE.fullmatch(value):
        raise SettingsError(f"{where}: the value of the header {name} holds a forbidden character.")
    return value
