"""Fields of the Responses format: what the backend is asked, and what is refused by name."""

from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from mutations import mutated
from taking import taking

from openswarm.core.history import History
from openswarm.core.messages import ImagePart, Message, TextPart
from openswarm.llm.model import Request
from openswarm.llm.openai_wire import Quirks, encode_request
from openswarm.server.failures import ApiError
from openswarm.server.responses.encode import ResponseFrames
from openswarm.server.responses.parse import asked as understood

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("api.responses")]

PATH = "/v1/responses"
INSTANT = "openswarm-instant"
PIXEL = "data:image/png;base64,iVBORw0KGgo="
GO = {"type": "function", "name": "go", "parameters": {"type": "object"}}
STOP = {"type": "function", "name": "halt"}
CALL = {"type": "function_call", "call_id": "c1", "name": "go", "arguments": "{}"}
RESULT = {"type": "function_call_output", "call_id": "c1", "output": "done"}


def body(*items: Any, **fields: Any) -> dict[str, Any]:
    """A request; without items it says hello."""
    return {"model": INSTANT, "input": [*items] or "Hello?", **fields}


def said(role: str, *content: Any) -> dict[str, Any]:
    """A message item."""
    return {"type": "message", "role": role, "content": [*content]}


def text(words: str, kind: str = "input_text") -> dict[str, Any]:
    """A part with text."""
    return {"type": kind, "text": words}


async def test_the_request_of_a_coding_client_is_taken_as_it_comes() -> None:
    """Its roles, tools that others run, thoughts, and fields that nobody here knows."""
    others = [
        {"type": "namespace", "name": "multi_agent_v1", "tools": [GO]},
        {"type": "web_search", "external_web_access": False},
        {"type": "custom", "name": "apply_patch"},
        {"type": "local_shell"},
    ]
    thought = {"type": "reasoning", "id": "rs_1", "summary": [text("Hm.", "summary_text")]}
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
    request = body(
        said("developer", text("Be brief.")), said("user", text("Here is a folder.")),
        said("user", text("Go.")), {**thought, "content": None, "encrypted_content": "gAAA"},
        search, said("assistant", text("I go.", "output_text")), {**CALL, "status": "completed"},
        RESULT, instructions="You code.", tools=[GO, *others, STOP], tool_choice="auto",
        parallel_tool_calls=True, reasoning={"summary": "auto"}, store=False,
        include=["reasoning.encrypted_content"], prompt_cache_key="k", client_metadata={"a": "b"},
        text={"verbosity": "low"}, service_tier="auto",
    )  # fmt: skip
    async with taking(PATH) as took:
        asked = await took.taken(request)
    history = list(asked.history)
    assert [(m.role, m.text) for m in history] == [
        ("system", "You code."), ("system", "Be brief."), ("user", "Here is a folder."),
        ("user", "Go."), ("assistant", "I go."), ("tool", "done"),
    ]  # fmt: skip
    assert (history[4].reasoning, history[4].signature) == ("Hm.", "")
    assert history[4].tool_calls[0].id == history[5].tool_call_id == "c1"
    assert [tool.name for tool in asked.tools] == ["go", "halt"]


async def test_input_is_a_text_or_items_in_their_short_and_long_form() -> None:
    """Thoughts are read from their content where it is there."""
    thought = {
        "type": "reasoning", "content": [text("Long.", "reasoning_text")],
        "summary": [text("Short.", "summary_text")],
    }  # fmt: skip
    refusal = said("assistant", {"type": "refusal", "refusal": "No."})
    async with taking(PATH) as took:
        plain = await took.taken(body())
        short = await took.taken(body({"role": "user", "content": "Hello?"}))
        asked = said("user", text("Why?"))
        replies = await took.taken(body(said("user", text("Hi")), thought, refusal, asked))
    assert list(plain.history) == list(short.history) == [Message(role="user", content="Hello?")]
    assert (replies.history[1].reasoning, replies.history[1].text) == ("Long.", "No.")


