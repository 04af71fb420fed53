"""Requests of the Responses format, read strictly into the neutral form.

Nothing is stored, so every request brings its whole input. Fields that are not named here are
ignored, as are tools of other types than `function`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from openswarm.core.messages import TextPart
from openswarm.core.task import Effort
from openswarm.llm.model import ToolSpec
from openswarm.server.chat import EFFORTS, ChatRequest, Choice
from openswarm.server.conversation import Conversation
from openswarm.server.fields import MAX_MESSAGES, MAX_TOOLS, Fields
from openswarm.server.names import served
from openswarm.server.responses.items import add_item

_STORED = {
    "previous_response_id": "cannot be followed: this server stores nothing; send the whole input",
    "conversation": "cannot be followed: this server stores nothing; send the whole input",
    "prompt": "is not known here: this server stores no prompts; send the text as input",
}
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_ECHOED = ("instructions", "max_output_tokens", "temperature", "top_p")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, and what its answer repeats of it."""

    chat: ChatRequest
    echo: dict[str, Any]


def asked(body: dict[str, Any], specs: Sequence[str]) -> Asked:
    """The request of a body. Raises `ApiError` that names the field."""
    fields = Fields(body)
    model = served(body.get("model"), specs)
    for name, why in _STORED.items():
        if fields.has(name):
            raise fields.wrong(name, why)
    if fields.flag("background", False):
        raise fields.wrong("background", "is for stored responses; use the runs API")
    tools, choice = _chosen(fields, _tools(fields))
    thinking, effort = _reasoning(fields)
    chat = ChatRequest(
        served=model,
        messages=_conversation(fields).messages(),
        tools=tools,
        choice=choice,
        parallel_calls=fields.flag("parallel_tool_calls", True),
        max_tokens=fields.integer("max_output_tokens", 1),
        thinking=thinking,
        effort=effort,
        schema=_schema(fields),
        sampling=_sampling(fields),
        stream=fields.flag("stream", False),
    )
    return Asked(chat, _echo(fields, chat))


def _conversation(fields: Fields) -> Conversation:
    conversation = Conversation()
    if instructions := fields.text("instructions", ""):
        conversation.say("system", [TextPart(text=instructions)])
    given = fields.value.get("input")
    if isinstance(given, str) and given:
        conversation.say("user", [TextPart(text=given)])
        return conversation
    items = fields.objects("input", MAX_MESSAGES) if given != "" else []
    if not items:
        raise fields.wrong("input", "has to be a text, or a list of at least one item")
    for item in items:
        add_item(item, conversation)
    return conversation


def _tools(fields: Fields) -> tuple[ToolSpec, ...]:
    entries = fields.objects("tools", MAX_TOOLS)
    return tuple(_tool(entry) for entry in entries if entry.text("type") == "function")


def _tool(entry: Fields) -> ToolSpec:
    name = entry.text("name")
    if not _TOOL_NAME.fullmatch(name):
        raise entry.wrong("name", "has to be up to 128 letters, digits, _ and -")
    parameters = entry.whole("parameters") or {"type": "object", "properties": {}}
    return ToolSpec(name, entry.text("description", ""), orjson.dumps(parameters).decode())


def _chosen(fields: Fields, tools: tuple[ToolSpec, ...]) -> tuple[tuple[ToolSpec, ...], Choice]:
    """The tools that may be called, and whether one has to be."""
    kind: Any = fields.value.get("tool_choice")
    if isinstance(kind, dict):
        kind, tools = _narrowed(Fields(fields.whole("tool_choice") or {}, "tool_choice"), tools)
    elif kind is not None:
        kind = fields.word("tool_choice", ("auto", "none", "required"))
    if kind == "required":
        if not tools:
            raise fields.wrong("tool_choice", "demands a call, but no such function is declared")
        return tools, "required"
    return tools, "none" if kind == "none" else "auto"


def _narrowed(wanted: Fields, tools: tuple[ToolSpec, ...]) -> tuple[str, tuple[ToolSpec, ...]]:
    if wanted.word("type", ("function", "allowed_tools")) == "function":
        names, kind = {wanted.text("name")}, "required"
    else:
        kind = wanted.word("mode", ("auto", "required"))
        allowed = wanted.objects("tools", MAX_TOOLS)
        names = {entry.text("name") for entry in allowed if entry.text("type") == "function"}
    return kind, tuple(tool for tool in tools if tool.name in names)


def _reasoning(fields: Fields) -> tuple[bool | None, Effort]:
    reasoning = fields.inner("reasoning") or Fields({})
    effort = reasoning.word("effort", tuple(EFFORTS), "")
    return (False if effort == "none" else None), EFFORTS.get(effort, "")


def _schema(fields: Fields) -> dict[str, Any] | None:
    text = fields.inner("text") or Fields({})
    wanted = text.inner("format")
    if wanted is None:
        return None
    kind = wanted.word("type", ("text", "json_object", "json_schema"))
    if kind != "json_schema":
        return {"type": "object"} if kind == "json_object" else None
    wanted.text("name")
    schema = wanted.whole("schema")
    if schema is None:
        raise wanted.wrong("schema", "is missing")
    return schema


def _sampling(fields: Fields) -> tuple[tuple[str, float], ...]:
    given = {
        "temperature": fields.number("temperature", 0, 2),
        "top_p": fields.number("top_p", 0, 1),
    }
    return tuple((name, value) for name, value in given.items() if value is not None)


def _echo(fields: Fields, chat: ChatRequest) -> dict[str, Any]:
    """The fields of an answer that repeat its request, all of them, as clients expect."""
    reasoning = fields.inner("reasoning") or Fields({})
    text = fields.inner("text") or Fields({})
    return {
        **{name: fields.value.get(name) for name in _ECHOED},
        "tool_choice": fields.value.get("tool_choice") or "auto",
        "metadata": fields.whole("metadata") or {},
        "model": chat.served.name,
        "parallel_tool_calls": chat.parallel_calls,
        "previous_response_id": None,
        "reasoning": {
            "effort": reasoning.text("effort", "") or None,
            "summary": reasoning.text("summary", "") or None,
        },
        "store": False,
        "text": {"format": text.whole("format") or {"type": "text"}},
        "tools": [_echoed(tool) for tool in chat.tools],
        "truncation": "disabled",
        "background": False,
    }


def _echoed(tool: ToolSpec) -> dict[str, Any]:
    return {
        "type": "function", "name": tool.name, "description": tool.description,
        "parameters": orjson.loads(tool.parameters), "strict": False,
    }  # fmt: skip
