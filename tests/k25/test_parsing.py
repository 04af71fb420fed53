"""Replies: what a model wrote comes apart in the same way however it streams in."""

import json
from collections.abc import Sequence
from itertools import pairwise

import pytest
from conversation import parse_conversation
from hypothesis import example, given, settings
from hypothesis import strategies as st

from openswarm.core.messages import ImagePart, Message, TextPart, ToolCall, VideoPart
from openswarm.k25.errors import ModelFileError
from openswarm.k25.parsing import MAX_CALLS, ParsedReply, ReplyDelta, ReplyParser
from openswarm.k25.pieces import text_of
from openswarm.k25.template import render
from openswarm.k25.tokens import MARKERS

pytestmark = pytest.mark.requirement("model.reply-parsing")

SECTION, END_SECTION = "<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"
CALL, ARGUMENTS, END_CALL = (
    "<|tool_call_begin|>",
    "<|tool_call_argument_begin|>",
    "<|tool_call_end|>",
)


def parsed(
    pieces: str | Sequence[str], thinking: bool = True, calls_before: int = 0
) -> ParsedReply:
    """The reply, after it was checked that what was shown is what it says."""
    parser = ReplyParser(thinking, calls_before=calls_before)
    shown: list[ReplyDelta] = []
    for piece in [pieces] if isinstance(pieces, str) else pieces:
        shown += parser.feed(piece)
    reply = parser.finish()
    shown += reply.held
    for kind, whole in (("text", reply.text), ("reasoning", reply.reasoning)):
        assert "".join(delta.text for delta in shown if delta.kind == kind) == whole
    return reply


def written(identity: str, arguments: str) -> str:
    """A call as the model writes it."""
    return f"{CALL}{identity}{ARGUMENTS}{arguments}{END_CALL}"


def section(*calls: str) -> str:
    """A section of calls."""
    return f"{SECTION}{''.join(calls)}{END_SECTION}"


def asked(reply: ParsedReply) -> list[tuple[str, str]]:
    """Ids and arguments of a reply's calls."""
    return [(call.id, call.arguments) for call in reply.calls]


@pytest.mark.parametrize(
    ("text", "thinking", "reasoning", "answer", "whole"),
    [
        ("a</think>b", True, "a", "b", True),
        ("</think>b", True, "", "b", True),
        ("b", False, "", "b", True),
        ("", False, "", "", True),
        ("<think>a</think>b", True, "a", "b", True),
        ("<think>a</think>b", False, "a", "b", True),
        ("<think></think>b", False, "", "b", True),
        ("b</think>c", False, "", "bc", True),
        ("a", True, "a", "", False),
        ("a<think>b</think>c</think>d", True, "ab", "cd", True),
        ("a</think>b<think>c</think>d", True, "ac", "bd", True),
        ("a</thi", True, "a", "", False),
        ("a</think>b<|im_en", True, "a", "b", False),
        ("a</think>b <", True, "a", "b <", True),
        ("a</think>b </t", True, "a", "b </t", True),
        ("a</think>b<|im_end|>c<|im_user|>d", True, "a", "b", True),
        ("a</think>b<|im_user|>user<|im_middle|>c", True, "a", "b", True),
        ("a</think>b<|media_pad|>c<|tool_call_end|>d", True, "a", "bcd", True),
        ("a</think>1 < 2 <b> <|x|>", True, "a", "1 < 2 <b> <|x|>", True),
    ],
)
def test_thought_and_text_come_apart(
    text: str, thinking: bool, reasoning: str, answer: str, whole: bool
) -> None:
    reply = parsed(text, thinking)
    assert (reply.reasoning, reply.text, reply.whole) == (reasoning, answer, whole)
    assert reply.calls == ()


def test_parallel_calls_come_in_their_order() -> None:
    text = section(written("functions.f:0", '{"a": 1}'), written("functions.g:1", '{"b": 2}'))
    reply = parsed(f"Two.</think>Now.{text}<|im_end|>")
    assert reply == ParsedReply(
        text="Now.",
        reasoning="Two.",
        calls=(
            ToolCall(id="functions.f:0", name="f", arguments='{"a": 1}'),
            ToolCall(id="functions.g:1", name="g", arguments='{"b": 2}'),
        ),
        whole=True,
    )


def test_a_marker_inside_a_string_of_the_arguments_is_part_of_the_string() -> None:
    arguments = json.dumps({"text": f'say "{END_CALL}{END_SECTION}" <think>', "n": "\\"})
    reply = parsed(section(written("functions.f:0", arguments)) + "after", thinking=False)
    assert asked(reply) == [("functions.f:0", arguments)]
    assert (reply.text, reply.whole) == ("after", True)


