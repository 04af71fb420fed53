"""Requests of chat completions that are wrong, each with the path of the field that is."""

from typing import Any

from asking import PIXEL, called, result, user

Wrong = list[tuple[dict[str, Any], str]]


def nested(levels: int) -> dict[str, Any]:
    """A schema that is so deep, twice."""
    schema: dict[str, Any] = {}
    for _ in range(levels):
        schema = {"properties": {"a": schema}}
    return schema


def wrong_messages() -> Wrong:
    """What may not stand in `messages`."""
    local = {"type": "image_url", "image_url": {"url": "file:///etc/passwd"}}
    page = {"type": "image_url", "image_url": "data:text/html;base64,AAAA"}
    still = {"type": "video_url", "video_url": {"url": PIXEL}}
    parts: list[tuple[Any, str]] = [
        ("Hi", ""), ({"type": "text"}, ".text"), ({"type": "input_audio"}, ".type"),
        ({"type": "image_url"}, ".image_url"), (local, ".image_url.url"), (page, ".image_url"),
        (still, ".video_url.url"),
    ]  # fmt: skip
    odd: Any = called(("a", "b", {"c": 1}))  # type: ignore[arg-type]
    entries: list[tuple[dict[str, Any], str]] = [
        ({"role": "owner", "content": "Hi"}, "role"),
        ({"content": "Hi"}, "role"),
        ({"role": "function", "content": "Hi", "name": "a"}, "role"),
        (user(None), "content"),
        (user(7), "content"),
        *((user([part]), f"content[0]{path}") for part, path in parts),
        ({"role": "assistant", "content": 7}, "content"),
        ({"role": "assistant", "reasoning_content": 7}, "reasoning_content"),
        ({"role": "assistant", "tool_calls": {}}, "tool_calls"),
        ({"role": "assistant", "tool_calls": [{"id": "a"}]}, "tool_calls[0].function"),
        (odd, "tool_calls[0].function.arguments"),
        ({"role": "tool", "content": "x"}, "tool_call_id"),
        (result("nobody", "x"), "tool_call_id"),
        ({**user("Hi"), "partial": True}, "partial"),
        ({"role": "assistant", "content": "x", "partial": 1}, "partial"),
    ]
    return [
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": {}}, "messages"),
        ({"messages": ["Hi"]}, "messages[0]"),
        ({"messages": [user("Hi")] * 10_001}, "messages"),
        *(({"messages": [user("Hi"), entry]}, f"messages[1].{path}") for entry, path in entries),
    ]


def wrong_tools() -> Wrong:
    """What may not stand in `tools` and `tool_choice`."""
    tool = {"type": "function", "function": {"name": "a", "parameters": {}}}
    functions: list[tuple[dict[str, Any], str]] = [
        ({}, "name"),
        ({"name": "a b"}, "name"),
        ({"name": "a" * 65}, "name"),
        ({"name": "a", "description": 1}, "description"),
        ({"name": "a", "parameters": []}, "parameters"),
        ({"name": "a", "parameters": {"type": "string"}}, "parameters.type"),
        ({"name": "a", "parameters": nested(60)}, "parameters"),
    ]
    memory = {"type": "builtin_function", "function": {"name": "$memory"}}
    other = {"type": "function", "function": {"name": "b"}}
    return [
        ({"tools": {}}, "tools"),
        ({"tools": [tool] * 1_025}, "tools"),
        ({"tools": [tool, tool]}, "tools[1].function"),
        ({"tools": [{"type": "custom", "custom": {}}]}, "tools[0].type"),
        ({"tools": [{"type": "function"}]}, "tools[0].function"),
        *(
            ({"tools": [{"type": "function", "function": fields}]}, f"tools[0].function.{path}")
            for fields, path in functions
        ),
        ({"tools": [memory]}, "tools[0].function.name"),
        ({"functions": [{"name": "a"}]}, "functions"),
        ({"tool_choice": "sometimes"}, "tool_choice"),
        ({"tools": [tool], "tool_choice": other}, "tool_choice.function.name"),
        ({"tools": [tool], "tool_choice": {"type": "function"}}, "tool_choice.function"),
        ({"parallel_tool_calls": "no"}, "parallel_tool_calls"),
    ]


def _form(value: Any) -> dict[str, Any]:
    return {"response_format": {"type": "json_schema", "json_schema": value}}


WRONG_REST: Wrong = [
    ({"max_tokens": 0}, "max_tokens"),
    ({"max_completion_tokens": 1.5}, "max_completion_tokens"),
    ({"max_tokens": True}, "max_tokens"),
    ({"stop": ""}, "stop"),
    ({"stop": ["a"] * 17}, "stop"),
    ({"stop": [7]}, "stop[0]"),
    ({"temperature": 2.1}, "temperature"),
    ({"temperature": "hot"}, "temperature"),
    ({"temperature": True}, "temperature"),
    ({"top_p": -0.1}, "top_p"),
    ({"presence_penalty": 3}, "presence_penalty"),
    ({"frequency_penalty": -3}, "frequency_penalty"),
    ({"n": 2}, "n"),
    ({"n": 0}, "n"),
    ({"stream": "yes"}, "stream"),
    ({"stream_options": []}, "stream_options"),
    ({"stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
    ({"response_format": "json"}, "response_format"),
    ({"response_format": {"type": "xml"}}, "response_format.type"),
    (_form(None), "response_format.json_schema.name"),
    (_form({"schema": {}}), "response_format.json_schema.name"),
    (_form({"name": "a"}), "response_format.json_schema.schema"),
    (_form({"name": "a", "schema": []}), "response_format.json_schema.schema"),
    (_form({"name": "a", "schema": nested(60)}), "response_format.json_schema.schema"),
    ({"reasoning_effort": "huge"}, "reasoning_effort"),
    ({"thinking": {"type": "sometimes"}}, "thinking.type"),
    ({"thinking": {"type": "enabled", "effort": "huge"}}, "thinking.effort"),
    ({"thinking": True}, "thinking"),
    ({"chat_template_kwargs": {"thinking": "off"}}, "chat_template_kwargs.thinking"),
    ({"model": 7}, "model"),
    ({"model": ""}, "model"),
]
