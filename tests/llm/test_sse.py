"""Server-sent events from bytes in any fragmentation."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openswarm.llm import sse
from openswarm.llm.sse import ServerEvent, SseParser

STREAM = (
    b": a comment\n"
    b'data: {"a": "\xc3\xb6\xf0\x9f\x90\x99"}\n'
    b"\n"
    b"event: delta\r\n"
    b"data: first\r\n"
    b"data:second\r\n"
    b"id: 7\r\n"
    b"\r\n"
    b"retry: 10\r"
    b"data:  two spaces\r"
    b"\r"
    b"data\n"
    b"\n"
    b"data: [DONE]\n\n"
)
EVENTS = [
    ServerEvent("", '{"a": "ö🐙"}'.encode()),
    ServerEvent("delta", b"first\nsecond"),
    ServerEvent("", b" two spaces"),
    ServerEvent("", b""),
    ServerEvent("", b"[DONE]"),
]


def parse(*chunks: bytes) -> list[ServerEvent]:
    parser = SseParser()
    return [event for chunk in chunks for event in parser.feed(chunk)]


def test_a_whole_stream_becomes_its_events() -> None:
    assert parse(STREAM) == EVENTS


@pytest.mark.requirement("llm.sse")
def test_a_cut_at_any_byte_changes_nothing() -> None:
    for cut in range(1, len(STREAM)):
        assert parse(STREAM[:cut], STREAM[cut:]) == EVENTS, cut


def test_a_stream_that_comes_byte_by_byte_is_the_same_stream() -> None:
    assert parse(*(STREAM[i : i + 1] for i in range(len(STREAM)))) == EVENTS


@pytest.mark.requirement("llm.sse")
@given(st.lists(st.integers(0, len(STREAM)), max_size=8))
def test_any_fragmentation_is_the_same_stream(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(STREAM)]
    assert parse(*(STREAM[a:b] for a, b in pairwise(places))) == EVENTS


def test_an_event_that_is_not_ended_is_no_event() -> None:
    assert parse(b"data: half\n") == []


def test_an_event_without_data_is_no_event_and_its_name_is_forgotten() -> None:
    assert parse(b"event: ping\n\ndata: x\n\n") == [ServerEvent("", b"x")]


@pytest.mark.requirement("llm.sse")
def test_comments_that_keep_a_connection_alive_are_no_events() -> None:
    assert parse(b": ping\n\n" * 100) == []


def test_the_name_of_an_event_that_is_not_utf8_is_read_all_the_same() -> None:
    assert parse(b"event: \xff\ndata: x\n\n") == [ServerEvent("\ufffd", b"x")]


def test_a_line_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 1000)
    parser = SseParser()
    with pytest.raises(ValueError, match="1000"):
        for _ in range(30):
            parser.feed(b"x" * 100)


@pytest.mark.requirement("llm.bounds")
def test_an_event_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 1000)
    parser = SseParser()
    with pytest.raises(ValueError, match="1000"):
        for _ in range(300):
            parser.feed(b"data: xxxx\n")


def test_many_events_of_usual_size_are_no_endless_event(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_EVENT_BYTES", 1000)
    assert len(parse(b"data: " + b"x" * 500 + b"\n\n", *[b"data: y\n\n"] * 500)) == 501


@settings(max_examples=100)
@given(st.lists(st.binary(max_size=30), max_size=6))
def test_no_bytes_whatever_break_the_parser(chunks: list[bytes]) -> None:
    assert parse(*chunks) == parse(b"".join(chunks))
