"""Requests in Anthropic's Messages format."""

from typing import Any

import orjson
import pytest
from anthropic.types.message_create_params import MessageCreateParamsStreaming
from pydantic import TypeAdapter

from openswarm.core.errors import UserError
from openswarm.core.history import History
from openswarm.core.messages import ImagePart, Message, TextPart, ToolCall, VideoPart
from openswarm.llm.anthropic_wire import closed_schema, encode_request, encode_tools
from openswarm.llm.model import Request, ToolSpec

OLD, PLAIN, THINKER, ALWAYS = (
    "claude-haiku-4-5",
    "claude-sonnet-4-6",
    "claude-sonnet-5",
    "claude-opus-5-5",
)
SEARCH = ToolSpec("search", "Searches.", '{"type":"object","properties":{"q":{"type":"string"}}}')
FETCH = ToolSpec("fetch", "Fetches.", '{"type":"object"}')
MARK = {"type": "ephemeral"}
OFFICIAL = TypeAdapter(MessageCreateParamsStreaming)
LAYOUT = '[["thinking",4,"sig"],["text",3],["call"]]'


def system(text: str) -> Message:
    return Message(role="system", content=text)


def user(text: str) -> Message:
    return Message(role="user", content=text)


def result(identity: str, text: str) -> Message:
    return Message(role="tool", content=text, tool_call_id=identity)


def calls(*identities: str, **fields: Any) -> Message:
    made = tuple(ToolCall(id=i, name="search", arguments='{"q": 1}') for i in identities)
    return Message(role="assistant", tool_calls=made, **fields)


def body(*messages: Message, model: str = PLAIN, **options: Any) -> dict[str, Any]:
    return orjson.loads(encode_request(Request(History(messages), **options), model))


def without_marks(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: without_marks(v) for k, v in value.items() if k != "cache_control"}
    return [without_marks(entry) for entry in value] if isinstance(value, list) else value


def marks(value: Any) -> int:
    if isinstance(value, dict):
        return ("cache_control" in value) + sum(map(marks, value.values()))
    return sum(map(marks, value)) if isinstance(value, list) else 0


def test_the_opening_system_messages_are_the_system_prompt() -> None:
    sent = body(system("one"), system("two"), user("hello"))
    assert without_marks(sent["system"]) == [
        {"type": "text", "text": "one"},
        {"type": "text", "text": "two"},
    ]
    assert [turn["role"] for turn in sent["messages"]] == ["user"]


def test_a_later_system_message_does_not_change_the_cached_prefix() -> None:
    before = body(system("one"), user("hello"))
    after = body(system("one"), user("hello"), system("note"))
    assert after["system"] == before["system"]
    assert after["messages"][0]["content"][1]["text"] == "note"


def test_results_of_parallel_calls_come_back_in_one_turn() -> None:
    sent = body(user("go"), calls("a", "b"), result("a", "1"), result("b", "2"), user("and now?"))
    assert [turn["role"] for turn in sent["messages"]] == ["user", "assistant", "user"]
    assert without_marks(sent["messages"][2]["content"]) == [
        {"type": "tool_result", "tool_use_id": "a", "content": "1"},
        {"type": "tool_result", "tool_use_id": "b", "content": "2"},
        {"type": "text", "text": "and now?"},
    ]


def test_results_open_their_turn_even_if_someone_spoke_before_them() -> None:
    sent = body(user("go"), calls("a"), user("hurry"), result("a", "1"))
    kinds = [block["type"] for block in sent["messages"][-1]["content"]]
    assert kinds == ["tool_result", "text"]


def test_arguments_are_sent_back_byte_for_byte() -> None:
    arguments = '{"b":  1.50, "a": "\\u00e9"}'
    message = Message(
        role="assistant", tool_calls=(ToolCall(id="a", name="f", arguments=arguments),)
    )
    sent = encode_request(Request(History([user("go"), message, result("a", "")])), PLAIN)
    assert f'"input":{arguments}'.encode() in sent


