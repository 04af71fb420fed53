"""The events of a streamed message, for every answer and wherever the stream is cut."""

import json
from collections.abc import Iterable

import pytest
from anthropic_frames import MessageEvents, WrongEvent
from hypothesis import given, settings
from replies import CHAT, SERVED, UNICODE, Streamed, streamed

from openswarm.core.messages import Message, ToolCall, Usage
from openswarm.llm.anthropic_stream import ReplyFold
from openswarm.llm.model import Delta, Reply, ignore
from openswarm.llm.sse import SseParser
from openswarm.server.chat import ChatReply
from openswarm.server.failures import ApiError
from openswarm.server.messages.encode import MessageFrames, encode_reply
from openswarm.server.messages.parse import chat_request
from openswarm.server.names import PREFIX

pytestmark = pytest.mark.requirement("api.messages-stream", "api.frames")


def stream(answer: Streamed) -> bytes:
    """All events of an answer."""
    frames = MessageFrames(CHAT)
    pieces = b"".join(map(frames.delta, answer.deltas))
    return frames.begin() + pieces + frames.end(answer.reply)


def read(chunks: Iterable[bytes]) -> Reply:
    """The answer as openswarm's own client of this format reads it."""
    fold, parser = ReplyFold(ignore), SseParser()
    for chunk in chunks:
        for event in parser.feed(chunk):
            fold.event(event.data)
    assert fold.done
    return fold.reply(0)


def replayed(blocks: list[dict[str, object]]) -> Message:
    """A reply as the backend gets it back from a client that sends on what it got."""
    messages = [{"role": "user", "content": "Go on."}, {"role": "assistant", "content": blocks}]
    body = {"model": f"{PREFIX}thinking", "max_tokens": 9, "messages": messages}
    return chat_request(body, (SERVED.spec,)).messages[-1]


@given(streamed())
@settings(deadline=None)
def test_any_answer_keeps_the_order_and_is_read_back_whole(answer: Streamed) -> None:
    """By the checker, and by our own client."""
    data = stream(answer)
    events = MessageEvents.of(data)
    said, usage = answer.reply.message, answer.reply.usage
    assert (events.text, events.thinking) == (said.text, said.reasoning)
    assert [call["input"] for call in events.calls] == [
        json.loads(call.arguments) for call in said.tool_calls
    ]
    counted = [value for name, value in events.usage.items() if name != "output_tokens"]
    assert sum(counted) == usage.input_tokens
    reply = read([data])
    assert (reply.message.text, reply.message.reasoning) == (said.text, said.reasoning)
    assert reply.usage == usage and reply.finish == answer.reply.finish
    assert [call.name for call in reply.message.tool_calls] == [c.name for c in said.tool_calls]


@given(streamed())
@settings(deadline=None)
@pytest.mark.requirement("api.signature")
def test_what_a_client_sends_back_is_what_the_backend_said(answer: Streamed) -> None:
    """Ids, arguments, thoughts and their signature; streamed and whole."""
    said = answer.reply.message
    by_events = replayed(MessageEvents.of(stream(answer)).blocks)
    whole = replayed(encode_reply(answer.reply, CHAT)["content"])
    for back in (by_events, whole):
        assert (back.text, back.reasoning) == (said.text, said.reasoning)
        assert [(call.id, call.name, json.loads(call.arguments)) for call in back.tool_calls] == [
            (call.id, call.name, json.loads(call.arguments)) for call in said.tool_calls
        ]
    if answer.is_proven:
        assert by_events.signature == said.signature
    if said.tool_calls:
        assert whole.signature == said.signature


def test_a_stream_may_be_cut_at_every_byte() -> None:
    """In the middle of characters, too."""
    data = stream(UNICODE)
    whole = read([data])
    assert whole.message.text == UNICODE.reply.message.text
    for cut in range(len(data)):
        assert read([data[:cut], data[cut:]]) == whole
    bytewise = MessageEvents()
    for byte in data:
        bytewise.feed(bytes([byte]))
    bytewise.close()
    assert bytewise.blocks == MessageEvents.of(data).blocks


def test_the_checker_misses_nothing_that_is_left_out_or_comes_twice() -> None:
    """Or else it would show nothing."""
    events = [event + b"\n\n" for event in stream(UNICODE).split(b"\n\n")[:-1]]
    pieces = (b"event: ping", b"event: content_block_delta")
    for place, event in enumerate(events):
        if event.startswith(pieces):
            continue
        for other in (events[:place] + events[place + 1 :], events[: place + 1] + events[place:]):
            with pytest.raises(WrongEvent):
                MessageEvents.of(b"".join(other))


def test_input_that_is_no_object_is_handed_on_as_text() -> None:
    """Models write what they like; clients demand an object."""
    for written in ("[1]", '{"a": ', "null"):
        call = ToolCall(id="c", name="go", arguments=written)
        message = Message(role="assistant", tool_calls=(call,))
        reply = ChatReply(message=message, usage=Usage(input_tokens=1), finish="tool_calls")
        events = MessageEvents.of(stream(Streamed([], reply)))
        assert events.calls[0]["input"] == {"unparsed": written}


def test_an_error_ends_a_stream_that_has_begun() -> None:
    """As an event, with the type that its status has."""
    frames = MessageFrames(CHAT)
    data = frames.begin() + frames.delta(Delta("text", "Half a"))
    events = MessageEvents.of(data + frames.ping() + frames.error(ApiError(429, "wait")))
    assert events.error == {"type": "rate_limit_error", "message": "wait"}
    assert events.pings == 2 and not events.is_done
