"""Streams of chat completions keep their order, however they are split on the way."""

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise

import pytest
from frames import ChatFrames, WrongFrame
from hypothesis import given, settings
from hypothesis import strategies as st

from openswarm.core.messages import Message, ToolCall, Usage
from openswarm.llm.model import Delta, Reply
from openswarm.llm.openai_wire import ReplyFold
from openswarm.llm.sse import SseParser
from openswarm.server.chat import ChatReply, ChatRequest
from openswarm.server.completions.encode import CompletionFrames
from openswarm.server.completions.parse import Asked
from openswarm.server.failures import ApiError
from openswarm.server.names import Served

pytestmark = pytest.mark.requirement("api.frames")

SERVED = Served("openswarm-thinking", "thinking", "scripted")
SPLIT = settings(max_examples=40, deadline=None)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.sampled_from(
    ["🐙", "data: [DONE]\n\n", "\r\n\r\n", "é", "\u2028", "</think>", "👩‍👩‍👧"]
)
names = st.from_regex(r"[a-zA-Z0-9_-]{1,12}", fullmatch=True)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
arguments = st.dictionaries(texts, values, max_size=3).map(
    lambda value: json.dumps(value, ensure_ascii=False)
)
calls = st.lists(
    st.builds(ToolCall, id=st.just(""), name=names, arguments=arguments), max_size=4
).map(tuple)


@st.composite
def replies(draw: st.DrawFn) -> tuple[list[Delta], ChatReply]:
    """A reply and the pieces in which it came."""
    thoughts, said = draw(st.lists(texts, max_size=4)), draw(st.lists(texts, max_size=4))
    deltas = [Delta("reasoning", text) for text in thoughts if text]
    deltas += [Delta("text", text) for text in said if text]
    message = Message(
        role="assistant", content="".join(said), reasoning="".join(thoughts), tool_calls=draw(calls)
    )
    counts = st.integers(0, 10**9)
    usage = Usage(input_tokens=draw(counts), output_tokens=draw(counts), cached_tokens=draw(counts))
    return deltas, ChatReply(message, usage, draw(st.sampled_from(["stop", "length"])))


def encoder(*, include_usage: bool = True) -> CompletionFrames:
    """An encoder of one answer."""
    chat = ChatRequest(SERVED, (Message(role="user", content="Is it so?"),), stream=True)
    return CompletionFrames(Asked(chat, include_usage))


def encoded(deltas: Sequence[Delta], reply: ChatReply, frames: CompletionFrames) -> bytes:
    """The whole stream."""
    pieces = [frames.begin()]
    for delta in deltas:
        pieces += [frames.delta(delta), frames.ping()]
    return b"".join((*pieces, frames.end(reply)))


def cut(data: bytes, places: Sequence[int]) -> Iterator[bytes]:
    """The bytes, cut at places that are taken modulo their length."""
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return (data[start:end] for start, end in pairwise(edges))


def read_back(pieces: Iterator[bytes]) -> Reply:
    """The reply as openswarm's own client puts it together."""
    fold, parser = ReplyFold(lambda _: None), SseParser()
    data = [event.data for piece in pieces for event in parser.feed(piece)]
    assert data.pop() == b"[DONE]"
    for chunk in data:
        fold.chunk(chunk)
    return fold.reply(0)


@given(replies(), st.booleans(), st.lists(st.integers(0, 10**6), max_size=20))
@SPLIT
def test_any_reply_keeps_the_order_of_frames_at_any_split(
    made: tuple[list[Delta], ChatReply], include_usage: bool, places: list[int]
) -> None:
    """The checker's own reader finds the reply that was sent."""
    deltas, reply = made
    data = encoded(deltas, reply, encoder(include_usage=include_usage))
    frames = ChatFrames(include_usage)
    for piece in cut(data, places):
        frames.feed(piece)
    frames.close()
    said = reply.message
    assert (frames.text, frames.reasoning) == (said.text, said.reasoning)
    found = [(call.name, call.arguments) for call in frames.calls.values()]
    assert found == [(call.name, call.arguments) for call in said.tool_calls]
    assert [call.id for call in frames.calls.values()] == [
        f"functions.{call.name}:{index}" for index, call in enumerate(said.tool_calls)
    ]
    assert frames.finish == ("tool_calls" if said.tool_calls else reply.finish)


@given(replies(), st.lists(st.integers(0, 10**6), max_size=20))
@SPLIT
def test_our_own_client_reads_the_same_reply_at_any_split(
    made: tuple[list[Delta], ChatReply], places: list[int]
) -> None:
    """Text, thoughts, calls and usage."""
    deltas, reply = made
    _same(read_back(cut(encoded(deltas, reply, encoder()), places)), reply)


