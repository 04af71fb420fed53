"""What the vendor's own verifier asks of a server of K2.5, case by case, in our words.

Sampling that is fixed, the switch of thinking, ids of calls, arguments that fit their schema,
usage, JSON answers, and reasoning that comes back inside a loop of tools.
"""

import json
import re
from typing import Any

import pytest
from asking import (
    INSTANT,
    LOOK,
    THINKING,
    Kept,
    answered,
    ask,
    called,
    question,
    refusals,
    result,
    streamed,
    user,
)
from frames import ChatFrames
from jsonschema import Draft202012Validator
from served import serving

from openswarm.core.messages import Usage
from openswarm.llm.scripted import Say

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("api.vendor-verifier")]

OFF: dict[str, dict[str, Any]] = {
    "thinking": {"thinking": {"type": "disabled"}},
    "template": {"chat_template_kwargs": {"thinking": False}},
}
DEFAULTS = {"top_p": 0.95, "n": 1, "presence_penalty": 0, "frequency_penalty": 0.0}
WRONG = {"top_p": 0.9, "n": 2, "presence_penalty": 0.5, "frequency_penalty": -0.5}


@pytest.mark.requirement("api.sampling")
@pytest.mark.parametrize(
    ("switch", "right", "wrong"),
    [({}, 1.0, 0.6), (OFF["thinking"], 0.6, 1.0), (OFF["template"], 0.6, 1.0)],
    ids=["thinking", "instant by thinking", "instant by template"],
)
async def test_strict_sampling_is_that_of_the_mode_and_no_other(
    switch: dict[str, Any], right: float, wrong: float
) -> None:
    """No parameter, every default alone and all at once: 200. Any other value: 400, by its name."""
    good: list[dict[str, Any]] = [{}, {"temperature": right}, {"temperature": None}]
    good += [{name: value} for name, value in DEFAULTS.items()]
    good.append({"temperature": right, **DEFAULTS})
    bad = [{"temperature": value} for value in (wrong, 0, right + 0.01, 2)]
    bad += [{name: value} for name, value in WRONG.items()]
    kept = Kept()
    async with serving(kept.scripts, strict=True) as server:
        for fields in good:
            await answered(server, question(model=THINKING, **switch, **fields))
        found = await refusals(
            server, [question(model=THINKING, **switch, **fields) for fields in bad]
        )
    assert [(status, param) for status, param, _ in found] == [
        (400, name) for fields in bad for name in fields
    ]
    assert len(kept.requests) == len(good)


@pytest.mark.requirement("api.sampling")
async def test_lenient_sampling_takes_what_is_in_range() -> None:
    """All that was wrong above but more than one answer."""
    kept = Kept()
    async with serving(kept.scripts) as server:
        for fields in ({"temperature": 0.3}, *({name: WRONG[name]} for name in WRONG)):
            status, _ = await ask(server, question(model=THINKING, **fields))
            assert status == (400 if "n" in fields else 200), fields


@pytest.mark.requirement("api.reasoning")
@pytest.mark.parametrize("switch", OFF.values(), ids=[*OFF])
async def test_a_switched_off_mind_shows_no_thoughts(switch: dict[str, Any]) -> None:
    """Streamed and whole; switched on, they come apart from the answer."""
    kept = Kept(Say("42", reasoning="6 times 7."))
    async with serving(kept.scripts, strict=True) as server:
        off = question(model=THINKING, **switch)
        assert "reasoning_content" not in await answered(server, off)
        assert ChatFrames.of(await streamed(server, off)).reasoning == ""
        assert kept.last.thinking is False
        on = question(model=THINKING)
        assert (await answered(server, on))["reasoning_content"] == "6 times 7."
        frames = ChatFrames.of(await streamed(server, on))
    assert (frames.reasoning, frames.text) == ("6 times 7.", "42")


