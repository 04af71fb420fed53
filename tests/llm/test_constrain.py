"""The form that a small model's reply is held to."""

import json
from typing import Any

import pytest
from pydantic import BaseModel, Field

from openswarm.llm.constrain import (
    MAX_ITEMS,
    MAX_STRING,
    bounded,
    grammar,
    read_reply,
    reply_schema,
)
from openswarm.llm.model import ToolSpec

pytestmark = pytest.mark.requirement("local.grammar")


class City(BaseModel):
    """A row."""

    name: str
    people: int | None = None
    mood: str = Field("calm", max_length=12, pattern="^[a-z]+$")


class Report(BaseModel):
    """The parameters of a tool."""

    rows: list[City]
    kind: str = Field(json_schema_extra={"enum": ["full", "partial"]})


REPORT = ToolSpec("report", "Hands in rows.", json.dumps(Report.model_json_schema()))
READ = ToolSpec("read_page", "Reads.", '{"type":"object","properties":{"page":{"type":"integer"}}}')


def forms(schema: dict[str, Any]) -> list[list[str]]:
    """The fields of each alternative."""
    return [list(form["properties"]) for form in schema["anyOf"]]


def test_a_reply_is_one_of_the_calls_or_an_answer() -> None:
    """A constant stands for each tool's name."""
    schema = reply_schema([REPORT, READ])
    assert forms(schema) == [["tool", "arguments"], ["tool", "arguments"], ["answer"]]
    names = [form["properties"]["tool"]["const"] for form in schema["anyOf"][:2]]
    assert names == ["report", "read_page"]


def test_a_reply_that_has_to_call_cannot_answer() -> None:
    """But where there are no tools it can do nothing else."""
    assert forms(reply_schema([READ], must_call=True)) == [["tool", "arguments"]]
    assert forms(reply_schema([], must_call=True)) == [["answer"]]


def test_an_answer_can_have_a_schema_of_its_own() -> None:
    """It takes the place of the text."""
    schema = reply_schema([READ], {"type": "object", "properties": {"n": {"type": "integer"}}})
    assert schema["anyOf"][-1]["properties"]["answer"]["properties"] == {"n": {"type": "integer"}}


def test_everything_in_a_schema_has_an_end() -> None:
    """Lists and strings are bounded, references are written out, objects are closed."""
    schema = bounded(Report.model_json_schema())
    rows = schema["properties"]["rows"]
    assert rows["maxItems"] == MAX_ITEMS
    city = rows["items"]
    assert city["properties"]["name"] == {"type": "string", "maxLength": MAX_STRING}
    assert city["properties"]["mood"] == {"type": "string", "maxLength": 12}
    assert city["properties"]["people"] == {"type": "integer"}
    assert city["required"] == ["name"]
    assert city["additionalProperties"] is False
    assert schema["properties"]["kind"] == {"enum": ["full", "partial"]}
    assert "$ref" not in json.dumps(schema)


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"$ref": "#/$defs/Node", "$defs": {"Node": {"$ref": "#/$defs/Node"}}},
        {
            "$ref": "#/$defs/Node",
            "$defs": {
                "Node": {
                    "type": "object",
                    "properties": {"next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}},
                }
            },
        },
        {"$ref": "#/$defs/missing"},
        {"type": "object"},
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"type": ["string", "null"]},
        {"type": "array"},
    ],
)
def test_no_schema_is_endless_or_breaks(schema: dict[str, Any]) -> None:
    """Neither one that refers to itself nor one that says nothing."""
    result = bounded(schema)
    assert result
    assert "$ref" not in json.dumps(result)


def test_the_grammar_allows_one_spelling_of_white_space() -> None:
    """Indentation would be a third of a small model's tokens."""
    head, _, schema = grammar({"type": "string"}).partition("start: %json ")
    assert head == "%llguidance {}\n"
    assert json.loads(schema)["x-guidance"]["whitespace_flexible"] is False


def test_a_call_is_read_back() -> None:
    """Its arguments as JSON text, its id unlike any other."""
    text = '{"tool": "report", "arguments": {"rows": ["Zürich"]}}'
    answer, (call,) = read_reply(text, ["report"])
    assert (answer, call.name) == ("", "report")
    assert call.arguments == '{"rows": ["Zürich"]}'
    assert read_reply(text, ["report"])[1][0].id != call.id


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ('{"answer": "It is 4."}', "It is 4."),
        ('{"answer": {"n": 4}}', '{"n": 4}'),
        (
            '{"tool": "report", "arguments": {"rows": [',
            '{"tool": "report", "arguments": {"rows": [',
        ),
        ('{"tool": "unknown", "arguments": {}}', '{"tool": "unknown", "arguments": {}}'),
        ('{"tool": ["report"], "arguments": {}}', '{"tool": ["report"], "arguments": {}}'),
        ('"words"', '"words"'),
        ("[" * 100_000, "[" * 100_000),
    ],
)
def test_what_is_no_call_is_the_answer(text: str, answer: str) -> None:
    """A reply that was cut off is no half call."""
    assert read_reply(text, ["report"]) == (answer, ())