@pytest.mark.parametrize("arguments", ["", "{", "[1]", "null", '{"a":1}]}'])
def test_arguments_that_are_no_object_are_sent_as_text_in_one(arguments: str) -> None:
    message = Message(
        role="assistant", tool_calls=(ToolCall(id="a", name="f", arguments=arguments),)
    )
    sent = body(user("go"), message, result("a", "no"))
    assert sent["messages"][1]["content"][0]["input"] == {"unparsed": arguments}


def test_call_ids_of_other_providers_are_rewritten_alike_on_both_sides() -> None:
    sent = body(user("go"), calls("functions.search:0"), result("functions.search:0", "1"))
    assert sent["messages"][1]["content"][0]["id"] == "functions_search_0"
    assert sent["messages"][2]["content"][0]["tool_use_id"] == "functions_search_0"


def test_blank_messages_leave_no_empty_block_behind() -> None:
    sent = body(system(""), user("go"), Message(role="assistant", content=" \n"), user("well?"))
    assert "system" not in sent
    assert without_marks(sent["messages"]) == [
        {
            "role": "user",
            "content": [{"type": "text", "text": "go"}, {"type": "text", "text": "well?"}],
        }
    ]


def test_images_are_sent_inline_or_by_address() -> None:
    parts = (
        TextPart(text="what is this?"),
        ImagePart(url="data:image/png;base64,QUJD"),
        ImagePart(url="https://example.org/a.jpg"),
    )
    sent = body(Message(role="user", content=parts))
    assert without_marks(sent["messages"][0]["content"])[1:] == [
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "QUJD"}},
        {"type": "image", "source": {"type": "url", "url": "https://example.org/a.jpg"}},
    ]


def test_a_tool_result_may_hold_a_picture() -> None:
    picture = Message(
        role="tool", tool_call_id="a", content=(ImagePart(url="data:image/webp;base64,QUJD"),)
    )
    sent = body(user("go"), calls("a"), picture)
    assert sent["messages"][2]["content"][0]["content"][0]["type"] == "image"


@pytest.mark.parametrize(
    "part",
    [
        VideoPart(url="data:video/mp4;base64,QUJD"),
        ImagePart(url="data:image/bmp;base64,QUJD"),
        ImagePart(url="data:image/png,raw"),
    ],
)
def test_media_that_the_model_cannot_read_are_refused_with_advice(part: Any) -> None:
    with pytest.raises(UserError, match=r"convert it to PNG|use another model"):
        body(Message(role="user", content=(part,)))


@pytest.mark.requirement("llm.reasoning")
def test_thinking_is_replayed_in_its_order_with_its_signature() -> None:
    reply = calls("a", content="Hm.", reasoning="deep", signature=LAYOUT)
    sent = body(user("go"), reply, result("a", "1"), thinking=True)
    assert sent["messages"][1]["content"] == [
        {"type": "thinking", "thinking": "deep", "signature": "sig"},
        {"type": "text", "text": "Hm."},
        {"type": "tool_use", "id": "a", "name": "search", "input": {"q": 1}},
    ]


@pytest.mark.parametrize(
    "changed",
    [{"content": "Hm"}, {"reasoning": ""}, {"tool_calls": ()}, {"signature": "other maker's"}],
)
def test_a_reply_that_was_changed_loses_its_thinking(changed: dict[str, Any]) -> None:
    reply = calls("a", content="Hm.", reasoning="deep", signature=LAYOUT)
    sent = body(user("go"), reply.model_copy(update=changed), thinking=True)
    assert "thinking" not in [block["type"] for block in sent["messages"][1]["content"]]


def test_thinking_is_not_replayed_while_it_is_switched_off() -> None:
    reply = calls("a", content="Hm.", reasoning="deep", signature=LAYOUT)
    sent = body(user("go"), reply, result("a", "1"), thinking=False)
    kinds = [block["type"] for block in sent["messages"][1]["content"]]
    assert kinds == ["text", "tool_use"]


@pytest.mark.requirement("llm.encode-once")
def test_entries_are_encoded_once() -> None:
    history = History([user("go"), calls("a"), result("a", "1")])
    encode_request(Request(history), PLAIN)
    before = list(history.encoded("anthropic-unthinking", lambda _: b"again"))
    history.append(user("more"))
    encode_request(Request(history), PLAIN)
    after = history.encoded("anthropic-unthinking", lambda _: b"again")
    assert all(new is old for new, old in zip(after, before, strict=False))
    assert len(after) == 4