SCHEMAS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "defs": (
        {
            "type": "object",
            "properties": {"root": {"$ref": "#/$defs/node"}},
            "required": ["root"],
            "$defs": {
                "node": {
                    "type": "object",
                    "properties": {
                        "value": {"type": "integer"},
                        "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                    },
                    "required": ["value"],
                    "additionalProperties": False,
                }
            },
        },
        {"root": {"value": 1, "next": {"value": 2, "next": None}}},
    ),
    "anyOf": (
        {
            "type": "object",
            "properties": {
                "by": {
                    "anyOf": [
                        {"type": "string", "pattern": "^id-[0-9]+$"},
                        {"type": "object", "properties": {"name": {"type": "string"}}},
                    ]
                }
            },
        },
        {"by": {"name": "Łódź „🐙“"}},
    ),
    "enum": (
        {
            "type": "object",
            "properties": {
                "unit": {"enum": ["celsius", "fahrenheit", None, 7]},
                "kind": {"const": "weather"},
            },
            "required": ["unit", "kind"],
        },
        {"unit": None, "kind": "weather"},
    ),
    "ranges": (
        {
            "type": "object",
            "properties": {
                "n": {"type": "integer", "minimum": 1, "exclusiveMaximum": 10, "multipleOf": 3},
                "x": {"type": "number", "minimum": -0.5, "maximum": 0.5},
                "list": {
                    "type": "array", "items": {"type": "boolean"}, "minItems": 1, "maxItems": 3,
                    "uniqueItems": True,
                },
                "text": {"type": "string", "minLength": 1, "maxLength": 4},
            },
            "required": ["n", "x", "list", "text"],
        },
        {"n": 9, "x": -0.25, "list": [True, False], "text": "a\n\"b"},
    ),
    "nothing": ({"type": "object", "properties": {}}, {}),
}  # fmt: skip


@pytest.mark.requirement("api.chat-tools")
@pytest.mark.parametrize("name", SCHEMAS)
async def test_arguments_arrive_as_the_schema_wants_them(name: str) -> None:
    """Streamed and whole; the schema reaches the model as the client wrote it."""
    schema, arguments = SCHEMAS[name]
    tool = {"type": "function", "function": {"name": "f", "strict": True, "parameters": schema}}
    kept = Kept(Say(calls=(("f", arguments),)))
    body = question(model=THINKING, tools=[tool], tool_choice="required")
    async with serving(kept.scripts, strict=True) as server:
        whole = await answered(server, body)
        frames = ChatFrames.of(await streamed(server, body))
    texts = [whole["tool_calls"][0]["function"]["arguments"], frames.calls[0].arguments]
    for text in texts:
        Draft202012Validator(schema).validate(json.loads(text))
        assert json.loads(text) == arguments
    assert json.loads(kept.last.tools[0].parameters) == schema and kept.last.must_call


@pytest.mark.requirement("api.chat-tools")
async def test_strict_refuses_choices_that_k25_does_not_know() -> None:
    """A function by its name, `required` without tools, and a list of no tools."""
    named = {"type": "function", "function": {"name": "look_up"}}
    bad = [
        {"tools": [LOOK], "tool_choice": named},
        {"tool_choice": "required"},
        {"tools": []},
        {"tools": [], "tool_choice": "required"},
    ]
    good = [{"tools": [LOOK], "tool_choice": choice} for choice in ("auto", "none", "required")]
    kept = Kept()
    async with serving(kept.scripts, strict=True) as server:
        found = await refusals(server, [question(**fields) for fields in bad])
        for fields in good:
            await answered(server, question(**fields))
    assert [(status, param) for status, param, _ in found] == [
        (400, "tool_choice"), (400, "tool_choice"), (400, "tools"), (400, "tools"),
    ]  # fmt: skip


@pytest.mark.requirement("api.tool-ids")
async def test_ids_of_calls_name_the_function_and_count_on() -> None:
    """Over turns, above what the history has, the same streamed and whole."""
    kept = Kept(Say(calls=(("look_up", {}), ("other", {}), ("look_up", {}))))
    tools = [LOOK, {"type": "function", "function": {"name": "other"}}]
    history = [
        user("Go"),
        called(("functions.look_up:4", "look_up", "{}"), reasoning="Hm."),
        result("functions.look_up:4", "rain"),
    ]
    async with serving(kept.scripts, strict=True) as server:
        first = await answered(server, question(model=THINKING, tools=tools))
        body = question(model=THINKING, tools=tools, messages=history)
        second = await answered(server, body)
        frames = ChatFrames.of(await streamed(server, body))
    ids = [call["id"] for call in first["tool_calls"]]
    assert ids == ["functions.look_up:0", "functions.other:1", "functions.look_up:2"]
    later = [call["id"] for call in second["tool_calls"]]
    assert later == ["functions.look_up:5", "functions.other:6", "functions.look_up:7"]
    assert [call.id for call in frames.calls.values()] == later
    assert all(re.fullmatch(r"functions\.\w+:\d+", id_) for id_ in (*ids, *later))


