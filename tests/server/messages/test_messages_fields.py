"""Fields of Anthropic's format: what the backend is asked, and what is refused by name."""

import json
from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from mutations import mutated
from taking import Taking, taking

from openswarm.core.history import History
from openswarm.core.messages import ImagePart, Message, TextPart
from openswarm.llm.anthropic_wire import encode_request
from openswarm.llm.model import Request
from openswarm.server.failures import ApiError
from openswarm.server.messages.encode import MessageFrames
from openswarm.server.messages.parse import chat_request

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("api.messages")]

PATH = "/v1/messages"
INSTANT = "openswarm-instant"
PIXEL = "iVBORw0KGgo="
HELLO: dict[str, Any] = {"role": "user", "content": "Hello?"}
CALL = {"type": "tool_use", "id": "toolu_01", "name": "go", "input": {"a": 1}}
GO = {"name": "go", "input_schema": {"type": "object"}}
STOP = {"name": "halt", "input_schema": {"type": "object"}}


def body(*messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """A request; without messages it says hello."""
    return {"model": INSTANT, "max_tokens": 99, "messages": messages or [HELLO], **fields}


def user(*content: Any) -> dict[str, Any]:
    """A message of the user."""
    return {"role": "user", "content": [*content]}


def text(words: str) -> dict[str, Any]:
    """A text block."""
    return {"type": "text", "text": words}


async def roles(took: Taking, request: dict[str, Any]) -> list[tuple[str, str]]:
    """Role and text of each message that the backend got."""
    return [(m.role, m.text) for m in (await took.taken(request)).history]


async def test_the_system_speaks_in_its_field_and_anywhere_among_the_messages() -> None:
    """As a text or in blocks; never between what the user said and its answer."""
    note = {"role": "system", "content": "A note."}
    said = {"role": "assistant", "content": "Yes?"}
    async with taking(PATH) as took:
        for system in ("Be\nkind.", [text("Be"), {**text("kind."), "cache_control": {}}]):
            assert (await roles(took, body(system=system)))[0] == ("system", "Be\nkind.")
        first = await roles(took, body(HELLO, note))
        assert first == [("system", "A note."), ("user", "Hello?")]
        later = await roles(took, body(HELLO, note, said, HELLO))
        assert later[:2] == first, "a conversation that goes on keeps its beginning"
        called = [HELLO, {"role": "assistant", "content": [CALL]}]
        result = user({"type": "tool_result", "tool_use_id": "toolu_01", "content": "done"})
        after = await roles(took, body(*called, result, note))
        assert after[-2:] == [("tool", "done"), ("user", "A note.")]


async def test_the_request_of_a_coding_client_is_taken_as_it_comes() -> None:
    """Betas and fields that nobody here knows, marks of the cache, tools of other servers."""
    mark = {"cache_control": {"type": "ephemeral"}}
    thought = {"type": "thinking", "thinking": "Hm.", "signature": "of-another-server"}
    result = {"type": "tool_result", "tool_use_id": "toolu_01", "content": "42", **mark}
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"}
    tools = [
        {"name": "go", "description": "Goes.", "input_schema": schema, **mark},
        {"type": "web_search_20250305", "name": "web_search", "max_uses": 8},
        {"type": "bash_20250124", "name": "bash"},
    ]
    request = body(
        user({**text("Go."), **mark}), {"role": "assistant", "content": [thought, CALL]},
        user({**result, "is_error": False}), tools=tools, thinking={"type": "adaptive"},
        output_config={"effort": "high"}, metadata={"user_id": "1"}, service_tier="auto",
        context_management={"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
    )  # fmt: skip
    async with taking(f"{PATH}?beta=true") as took:
        asked = await took.taken(request)
    assert [(tool.name, tool.parameters) for tool in asked.tools] == [("go", '{"type":"object"}')]
    assert (asked.effort, asked.thinking, asked.max_tokens) == ("high", None, 99)
    replied, returned = list(asked.history)[1:]
    assert (replied.reasoning, replied.signature) == ("Hm.", "")
    assert json.loads(replied.tool_calls[0].arguments) == {"a": 1}
    assert returned == Message(role="tool", content="42", tool_call_id="toolu_01")


@pytest.mark.requirement("api.reasoning")
async def test_thinking_and_effort_say_whether_and_how_much() -> None:
    """A budget is read as its part of `max_tokens`; an effort goes before it."""
    enabled = {"type": "enabled", "budget_tokens": 2048}
    forms: Sequence[tuple[dict[str, Any], bool, str]] = (
        ({}, False, ""),
        ({"thinking": {"type": "enabled"}}, True, ""),
        ({"thinking": enabled, "max_tokens": 8192}, True, "low"),
        ({"thinking": enabled, "max_tokens": 4096}, True, "medium"),
        ({"thinking": enabled, "max_tokens": 2731}, True, "high"),
        ({"thinking": enabled, "max_tokens": 2049}, True, "max"),
        ({"thinking": enabled, "output_config": {"effort": "xhigh"}}, True, "max"),
        ({"thinking": {"type": "disabled"}, "output_config": {"effort": "low"}}, False, "low"),
        ({"thinking": {"type": "between_tools"}}, False, ""),
        ({"thinking": {"type": "adaptive"}}, False, ""),
    )
    async with taking(PATH) as took:
        for fields, thinking, effort in forms:
            asked = await took.taken(body(**fields))
            assert (asked.thinking, asked.effort) == (thinking, effort), fields


@pytest.mark.requirement("api.messages-tools")
async def test_the_choice_of_tools_is_kept() -> None:
    """One that is named is the only one that is offered."""
    forms: Sequence[tuple[dict[str, Any], list[str], bool]] = (
        ({"type": "auto"}, ["go", "halt"], False),
        ({"type": "any"}, ["go", "halt"], True),
        ({"type": "tool", "name": "halt"}, ["halt"], True),
        ({"type": "none"}, [], False),
    )
    async with taking(PATH) as took:
        for choice, names, must_call in forms:
            asked = await took.taken(body(tools=[GO, STOP], tool_choice=choice))
            assert [tool.name for tool in asked.tools] == names
            assert asked.must_call == must_call, choice


async def test_sampling_stops_and_the_shape_of_the_answer_reach_the_backend() -> None:
    """The shape by its newer and its older name."""
    shape = {"type": "json_schema", "schema": {"type": "object"}}
    given = {"temperature": 0.5, "top_p": 1, "top_k": 7, "stop_sequences": ["END"]}
    async with taking(PATH) as took:
        asked = await took.taken(body(**given, output_config={"format": shape}))
        older = await took.taken(body(output_format=shape))
    assert asked.sampling == (("temperature", 0.5), ("top_p", 1.0), ("top_k", 7))
    assert asked.stop == ("END",) and asked.schema == older.schema == {"type": "object"}


async def test_an_answer_may_be_begun_and_be_stopped() -> None:
    """The beginning is left out; the text that stopped it is named."""
    begun = {"role": "assistant", "content": "Y"}
    async with taking(PATH) as took:
        _, prefixed = await took.answer(body(HELLO, begun))
        _, stopped = await took.answer(body(stop_sequences=["s."]))
    assert prefixed["content"] == [text("es.")]
    assert stopped["content"] == [text("Ye")]
    assert (stopped["stop_reason"], stopped["stop_sequence"]) == ("stop_sequence", "s.")


@pytest.mark.requirement("api.images", "api.messages-tools")
async def test_pictures_and_documents_are_read_from_messages_and_results() -> None:
    """Pictures of results come after all of them, as one message of the user."""
    inline = {"type": "base64", "media_type": "image/png", "data": PIXEL}
    far = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
    near = {"type": "image", "source": inline}
    plain = {"type": "text", "media_type": "text/plain", "data": "It rains."}
    document = {"type": "document", "title": "Report", "source": plain}
    blocks = {"type": "document", "source": {"type": "content", "content": [text("Sun.")]}}
    found = {"type": "search_result", "title": "T", "source": "s", "content": [text("Fog.")]}
    result = {"type": "tool_result", "tool_use_id": "toolu_01", "content": [text("See:"), near]}
    async with taking(PATH) as took:
        asked = await took.taken(
            body(
                user(text("Look:"), near, far, document, blocks, found),
                {"role": "assistant", "content": [CALL]},
                user(result),
            )
        )
    png = ImagePart(url=f"data:image/png;base64,{PIXEL}")
    opening, _, returned, shown = asked.history
    assert opening.content == (
        TextPart(text="Look:"), png, ImagePart(url="https://example.com/a.png"),
        TextPart(text="Report\nIt rains."), TextPart(text="Sun."), TextPart(text="T\ns\nFog."),
    )  # fmt: skip
    assert (returned.text, shown.role, shown.content[-1]) == ("See:", "user", png)


BAD: Sequence[tuple[dict[str, Any], str]] = (
    ({"max_tokens": None}, "max_tokens"),
    ({"max_tokens": 0}, "max_tokens"),
    ({"max_tokens": True}, "max_tokens"),
    ({"max_tokens": "99"}, "max_tokens"),
    ({"messages": None}, "messages"),
    ({"messages": {}}, "messages"),
    ({"messages": ["hi"]}, "messages[0]"),
    ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].role"),
    ({"messages": [{"role": "user", "content": 5}]}, "messages[0].content"),
    ({"messages": [user("x")]}, "messages[0].content[0]"),
    ({"messages": [user({"type": "text"})]}, "messages[0].content[0].text"),
    ({"messages": [user({"type": "video"})]}, "messages[0].content[0].type"),
    ({"messages": [user({"type": "image"})]}, "messages[0].content[0].source"),
    (
        {"messages": [user({"type": "tool_result", "tool_use_id": "gone", "content": ""})]},
        "messages[0].content[0].tool_use_id",
    ),
    (
        {"messages": [HELLO, {"role": "assistant", "content": [{**CALL, "input": "{}"}]}]},
        "messages[1].content[0].input",
    ),
    ({"system": 5}, "system"),
    ({"system": [{"type": "image"}]}, "system[0].type"),
    ({"tools": {}}, "tools"),
    ({"tools": [{**GO, "name": "no spaces"}]}, "tools[0].name"),
    ({"tools": [{"name": "go"}]}, "tools[0].input_schema"),
    ({"tools": [GO] * 1025}, "tools"),
    ({"tools": [GO], "tool_choice": "auto"}, "tool_choice"),
    ({"tools": [GO], "tool_choice": {"type": "tool", "name": "halt"}}, "tool_choice.type"),
    ({"tool_choice": {"type": "any"}}, "tool_choice.type"),
    ({"thinking": {"type": "deep"}}, "thinking.type"),
    ({"thinking": {"type": "enabled", "budget_tokens": 10}}, "thinking.budget_tokens"),
    ({"output_config": {"effort": "huge"}}, "output_config.effort"),
    ({"output_config": {"format": {"type": "json_schema"}}}, "output_config.format.schema"),
    ({"temperature": 1.5}, "temperature"),
    ({"top_p": "1"}, "top_p"),
    ({"top_k": -1}, "top_k"),
    ({"stop_sequences": "END"}, "stop_sequences"),
    ({"stop_sequences": [1]}, "stop_sequences[0]"),
    ({"stream": "yes"}, "stream"),
)


@pytest.mark.requirement("api.errors")
async def test_what_cannot_be_used_is_named() -> None:
    """In Anthropic's shape, streamed or not, before the model is asked."""
    async with taking(PATH) as took:
        for wrong, field in BAD:
            status, answer = await took.answer(body(stream=True) | wrong)
            assert status == 400 and answer["type"] == "error", wrong
            assert answer["error"]["type"] == "invalid_request_error"
            assert answer["error"]["message"].startswith(f"{field} "), (wrong, answer)
        assert not took.requests


@pytest.mark.requirement("api.errors", "api.images")
async def test_pictures_and_documents_that_cannot_be_read_are_refused() -> None:
    """With words that say what can be sent."""
    sources: Sequence[tuple[dict[str, Any], str]] = (
        ({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "*"}},
         "base64"),
        ({"type": "image", "source": {"type": "base64", "media_type": "image/tiff", "data": PIXEL}},
         "image/webp"),
        ({"type": "image", "source": {"type": "url", "url": "file:///etc/passwd"}}, "https://"),
        ({"type": "image", "source": {"type": "file", "file_id": "f"}}, "base64, url"),
        ({"type": "document", "source": {"type": "base64", "media_type": "application/pdf",
                                         "data": PIXEL}}, "as text"),
    )  # fmt: skip
    async with taking(PATH) as took:
        for block, words in sources:
            status, answer = await took.answer(body(user(block)))
            assert status == 400 and words in answer["error"]["message"], answer
        async with took.server.client.post(PATH, data=b"[1]") as response:
            assert response.status == 400
            assert (await response.json())["error"]["message"] == "the body has to be a JSON object"


