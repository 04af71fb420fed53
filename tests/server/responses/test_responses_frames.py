"""The events of a streamed response, for every answer and wherever the stream is cut."""

import json
from typing import Any

import pytest
from hypothesis import assume, given, settings
from replies import SERVED, UNICODE, Streamed, streamed
from responses_frames import ResponseEvents, WrongEvent

from openswarm.core.messages import Message
from openswarm.llm.model import Delta
from openswarm.llm.sse import SseParser
from openswarm.server.failures import ApiError
from openswarm.server.responses.encode import ResponseFrames, encode_reply
from openswarm.server.responses.parse import Asked, asked

pytestmark = pytest.mark.requirement("api.responses-stream", "api.frames")


def request(**fields: Any) -> Asked:
    """A request of the model openswarm-thinking."""
    return asked({"model": SERVED.name, "input": "Go on.", **fields}, (SERVED.spec,))


def stream(answer: Streamed) -> bytes:
    """All events of an answer; the first are asked for as late as the server does."""
    frames = ResponseFrames(request())
    pieces = b"".join(map(frames.delta, answer.deltas))
    return frames.begin() + pieces + frames.end(answer.reply)


def replayed(items: list[dict[str, Any]]) -> Message:
    """A reply as the backend gets it back from a client that sends on what it got."""
    user = {"role": "user", "content": "Go on."}
    return request(input=[user, *items]).chat.messages[-1]


@given(streamed())
@settings(deadline=None)
def test_any_answer_keeps_the_order_and_amounts_to_the_whole_one(answer: Streamed) -> None:
    """The last event carries what a request without a stream gets, but for its random ids."""
    events = ResponseEvents.of(stream(answer))
    said = answer.reply.message
    assert (events.text, events.thinking) == (said.text, said.reasoning)
    assert [json.loads(call["arguments"]) for call in events.calls] == [
        json.loads(call.arguments) for call in said.tool_calls
    ]
    whole = encode_reply(answer.reply, request())
    assert whole["status"] == events.response["status"]
    assert whole["usage"] == events.response["usage"]
    assert whole["usage"]["total_tokens"] == answer.reply.usage.total_tokens
    assert [item["call_id"] for item in whole["output"] if "call_id" in item] == [
        call["call_id"] for call in events.calls
    ]


@given(streamed())
@settings(deadline=None)
@pytest.mark.requirement("api.signature")
def test_what_a_client_sends_back_is_what_the_backend_said(answer: Streamed) -> None:
    """Ids, arguments, thoughts and their proof; streamed and whole."""
    said = answer.reply.message
    assume(said.text or said.reasoning or said.tool_calls)
    by_events = replayed(ResponseEvents.of(stream(answer)).output)
    whole = replayed(encode_reply(answer.reply, request())["output"])
    assert (by_events.text, whole.text) == (said.text, said.text)
    assert (by_events.reasoning, whole.reasoning) == (said.reasoning, said.reasoning)
    assert by_events.tool_calls == whole.tool_calls == said.tool_calls
    if answer.is_proven:
        assert by_events.signature == said.signature
    if said.tool_calls:
        assert whole.signature == said.signature


def test_a_stream_may_be_cut_at_every_byte() -> None:
    """In the middle of characters, too."""
    data = stream(UNICODE)
    whole = SseParser().feed(data)
    for cut in range(len(data)):
        parser = SseParser()
        assert parser.feed(data[:cut]) + parser.feed(data[cut:]) == whole
    bytewise = ResponseEvents()
    for byte in data:
        bytewise.feed(bytes([byte]))
    bytewise.close()
    assert bytewise.text == UNICODE.reply.message.text


def test_the_checker_misses_nothing_that_is_left_out_or_comes_twice() -> None:
    """Or else it would show nothing."""
    events = [event + b"\n\n" for event in stream(UNICODE).split(b"\n\n")[:-1]]
    for place in range(len(events)):
        for other in (events[:place] + events[place + 1 :], events[: place + 1] + events[place:]):
            with pytest.raises(WrongEvent):
                ResponseEvents.of(b"".join(other))


def test_an_error_ends_a_stream_that_has_begun_with_what_there_is() -> None:
    """As a failed response, with the code that its reason has."""
    kinds = (
        (ApiError(502, "gone"), "server_error"),
        (ApiError(429, "wait"), "rate_limit_exceeded"),
        (ApiError(400, "long", kind="context_overflow"), "context_length_exceeded"),
        (ApiError(429, "poor", kind="quota"), "insufficient_quota"),
    )
    for error, code in kinds:
        frames = ResponseFrames(request())
        data = frames.begin() + frames.delta(Delta("text", "Half a")) + frames.ping()
        events = ResponseEvents.of(data + frames.error(error))
        assert events.response["error"] == {"code": code, "message": error.message}
        assert events.text == "Half a" and events.comments == 1
        assert events.output[0]["status"] == "incomplete"
