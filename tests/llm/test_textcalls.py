"""Calls that models write as text."""

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openswarm.llm.textcalls import MAX_CALLS, MAX_TEXT, parse_text_calls

pytestmark = pytest.mark.requirement("local.text-calls")

NAMES = {"read_page", "report"}


def calls(text: str) -> list[tuple[str, object]]:
    """Names and arguments."""
    return [(call.name, json.loads(call.arguments)) for call in parse_text_calls(text, NAMES)[1]]


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "read_page", "arguments": {"page": 2}}',
        '<tool_call>\n{"name": "read_page", "arguments": {"page": 2}}\n</tool_call>',
        '```json\n{"name": "read_page", "arguments": {"page": 2}}\n```',
        '```\n{"tool": "read_page", "arguments": {"page": 2}}\n```',
        '{"function": "read_page", "parameters": {"page": 2}}',
        '{"type": "function", "function": {"name": "read_page", "arguments": "{\\"page\\": 2}"}}',
        '{"tool_calls": [{"name": "read_page", "args": {"page": 2}}]}',
        '[{"name": "read_page", "arguments": {"page": 2}}]',
        '<tool_call>{"name": "read_page", "arguments": {"page": 2}}',
    ],
)
def test_every_common_spelling_of_a_call_is_understood(text: str) -> None:
    """Tags, fences and bare JSON, with any of the usual keys."""
    assert parse_text_calls(text, NAMES)[0] == ""
    assert calls(text) == [("read_page", {"page": 2})]


def test_several_calls_keep_their_order_and_the_words_around_them() -> None:
    """What is not a call stays text."""
    text = (
        "First I read.\n"
        '<tool_call>{"name": "read_page", "arguments": {"page": 1}}</tool_call>\n'
        '<tool_call>{"name": "report", "arguments": {}}</tool_call>\n'
        "Then I wait."
    )
    rest, found = parse_text_calls(text, NAMES)
    assert rest == "First I read.\nThen I wait."
    assert [call.name for call in found] == ["read_page", "report"]
    assert len({call.id for call in found}) == 2


@pytest.mark.parametrize(
    "text",
    [
        '{"name": "delete_all", "arguments": {}}',
        '{"name": "read_page"}',
        '{"name": "read_page", "arguments": [1]}',
        '{"name": "read_page", "arguments": "page two"}',
        '{"name": ["read_page"], "arguments": {}}',
        '[{"name": "read_page", "arguments": {}}, {"name": "delete_all", "arguments": {}}]',
        '{"name": "read_page", "arguments": {"page": 2}',
        'The tool is called {"name"} and it is "read_page".',
        '{"city": "Paris", "people": 3}',
        "",
    ],
)
def test_what_is_not_wholly_a_call_of_a_known_tool_stays_text(text: str) -> None:
    """Nothing is mended, and no tool is invented."""
    assert parse_text_calls(text, NAMES) == (text, ())


def test_ids_differ_between_replies() -> None:
    """Results are matched to calls by id over a whole conversation."""
    text = '{"name": "report", "arguments": {}}'
    assert parse_text_calls(text, NAMES)[1][0].id != parse_text_calls(text, NAMES)[1][0].id


def test_more_calls_than_the_bound_are_left_as_text() -> None:
    """A model that repeats itself starts no thousand calls."""
    text = '{"name": "report", "arguments": {}}\n' * (MAX_CALLS + 10)
    assert len(parse_text_calls(text, NAMES)[1]) == MAX_CALLS


@pytest.mark.parametrize(
    "text",
    [
        "[{" * 100_000,
        '{"a":' * 50_000,
        '[{"' * 90_000,
        '{"a": [' * 900 + "1," * 200_000,
        '{"a' * 99_999,
    ],
)
def test_hostile_text_takes_no_longer_than_its_length_allows(text: str) -> None:
    """Deep or unfinished JSON is given up."""
    started = time.process_time()
    assert parse_text_calls(text, NAMES) == (text, ())
    assert time.process_time() - started < 5


def test_a_text_over_the_bound_is_not_searched() -> None:
    """Such a reply is broken anyway."""
    text = '{"name": "report", "arguments": {}}' + " " * MAX_TEXT
    assert parse_text_calls(text, NAMES) == (text, ())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
PIECES = st.sampled_from(
    ['{"name": "', "read_page", '"', ", ", '"arguments": ', "{", "}", "[", "]", "<tool_call>"]
) | st.text(max_size=5)


@given(st.lists(PIECES).map("".join) | st.text() | JSON.map(json.dumps))
def test_no_text_makes_it_fail_and_no_call_is_invented(text: str) -> None:
    """Every call has a known tool's name that stands in the text, and an object of arguments."""
    rest, found = parse_text_calls(text, NAMES)
    assert found or rest == text
    for call in found:
        assert call.name in NAMES
        assert call.name in text
        assert isinstance(json.loads(call.arguments), dict)


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(sorted(NAMES)), st.dictionaries(st.text(max_size=5), JSON, max_size=2)
        ),
        max_size=4,
    )
)
def test_whatever_calls_are_written_are_read_back(written: list[tuple[str, object]]) -> None:
    """In their order, with their arguments."""
    text = "\n".join(
        f"<tool_call>\n{json.dumps({'name': name, 'arguments': arguments})}\n</tool_call>"
        for name, arguments in written
    )
    assert calls(text) == written