def test_cache_marks_stand_on_tools_system_and_the_two_newest_user_turns() -> None:
    talk = [system("s"), user("1"), calls("a"), result("a", "2"), calls("b"), result("b", "3")]
    sent = body(*talk, tools=(SEARCH, FETCH))
    assert sent["tools"][-1]["cache_control"] == MARK
    assert sent["system"][-1]["cache_control"] == MARK
    marked = [marks(turn) for turn in sent["messages"]]
    assert marked == [0, 0, 1, 0, 1]
    assert marks(sent) == 4, "the API takes four at the most"


def test_the_next_request_marks_where_the_last_one_ended() -> None:
    talk = [system("s"), user("1")]
    more = [calls(*(f"c{n}" for n in range(30))), *(result(f"c{n}", "x") for n in range(30))]
    last = body(*talk)["messages"][-1]["content"][-1]
    assert body(*talk, *more)["messages"][0]["content"][-1] == last


def test_tools_are_sent_with_their_schema_and_encoded_once() -> None:
    sent = body(user("go"), tools=(SEARCH, FETCH))
    assert without_marks(sent["tools"])[0] == {
        "name": "search",
        "description": "Searches.",
        "input_schema": {"type": "object", "properties": {"q": {"type": "string"}}},
    }
    assert encode_tools((SEARCH, FETCH)) is encode_tools((SEARCH, FETCH))


def test_a_turn_without_tools_declares_those_that_the_conversation_used() -> None:
    sent = body(user("go"), calls("a", "b"), result("a", "1"), result("b", "2"))
    assert [tool["name"] for tool in sent["tools"]] == ["search"]
    assert sent["tool_choice"] == {"type": "none"}
    assert "tools" not in body(user("go"))


@pytest.mark.parametrize(
    ("model", "thinking", "choice"),
    [
        (OLD, None, {"type": "any"}),
        (PLAIN, None, {"type": "any"}),
        (PLAIN, True, None),
        (THINKER, None, {"type": "any"}),
        (THINKER, True, None),
        ("claude-sonnet-5-5", False, None),
        (ALWAYS, False, None),
    ],
)
def test_a_tool_is_forced_where_the_model_allows_it(
    model: str, thinking: bool | None, choice: Any
) -> None:
    sent = body(user("go"), model=model, tools=(SEARCH,), must_call=True, thinking=thinking)
    assert sent.get("tool_choice") == choice
    if choice:
        assert sent.get("thinking") in (None, {"type": "disabled"})


@pytest.mark.parametrize(
    ("model", "thinking", "sent"),
    [
        (OLD, None, None),
        (OLD, True, {"type": "enabled", "budget_tokens": 4096}),
        (OLD, False, {"type": "disabled"}),
        (PLAIN, None, None),
        (PLAIN, True, {"type": "adaptive", "display": "summarized"}),
        (THINKER, None, {"type": "adaptive", "display": "summarized"}),
        (THINKER, False, {"type": "disabled"}),
        ("claude-sonnet-5-5", False, {"type": "between_tools"}),
        (
            ALWAYS,
            False,
            {
                "type": "adaptive",
                "display": "summarized",
                "block_binding": {"prefix_mismatch_behavior": "drop_block"},
            },
        ),
    ],
)
def test_the_thinking_switch_has_the_words_of_each_generation(
    model: str, thinking: bool | None, sent: Any
) -> None:
    assert body(user("go"), model=model, thinking=thinking, max_tokens=8192).get("thinking") == sent


@pytest.mark.parametrize(
    ("effort", "budget"), [("low", 2048), ("medium", 4096), ("high", 6144), ("max", 7168)]
)
def test_effort_is_a_share_of_the_reply_for_models_with_a_budget(effort: str, budget: int) -> None:
    sent = body(user("go"), model=OLD, thinking=True, effort=effort, max_tokens=8192)
    assert sent["thinking"]["budget_tokens"] == budget
    assert "output_config" not in sent