@pytest.mark.parametrize(
    "arguments", ["", "not JSON", '{"a": ', '{"a": "b', "[1]", '"', "{'a': 1}"]
)
def test_arguments_that_are_no_json_stay_as_they_were_written(arguments: str) -> None:
    text = section(written("functions.f:0", arguments), written("functions.g:1", '{"b": "c"}'))
    assert asked(parsed(text, thinking=False)) == [
        ("functions.f:0", arguments),
        ("functions.g:1", '{"b": "c"}'),
    ]


@pytest.mark.parametrize(
    ("identity", "expected"),
    [
        ("functions.f:3", "functions.f:3"),
        (" functions.f:3\n", "functions.f:3"),
        ("functions.f", "functions.f:5"),
        ("f", "functions.f:5"),
        ("f:2", "functions.f:5"),
        ("functions.a.b-c_d:4", "functions.a.b-c_d:4"),
        ("functions.f:03", "functions.f:5"),
    ],
)
def test_an_id_of_another_form_is_numbered_after_the_calls_of_the_chat(
    identity: str, expected: str
) -> None:
    reply = parsed(section(written(identity, "{}")), thinking=False, calls_before=5)
    assert [call.id for call in reply.calls] == [expected]
    assert reply.calls[0].name == expected.removeprefix("functions.").rpartition(":")[0]


def test_an_id_that_is_used_twice_is_numbered_anew() -> None:
    reply = parsed(section(*[written("functions.f:0", "{}")] * 3), thinking=False)
    assert [call.id for call in reply.calls] == [f"functions.f:{index}" for index in range(3)]


@pytest.mark.parametrize("identity", ["", " ", "two words", "x" * 300])
def test_a_call_of_no_tool_has_to_go(identity: str) -> None:
    reply = parsed(section(written(identity, "{}"), written("g", "{}")), thinking=False)
    assert [call.name for call in reply.calls] == ["g"]
    assert not reply.whole


@pytest.mark.parametrize(
    ("text", "calls", "whole"),
    [
        (SECTION, [], False),
        (section(), [], True),
        (f"{SECTION}{CALL}functions.f:0", [], False),
        (f'{SECTION}{CALL}functions.f:0{ARGUMENTS}{{"a": "b', [], False),
        (f'{SECTION}{CALL}functions.f:0{ARGUMENTS}{{"a": "b"}}', ['{"a": "b"}'], False),
        (f"{SECTION}{written('functions.f:0', '{}')}", ["{}"], False),
        (f"{SECTION}{written('functions.f:0', '{}')}<|im_end|>", ["{}"], False),
        (f"{SECTION}{written('functions.f:0', '{}')}<|tool_ca", ["{}"], False),
        (f'{SECTION}{CALL}functions.f:0{{"a": 1}}{END_CALL}{END_SECTION}', ['{"a": 1}'], True),
        (f"{written('functions.f:0', '{}')}{END_SECTION}", ["{}"], True),
        (f"{SECTION}{CALL}f{ARGUMENTS}{{}}{CALL}g{ARGUMENTS}{{}}{END_CALL}{END_SECTION}",
         ["{}", "{}"], False),
        (f"{SECTION} \n {written('f', '{}')} so {END_SECTION}", ["{}"], True),
        (f"{SECTION}{SECTION}{written('f', '{}')}{END_SECTION}{END_SECTION}", ["{}"], True),
        (section(written("f", "{}")) + section(written("g", "{}")), ["{}", "{}"], True),
    ],
)  # fmt: skip
def test_a_section_that_is_cut_or_out_of_order_gives_what_is_in_it(
    text: str, calls: list[str], whole: bool
) -> None:
    reply = parsed(text, thinking=False)
    assert [call.arguments for call in reply.calls] == calls
    assert (reply.text, reply.whole) == ("", whole)


def test_calls_inside_a_thought_that_never_ends_are_meant() -> None:
    reply = parsed("Hm. " + section(written("f", "{}")) + "<|im_end|>")
    assert (reply.reasoning, len(reply.calls), reply.whole) == ("Hm. ", 1, True)


def test_calls_inside_a_thought_that_goes_on_were_a_draft() -> None:
    draft, real = section(written("f", "{}")), section(written("g", "{}"))
    reply = parsed(f"Hm. {draft} No.</think>So:{real}")
    assert (reply.reasoning, reply.text) == ("Hm.  No.", "So:")
    assert [call.name for call in reply.calls] == ["g"]


def test_a_reply_of_endless_calls_is_bounded() -> None:
    reply = parsed(section(*[written("f", "{}")] * (MAX_CALLS + 1)), thinking=False)
    assert len(reply.calls) == MAX_CALLS
    assert not reply.whole


