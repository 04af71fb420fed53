"""What fields of a request do, in all forms in which clients write them, and what is refused."""

from typing import Any

import pytest
from asking import (
    INSTANT,
    LOOK,
    PIXEL,
    THINKING,
    Kept,
    answered,
    ask,
    called,
    question,
    refusals,
    result,
    user,
)
from served import serving
from wrong_requests import WRONG_REST, wrong_messages, wrong_tools

from openswarm.core.messages import ImagePart, TextPart, VideoPart
from openswarm.llm.scripted import Say

pytestmark = pytest.mark.anyio


@pytest.mark.requirement("api.reasoning")
async def test_thinking_is_switched_by_every_clients_field() -> None:
    """`thinking`, the template's switches, and the effort; the model's name where none is there."""
    forms: list[tuple[str, dict[str, Any], bool | None, str]] = [
        (THINKING, {}, True, ""),
        (INSTANT, {}, False, ""),
        (INSTANT, {"thinking": {"type": "enabled", "keep": "all"}}, True, ""),
        (THINKING, {"thinking": {"type": "disabled"}}, False, ""),
        (THINKING, {"chat_template_kwargs": {"thinking": False}}, False, ""),
        (THINKING, {"chat_template_kwargs": {"enable_thinking": False}}, False, ""),
        (INSTANT, {"chat_template_kwargs": {"enable_thinking": True}}, True, ""),
        (THINKING, {"reasoning_effort": "none"}, False, ""),
        (THINKING, {"reasoning_effort": "minimal"}, True, "low"),
        (THINKING, {"reasoning_effort": "medium"}, True, "medium"),
        (THINKING, {"reasoning_effort": "xhigh"}, True, "max"),
        (THINKING, {"reasoning_effort": "max"}, True, "max"),
        (INSTANT, {"thinking": {"type": "enabled", "effort": "high"}}, True, "high"),
        (THINKING, {"reasoning_effort": None, "thinking": None}, True, ""),
        (THINKING, {"reasoning_effort": "high", "thinking": {"type": "disabled"}}, False, ""),
        (THINKING, {"tools": [LOOK]}, None, ""),
        (INSTANT, {"tools": [LOOK]}, False, ""),
    ]
    kept = Kept()
    async with serving(kept.scripts) as server:
        for model, fields, thinking, effort in forms:
            await answered(server, question(model=model, **fields))
            assert (kept.last.thinking, kept.last.effort) == (thinking, effort), fields


@pytest.mark.requirement("api.reasoning")
async def test_who_switched_thinking_off_is_shown_no_thoughts() -> None:
    """Whatever the model writes."""
    kept = Kept(Say("Yes.", reasoning="Secretly."))
    off = {"thinking": {"type": "disabled"}}
    async with serving(kept.scripts) as server:
        message = await answered(server, question(model=THINKING, **off))
    assert message == {"role": "assistant", "content": "Yes."}


@pytest.mark.requirement("api.chat")
async def test_roles_and_parts_become_one_conversation() -> None:
    """Several messages of a user in a row, notes of the system anywhere, texts in parts."""
    messages = [
        {"role": "developer", "content": "Be short."},
        user("One"),
        user([{"type": "text", "text": "Two"}, {"type": "text", "text": "Three"}]),
        {**called(("c1", "look_up", "{}"), reasoning="Hm."), "name": "kimi"},
        result("c1", [{"type": "text", "text": "rain"}]),
        {"role": "system", "content": "Be kind."},
        {"role": "assistant", "content": [{"type": "text", "text": "Fine"}], "reasoning": "Ah."},
        {**user("And now?"), "name": "Ada", "unknown": 1},
    ]
    kept = Kept()
    async with serving(kept.scripts) as server:
        await answered(server, question(messages=messages, metadata={"a": 1}, seed=7, user="ada"))
    history = list(kept.last.history)
    assert [(m.role, m.text, m.reasoning) for m in history] == [
        ("system", "Be short.", ""), ("user", "One", ""), ("user", "Two\nThree", ""),
        ("assistant", "", "Hm."), ("tool", "rain", ""), ("system", "Be kind.", ""),
        ("assistant", "Fine", "Ah."), ("user", "And now?", ""),
    ]  # fmt: skip
    assert history[3].tool_calls[0].id == history[4].tool_call_id == "c1"


@pytest.mark.requirement("api.images")
async def test_pictures_and_video_come_as_objects_or_plain_texts() -> None:
    """Video as the model's endpoint takes it."""
    video = "data:video/mp4;base64,AAAA"
    parts = [
        {"type": "image_url", "image_url": PIXEL},
        {"type": "video_url", "video_url": {"url": video}},
        {"type": "video_url", "video_url": "https://example.com/a.mp4"},
        {"type": "text", "text": "What?"},
    ]
    kept = Kept()
    async with serving(kept.scripts) as server:
        await answered(server, question(parts))
    assert kept.last.history[0].content == (
        ImagePart(url=PIXEL), VideoPart(url=video), VideoPart(url="https://example.com/a.mp4"),
        TextPart(text="What?"),
    )  # fmt: skip