@pytest.mark.requirement("api.chat-stream")
async def test_usage_is_what_the_backend_counted() -> None:
    """In one object, in the last choice of a stream, and in its last chunk for who asks."""
    usage = Usage(input_tokens=1_234, output_tokens=56, cached_tokens=1_024)
    kept = Kept(Say("42", usage=usage))
    counted = {
        "prompt_tokens": 1_234, "completion_tokens": 56, "total_tokens": 1_290,
        "cached_tokens": 1_024, "prompt_tokens_details": {"cached_tokens": 1_024},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }  # fmt: skip
    async with serving(kept.scripts, strict=True) as server:
        _, whole = await ask(server, question())
        plain = ChatFrames.of(await streamed(server, question()))
        asked = question(stream_options={"include_usage": True})
        last = ChatFrames.of(await streamed(server, asked), include_usage=True)
    assert whole["usage"] == plain.usage == last.usage == counted


@pytest.mark.requirement("api.schema")
async def test_answers_in_json_are_asked_of_the_model() -> None:
    """Any object, or one that fits a schema; a schema without its name or itself is refused."""
    kept = Kept(Say('{"a": 1}'))
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}}
    form = {"type": "json_schema", "json_schema": {"name": "a", "strict": True, "schema": schema}}
    async with serving(kept.scripts, strict=True) as server:
        said = await answered(server, question(response_format={"type": "json_object"}))
        assert json.loads(said["content"]) == {"a": 1} and kept.last.schema == {"type": "object"}
        await answered(server, question(response_format=form))
        assert kept.last.schema == schema
        bad = [{"name": "a"}, {"schema": schema}, None]
        forms = [{"type": "json_schema", "json_schema": value} for value in bad]
        found = await refusals(server, [question(response_format=form) for form in forms])
    assert [status for status, _, _ in found] == [400, 400, 400]


@pytest.mark.requirement("api.reasoning")
async def test_thoughts_have_to_come_back_with_the_calls_they_led_to() -> None:
    """Strict, while thinking is on: 400 with the index. Else they are let through."""
    calls = ("functions.look_up:0", "look_up", "{}")
    lost = [user("Go"), called(calls), result(calls[0], "rain")]
    whole = [user("Go"), called(calls, reasoning="Hm."), result(calls[0], "rain")]
    kept = Kept()
    async with serving(kept.scripts, strict=True) as server:
        found = await refusals(server, [question(model=THINKING, messages=lost, tools=[LOOK])])
        await answered(server, question(model=THINKING, messages=whole, tools=[LOOK]))
        assert kept.last.history[1].reasoning == "Hm."
        await answered(server, question(model=INSTANT, messages=lost, tools=[LOOK]))
        await answered(server, question(model=THINKING, messages=lost, **OFF["template"]))
    async with serving(kept.scripts) as server:
        await answered(server, question(model=THINKING, messages=lost, tools=[LOOK]))
    [(status, param, words)] = found
    assert (status, param) == (400, "messages[1].reasoning_content")
    assert "thinking is enabled" in words and "index 1" in words


@pytest.mark.requirement("api.chat-tools")
async def test_arguments_in_the_history_may_be_broken() -> None:
    """A model wrote them so; the conversation goes on."""
    kept = Kept()
    broken = ["", "{", '{"city": "Linz"', "null", "[1]", '{"a": 1}}', "🐙"]
    calls = [(f"functions.f:{i}", "f", arguments) for i, arguments in enumerate(broken)]
    messages = [
        user("Go"), called(*calls, reasoning="Hm."), *(result(call[0], "no") for call in calls)
    ]  # fmt: skip
    async with serving(kept.scripts, strict=True) as server:
        await answered(server, question(model=THINKING, messages=messages, tools=[LOOK]))
    assert [call.arguments for call in kept.last.history[1].tool_calls] == broken