@pytest.mark.requirement("api.images")
async def test_pictures_are_read_from_messages_and_results() -> None:
    """Those of results come after all of them, as one message of the user."""
    near = {"type": "input_image", "image_url": PIXEL, "detail": "auto"}
    far = {"type": "input_image", "image_url": "https://example.com/a.png"}
    async with taking(PATH) as took:
        asked = await took.taken(
            body(
                said("user", text("Look:"), near, far),
                CALL,
                {**CALL, "call_id": "c2"},
                {**RESULT, "output": [text("See:"), near]},
                {**RESULT, "call_id": "c2", "output": [text("No picture.")]},
            )
        )
    opening, called, first, second, shown = asked.history
    png = ImagePart(url=PIXEL)
    link = ImagePart(url="https://example.com/a.png")
    assert opening.content == (TextPart(text="Look:"), png, link)
    assert [call.id for call in called.tool_calls] == ["c1", "c2"]
    assert (first.text, second.text) == ("See:", "No picture.")
    assert (shown.role, shown.content[-1]) == ("user", png)


@pytest.mark.requirement("api.reasoning")
async def test_the_effort_says_whether_and_how_much_to_think() -> None:
    """`none` switches it off; otherwise it is the mode's matter."""
    forms = (
        ("none", False, ""), ("minimal", True, "low"), ("medium", True, "medium"),
        ("xhigh", True, "max"), (None, True, ""),
    )  # fmt: skip
    async with taking(PATH) as took:
        for given, thinking, effort in forms:
            request = body(model="openswarm-thinking", reasoning={"effort": given})
            asked = await took.taken(request)
            assert (asked.thinking, asked.effort) == (thinking, effort), given


async def test_the_choice_of_tools_is_kept() -> None:
    """One that is named is the only one that is offered; so are those that are allowed."""
    allowed = {"type": "allowed_tools", "mode": "auto", "tools": [STOP]}
    forms: Sequence[tuple[Any, list[str], bool]] = (
        ("auto", ["go", "halt"], False),
        ("required", ["go", "halt"], True),
        ("none", [], False),
        ({"type": "function", "name": "halt"}, ["halt"], True),
        (allowed, ["halt"], False),
        ({**allowed, "mode": "required"}, ["halt"], True),
    )
    async with taking(PATH) as took:
        for choice, names, must_call in forms:
            asked = await took.taken(body(tools=[GO, STOP], tool_choice=choice))
            assert [tool.name for tool in asked.tools] == names
            assert asked.must_call == must_call, choice


@pytest.mark.requirement("api.schema")
async def test_sampling_length_and_the_shape_of_the_answer_reach_the_backend() -> None:
    """Any object, one of a schema, or plain text."""
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}
    shapes: Sequence[tuple[dict[str, Any], Any]] = (
        ({"type": "text"}, None),
        ({"type": "json_object"}, {"type": "object"}),
        ({"type": "json_schema", "name": "a", "strict": True, "schema": schema}, schema),
    )
    async with taking(PATH) as took:
        for given, shape in shapes:
            asked = await took.taken(body(text={"format": given}, max_output_tokens=50))
            assert (asked.schema, asked.max_tokens) == (shape, 50)
        asked = await took.taken(body(temperature=1.5, top_p=0))
    assert asked.sampling == (("temperature", 1.5), ("top_p", 0.0))


