"""The tool `http_request`: calls the APIs that the user has allowed, with secrets by name."""

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from openswarm.core.errors import SettingsError
from openswarm.core.tooling import HttpSettings, Secret, ToolSettings
from openswarm.core.version import USER_AGENT
from openswarm.pacing.limiter import Pacing
from openswarm.tools.documents import Document, fence
from openswarm.tools.http.allow import AllowList
from openswarm.tools.http.answer import Answer
from openswarm.tools.http.caller import SAFE, Caller
from openswarm.tools.http.exchange import open_session
from openswarm.tools.http.request import Call
from openswarm.tools.http.templates import SecretStore
from openswarm.tools.secrets import known_values, make_scrub
from openswarm.tools.setup import ToolSetup
from openswarm.tools.tool import Effect, Tool, ToolContext, ToolResult, prompt_text

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]

MAX_SHOWN = 20_000
MAX_HEADER = 500
SHOWN_HEADERS = (
    "location",
    "link",
    "etag",
    "retry-after",
    "x-total-count",
    "x-ratelimit-remaining",
)
MAX_EFFECT = 10_000
"""Characters of what is sent that the one who is asked to approve it sees."""

Value = Annotated[str, Field(max_length=20_000)]


class HttpRequestParams(BaseModel):
    """What `http_request` is called with."""

    model_config = ConfigDict(extra="forbid")

    method: Method = Field("GET", description="GET and HEAD read; the others change something.")
    url: str = Field(min_length=1, max_length=8_000, description="The address, without secrets.")
    headers: dict[str, Value] = Field(
        default_factory=dict, max_length=50, description="By name, such as Authorization."
    )
    query: dict[str, Value] = Field(
        default_factory=dict, max_length=100, description="What goes after ? in the address."
    )
    json_: JsonValue = Field(None, alias="json", description="A body that is sent as JSON.")
    body: str | None = Field(
        None, max_length=500_000, description="A body of another kind, with its Content-Type."
    )

    @model_validator(mode="after")
    def _one_body(self) -> "HttpRequestParams":
        if self.has_json and self.body is not None:
            raise ValueError("give json or body, not both")
        if self.method in SAFE and (self.has_json or self.body is not None):
            raise ValueError(f"{self.method} has no body; use query, or another method")
        return self

    @property
    def has_json(self) -> bool:
        """Whether JSON is sent; null where it was written so."""
        return "json_" in self.model_fields_set

    @property
    def call(self) -> Call:
        """The call as the caller takes it."""
        return Call(
            self.method, self.url, self.headers, self.query, self.body, self.json_, self.has_json
        )


def check_addresses(settings: ToolSettings) -> None:
    """Raises `SettingsError` where the settings let the tool ask no address."""
    if not settings.http.allow:
        raise SettingsError(
            "http_request may ask no address: name the beginnings of those it may, such as"
            ' [tools.http] allow = ["https://api.example.com/v1/"]'
        )


async def open_http(setup: ToolSetup, stack: AsyncExitStack) -> Tool:
    """The tool over the addresses of the settings. Raises `SettingsError` where there are none."""
    check_addresses(setup.settings)
    caller = await _caller(setup.settings, setup.environ, setup.pacing, stack)

    async def run(params: HttpRequestParams, context: ToolContext) -> ToolResult:
        answer = await caller.call(params.call, context.agent)
        display = f"{answer.status} {params.method} {answer.url}"
        return ToolResult(shown(answer), ok=answer.ok, display=display, data=answer)

    return Tool("http_request", prompt_text(__file__), HttpRequestParams, run, effect=effect)


async def http_request(
    url: str,
    *,
    method: Method = "GET",
    headers: Mapping[str, str] | None = None,
    query: Mapping[str, str] | None = None,
    json: Any = None,
    body: str | None = None,
    allow: Sequence[str] = (),
    secrets: Mapping[str, Secret] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Answer:
    """Calls an API that begins like one of `allow`. Raises `ToolError` for every other one.

    `json` is sent unless it is None; `secrets` are those that `{{secret:NAME}}` may name.
    """
    http = HttpSettings(allow=tuple(allow), secrets=dict(secrets or {}))
    call = Call(method, url, headers or {}, query or {}, body, json, json is not None)
    async with AsyncExitStack() as stack:
        known = os.environ if environ is None else environ
        caller = await _caller(ToolSettings(http=http), known, Pacing(), stack)
        return await caller.call(call)


def effect(params: HttpRequestParams) -> Effect | None:
    """What a call changes outside, for the one who is to approve it; reading changes nothing."""
    if params.method in SAFE:
        return None
    sent = json.dumps(params.json_) if params.has_json else json.dumps(params.body or "")
    more = f"… and {len(sent) - MAX_EFFECT} more characters" if len(sent) > MAX_EFFECT else ""
    written = [json.dumps(part) for part in (params.query, params.headers) if part]
    body = [sent[:MAX_EFFECT] + more] if sent != '""' else []
    return Effect(" ".join([params.method, params.url, *written, *body]))


def shown(answer: Answer) -> str:
    """The answer for a model: the status, and all that the server wrote, fenced."""
    kind = answer.media_type if answer.media_type.isprintable() else ""
    lines = [f"{answer.status}, {answer.size} bytes{' or more' if not answer.is_whole else ''}"]
    if answer.note:
        lines.append(answer.note)
    told = [f"{n}: {answer.headers[n][:MAX_HEADER]}" for n in SHOWN_HEADERS if n in answer.headers]
    body = answer.text or ""
    if answer.text is None and answer.size:
        lines.append("The body is no text and is not shown.")
    elif len(body) > MAX_SHOWN:
        lines.append(
            f"The first {MAX_SHOWN} of {len(body)} characters; ask for less if the API can."
        )
    text = "\n".join([f"content-type: {kind[:100]}", *told, "", body[:MAX_SHOWN]])
    return "\n".join([*lines, fence(Document(answer.url, text))])


async def _caller(
    settings: ToolSettings, environ: Mapping[str, str], pacing: Pacing, stack: AsyncExitStack
) -> Caller:
    allowed = AllowList.of(settings.http.allow)
    secure = any(url.scheme == "https" for url in allowed.beginnings)
    session = open_session(settings.web.ca_bundle, secure=secure)
    return Caller(
        allowed=allowed,
        secrets=SecretStore(settings.http.secrets, environ),
        session=await stack.enter_async_context(session),
        pacing=pacing,
        timeout_s=settings.web.timeout_s,
        user_agent=settings.web.user_agent or USER_AGENT,
        scrub=make_scrub(known_values(settings, environ)),
    )
