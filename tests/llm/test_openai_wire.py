"""Replies in OpenAI's chat completions: chunks, as the official SDK writes them, and worse."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionChunk

from openswarm.core.errors import Fault, ModelError
from openswarm.core.messages import Message, ToolCall, Usage
from openswarm.llm.model import Delta, Reply
from openswarm.llm.openai_wire import MAX_CALLS, ReplyFold, encode_message, stream_error


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **fields: Any) -> bytes:
    """One chunk, as the SDK's own type writes it."""
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    value = {
        "id": "1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "kimi",
        "choices": choices,
        **fields,
    }
    ChatCompletionChunk.model_validate(value)
    return orjson.dumps(value)


def fold(*chunks: bytes, deltas: list[Delta] | None = None) -> Reply:
    folded = ReplyFold((deltas if deltas is not None else []).append)
    for data in chunks:
        folded.chunk(data)
    return folded.reply(400)


def fragment(index: int | None, identity: str = "", name: str = "", arguments: str = "") -> Any:
    function = {**({"name": name} if name else {}), "arguments": arguments}
    entry = {"function": function, "type": "function", **({"id": identity} if identity else {})}
    return entry if index is None else {"index": index, **entry}


def test_text_and_reasoning_are_joined_and_shown_as_they_come() -> None:
    deltas: list[Delta] = []
    reply = fold(
        chunk({"role": "assistant", "content": ""}),
        chunk({"reasoning_content": "H"}),
        chunk({"reasoning_content": "m."}),
        chunk({"content": "Gr"}),
        chunk({"content": "üße"}, "stop"),
        chunk(usage={"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}),
        deltas=deltas,
    )
    assert reply.message == Message(role="assistant", content="Grüße", reasoning="Hm.")
    assert reply.usage == Usage(input_tokens=9, output_tokens=4)
    assert (reply.finish, reply.model) == ("stop", "kimi")
    assert [(d.kind, d.text) for d in deltas] == [
        ("reasoning", "H"),
        ("reasoning", "m."),
        ("text", "Gr"),
        ("text", "üße"),
    ]


def test_reasoning_is_read_under_its_other_name_too() -> None:
    assert fold(chunk({"reasoning": "Hm."}), chunk({}, "stop")).message.reasoning == "Hm."


@pytest.mark.requirement("llm.fragments")
def test_a_call_in_fragments_is_put_together() -> None:
    reply = fold(
        chunk({"tool_calls": [fragment(0, "call_9", "search", "")]}),
        chunk({"tool_calls": [fragment(0, arguments='{"q": ')]}),
        chunk({"tool_calls": [fragment(0, arguments='"x"}')]}),
        chunk({}, "tool_calls"),
    )
    assert reply.message.tool_calls == (
        ToolCall(id="call_9", name="search", arguments='{"q": "x"}'),
    )
    assert reply.finish == "tool_calls"


def test_parallel_calls_are_told_apart_by_their_index_in_any_order() -> None:
    reply = fold(
        chunk({"tool_calls": [fragment(1, "b", "open", '{"p":'), fragment(0, "a", "search", "{")]}),
        chunk({"tool_calls": [fragment(0, arguments="}"), fragment(1, arguments="2}")]}),
    )
    assert [(c.id, c.name, c.arguments) for c in reply.message.tool_calls] == [
        ("a", "search", "{}"),
        ("b", "open", '{"p":2}'),
    ]


def test_calls_without_an_index_are_told_apart_by_their_ids() -> None:
    reply = fold(
        orjson.dumps({"choices": [{"delta": {"tool_calls": [fragment(None, "a", "one", "{")]}}]}),
        orjson.dumps({"choices": [{"delta": {"tool_calls": [fragment(None, arguments="}")]}}]}),
        orjson.dumps({"choices": [{"delta": {"tool_calls": [fragment(None, "b", "two", "{}")]}}]}),
    )
    assert [(c.id, c.arguments) for c in reply.message.tool_calls] == [("a", "{}"), ("b", "{}")]


def test_ids_that_are_repeated_or_missing_are_made_unique() -> None:
    reply = fold(
        chunk({"tool_calls": [fragment(0, "x", "one", "{}"), fragment(1, "x", "one", "{}")]}),
        chunk({"tool_calls": [fragment(2, "", "two", "{}"), fragment(3, "", "two", "{}")]}),
    )
    calls = reply.message.tool_calls
    assert len({call.id for call in calls}) == 4
    assert all(call.id for call in calls)
    assert calls[0].id == "x"


def test_a_call_without_arguments_has_an_empty_object() -> None:
    reply = fold(chunk({"tool_calls": [fragment(0, "a", "list_all")]}))
    assert reply.message.tool_calls[0].arguments == "{}"


def test_arguments_that_come_as_an_object_are_written_out() -> None:
    call = {"index": 0, "id": "a", "function": {"name": "t", "arguments": {"q": [1]}}}
    reply = fold(orjson.dumps({"choices": [{"delta": {"tool_calls": [call]}}]}))
    assert orjson.loads(reply.message.tool_calls[0].arguments) == {"q": [1]}


@pytest.mark.requirement("llm.usage")
@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens_details": {"cached_tokens": 60}},
        {"cached_tokens": 60},
        {"prompt_tokens_details": None, "cached_tokens": 60},
    ],
)
def test_cached_tokens_are_found_in_both_of_their_places(usage: dict[str, Any]) -> None:
    counts = {"prompt_tokens": 100, "completion_tokens": 5, "total_tokens": 105}
    value = orjson.dumps({"choices": [], "usage": {**counts, **usage}})
    assert fold(chunk({"content": "x"}, "stop"), value).usage == Usage(
        input_tokens=100, output_tokens=5, cached_tokens=60
    )