def test_a_budget_that_leaves_no_room_for_an_answer_is_not_asked_for() -> None:
    small = body(user("go"), model=OLD, thinking=True, max_tokens=1500)
    assert "thinking" not in small


@pytest.mark.parametrize(
    ("model", "thinking", "effort", "sent"),
    [
        (PLAIN, None, "low", "low"),
        (PLAIN, True, "max", "max"),
        (THINKER, False, "max", "high"),
        ("claude-opus-4-5", True, "max", "high"),
        (ALWAYS, False, "", "low"),
        (ALWAYS, False, "medium", "medium"),
        (ALWAYS, None, "", None),
        ("another-maker", True, "high", None),
    ],
)
def test_effort_goes_to_the_models_that_know_it(
    model: str, thinking: bool | None, effort: str, sent: str | None
) -> None:
    config = body(user("go"), model=model, thinking=thinking, effort=effort).get("output_config")
    assert (config or {}).get("effort") == sent


def test_a_schema_is_closed_and_rid_of_what_the_api_refuses() -> None:
    schema = {
        "type": "object",
        "title": "Answer",
        "properties": {
            "title": {"type": "string", "minLength": 1},
            "rows": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/Row"}},
            "kind": {"enum": ["minimum", "title"]},
        },
        "required": ["title"],
        "$defs": {
            "Row": {"type": "object", "properties": {"n": {"type": "integer", "minimum": 0}}}
        },
    }
    sent = body(user("go"), schema=schema)["output_config"]["format"]
    assert sent == {
        "type": "json_schema",
        "schema": {
            "type": "object",
            "properties": {
                "title": {"type": "string"},
                "rows": {"type": "array", "items": {"$ref": "#/$defs/Row"}},
                "kind": {"enum": ["minimum", "title"]},
            },
            "required": ["title"],
            "$defs": {
                "Row": {
                    "type": "object",
                    "properties": {"n": {"type": "integer"}},
                    "additionalProperties": False,
                }
            },
            "additionalProperties": False,
        },
    }
    assert closed_schema(True) is True


@pytest.mark.requirement("llm.anthropic")
@pytest.mark.parametrize("model", [OLD, PLAIN, THINKER, "claude-sonnet-5-5"])
@pytest.mark.parametrize("thinking", [None, True, False])
def test_bodies_are_what_the_official_types_describe(model: str, thinking: bool | None) -> None:
    parts = (TextPart(text="look"), ImagePart(url="data:image/png;base64,QUJD"))
    reply = calls("a", content="Hm.", reasoning="deep", signature=LAYOUT)
    sent = body(
        system("s"),
        Message(role="user", content=parts),
        reply,
        result("a", "1"),
        model=model,
        thinking=thinking,
        effort="high",
        tools=(SEARCH, FETCH),
        schema={"type": "object", "properties": {}},
        max_tokens=8192,
    )
    assert exhausted(OFFICIAL.validate_python(sent, strict=True)) == without_beta(sent)


def exhausted(value: Any) -> Any:
    """Pydantic checks iterables as they are read; this reads them all."""
    if isinstance(value, dict):
        return {key: exhausted(entry) for key, entry in value.items()}
    if isinstance(value, str | bytes) or not hasattr(value, "__iter__"):
        return value
    return [exhausted(entry) for entry in value]


def without_beta(sent: dict[str, Any]) -> dict[str, Any]:
    thinking = {k: v for k, v in sent.get("thinking", {}).items() if k != "block_binding"}
    return sent | ({"thinking": thinking} if thinking else {})


def test_stop_texts_are_sent_and_sampling_only_where_the_model_does_not_think() -> None:
    options = {"stop": ("END",), "sampling": (("temperature", 0.2), ("presence_penalty", 1.0))}
    plain = body(user("Hi."), model=PLAIN, thinking=False, **options)
    assert (plain["stop_sequences"], plain["temperature"]) == (["END"], 0.2)
    assert "presence_penalty" not in plain
    thinking = body(user("Hi."), model=THINKER, thinking=True, **options)
    assert thinking["stop_sequences"] == ["END"]
    assert "temperature" not in thinking
