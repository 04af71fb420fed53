"""A conversation with tools as a plain chat, for models whose template knows none.

The tools come first and the agent's own prompt after them: what agents have in common is read
once and kept (`llama`). Tool results come back as words of the user. Knows no engine.
"""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from openswarm.core.messages import Message, ToolCall
from openswarm.llm.constrain import Schema, bounded
from openswarm.llm.model import ToolSpec

_RULES = (
    'Reply with one JSON object and nothing else: {"tool": NAME, "arguments": {…}} calls a tool,'
    ' {"answer": TEXT} answers the user. Tools:'
)

Entry = dict[str, str]
"""`role` and `content` of one message of a chat template."""


def render(messages: Iterable[Message], tools: Sequence[ToolSpec]) -> list[Entry]:
    """The chat: a system entry if there is anything to say, then user and assistant in turns."""
    system: list[str] = [describe(tools)] if tools else []
    chat: list[Entry] = []
    names: dict[str, str] = {}
    for message in messages:
        names.update((call.id, call.name) for call in message.tool_calls)
        if message.role == "system" and not chat:
            system.append(message.text)
            continue
        role = "assistant" if message.role == "assistant" else "user"
        content = _content(message, names, as_json=bool(tools))
        if chat and chat[-1]["role"] == role:
            chat[-1]["content"] += f"\n\n{content}"
        else:
            chat.append({"role": role, "content": content})
    head = "\n\n".join(part for part in system if part)
    return [{"role": "system", "content": head}, *chat] if head else chat


def describe(tools: Sequence[ToolSpec]) -> str:
    """The tools for a system prompt, as signatures: a third of the tokens of their schemas."""
    return "\n\n".join([_RULES, *(_describe(tool) for tool in tools)])


def _content(message: Message, names: dict[str, str], *, as_json: bool) -> str:
    if message.role == "tool":
        name = names.get(message.tool_call_id, "the tool")
        return f"Result of {name}:\n{message.text}"
    if message.role != "assistant" or not as_json:
        return message.text
    if message.tool_calls:
        return "\n".join(map(_call_text, message.tool_calls))
    return json.dumps({"answer": message.text}, ensure_ascii=False)


def _call_text(call: ToolCall) -> str:
    """A call as the grammar has it written; arguments that are no JSON stay as they are."""
    return f'{{"tool": {json.dumps(call.name)}, "arguments": {call.arguments or "{}"}}}'


def _describe(tool: ToolSpec) -> str:
    raw: dict[str, Any] = json.loads(tool.parameters)
    fields: dict[str, Any] = raw.get("properties") or {}
    lines = [f"{tool.name}({_fields(bounded(raw))})", tool.description]
    lines += [
        f"- {name}: {field['description']}"
        for name, field in fields.items()
        if isinstance(field, dict) and field.get("description")
    ]
    return "\n".join(lines)


def _fields(schema: Schema) -> str:
    required = schema.get("required", [])
    return ", ".join(
        f"{name}{'' if name in required else '?'}: {_type(field)}"
        for name, field in schema.get("properties", {}).items()
    )


def _type(schema: Schema) -> str:
    if "const" in schema:
        return json.dumps(schema["const"], ensure_ascii=False)
    if "enum" in schema:
        return "|".join(json.dumps(value, ensure_ascii=False) for value in schema["enum"])
    if "anyOf" in schema:
        return "|".join(dict.fromkeys(map(_type, schema["anyOf"])))
    if schema["type"] == "array":
        return f"{_type(schema['items'])}[]"
    if schema["type"] == "object":
        fields = _fields(schema)
        return f"{{{fields}}}" if fields else "object"
    return str(schema["type"])
