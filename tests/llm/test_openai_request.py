"""Requests in OpenAI's chat completions, beside the official SDK's own types."""

from typing import Any

import orjson
import pytest
from openai.types.chat import ChatCompletionMessageParam
from openai.types.chat.completion_create_params import CompletionCreateParamsStreaming
from pydantic import TypeAdapter

from openswarm.core.history import History
from openswarm.core.messages import ImagePart, Message, TextPart, ToolCall, VideoPart
from openswarm.llm.model import Request, ToolSpec
from openswarm.llm.openai_wire import Quirks, encode_message, encode_request, encode_tools

MESSAGE: TypeAdapter[Any] = TypeAdapter(ChatCompletionMessageParam)


BODY: TypeAdapter[Any] = TypeAdapter(CompletionCreateParamsStreaming)


SEARCH = ToolSpec("search", "Searches.", '{"type":"object","properties":{"q":{"type":"string"}}}')


CALL = ToolCall(id="call_1", name="search", arguments='{"q": "ö"}')


TALK = (
    Message(role="system", content="Be brief."),
    Message(role="user", content="Find ö."),
    Message(role="assistant", content="", reasoning="Hm.", tool_calls=(CALL,)),
    Message(role="tool", content="found", tool_call_id="call_1"),
    Message(role="assistant", content="Here.", reasoning="Done."),
)


def body_of(request: Request, quirks: Quirks = Quirks(), model: str = "kimi-k2.5") -> Any:
    return orjson.loads(encode_request(request, model, quirks))


def ask(**options: Any) -> Request:
    return Request(History(TALK[:2]), **options)


@pytest.mark.parametrize("message", TALK)
def test_every_kind_of_message_is_one_that_the_official_sdk_knows(message: Message) -> None:
    MESSAGE.validate_python(orjson.loads(encode_message(message)), strict=True)


@pytest.mark.requirement("llm.reasoning")
def test_a_tool_call_goes_back_as_it_came_with_its_reasoning_beside_it() -> None:
    entry = orjson.loads(encode_message(TALK[2]))
    assert entry == {
        "role": "assistant",
        "content": "",
        "reasoning_content": "Hm.",
        "tool_calls": [
            {
                "id": "call_1",
                "type": "function",
                "function": {"name": "search", "arguments": '{"q": "ö"}'},
            }
        ],
    }


def test_reasoning_of_an_answer_is_not_sent_back() -> None:
    assert "reasoning_content" not in orjson.loads(encode_message(TALK[4]))


def test_images_and_videos_become_parts() -> None:
    parts = (
        TextPart(text="Look"),
        ImagePart(url="data:image/png;base64,AA=="),
        VideoPart(url="https://a.invalid/v.mp4"),
    )
    assert orjson.loads(encode_message(Message(role="user", content=parts)))["content"] == [
        {"type": "text", "text": "Look"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
        {"type": "video_url", "video_url": {"url": "https://a.invalid/v.mp4"}},
    ]


@pytest.mark.requirement("llm.schema")
def test_a_whole_request_is_one_that_the_official_sdk_knows() -> None:
    schema = {"type": "object", "properties": {}}
    request = Request(History(TALK), tools=(SEARCH,), schema=schema, effort="low", must_call=True)
    body = body_of(request, Quirks(effort=True))
    BODY.validate_python(body)
    assert body["stream"] is True
    assert body["stream_options"] == {"include_usage": True}
    assert body["tool_choice"] == "required"
    assert body["reasoning_effort"] == "low"
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "strict": True, "schema": schema},
    }
    assert body["tools"][0]["function"]["parameters"] == orjson.loads(SEARCH.parameters)
    assert [entry["role"] for entry in body["messages"]] == [m.role for m in TALK]


def test_a_plain_request_has_nothing_that_was_not_asked_for() -> None:
    assert set(body_of(ask())) == {"model", "stream", "max_tokens", "stream_options", "messages"}


@pytest.mark.requirement("llm.thinking")
@pytest.mark.parametrize(("thinking", "kind"), [(True, "enabled"), (False, "disabled")])
def test_moonshots_thinking_switch_is_set_without_any_sampling(thinking: bool, kind: str) -> None:
    body = body_of(ask(thinking=thinking), Quirks(thinking="moonshot"))
    assert body["thinking"] == {"type": kind}
    assert not {"temperature", "top_p", "n"} & set(body)


def test_an_open_servers_thinking_switch_is_an_argument_of_its_template() -> None:
    body = body_of(ask(thinking=False), Quirks(thinking="template"))
    assert body["chat_template_kwargs"] == {"thinking": False}


def test_a_switch_that_the_endpoint_does_not_have_is_not_sent() -> None:
    body = body_of(ask(thinking=True, effort="high", schema={"type": "object"}), Quirks())
    assert not {"thinking", "chat_template_kwargs", "reasoning_effort"} & set(body)
    plain = Quirks(strict_schema=False, usage_option=False, max_tokens="max_completion_tokens")
    body = body_of(ask(schema={"type": "object"}), plain)
    assert not {"response_format", "stream_options", "max_tokens"} & set(body)
    assert body["max_completion_tokens"] == 4096


def test_fields_that_an_endpoint_always_needs_go_into_every_request() -> None:
    assert body_of(ask(), Quirks(extra=(("min_p", 0.05),)))["min_p"] == 0.05


def test_tools_are_encoded_once_for_equal_sets() -> None:
    assert encode_tools((SEARCH,)) is encode_tools((SEARCH,))


def test_stop_texts_and_sampling_go_to_endpoints_that_take_them() -> None:
    asked = ask(stop=("END",), sampling=(("temperature", 0.2), ("top_p", 0.5)))
    body = body_of(asked)
    BODY.validate_python(body)
    assert (body["stop"], body["temperature"], body["top_p"]) == (["END"], 0.2, 0.5)
    fixed = body_of(asked, Quirks(thinking="moonshot"))
    assert fixed["stop"] == ["END"]
    assert not {"temperature", "top_p"} & set(fixed)
