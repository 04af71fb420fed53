"""Typed functions as tools: what the model sees of them, and what is refused when they are made."""

import json
import threading
from enum import Enum
from typing import Annotated, Any, Literal

import anyio
import pytest
from pydantic import BaseModel, Field

import openswarm
from openswarm.core.errors import UserError
from openswarm.tools.tool import Tool, ToolContext, ToolResult, prompt_text, schema_text

pytestmark = pytest.mark.anyio
HERE = ToolContext(agent="root", call_id="1")


class Place(BaseModel):
    """Where something is."""

    title: str
    floor: int = 0


class Colour(Enum):
    RED = "red"


async def call(tool: Tool, arguments: dict[str, Any]) -> ToolResult:
    return await tool.run(tool.params.model_validate_json(json.dumps(arguments)), HERE)


def schema(tool: Tool) -> dict[str, Any]:
    return json.loads(tool.spec.parameters)


@pytest.mark.requirement("agent.python-tools")
def test_a_typed_function_becomes_a_tool_with_its_docstring_and_schema() -> None:
    @openswarm.tool
    def find(query: Annotated[str, Field(description="what")], limit: int = 3) -> str:
        """Finds things.

        In two paragraphs.
        """
        return query * limit

    assert find.spec.name == "find"
    assert find.spec.description == "Finds things.\n\nIn two paragraphs."
    assert schema(find) == {
        "type": "object",
        "properties": {
            "query": {"type": "string", "description": "what"},
            "limit": {"type": "integer", "default": 3},
        },
        "required": ["query"],
        "additionalProperties": False,
    }


def test_titles_that_only_cost_tokens_are_dropped_but_not_a_field_of_that_name() -> None:
    @openswarm.tool
    def put(place: Place, title: str) -> str:
        """Puts."""
        return title

    text = put.spec.parameters
    assert set(schema(put)["properties"]) == {"place", "title"}
    assert set(schema(put)["$defs"]["Place"]["properties"]) == {"title", "floor"}
    assert '"Place"' in text
    assert '"title":"' not in text
    assert schema_text(Place) == (
        '{"description":"Where something is.","properties":{"title":{"type":"string"},'
        '"floor":{"default":0,"type":"integer"}},"required":["title"],"type":"object"}'
    )


async def test_an_async_function_is_awaited_and_its_string_is_the_text() -> None:
    @openswarm.tool
    async def shout(word: str) -> str:
        """Shouts."""
        await anyio.lowlevel.checkpoint()
        return word.upper()

    assert await call(shout, {"word": "hi"}) == ToolResult("HI")


@pytest.mark.requirement("agent.python-tools")
async def test_a_sync_function_runs_in_a_thread_of_its_own() -> None:
    @openswarm.tool
    def where() -> str:
        """Says where it runs."""
        return threading.current_thread().name

    result = await call(where, {})
    assert result.text != threading.current_thread().name


@pytest.mark.requirement("agent.python-tools")
async def test_a_hundred_sync_calls_really_run_at_once() -> None:
    barrier = threading.Barrier(100, timeout=20)

    @openswarm.tool
    def meet() -> str:
        """Waits for the others."""
        return str(barrier.wait())

    async with anyio.create_task_group() as tasks:
        for _ in range(100):
            tasks.start_soon(call, meet, {})
    assert not barrier.broken


async def test_a_sync_call_that_hangs_can_be_left() -> None:
    never = threading.Event()

    @openswarm.tool
    def hang() -> str:
        """Hangs."""
        never.wait(60)
        return "late"

    try:
        with anyio.fail_after(5):
            with anyio.move_on_after(0.01) as scope:
                await call(hang, {})
            assert scope.cancelled_caught
    finally:
        never.set()


@pytest.mark.parametrize(
    ("value", "text"),
    [("x", "x"), ({"a": [1]}, '{"a": [1]}'), (None, "null"), (Colour.RED, '"Colour.RED"')],
)
async def test_what_a_function_returns_is_json_unless_it_is_a_string(
    value: object, text: str
) -> None:
    @openswarm.tool
    def give() -> object:
        """Gives."""
        return value

    result = await call(give, {})
    assert result.text == text
    assert result.data is value


@pytest.mark.requirement("agent.python-tools")
async def test_parameters_come_as_the_types_that_were_written() -> None:
    seen: list[Any] = []

    @openswarm.tool
    def take(
        place: Place, colour: Colour, size: Literal["s", "l"] = "s", tags: set[str] | None = None
    ) -> str:
        """Takes."""
        seen.extend([place, colour, size, tags])
        return "ok"

    await call(take, {"place": {"title": "x"}, "colour": "red", "tags": ["a"]})
    assert seen == [Place(title="x"), Colour.RED, "s", {"a"}]


@pytest.mark.parametrize("name", ["schema", "json", "copy", "dict", "model_config", "_private"])
async def test_a_parameter_may_have_any_name(name: str) -> None:
    space: dict[str, Any] = {}
    exec(f"def echo({name}: str) -> str:\n    'Echoes.'\n    return {name}", space)
    echo = openswarm.tool(space["echo"])
    assert list(schema(echo)["properties"]) == [name]
    assert (await call(echo, {name: "x"})).text == "x"


def test_a_function_without_a_docstring_is_refused() -> None:
    def silent() -> str:
        return ""

    with pytest.raises(UserError, match="'silent' needs a docstring"):
        openswarm.tool(silent)


def test_a_function_with_parameters_that_have_no_name_is_refused() -> None:
    def many(*things: str) -> str:
        """Takes many."""
        return ""

    with pytest.raises(UserError, match="'many': name each parameter"):
        openswarm.tool(many)


def test_a_tool_can_be_declared_to_change_nothing() -> None:
    @openswarm.tool(read_only=True)
    def look() -> str:
        """Looks."""
        return ""

    assert look.read_only


def test_the_prompt_of_a_tool_is_the_markdown_beside_its_module(tmp_path: Any) -> None:
    (tmp_path / "search.md").write_text(" Searches – gründlich.\n", encoding="utf-8")
    assert prompt_text(str(tmp_path / "search.py")) == "Searches – gründlich."
