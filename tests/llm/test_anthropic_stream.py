"""Streams in Anthropic's Messages format, folded into replies."""

import json
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import anthropic_sse as sse
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openswarm.core.errors import Fault, ModelError
from openswarm.core.history import History
from openswarm.core.messages import Message, Usage
from openswarm.llm.anthropic_stream import ReplyFold
from openswarm.llm.anthropic_wire import encode_request
from openswarm.llm.model import Delta, Reply, Request
from openswarm.llm.sse import SseParser

WHOLE = (
    sse.start(input_tokens=12, cache_read_input_tokens=800, cache_creation_input_tokens=40)
    + sse.thinking(0, "Zürich? 日本? 🐙", "c2lnbmF0dXJl")
    + sse.text(1, "Let me ", "löök. 🐙")
    + sse.tool_use(2, "toolu_1", "search", "", '{"q": "caf', "é 🐙", '", "n": 1}')
    + sse.event("ping")
    + sse.tool_use(3, "toolu_2", "fetch", '{"url":"x"}')
    + sse.end("tool_use", output_tokens=77)
)


def fold(chunks: Iterable[bytes], deltas: list[Delta] | None = None) -> ReplyFold:
    folded = ReplyFold(deltas.append if deltas is not None else lambda _: None)
    parser = SseParser()
    for chunk in chunks:
        for event in parser.feed(chunk):
            folded.event(event.data)
    return folded


def read(*chunks: bytes) -> Reply:
    return fold(chunks).reply(400)


@pytest.mark.requirement("llm.anthropic")
def test_text_thinking_and_parallel_calls_are_read() -> None:
    reply = read(WHOLE)
    assert reply.message.content == "Let me löök. 🐙"
    assert reply.message.reasoning == "Zürich? 日本? 🐙"
    assert [(call.id, call.name) for call in reply.message.tool_calls] == [
        ("toolu_1", "search"),
        ("toolu_2", "fetch"),
    ]
    assert reply.message.tool_calls[0].arguments == '{"q": "café 🐙", "n": 1}'
    assert (reply.finish, reply.model) == ("tool_calls", "claude-test")


@pytest.mark.requirement("llm.usage")
def test_input_tokens_include_what_the_cache_read_and_wrote() -> None:
    assert read(WHOLE).usage == Usage(
        input_tokens=852, output_tokens=77, cached_tokens=800, written_tokens=40
    )


def test_later_counts_go_before_earlier_ones() -> None:
    stream = sse.start(input_tokens=5) + sse.text(0, "a") + sse.end(input_tokens=50)
    assert read(stream).usage == Usage(input_tokens=50, output_tokens=9)


def test_tokens_are_estimated_where_the_endpoint_counts_none() -> None:
    stream = (
        sse.text(0, "a" * 40) + sse.event("message_delta", delta={}) + sse.event("message_stop")
    )
    assert read(stream).usage == Usage(input_tokens=101, output_tokens=11)


def test_deltas_stream_as_they_come() -> None:
    deltas: list[Delta] = []
    fold([WHOLE], deltas)
    assert deltas == [
        Delta("reasoning", "Zürich? 日本? 🐙"),
        Delta("text", "Let me "),
        Delta("text", "löök. 🐙"),
    ]


def test_a_stream_cut_at_any_byte_is_read_alike() -> None:
    whole = read(WHOLE)
    for at in range(len(WHOLE)):
        assert read(WHOLE[:at], WHOLE[at:]) == whole


@pytest.mark.requirement("llm.anthropic", "llm.fragments")
@settings(max_examples=50)
@given(st.lists(st.integers(0, len(WHOLE)), max_size=40))
def test_a_stream_in_any_fragments_is_read_alike(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(WHOLE)]
    pieces = [WHOLE[a:b] for a, b in pairwise(edges)]
    assert read(*pieces) == read(WHOLE)


@settings(max_examples=50)
@given(st.dictionaries(st.text(), st.text() | st.integers(), max_size=4), st.integers(1, 9))
def test_arguments_in_any_fragments_are_put_together(value: dict[str, Any], size: int) -> None:
    written = json.dumps(value, ensure_ascii=False)
    pieces = [written[at : at + size] for at in range(0, len(written), size)]
    stream = sse.start() + sse.tool_use(0, "a", "f", *pieces) + sse.end("tool_use")
    assert read(stream).message.tool_calls[0].arguments == written


def test_a_call_without_arguments_has_an_empty_object() -> None:
    stream = sse.start() + sse.tool_use(0, "a", "f") + sse.end("tool_use")
    assert read(stream).message.tool_calls[0].arguments == "{}"


def test_arguments_that_come_whole_with_the_call_are_taken() -> None:
    call = {"type": "tool_use", "id": "a", "name": "f", "input": {"q": 1}}
    stream = sse.start() + sse.block(0, call) + sse.end("tool_use")
    assert read(stream).message.tool_calls[0].arguments == '{"q":1}'


def test_blocks_may_grow_in_turns() -> None:
    stream = (
        sse.start()
        + sse.event("content_block_start", index=0, content_block={"type": "text", "text": ""})
        + sse.event("content_block_start", index=1, content_block={"type": "text", "text": ""})
        + sse.event("content_block_delta", index=1, delta={"type": "text_delta", "text": "b"})
        + sse.event("content_block_delta", index=0, delta={"type": "text_delta", "text": "a"})
        + sse.end()
    )
    assert read(stream).message.content == "ab"