def test_text_is_shown_as_it_comes_and_only_a_possible_marker_is_held_back() -> None:
    parser = ReplyParser(thinking=True)
    assert parser.feed("Let me") == [ReplyDelta("reasoning", "Let me")]
    assert parser.feed(" see</thi") == [ReplyDelta("reasoning", " see")]
    assert parser.feed("nk>1 <") == [ReplyDelta("text", "1 ")]
    assert parser.feed(" 2") == [ReplyDelta("text", "< 2")]
    assert parser.feed(SECTION + CALL) == []
    assert parser.finish().text == "1 < 2"


PARTS = st.sampled_from([
    *MARKERS,
    *[marker[:-3] for marker in MARKERS],
    "<",
    '"',
    "\\",
    "{",
    "}",
    '{"a": "b"}',
    "functions.f:0",
    "g",
    "text ",
    "\n",
])  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(PARTS, max_size=14).map("".join), st.booleans(), st.data())
@example(f'{SECTION}{CALL}f{ARGUMENTS}{{"a": "{END_CALL}{END_SECTION}b', True, None)
def test_every_way_to_cut_a_reply_gives_the_same_and_no_marker_shows(
    text: str, thinking: bool, data: st.DataObject | None
) -> None:
    whole = parsed(text, thinking)
    assert not any(marker in shown for marker in MARKERS for shown in (whole.text, whole.reasoning))
    pieces = list(text)
    if data is not None:
        places = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=5)) | {0, len(text)})
        cut = [text[at:to] for at, to in pairwise(places)]
        assert parsed(cut, thinking).calls == whole.calls
    streamed = parsed(pieces, thinking)
    assert (streamed.text, streamed.reasoning) == (whole.text, whole.reasoning)
    assert (streamed.calls, streamed.whole) == (whole.calls, whole.whole)


PLAIN = st.text(max_size=20).filter(lambda text: not any(mark in text for mark in MARKERS))
NAMES = st.from_regex(r"[A-Za-z_][A-Za-z0-9_.-]{0,12}", fullmatch=True)
JSON = st.dictionaries(
    st.text(max_size=6), st.text(max_size=12) | st.integers() | st.sampled_from(MARKERS), max_size=3
).map(json.dumps)


@st.composite
def conversations(draw: st.DrawFn) -> list[Message]:
    """Questions, answers, and tool loops with their results."""
    messages = [Message(role="system", content=draw(PLAIN))] if draw(st.booleans()) else []
    count = 0
    for _ in range(draw(st.integers(0, 3))):
        messages.append(Message(role="user", content=draw(PLAIN)))
        names = draw(st.lists(NAMES, max_size=3))
        calls = tuple(
            ToolCall(id=f"functions.{name}:{count + at}", name=name, arguments=draw(JSON))
            for at, name in enumerate(names)
        )
        count += len(calls)
        thought, text = draw(PLAIN), draw(PLAIN)
        messages.append(
            Message(role="assistant", content=text, reasoning=thought, tool_calls=calls)
        )
        messages += [
            Message(role="tool", tool_call_id=call.id, content=draw(PLAIN)) for call in calls
        ]
    return messages


@settings(max_examples=60, deadline=None)
@given(conversations(), st.booleans())
def test_a_rendered_conversation_is_read_back(messages: list[Message], generation: bool) -> None:
    pieces = render(messages, thinking=True, generation=generation, keep_thinking=True)
    assert parse_conversation(text_of(pieces)) == messages


@settings(max_examples=40, deadline=None)
@given(conversations())
def test_a_reply_that_was_rendered_is_whole_when_parsed(messages: list[Message]) -> None:
    for message in messages:
        if message.role == "assistant":
            pieces = render([message], thinking=True, generation=False)
            reply = parsed(text_of(piece for piece in pieces if piece.trained))
            assert reply.whole
            assert (reply.text, reply.reasoning, reply.calls) == (
                message.content,
                message.reasoning,
                message.tool_calls,
            )


def test_pictures_are_read_back_without_their_address() -> None:
    content = (
        TextPart(text="See "),
        ImagePart(url=""),
        VideoPart(url=""),
        TextPart(text="What?"),
    )
    messages = [Message(role="user", content=content)]
    pieces = render(messages, thinking=False, chunks=lambda video: (0.0, 2.0))
    assert parse_conversation(text_of(pieces)) == messages


@pytest.mark.parametrize(
    "text",
    [
        "Hello",
        "<|im_user|>user<|im_middle|>cut",
        "<|im_user|>robot<|im_middle|>x<|im_end|>",
        "<|im_system|>tool<|im_middle|>no heading<|im_end|>",
    ],
)
def test_text_that_is_no_conversation_is_refused(text: str) -> None:
    with pytest.raises(ModelFileError):
        parse_conversation(text)
