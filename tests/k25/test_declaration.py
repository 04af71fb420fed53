"""Tools in TypeScript's notation, against strings written by hand from the published rules."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from openswarm.k25.declaration import MAX_DEPTH, ToolDeclaration, declare
from openswarm.k25.errors import ModelFileError

pytestmark = pytest.mark.requirement("model.tool-declaration")

WEATHER = """\
# Tools

## functions
namespace functions {
// Tells the weather.
//  Twice a day.
type weather = (_: {
  // The place
  city: string,
  // How many days
  // maximum: 7, minimum: 1
  // Default: 3
  days?: number,
  unit?: "C" | "F"
}) => any;
// Launches a run.
type assign_task = (_: {
  agent: string,
  prompt: string
}) => any;
}
"""


def one(schema: dict[str, Any], required: bool = True) -> str:
    """The type of one parameter `x` of this schema, with its comments."""
    parameters = {"type": "object", "properties": {"x": schema}, "required": ["x"] * required}
    text = declare([ToolDeclaration("f", "", parameters)])
    head, tail = "namespace functions {\ntype f = (_: {\n", "\n}) => any;\n}\n"
    assert head in text
    assert text.endswith(tail)
    return text.partition(head)[2].removesuffix(tail)


def nested(depth: int) -> dict[str, Any]:
    """A list of lists of lists."""
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        schema = {"type": "array", "items": schema}
    return schema


def test_two_tools_are_declared_as_published() -> None:
    weather = ToolDeclaration(
        "weather",
        "Tells the weather.\n Twice a day.",
        {
            "type": "object",
            "properties": {
                "unit": {"type": "string", "enum": ["C", "F"]},
                "days": {
                    "type": "integer",
                    "description": "How many days",
                    "minimum": 1,
                    "maximum": 7,
                    "default": 3,
                },
                "city": {"type": "string", "description": "The place"},
            },
            "required": ["city"],
        },
    )
    text = {"type": "string"}
    assign = ToolDeclaration(
        "assign_task",
        "Launches a run.",
        {
            "type": "object",
            "properties": {"prompt": text, "agent": text},
            "required": ["agent", "prompt"],
        },
    )
    assert declare([weather, assign]) == WEATHER


def test_no_tools_are_no_text() -> None:
    assert declare([]) == ""


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "boolean"}, "  x: boolean"),
        ({"type": "integer"}, "  x: number"),
        ({}, "  x: any"),
        ({"description": "What?"}, "  // What?\n  x: any"),
        ({"type": ["string", "null", "integer", "array", "object"]},
         "  x: string | null | number | Array<any> | {}"),
        ({"anyOf": [{"type": "integer"}, {"enum": ["a", 1, None]}]},
         '  x: number | "a" | 1 | null'),
        ({"type": "array"}, "  x: Array<any>"),
        ({"type": "array", "items": {"type": "number"}, "maxItems": 3, "minItems": 1},
         "  // maxItems: 3, minItems: 1\n  x: Array<number>"),
        ({"type": "array", "items": {"type": "string", "description": "One"}},
         "  x: Array<\n    // One\n    string\n  >"),
        ({"type": "string", "pattern": "a+", "minLength": 2},
         "  // minLength: 2, pattern: a+\n  x: string"),
        ({"type": "object"}, "  x: {}"),
        ({"type": "object", "additionalProperties": False},
         "  x: {\n    [k: string]: never\n  }"),
        ({"type": "object", "additionalProperties": True}, "  x: {\n    [k: string]: any\n  }"),
        ({"type": "object", "additionalProperties": {"type": "integer"},
          "properties": {"y": {"type": "string"}}},
         "  x: {\n    y?: string,\n    [k: string]: number\n  }"),
        ({"type": "string", "default": "é", "description": "a\n\nb"},
         '  // a\n\n  // b\n  // Default: "é"\n  x: string'),
    ],
)  # fmt: skip
def test_a_schema_becomes_a_type(schema: dict[str, Any], expected: str) -> None:
    assert one(schema) == expected


def test_an_optional_parameter_has_a_question_mark() -> None:
    assert one({"type": "string"}, required=False) == "  x?: string"


def test_definitions_are_interfaces_and_a_schema_may_refer_to_itself() -> None:
    parameters = {
        "type": "object",
        "properties": {"child": {"$ref": "#"}, "at": {"$ref": "#/$defs/Point"}},
        "required": ["at"],
        "$defs": {
            "Point": {
                "type": "object",
                "description": "A place",
                "properties": {"up": {"type": "number"}},
                "required": ["up"],
            },
            "Colour": {"enum": ["red", "blue"]},
        },
    }
    assert declare([ToolDeclaration("draw", "Draws.", parameters)]) == (
        "# Tools\n\n## functions\nnamespace functions {\n"
        "interface parameters {\n  at: Point,\n  child?: parameters\n}\n"
        'interface Colour "red" | "blue"\n'
        "// A place\ninterface Point {\n  up: number\n}\n"
        "// Draws.\ntype draw = (_: parameters) => any;\n}\n"
    )


@pytest.mark.parametrize(
    ("schema", "problem"),
    [
        ({"$ref": "other.json"}, "refers to 'other.json'"),
        ({"$ref": "#/$defs/Missing"}, "refers to '#/\\$defs/Missing'"),
        ({"$ref": "#/properties/x"}, "refers to"),
        ({"type": "tuple"}, "the type 'tuple'"),
        ({"type": {"a": 1}}, "which is none"),
        ({"anyOf": "string"}, "anyOf is 'string', not a list"),
        ({"type": "object", "properties": []}, "properties is '\\[\\]', not an object"),
        ({"type": "array", "items": "string"}, "not an object"),
        ({"type": "object", "required": 3}, "required is '3', not a list"),
        (nested(MAX_DEPTH + 1), "nested more than 32 deep"),
    ],
)
def test_a_schema_that_cannot_be_declared_is_named(schema: dict[str, Any], problem: str) -> None:
    with pytest.raises(ModelFileError, match=f"the tool 'f' cannot be declared: .*{problem}"):
        one(schema)


def test_a_schema_inside_of_itself_is_refused() -> None:
    endless: dict[str, Any] = {"type": "array"}
    endless["items"] = endless
    with pytest.raises(ModelFileError, match="nested more than"):
        one(endless)


def schemas() -> SearchStrategy[Any]:
    """What could be in the place of a schema: schemas, and anything else that JSON can hold."""
    keys = ("type", "items", "anyOf", "enum", "properties", "required", "$ref", "default",
            "description", "additionalProperties", "$defs", "minimum")  # fmt: skip
    words = st.sampled_from(["string", "object", "array", "integer", "#", "#/$defs/a", "x"])
    leaves = st.none() | st.booleans() | st.integers() | words
    return st.recursive(
        leaves,
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(keys), inner, max_size=4)
        ),
        max_leaves=12,
    )


@given(schemas())
def test_any_json_is_declared_or_refused(schema: Any) -> None:
    parameters = {"type": "object", "properties": {"x": schema}, "$defs": {"a": {"enum": [1]}}}
    try:
        assert declare([ToolDeclaration("f", "", parameters)]).startswith("# Tools")
    except ModelFileError as error:
        assert "the tool 'f'" in str(error)