def test_what_this_client_does_not_know_is_skipped() -> None:
    cited = sse.block(
        0,
        {"type": "text", "text": ""},
        {"type": "text_delta", "text": "a"},
        {"type": "citations_delta", "citation": {"type": "page_location"}},
    )
    search = sse.block(1, {"type": "server_tool_use", "id": "s", "name": "web", "input": {}})
    stream = sse.start() + cited + search + sse.event("new_kind", text="?") + sse.end()
    assert read(stream).message == Message(role="assistant", content="a")


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("pause_turn", "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("refusal", "content_filter"),
        ("something new", "stop"),
    ],
)
def test_stop_reasons_have_our_names(reason: str, finish: str) -> None:
    assert read(sse.start() + sse.text(0, "a") + sse.end(reason)).finish == finish


def test_a_refusal_stays_one_even_after_a_call() -> None:
    stream = sse.start() + sse.tool_use(0, "a", "f", "{}") + sse.end("refusal")
    assert read(stream).finish == "content_filter"


def test_a_stream_is_done_only_with_its_last_event() -> None:
    last = sse.event("message_stop")
    assert not fold([WHOLE.removesuffix(last)]).done
    assert fold([WHOLE]).done


@pytest.mark.parametrize(
    ("kind", "message", "fault"),
    [
        ("overloaded_error", "Overloaded", Fault.THROTTLED),
        ("rate_limit_error", "slow down", Fault.THROTTLED),
        ("api_error", "Internal server error", Fault.SERVER),
        ("timeout_error", "timed out", Fault.SERVER),
        ("authentication_error", "invalid x-api-key", Fault.AUTH),
        ("permission_error", "no", Fault.AUTH),
        ("not_found_error", "model: claude-none", Fault.UNKNOWN_MODEL),
        ("billing_error", "pay", Fault.QUOTA),
        ("invalid_request_error", "Your credit balance is too low", Fault.QUOTA),
        ("invalid_request_error", "prompt is too long: 9 > 8 maximum", Fault.CONTEXT),
        ("invalid_request_error", "messages: wrong", Fault.REFUSED),
        ("unheard_of_error", "?", Fault.SERVER),
    ],
)
def test_errors_inside_the_stream_are_told_apart(kind: str, message: str, fault: Fault) -> None:
    error = sse.event("error", error={"type": kind, "message": message})
    with pytest.raises(ModelError, match="error in the stream") as caught:
        read(sse.start() + sse.text(0, "half") + error)
    assert caught.value.fault is fault


@pytest.mark.parametrize(
    ("stream", "fault"),
    [
        (b"data: {half\n\n", Fault.BROKEN),
        (b"data: [1]\n\n", Fault.PROTOCOL),
        (
            sse.event("content_block_delta", index=0, delta={"type": "text_delta", "text": "a"}),
            Fault.PROTOCOL,
        ),
        (sse.event("content_block_start", content_block={"type": "text"}), Fault.PROTOCOL),
    ],
)
def test_what_breaks_the_format_is_an_error(stream: bytes, fault: Fault) -> None:
    with pytest.raises(ModelError) as caught:
        read(stream)
    assert caught.value.fault is fault


@pytest.mark.requirement("llm.bounds")
def test_a_reply_without_end_is_cut_off() -> None:
    with pytest.raises(ModelError, match="more than"):
        read(sse.start() + sse.text(0, *["a" * (1 << 20)] * 9))


REPLAYED = {
    "thinking first": [
        {"type": "thinking", "thinking": "why 🐙", "signature": "s1"},
        {"type": "text", "text": "So: ü"},
        {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}},
    ],
    "thinking between calls": [
        {"type": "thinking", "thinking": "one", "signature": "s1"},
        {"type": "tool_use", "id": "t1", "name": "f", "input": {"a": 1}},
        {"type": "thinking", "thinking": "two", "signature": "s2"},
        {"type": "text", "text": "and"},
        {"type": "tool_use", "id": "t2", "name": "g", "input": {}},
    ],
    "redacted and omitted": [
        {"type": "redacted_thinking", "data": "b3BhcXVl"},
        {"type": "thinking", "thinking": "", "signature": "s1"},
        {"type": "text", "text": "Done."},
    ],
    "no thinking": [
        {"type": "text", "text": "Ask."},
        {"type": "tool_use", "id": "t1", "name": "f", "input": {}},
    ],
}


@pytest.mark.parametrize("blocks", REPLAYED.values(), ids=REPLAYED.keys())
def test_a_reply_is_sent_back_as_it_came(blocks: list[dict[str, Any]]) -> None:
    reply = read(sse.start() + b"".join(map(streamed, range(9), blocks)) + sse.end())
    history = History([Message(role="user", content="go"), reply.message])
    sent = orjson.loads(encode_request(Request(history, thinking=True), "claude-opus-5"))
    assert sent["messages"][1]["content"] == blocks


def streamed(index: int, block: dict[str, Any]) -> bytes:
    match block["type"]:
        case "thinking":
            return sse.thinking(index, block["thinking"], block["signature"])
        case "text":
            return sse.text(index, block["text"])
        case "tool_use":
            return sse.tool_use(index, block["id"], block["name"], json.dumps(block["input"]))
    return sse.block(index, block)
