"""From the body of a request to a `ChatRequest`, and how its answer is to be written.

Fields that are not known are ignored, as clients send many; what is known has to be right.
"""

from dataclasses import dataclass
from typing import Any

from openswarm.server.chat import ChatRequest
from openswarm.server.completions.history import entries_of, prefix_of, read_messages
from openswarm.server.completions.moonshot import (
    read_effort,
    read_sampling,
    read_thinking,
    refuse_lost_thoughts,
)
from openswarm.server.completions.tools import plain_name, read_tools
from openswarm.server.fields import Fields
from openswarm.server.names import served
from openswarm.server.service import ServeOptions

MAX_STOPS = 16
MAX_STOP_CHARS = 1_000
ANY_OBJECT: dict[str, Any] = {"type": "object"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, and what is the wire's own about its answer."""

    chat: ChatRequest
    include_usage: bool = False
    """Whether a stream ends with a chunk of the usage."""


def parse(value: dict[str, Any], options: ServeOptions) -> Asked:
    """Reads a request. Raises `ApiError` that names the field that is wrong."""
    body, strict = Fields(value), options.strict
    model = served(value.get("model"), options.specs)
    entries = entries_of(body)
    prefix = prefix_of(entries)
    offered = read_tools(body, strict=strict)
    thinking = read_thinking(body, model.mode)
    if offered.search:
        thinking = _without_thoughts(body, thinking, strict=strict)
    thinks, effort = thinking is not False, read_effort(body)
    if strict and thinks:
        refuse_lost_thoughts(entries)
    begins_empty = prefix == "" and len(entries) > 1
    stream_options = body.inner("stream_options") or Fields({})
    chat = ChatRequest(
        served=model,
        messages=read_messages(entries[:-1] if begins_empty else entries),
        tools=offered.tools,
        choice=offered.choice,
        parallel_calls=body.flag("parallel_tool_calls", default=True),
        max_tokens=_max_tokens(body),
        thinking=thinking,
        effort=effort if thinks else "",
        schema=_answer_schema(body),
        stop=_stop(body),
        sampling=read_sampling(body, thinks=thinks, strict=strict),
        prefix=prefix or "",
        search=offered.search,
        stream=body.flag("stream", default=False),
        events=stream_options.flag("include_swarm_events", default=False),
    )
    return Asked(chat, stream_options.flag("include_usage", default=False))


def _without_thoughts(body: Fields, thinking: bool | None, *, strict: bool) -> bool:
    """`$web_search` goes with instant answers alone."""
    if strict and thinking is not False:
        raise body.wrong("thinking", 'has to be {"type": "disabled"} with $web_search')
    return False


def _max_tokens(body: Fields) -> int | None:
    older, newer = body.integer("max_tokens", 1), body.integer("max_completion_tokens", 1)
    return older if newer is None else newer


def _stop(body: Fields) -> tuple[str, ...]:
    is_one = isinstance(body.value.get("stop"), str)
    stops = (body.text("stop"),) if is_one else body.texts("stop", MAX_STOPS)
    if not all(0 < len(stop) <= MAX_STOP_CHARS for stop in stops):
        raise body.wrong("stop", f"has to be texts of 1 to {MAX_STOP_CHARS} characters")
    return stops


def _answer_schema(body: Fields) -> dict[str, Any] | None:
    """The JSON Schema that the answer has to fit."""
    wanted = body.inner("response_format")
    if wanted is None:
        return None
    kind = wanted.word("type", ("text", "json_object", "json_schema"))
    if kind != "json_schema":
        return ANY_OBJECT if kind == "json_object" else None
    form = wanted.inner("json_schema") or Fields({}, wanted.at("json_schema"))
    plain_name(form, "name")
    schema = form.whole("schema")
    if schema is None:
        raise form.wrong("schema", "has to be an object")
    return schema
