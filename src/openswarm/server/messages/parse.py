"""Requests of Anthropic's Messages format, read strictly into the neutral form.

Fields and betas that are not named here are ignored, as are tools that Anthropic's own servers
carry out: a client's request works with fewer tools, not with an error.
"""

import re
from collections.abc import Sequence
from typing import Any

import orjson

from openswarm.core.task import Effort
from openswarm.llm.model import ToolSpec
from openswarm.server.chat import EFFORTS, ChatRequest, Choice
from openswarm.server.conversation import Conversation
from openswarm.server.fields import MAX_MESSAGES, MAX_TOOLS, Fields
from openswarm.server.messages.blocks import add_entry, add_system
from openswarm.server.names import served

MAX_STOPS = 256
MIN_BUDGET = 1024
_SHARES: tuple[tuple[Effort, float], ...] = (("low", 0.375), ("medium", 0.625), ("high", 0.8125))
"""Up to which part of `max_tokens` a thinking budget is that effort; above it is max."""
_THINKING = {"enabled": True, "disabled": False, "between_tools": False, "adaptive": None}
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")


def chat_request(
    body: dict[str, Any], specs: Sequence[str], *, counting: bool = False
) -> ChatRequest:
    """The request; `counting` is for count_tokens, which needs no `max_tokens`."""
    fields = Fields(body)
    model = served(body.get("model"), specs)
    max_tokens = fields.integer("max_tokens", 1)
    if max_tokens is None and not counting:
        raise fields.wrong("max_tokens", "is missing")
    conversation = Conversation()
    add_system(fields, conversation)
    entries = fields.objects("messages", MAX_MESSAGES)
    if not entries:
        raise fields.wrong("messages", "needs at least one message")
    for entry in entries:
        add_entry(entry, conversation)
    messages = conversation.messages()
    tools, choice, parallel = _chosen(fields, _tools(fields))
    thinking, effort = _thinking(fields, max_tokens or 0)
    last = messages[-1]
    return ChatRequest(
        served=model,
        messages=messages,
        tools=tools,
        choice=choice,
        parallel_calls=parallel,
        max_tokens=max_tokens,
        thinking=thinking,
        effort=effort,
        schema=_schema(fields),
        stop=fields.texts("stop_sequences", MAX_STOPS),
        sampling=_sampling(fields),
        prefix=last.text if last.role == "assistant" else "",
        stream=fields.flag("stream", False),
    )


def _tools(fields: Fields) -> tuple[ToolSpec, ...]:
    entries = fields.objects("tools", MAX_TOOLS)
    return tuple(_tool(entry) for entry in entries if entry.text("type", "custom") == "custom")


def _tool(entry: Fields) -> ToolSpec:
    name = entry.text("name")
    if not _TOOL_NAME.fullmatch(name):
        raise entry.wrong("name", "has to be up to 128 letters, digits, _ and -")
    schema = entry.whole("input_schema")
    if schema is None:
        raise entry.wrong("input_schema", "is missing")
    parameters = {key: value for key, value in schema.items() if key != "$schema"}
    return ToolSpec(name, entry.text("description", ""), orjson.dumps(parameters).decode())


def _chosen(
    fields: Fields, tools: tuple[ToolSpec, ...]
) -> tuple[tuple[ToolSpec, ...], Choice, bool]:
    """The tools that may be called, whether one has to be, and whether several may be at once."""
    wanted = fields.inner("tool_choice")
    if wanted is None:
        return tools, "auto", True
    kind = wanted.word("type", ("auto", "any", "tool", "none"))
    parallel = not wanted.flag("disable_parallel_tool_use", False)
    if kind == "none":
        return tools, "none", parallel
    if kind == "tool":
        name = wanted.text("name")
        tools = tuple(tool for tool in tools if tool.name == name)
    if kind in ("any", "tool") and not tools:
        raise wanted.wrong("type", f"is {kind!r}, but there is no such tool that a client runs")
    return tools, "auto" if kind == "auto" else "required", parallel


def _thinking(fields: Fields, max_tokens: int) -> tuple[bool | None, Effort]:
    """Whether to think, and how much. An effort goes before a budget of tokens."""
    config = fields.inner("output_config") or Fields({})
    effort = EFFORTS.get(config.word("effort", tuple(EFFORTS), ""), "")
    wanted = fields.inner("thinking")
    if wanted is None:
        return None, effort
    kind = wanted.word("type", tuple(_THINKING))
    budget = wanted.integer("budget_tokens", MIN_BUDGET)
    if kind == "enabled" and budget is not None and not effort:
        share = budget / max(max_tokens, 1)
        most: Effort = "max"
        effort = next((name for name, limit in _SHARES if share <= limit), most)
    return _THINKING[kind], effort


def _schema(fields: Fields) -> dict[str, Any] | None:
    config = fields.inner("output_config") or Fields({})
    wanted = config.inner("format") or fields.inner("output_format")
    if wanted is None:
        return None
    wanted.word("type", ("json_schema",))
    schema = wanted.whole("schema")
    if schema is None:
        raise wanted.wrong("schema", "is missing")
    return schema


def _sampling(fields: Fields) -> tuple[tuple[str, float], ...]:
    given = {
        "temperature": fields.number("temperature", 0, 1),
        "top_p": fields.number("top_p", 0, 1),
        "top_k": fields.integer("top_k", 0),
    }
    return tuple((name, value) for name, value in given.items() if value is not None)
