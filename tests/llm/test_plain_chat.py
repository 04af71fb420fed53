"""Conversations with tools, rendered for templates that know none."""

import json

from openswarm.core.messages import Message, ToolCall
from openswarm.llm.model import ToolSpec
from openswarm.llm.plain_chat import describe, render

READ = ToolSpec(
    "read_page",
    "Reads one page.",
    json.dumps(
        {
            "type": "object",
            "properties": {
                "name": {"type": "string", "description": "the document"},
                "page": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None},
                "parts": {"type": "array", "items": {"enum": ["head", "body"]}},
                "where": {"type": "object", "properties": {"x": {"type": "number"}}},
            },
            "required": ["name", "parts"],
        }
    ),
)
CALL = ToolCall(id="c1", name="read_page", arguments='{"name": "a"}')


def test_tools_are_described_as_signatures() -> None:
    """What may be left out has a question mark, and only described fields get a line."""
    text = describe([READ])
    assert (
        'read_page(name: string, page?: integer, parts: "head"|"body"[], where?: {x?: number})'
        in text
    )
    assert "- name: the document" in text
    assert "- page" not in text


def test_the_tools_stand_before_the_agents_own_prompt() -> None:
    """So that agents with equal tools and different prompts share the beginning."""
    (system, _) = render(
        [Message(role="system", content="You read."), Message(role="user", content="Go.")], [READ]
    )
    assert system["role"] == "system"
    assert system["content"] == f"{describe([READ])}\n\nYou read."


def test_calls_and_results_are_words_of_assistant_and_user() -> None:
    """In turns, as every template can render them."""
    chat = render(
        [
            Message(role="user", content="Go."),
            Message(role="assistant", tool_calls=(CALL, CALL.model_copy(update={"id": "c2"}))),
            Message(role="tool", content="Page one", tool_call_id="c1"),
            Message(role="tool", content="Page two", tool_call_id="c2"),
            Message(role="user", content="Hurry."),
            Message(role="assistant", content="Done."),
        ],
        [READ],
    )
    assert [entry["role"] for entry in chat] == ["system", "user", "assistant", "user", "assistant"]
    assert (
        chat[2]["content"].splitlines() == ['{"tool": "read_page", "arguments": {"name": "a"}}'] * 2
    )
    assert chat[3]["content"] == (
        "Result of read_page:\nPage one\n\nResult of read_page:\nPage two\n\nHurry."
    )
    assert json.loads(chat[4]["content"]) == {"answer": "Done."}


def test_without_tools_it_is_an_ordinary_chat() -> None:
    """No system entry when nothing has to be said; a later one becomes the user's."""
    chat = render(
        [
            Message(role="user", content="Hi."),
            Message(role="assistant", content="Hello."),
            Message(role="system", content="Be brief."),
        ],
        [],
    )
    assert chat == [
        {"role": "user", "content": "Hi."},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "Be brief."},
    ]
