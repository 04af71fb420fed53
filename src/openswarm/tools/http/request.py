"""A call as a model writes it, and the request that it becomes: checked, its secrets filled in."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from yarl import URL

from openswarm.core.errors import ToolError
from openswarm.tools.http.allow import without_query
from openswarm.tools.http.exchange import Outgoing
from openswarm.tools.http.templates import SecretStore, holds_secret

_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,200}")
_OWN = frozenset(
    {
        "accept-encoding", "connection", "content-length", "expect", "host", "keep-alive", "te",
        "trailer", "transfer-encoding", "upgrade",
        "forwarded", "x-forwarded-host", "x-forwarded-for", "x-original-url", "x-rewrite-url",
        "x-http-method", "x-http-method-override", "x-method-override",
    }
)  # fmt: skip
"""Headers that frame the request, or would make it another one than the one that was checked."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request as a model writes it, with secrets by name."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    json: Any = None
    has_json: bool = False
    """Whether `json` is sent, which may be null."""


def outgoing_of(call: Call, url: URL, secrets: SecretStore, user_agent: str) -> Outgoing:
    """The request with its secrets in it. Raises `ToolError` or `SettingsError`."""
    if holds_secret(call.url) or any(map(holds_secret, (*call.headers, *call.query))):
        raise ToolError(
            "a secret can stand in the values of headers and query, in json and in body;"
            " not in the address and not in names"
        )
    headers = {"user-agent": user_agent, "accept": "*/*"}
    for name, value in call.headers.items():
        headers[name.lower()] = _header(name, value, url, secrets)
    query = {name: secrets.fill(value, url) for name, value in call.query.items()}
    full = url.extend_query(query) if query else url
    body = _body(call, url, headers, secrets)
    return Outgoing(call.method, full, headers, body, shown=without_query(url))


def _header(name: str, value: str, url: URL, secrets: SecretStore) -> str:
    if not _NAME.fullmatch(name):
        raise ToolError(f"{name[:80]!r} cannot be the name of a header")
    if name.lower() in _OWN or name.lower().startswith("proxy-"):
        raise ToolError(f"the header {name} cannot be set; leave it out")
    filled = secrets.fill(value, url)
    if not filled.isprintable():
        raise ToolError(f"the value of header {name} has line breaks or control characters")
    return filled


def _body(call: Call, url: URL, headers: dict[str, str], secrets: SecretStore) -> bytes | None:
    if call.has_json:
        headers.setdefault("content-type", "application/json")
        return json.dumps(secrets.fill_json(call.json, url)).encode()
    if call.body is None:
        return None
    kind = headers.setdefault("content-type", "text/plain; charset=utf-8")
    return secrets.fill_body(call.body, url, kind.lower()).encode("utf-8", "replace")
