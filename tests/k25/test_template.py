"""The chat template: strings written by hand from the published one, and who wrote what."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openswarm.core.messages import ImagePart, Message, TextPart, ToolCall, VideoPart
from openswarm.k25.callids import with_own_ids
from openswarm.k25.declaration import ToolDeclaration
from openswarm.k25.pieces import Piece, text_of
from openswarm.k25.template import render, timestamp
from openswarm.k25.tokenizer import Tokenizer
from openswarm.k25.tokens import MARKERS

pytestmark = pytest.mark.requirement("model.template")

TOKENIZER = Tokenizer.load()
SYSTEM = Message(role="system", content="Be brief.")
HELLO = Message(role="user", content="Hello")
ANSWER = Message(role="assistant", content="Hi.", reasoning="A greeting.")
CALLS = Message(
    role="assistant",
    content="Both at once.",
    reasoning="Two cities.",
    tool_calls=(
        ToolCall(id="functions.weather:0", name="weather", arguments='{"city": "Oslo"}'),
        ToolCall(id="functions.weather:1", name="weather", arguments='{"city": "Rome"}'),
    ),
)
RESULTS = (
    Message(role="tool", tool_call_id="functions.weather:0", content="rain"),
    Message(role="tool", tool_call_id="functions.weather:1", content="sun"),
)

SYSTEM_TEXT = "<|im_system|>system<|im_middle|>Be brief.<|im_end|>"
HELLO_TEXT = "<|im_user|>user<|im_middle|>Hello<|im_end|>"
OPENING = "<|im_assistant|>assistant<|im_middle|><think>"
CALLS_TEXT = (
    "Both at once.<|tool_calls_section_begin|>"
    "<|tool_call_begin|>functions.weather:0<|tool_call_argument_begin|>"
    '{"city": "Oslo"}<|tool_call_end|>'
    "<|tool_call_begin|>functions.weather:1<|tool_call_argument_begin|>"
    '{"city": "Rome"}<|tool_call_end|>'
    "<|tool_calls_section_end|><|im_end|>"
)
RESULTS_TEXT = (
    "<|im_system|>tool<|im_middle|>## Return of functions.weather:0\nrain<|im_end|>"
    "<|im_system|>tool<|im_middle|>## Return of functions.weather:1\nsun<|im_end|>"
)


def test_tools_come_first_then_the_system_turn() -> None:
    tool = ToolDeclaration("now", "Tells the time.", {"type": "object", "properties": {}})
    assert text_of(render([SYSTEM, HELLO], [tool], thinking=True)) == (
        "<|im_system|>tool_declare<|im_middle|># Tools\n\n## functions\nnamespace functions {\n"
        "// Tells the time.\ntype now = (_: {}) => any;\n}\n<|im_end|>"
        f"{SYSTEM_TEXT}{HELLO_TEXT}{OPENING}"
    )


def test_no_system_turn_is_made_up() -> None:
    assert text_of(render([HELLO], thinking=True)) == HELLO_TEXT + OPENING


def test_an_instant_answer_begins_after_an_empty_think() -> None:
    assert text_of(render([HELLO], thinking=False)) == f"{HELLO_TEXT}{OPENING}</think>"


def test_an_answer_of_the_past_has_lost_its_reasoning() -> None:
    assert text_of(render([HELLO, ANSWER, HELLO], thinking=True)) == (
        f"{HELLO_TEXT}{OPENING}</think>Hi.<|im_end|>{HELLO_TEXT}{OPENING}"
    )


def test_keep_thinking_shows_all_reasoning() -> None:
    messages = [HELLO, ANSWER, HELLO]
    assert text_of(render(messages, thinking=True, keep_thinking=True)) == (
        f"{HELLO_TEXT}{OPENING}A greeting.</think>Hi.<|im_end|>{HELLO_TEXT}{OPENING}"
    )


def test_the_tool_loop_that_is_going_on_keeps_its_reasoning() -> None:
    messages = [HELLO, ANSWER, HELLO, CALLS, *RESULTS]
    assert text_of(render(messages, thinking=True)) == (
        f"{HELLO_TEXT}{OPENING}</think>Hi.<|im_end|>{HELLO_TEXT}"
        f"{OPENING}Two cities.</think>{CALLS_TEXT}{RESULTS_TEXT}{OPENING}"
    )


def test_a_tool_loop_that_was_answered_has_lost_its_reasoning() -> None:
    messages = [HELLO, CALLS, *RESULTS, ANSWER, HELLO]
    assert text_of(render(messages, thinking=True)) == (
        f"{HELLO_TEXT}{OPENING}</think>{CALLS_TEXT}{RESULTS_TEXT}"
        f"{OPENING}</think>Hi.<|im_end|>{HELLO_TEXT}{OPENING}"
    )


@pytest.mark.parametrize("keep", [True, False])
def test_instant_mode_shows_no_reasoning(keep: bool) -> None:
    messages = [HELLO, CALLS, *RESULTS]
    assert text_of(render(messages, thinking=False, keep_thinking=keep)) == (
        f"{HELLO_TEXT}{OPENING}</think>{CALLS_TEXT}{RESULTS_TEXT}{OPENING}</think>"
    )


def test_an_answer_to_learn_from_shows_its_reasoning() -> None:
    messages = [HELLO, ANSWER, HELLO, ANSWER]
    assert text_of(render(messages, thinking=True, generation=False)) == (
        f"{HELLO_TEXT}{OPENING}</think>Hi.<|im_end|>"
        f"{HELLO_TEXT}{OPENING}A greeting.</think>Hi.<|im_end|>"
    )


def test_an_image_is_one_pad_on_a_line_of_its_own() -> None:
    message = Message(role="user", content=(ImagePart(url="x"), TextPart(text="What is it?")))
    assert text_of(render([message], thinking=True, generation=False)) == (
        "<|im_user|>user<|im_middle|><|media_begin|>image<|media_content|><|media_pad|>"
        "<|media_end|>\nWhat is it?<|im_end|>"
    )


def test_a_video_is_its_chunks_each_after_its_time() -> None:
    message = Message(role="user", content=(TextPart(text="Look: "), VideoPart(url="x")))
    pieces = render([message], thinking=True, generation=False, chunks=lambda video: (0.0, 2.5))
    assert text_of(pieces) == (
        "<|im_user|>user<|im_middle|>Look: "
        "00:00:00.000<|media_begin|>video<|media_content|><|media_pad|><|media_end|>"
        "00:00:02.500<|media_begin|>video<|media_content|><|media_pad|><|media_end|>\n<|im_end|>"
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "00:00:00.000"), (61.25, "00:01:01.250"), (86_400.9996, "24:00:00.999")],
)
def test_times_are_hours_minutes_seconds_and_whole_milliseconds(seconds: float, text: str) -> None:
    assert timestamp(seconds) == text


def test_a_tool_may_return_a_picture() -> None:
    message = Message(role="tool", tool_call_id="functions.look:0", content=(ImagePart(url="x"),))
    assert "## Return of functions.look:0\n<|media_begin|>image" in text_of(
        render([message], thinking=True)
    )


def test_ids_of_other_programs_are_rewritten_for_the_call_and_its_result() -> None:
    call = ToolCall(id="call_9f", name="weather", arguments="{}")
    messages = [
        Message(role="assistant", tool_calls=(call,)),
        Message(role="tool", tool_call_id="call_9f", content="rain"),
        Message(role="assistant", tool_calls=(call.model_copy(update={"id": "toolu_1"}),)),
        Message(role="tool", tool_call_id="toolu_1", content="sun"),
    ]
    text = text_of(render(messages, thinking=True))
    assert text.count("functions.weather:0") == text.count("functions.weather:1") == 2
    assert "call_9f" not in text
    assert "toolu_1" not in text


def test_numbers_go_on_above_the_highest_that_was_kept() -> None:
    calls = [
        ToolCall(id=identity, name="f", arguments="{}")
        for identity in ("functions.f:7", "x", "functions.g:1", "functions.f:007", "x")
    ]
    message = Message(role="assistant", tool_calls=tuple(calls))
    ids = [call.id for call in with_own_ids([message])[0].tool_calls]
    assert ids == [f"functions.f:{index}" for index in (7, 8, 9, 10, 11)]


def test_a_result_that_nobody_asked_for_keeps_its_id() -> None:
    message = Message(role="tool", tool_call_id="lost", content="x")
    assert "## Return of lost\nx" in text_of(render([message], thinking=True))


def trained(pieces: Sequence[Piece]) -> str:
    """What is learned of a conversation."""
    return text_of(piece for piece in pieces if piece.trained)


def test_training_learns_what_the_assistant_writes_after_the_prompt() -> None:
    pieces = render([SYSTEM, HELLO, CALLS, *RESULTS, ANSWER], thinking=True, generation=False)
    assert trained(pieces) == f"Two cities.</think>{CALLS_TEXT}A greeting.</think>Hi.<|im_end|>"


def test_training_in_instant_mode_learns_no_think() -> None:
    pieces = render([HELLO, ANSWER], thinking=False, generation=False)
    assert trained(pieces) == "Hi.<|im_end|>"


def test_the_prompt_is_the_beginning_of_the_answer_to_learn_from() -> None:
    for thinking in (True, False):
        prompt = render([SYSTEM, HELLO], thinking=thinking)
        learned = render([SYSTEM, HELLO, ANSWER], thinking=thinking, generation=False)
        assert text_of(learned).startswith(text_of(prompt))
        assert not any(piece.trained for piece in learned[: len(prompt)])
        assert all(piece.trained for piece in learned[len(prompt) :])


EVIL = "".join(MARKERS)
PLACES = [
    Message(role="user", content=EVIL),
    Message(role="system", content=(TextPart(text=EVIL), ImagePart(url=EVIL))),
    Message(role="tool", tool_call_id=EVIL, content=EVIL),
    Message(
        role="assistant",
        content=EVIL,
        reasoning=EVIL,
        tool_calls=(ToolCall(id=EVIL, name=EVIL, arguments=EVIL),),
    ),
]


@pytest.mark.parametrize("message", PLACES, ids=lambda message: message.role)
def test_markers_that_anybody_wrote_become_no_special_token(message: Message) -> None:
    tool = ToolDeclaration(EVIL, EVIL, {"properties": {EVIL: {"type": "string"}}})
    ids = TOKENIZER.encode_pieces(render([message], [tool], thinking=True))
    plain = message.model_copy(
        update={
            "content": message.content if not isinstance(message.content, str) else "a",
            "reasoning": message.reasoning and "a",
            "tool_call_id": message.tool_call_id and "a",
            "tool_calls": tuple(
                ToolCall(id="a", name="a", arguments="a") for _ in message.tool_calls
            ),
        }
    )
    harmless = ToolDeclaration("a", "a", {"properties": {"a": {"type": "string"}}})
    expected = TOKENIZER.encode_pieces(render([plain], [harmless], thinking=True))
    special = [number for number in ids if number in TOKENIZER.names]
    assert special == [number for number in expected if number in TOKENIZER.names]


@settings(max_examples=40)
@given(st.text(max_size=20), st.text(max_size=20), st.booleans())
def test_the_tokens_of_a_chat_are_its_text(question: str, answer: str, thinking: bool) -> None:
    messages = [Message(role="user", content=question), Message(role="assistant", content=answer)]
    pieces = render(messages, thinking=thinking)
    assert TOKENIZER.decode(TOKENIZER.encode_pieces(pieces)) == text_of(pieces)
