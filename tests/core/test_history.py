"""A history: append-only, and each entry is written on the wire once."""

import pytest

from openswarm.core.history import History
from openswarm.core.messages import ImagePart, Message, TextPart, ToolCall


def user(text: str) -> Message:
    return Message(role="user", content=text)


@pytest.mark.requirement("llm.encode-once")
def test_each_entry_is_encoded_once_however_many_turns_there_are() -> None:
    encoded: list[str] = []

    def encode(message: Message) -> bytes:
        encoded.append(message.text)
        return message.text.encode()

    history = History([user("a")])
    for turn in range(5):
        history.append(user(str(turn)))
        assert history.encoded("wire", encode)[-1] == str(turn).encode()
    assert encoded == ["a", "0", "1", "2", "3", "4"]


def test_each_wire_format_has_its_own_encoding() -> None:
    history = History([user("a")])
    assert history.encoded("one", lambda m: m.text.encode()) == [b"a"]
    assert history.encoded("two", lambda m: m.text.upper().encode()) == [b"A"]


def test_a_replaced_conversation_is_encoded_anew() -> None:
    history = History([user("a"), user("b")])
    history.encoded("wire", lambda m: m.text.encode())
    history.replace([user("c")])
    assert history.encoded("wire", lambda m: m.text.encode()) == [b"c"]
    assert [m.text for m in history] == ["c"]


def test_open_calls_are_those_of_the_last_reply_without_a_result() -> None:
    calls = tuple(ToolCall(id=i, name="t", arguments="{}") for i in "abc")
    history = History([user("x"), Message(role="assistant", tool_calls=calls)])
    assert history.open_calls() == calls
    history.append(Message(role="tool", content="r", tool_call_id="b"))
    assert [call.id for call in history.open_calls()] == ["a", "c"]


def test_an_id_that_an_earlier_turn_used_too_does_not_answer_a_later_call() -> None:
    call = ToolCall(id="same", name="t", arguments="{}")
    turn = Message(role="assistant", tool_calls=(call,))
    result = Message(role="tool", content="r", tool_call_id="same")
    assert History([user("x"), turn, result, turn]).open_calls() == (call,)


def test_the_last_reply_is_found_behind_tool_results() -> None:
    reply = Message(role="assistant", content="hm")
    history = History([user("x"), reply, Message(role="tool", content="r", tool_call_id="1")])
    assert history.last_reply() == reply
    assert History([user("x")]).last_reply() is None


def test_the_text_of_a_message_in_parts_leaves_images_out() -> None:
    parts = (TextPart(text="a"), ImagePart(url="data:image/png;base64,x"), TextPart(text="b"))
    assert Message(role="user", content=parts).text == "a\nb"