def test_usage_inside_the_last_choice_is_found_too() -> None:
    usage = {"prompt_tokens": 7, "completion_tokens": 2}
    choice = {"delta": {"content": "x"}, "finish_reason": "stop", "usage": usage}
    value = orjson.dumps({"choices": [choice]})
    assert fold(value).usage == Usage(input_tokens=7, output_tokens=2)


def test_an_endpoint_that_counts_nothing_is_estimated_and_never_free() -> None:
    usage = fold(chunk({"content": "x" * 40}, "stop")).usage
    assert usage.input_tokens == 101
    assert usage.output_tokens == 11


def test_a_reply_that_came_whole_is_read_like_a_stream() -> None:
    value = {
        "model": "m",
        "choices": [{"message": {"content": "all"}, "finish_reason": "length"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2},
    }
    reply = fold(orjson.dumps(value))
    assert (reply.message.text, reply.finish, reply.usage.output_tokens) == ("all", "length", 2)


@pytest.mark.parametrize(
    ("reason", "finish"),
    [("length", "length"), ("content_filter", "content_filter"), ("eos", "stop"), ("", "stop")],
)
def test_reasons_to_finish_are_the_four_that_we_know(reason: str, finish: str) -> None:
    assert (
        fold(orjson.dumps({"choices": [{"delta": {}, "finish_reason": reason}]})).finish == finish
    )


@pytest.mark.requirement("llm.faults")
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        ({"message": "Rate limit reached", "type": "rate_limit_error"}, Fault.THROTTLED),
        ({"message": "Engine overloaded"}, Fault.THROTTLED),
        ({"code": 429, "message": "slow down"}, Fault.THROTTLED),
        ({"code": 502, "message": "upstream"}, Fault.SERVER),
        ({"message": "Failed to generate a reply"}, Fault.SERVER),
        ({"code": 400, "message": "maximum context length is 8192"}, Fault.CONTEXT),
        ({"code": 402, "message": "no credits"}, Fault.QUOTA),
        ({"message": "You exceeded", "code": "insufficient_quota"}, Fault.QUOTA),
        ("just words", Fault.SERVER),
        (["odd"], Fault.SERVER),
    ],
)
def test_an_error_inside_the_stream_is_the_fault_that_it_names(error: Any, expected: Fault) -> None:
    with pytest.raises(ModelError) as caught:
        fold(orjson.dumps({"error": error}))
    assert caught.value.fault is expected
    assert stream_error(error).fault is expected


def test_a_chunk_that_is_not_json_means_that_the_stream_broke() -> None:
    with pytest.raises(ModelError) as caught:
        fold(b'{"choices": [')
    assert caught.value.fault is Fault.BROKEN


@pytest.mark.parametrize(
    "value",
    [
        [],
        "text",
        {"choices": ["x"]},
        {"choices": {"a": 1}},
        {"choices": [{"delta": "x"}]},
        {"choices": [{"delta": {"tool_calls": ["x"]}}]},
        {"choices": [{"delta": {"tool_calls": [{"function": "x"}]}}]},
        {"usage": {"prompt_tokens": "many"}},
        {"usage": {"prompt_tokens_details": "many"}},
    ],
)
def test_a_chunk_that_is_no_completion_breaks_the_protocol_and_nothing_else(value: Any) -> None:
    with pytest.raises(ModelError) as caught:
        fold(orjson.dumps(value))
    assert caught.value.fault is Fault.PROTOCOL


@pytest.mark.requirement("llm.bounds")
def test_more_calls_than_a_reply_may_have_break_the_protocol() -> None:
    many = [fragment(i, str(i), "t", "{}") for i in range(MAX_CALLS + 1)]
    with pytest.raises(ModelError, match="tool calls"):
        fold(chunk({"tool_calls": many}))


def test_a_reply_without_end_breaks_the_protocol() -> None:
    piece = chunk({"content": "x" * 1_000_000})
    with pytest.raises(ModelError, match="characters"):
        fold(*[piece] * 10)


def test_tokens_that_are_less_than_nothing_are_counted_as_nothing() -> None:
    usage = {"prompt_tokens": -100, "completion_tokens": -5, "cached_tokens": -1}
    counted = fold(orjson.dumps({"choices": [], "usage": usage})).usage
    assert min(counted.input_tokens, counted.output_tokens, counted.cached_tokens) >= 0


KEYS = st.sampled_from(
    [
        *(
            "choices",
            "delta",
            "tool_calls",
            "function",
            "usage",
            "index",
            "id",
            "name",
            "arguments",
        ),
        *("content", "prompt_tokens", "prompt_tokens_details", "finish_reason", "error", "message"),
    ]
)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.requirement("llm.bounds", "bad.language")
@settings(max_examples=100, deadline=None)
@given(st.lists(JSON, max_size=3))
def test_whatever_json_an_endpoint_sends_it_is_a_reply_or_a_model_error(values: list[Any]) -> None:
    try:
        reply = fold(*map(orjson.dumps, values))
    except ModelError:
        return
    encode_message(reply.message)
    assert all(call.id for call in reply.message.tool_calls)


@pytest.mark.requirement("llm.fragments")
@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.text(max_size=6)), max_size=30))
def test_interleaved_fragments_make_the_same_calls_as_whole_ones(
    pieces: list[tuple[int, str]],
) -> None:
    first = [chunk({"tool_calls": [fragment(i, f"id{i}", f"tool{i}")]}) for i in range(4)]
    later = [chunk({"tool_calls": [fragment(i, arguments=text)]}) for i, text in pieces]
    expected = ["".join(t for j, t in pieces if j == i) or "{}" for i in range(4)]
    assert [c.arguments for c in fold(*first, *later).message.tool_calls] == expected