FULL = body(
    user(text("Go."), {"type": "image", "source": {"type": "url", "url": "https://a.b/c"}}),
    {"role": "assistant", "content": [{"type": "thinking", "thinking": "Hm."}, CALL]},
    user({"type": "tool_result", "tool_use_id": "toolu_01", "content": [text("42")]}),
    {"role": "assistant", "content": "Yes"}, system=[text("Be kind.")], tools=[GO],
    tool_choice={"type": "tool", "name": "go"}, stop_sequences=["END"], temperature=1, stream=True,
    thinking={"type": "enabled", "budget_tokens": 2048}, top_k=1,
    output_config={"effort": "low", "format": {"type": "json_schema", "schema": {}}},
)  # fmt: skip
"""Every field that is read."""


@given(mutated(FULL))
@settings(deadline=None)
def test_any_value_anywhere_is_understood_or_refused(request: dict[str, Any]) -> None:
    """With an error that names a field; what is understood can be encoded for a backend."""
    try:
        chat = chat_request(request, ("scripted",))
    except ApiError as error:
        assert error.status in (400, 404) and error.param
        return
    asked = Request(History(chat.messages), chat.tools, schema=chat.schema)
    assert orjson.loads(encode_request(asked, "claude-sonnet-4-5"))
    assert MessageFrames(chat).begin()