@given(replies())
@settings(max_examples=15, deadline=None)
def test_our_own_client_reads_the_same_reply_byte_by_byte(
    made: tuple[list[Delta], ChatReply],
) -> None:
    """Characters of several bytes are cut in their middle, too."""
    deltas, reply = made
    data = encoded(deltas, reply, encoder())
    _same(read_back(data[i : i + 1] for i in range(len(data))), reply)


def _same(read: Reply, reply: ChatReply) -> None:
    said, got = reply.message, read.message
    assert (got.text, got.reasoning) == (said.text, said.reasoning)
    assert [(call.name, call.arguments) for call in got.tool_calls] == [
        (call.name, call.arguments) for call in said.tool_calls
    ]
    assert read.usage.model_dump(exclude={"written_tokens"}) == reply.usage.model_dump(
        exclude={"written_tokens"}
    )


@given(replies())
@SPLIT
def test_the_whole_answer_is_that_of_the_stream(made: tuple[list[Delta], ChatReply]) -> None:
    """One object and the stream say the same, down to the ids of calls."""
    deltas, reply = made
    frames = encoder()
    streamed = ChatFrames.of(encoded(deltas, reply, frames), include_usage=True)
    whole = frames.whole(reply)
    message = whole["choices"][0]["message"]
    assert (message["content"] or "") == streamed.text
    assert message.get("reasoning_content", "") == streamed.reasoning
    assert whole["choices"][0]["finish_reason"] == streamed.finish
    assert whole["usage"] == streamed.usage
    assert [call["id"] for call in message.get("tool_calls", ())] == [
        call.id for call in streamed.calls.values()
    ]


def test_an_error_in_mid_stream_is_a_frame_and_then_the_end() -> None:
    """In the shape of the wire."""
    frames = encoder()
    data = frames.begin() + frames.delta(Delta("text", "Half"))
    data += frames.error(ApiError(502, "the model's reply broke off", kind="broken_stream"))
    seen = ChatFrames.of(data)
    assert seen.error == {
        "message": "the model's reply broke off", "type": "server_error", "code": "broken_stream",
        "param": None,
    }  # fmt: skip
    assert seen.text == "Half" and not seen.finish


def test_the_checker_sees_what_is_wrong() -> None:
    """Each rule, broken in one frame of a stream that is right."""
    reply = ChatReply(
        Message(
            role="assistant",
            content="Yes",
            tool_calls=(ToolCall(id="", name="look", arguments='{"a": 1}'),),
        ),
        Usage(input_tokens=3, output_tokens=2),
    )
    good = encoded([Delta("reasoning", "Hm"), Delta("text", "Yes")], reply, encoder())
    ChatFrames.of(good, include_usage=True)
    role, thought, _, text, _, *rest = good.split(b"\n\n")
    head, args, end, usage, done, _ = rest
    broken = {
        "no role": [thought, text, head, args, end, usage, done],
        "role twice": [role, role, text, head, args, end, usage, done],
        "thought late": [role, text, thought, head, args, end, usage, done],
        "text late": [role, head, args, text, end, usage, done],
        "head twice": [role, text, head, head, args, end, usage, done],
        "args first": [role, text, args, head, end, usage, done],
        "args twice": [role, text, head, args, args, end, usage, done],
        "index": [role, head.replace(b'"index":0,"id"', b'"index":1,"id"'), args, end, usage, done],
        "no end": [role, text, usage, done],
        "end twice": [role, text, head, args, end, end, usage, done],
        "empty reason": [
            role, head, args, end.replace(b'"finish_reason":"tool_calls"', b'"finish_reason":""'),
            usage, done,
        ],
        "stop with calls": [role, head, args, end.replace(b'"tool_calls"', b'"stop"'), usage, done],
        "no usage": [role, text, head, args, end, done],
        "usage first": [role, text, head, args, usage, end, done],
        "after usage": [role, head, args, end, usage, text, done],
        "no done": [role, text, head, args, end, usage],
        "done twice": [role, text, head, args, end, usage, done, done],
        "after done": [role, text, head, args, end, usage, done, text],
        "cut off": [role, text, head, args, end, usage, done[:4]],
        "id": [role, text.replace(b"chatcmpl-", b"chatcmpl-0"), head, args, end, usage, done],
        "model": [role, text.replace(b"-thinking", b"-instant"), head, args, end, usage, done],
    }  # fmt: skip
    missed = []
    for name, stream in broken.items():
        try:
            ChatFrames.of(b"\n\n".join((*stream, b"")), include_usage=True)
        except (WrongFrame, KeyError):
            continue
        missed.append(name)
    assert not missed