BAD: Sequence[tuple[dict[str, Any], str]] = (
    ({"input": None}, "input"),
    ({"input": ""}, "input"),
    ({"input": []}, "input"),
    ({"input": 5}, "input"),
    ({"input": ["hi"]}, "input[0]"),
    ({"input": [{"role": "tool", "content": "x"}]}, "input[0].role"),
    ({"input": [{"role": "user"}]}, "input[0].content"),
    ({"input": [said("user", {"type": "input_file"})]}, "input[0].content[0].type"),
    ({"input": [said("user", {"type": "input_text"})]}, "input[0].content[0].text"),
    (
        {"input": [said("user", {"type": "input_image", "image_url": "file:///x"})]},
        "input[0].content[0].image_url",
    ),
    (
        {"input": [said("user", {"type": "input_image", "image_url": "data:image/png;base64,*"})]},
        "input[0].content[0].image_url",
    ),
    ({"input": [RESULT]}, "input[0].call_id"),
    ({"input": [{**CALL, "arguments": {}}]}, "input[0].arguments"),
    ({"input": [{"type": "item_reference", "id": "msg_1"}]}, "input[0].type"),
    ({"input": [{"type": "compaction"}]}, "input[0].type"),
    ({"instructions": ["x"]}, "instructions"),
    ({"tools": [{"name": "go"}]}, "tools[0].type"),
    ({"tools": [{**GO, "name": ""}]}, "tools[0].name"),
    ({"tools": [{**GO, "parameters": "{}"}]}, "tools[0].parameters"),
    ({"tools": [GO] * 1025}, "tools"),
    ({"tools": [GO], "tool_choice": "always"}, "tool_choice"),
    ({"tools": [GO], "tool_choice": 1}, "tool_choice"),
    ({"tools": [GO], "tool_choice": {"type": "web_search"}}, "tool_choice.type"),
    ({"tools": [GO], "tool_choice": {"type": "function", "name": "halt"}}, "tool_choice"),
    ({"tool_choice": "required"}, "tool_choice"),
    ({"parallel_tool_calls": 1}, "parallel_tool_calls"),
    ({"reasoning": "high"}, "reasoning"),
    ({"reasoning": {"effort": "huge"}}, "reasoning.effort"),
    ({"text": {"format": {"type": "yaml"}}}, "text.format.type"),
    ({"text": {"format": {"type": "json_schema", "name": "a"}}}, "text.format.schema"),
    ({"max_output_tokens": 0}, "max_output_tokens"),
    ({"temperature": 3}, "temperature"),
    ({"background": True}, "background"),
    ({"conversation": "c"}, "conversation"),
    ({"previous_response_id": "r"}, "previous_response_id"),
    ({"prompt": {"id": "p"}}, "prompt"),
    ({"stream": "yes"}, "stream"),
)


@pytest.mark.requirement("api.errors")
async def test_what_cannot_be_used_is_named() -> None:
    """In OpenAI's shape, streamed or not, before the model is asked."""
    async with taking(PATH) as took:
        for wrong, field in BAD:
            status, answer = await took.answer(body(stream=True) | wrong)
            error = answer["error"]
            assert status == 400 and error["type"] == "invalid_request_error", wrong
            assert (error["param"], error["message"].partition(" ")[0]) == (field, field), answer
        assert not took.requests


async def test_what_is_repeated_is_what_was_understood() -> None:
    """Tools that were skipped are not in the answer."""
    async with taking(PATH) as took:
        request = body(tools=[GO, {"type": "web_search"}], parallel_tool_calls=False, top_p=1)
        _, answer = await took.answer(request)
    assert [tool["name"] for tool in answer["tools"]] == ["go"]
    assert (answer["parallel_tool_calls"], answer["top_p"]) == (False, 1)
    assert answer["text"] == {"format": {"type": "text"}}
    assert answer["previous_response_id"] is None and answer["tool_choice"] == "auto"


FULL = body(
    said("developer", text("Be kind.")), said("user", {"type": "input_image", "image_url": PIXEL}),
    {"type": "reasoning", "summary": [text("Hm.", "summary_text")], "encrypted_content": "x"}, CALL,
    {**RESULT, "output": [text("42")]}, {"role": "assistant", "content": "Yes"},
    instructions="You code.", tools=[GO], parallel_tool_calls=True, metadata={"a": "b"},
    tool_choice={"type": "allowed_tools", "mode": "auto", "tools": [GO]}, top_p=1, stream=True,
    reasoning={"effort": "low", "summary": "auto"}, temperature=1, max_output_tokens=9, store=True,
    text={"format": {"type": "json_schema", "name": "a", "schema": {}}},
)  # fmt: skip
"""Every field that is read."""


@given(mutated(FULL))
@settings(deadline=None)
def test_any_value_anywhere_is_understood_or_refused(request: dict[str, Any]) -> None:
    """With an error that names a field; what is understood can be encoded, there and back."""
    try:
        asked = understood(request, ("scripted",))
    except ApiError as error:
        assert error.status in (400, 404) and error.param
        return
    chat = asked.chat
    sent = Request(History(chat.messages), chat.tools, schema=chat.schema)
    assert orjson.loads(encode_request(sent, "kimi", Quirks()))
    assert ResponseFrames(asked).begin()