@pytest.mark.requirement("api.chat-tools")
async def test_the_choice_of_tools_reaches_the_model() -> None:
    """None, any, one of them by its name, and no more than one call."""
    other = {"type": "function", "function": {"name": "other"}}
    tools = {"tools": [LOOK, other]}
    named = {"type": "function", "function": {"name": "other"}}
    forms: list[tuple[dict[str, Any], list[str], bool]] = [
        (tools, ["look_up", "other"], False),
        ({**tools, "tool_choice": "auto"}, ["look_up", "other"], False),
        ({**tools, "tool_choice": "none"}, [], False),
        ({**tools, "tool_choice": "required"}, ["look_up", "other"], True),
        ({**tools, "tool_choice": named}, ["other"], True),
        ({"tools": [], "tool_choice": "required"}, [], False),
    ]
    kept = Kept(Say(calls=(("other", {}), ("other", {}))))
    async with serving(kept.scripts) as server:
        for fields, names, must_call in forms:
            await answered(server, question(**fields))
            last = kept.last
            assert ([t.name for t in last.tools], last.must_call) == (names, must_call), fields
        one = await answered(server, question(**tools, parallel_tool_calls=False))
        two = await answered(server, question(**tools))
    assert (len(one["tool_calls"]), len(two["tool_calls"])) == (1, 2)
    assert one["content"] is None


@pytest.mark.requirement("api.sampling", "api.schema")
async def test_limits_stops_formats_and_sampling_are_passed_on() -> None:
    """By both names of the output limit, the newer one first."""
    kept = Kept(Say("One. Two. Three."))
    asked = question(
        max_tokens=50, max_completion_tokens=60, stop=[" Two", "!"], temperature=0, top_p=0.5,
        presence_penalty=1, n=1, response_format={"type": "json_object"},
    )  # fmt: skip
    async with serving(kept.scripts) as server:
        status, answer = await ask(server, asked)
        first = kept.last
        await answered(server, question(max_tokens=50, stop="!", response_format={"type": "text"}))
    assert status == 200 and answer["choices"][0]["message"]["content"] == "One."
    assert answer["choices"][0]["finish_reason"] == "stop"
    assert (first.max_tokens, first.stop) == (60, (" Two", "!"))
    assert first.schema == {"type": "object"}
    assert first.sampling == (("temperature", 0.0), ("top_p", 0.5), ("presence_penalty", 1.0))
    assert (kept.last.max_tokens, kept.last.stop, kept.last.schema) == (50, ("!",), None)


@pytest.mark.requirement("api.partial")
async def test_a_partial_answer_is_gone_on_with() -> None:
    """The reply leaves out what the client has, whether the model repeats it or not."""
    begun = {"role": "assistant", "name": "Ada", "content": '{"name": "', "partial": True}
    body = question(messages=[user("JSON, please."), begun])
    kept = Kept(Say('{"name": "Ada"}'))
    async with serving(kept.scripts) as server:
        repeated = await answered(server, body)
        kept.say = Say('Ada"}')
        alone = await answered(server, body)
        last = list(kept.last.history)
        begun["partial"] = False
        ordinary = await answered(server, body)
        begun |= {"partial": True, "content": ""}
        await answered(server, body)
    assert repeated["content"] == alone["content"] == ordinary["content"] == 'Ada"}'
    assert (last[-1].role, last[-1].text) == ("assistant", '{"name": "')
    assert [m.role for m in kept.last.history] == ["user"]


@pytest.mark.requirement("api.chat")
async def test_what_is_wrong_is_refused_by_the_name_of_its_field() -> None:
    """With 400, before the model is asked anything."""
    cases = [*wrong_messages(), *wrong_tools(), *WRONG_REST]
    kept = Kept()
    async with serving(kept.scripts) as server:
        found = await refusals(server, [question(**fields) for fields, _ in cases])
    wrong = [
        (str(fields)[:200], expected, status, param)
        for (fields, expected), (status, param, _) in zip(cases, found, strict=True)
        if (status, param) != (400, expected)
    ]
    assert not wrong
    assert all(message for _, _, message in found) and not kept.requests


@pytest.mark.requirement("api.chat")
async def test_bodies_that_are_no_request_are_refused_in_the_wires_shape() -> None:
    """No JSON, no object, nothing, too deep, half a surrogate."""
    bodies = [b"", b"{", b"[]", b"7", b"\xff\xfe", b"[" * 5_000, b'{"model":"\\ud800"}']
    async with serving({}) as server:
        for body in bodies:
            async with server.client.post("/v1/chat/completions", data=body) as response:
                answer = await response.json()
                assert response.status == 400, body
                assert answer["error"]["type"] == "invalid_request_error", body
        async with server.client.options("/v1/chat/completions") as response:
            assert (response.status, response.headers["allow"]) == (204, "POST, OPTIONS")
        async with server.client.head("/v1/models") as response:
            assert response.status == 200
        async with server.client.get("/v1/chat/completions") as response:
            assert response.status == 405 and "error" in await response.json()
