"""The tools of one agent: calls of a turn run at once, and nothing that breaks gets out."""

import json
import sys
from collections.abc import Sequence
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from pydantic import BaseModel

import openswarm
from openswarm.core.errors import ToolError
from openswarm.core.messages import ToolCall
from openswarm.tools.tool import Tool, ToolContext, ToolResult
from openswarm.tools.toolset import MAX_ARGUMENT_CHARS, CheckedCall, OnReturned, Toolset

pytestmark = pytest.mark.anyio


@openswarm.tool
async def echo(text: str, times: int = 1) -> str:
    """Echoes."""
    return text * times


def calls(*wanted: tuple[str, Any]) -> list[ToolCall]:
    return [
        ToolCall(id=str(i), name=name, arguments=a if isinstance(a, str) else json.dumps(a))
        for i, (name, a) in enumerate(wanted)
    ]


async def run(toolset: Toolset, *wanted: tuple[str, Any]) -> list[ToolResult]:
    return await toolset.run(calls(*wanted), "root", lambda _: None, lambda *_: None)


async def run_one(tool: Tool, arguments: Any = "{}") -> ToolResult:
    return (await run(Toolset([tool]), (tool.name, arguments)))[0]


async def test_a_right_call_is_run() -> None:
    assert await run_one(echo, {"text": "ab", "times": 2}) == ToolResult("abab")


@pytest.mark.requirement("agent.order")
async def test_calls_of_a_turn_run_at_once_and_return_in_their_order() -> None:
    here, both = [], anyio.Event()

    @openswarm.tool
    async def meet(name: str) -> str:
        """Waits for the other; the first one in returns last."""
        here.append(name)
        if len(here) == 2:
            both.set()
            return name
        await both.wait()
        await anyio.lowlevel.checkpoint()
        return name

    order: list[str] = []
    with anyio.fail_after(5):
        results = await Toolset([meet]).run(
            calls(("meet", {"name": "a"}), ("meet", {"name": "b"})),
            "root",
            lambda _: None,
            lambda call, _: order.append(call.id),
        )
    assert [result.text for result in results] == ["a", "b"]
    assert order == ["1", "0"], "each is told as soon as it is there"


async def test_every_call_is_announced_before_it_runs_and_told_once() -> None:
    news: list[str] = []

    @openswarm.tool
    async def work() -> str:
        """Works."""
        news.append("runs")
        return ""

    await Toolset([work]).run(
        calls(("work", {})),
        "root",
        lambda call: news.append(f"called {call.name}"),
        lambda call, result: news.append(f"returned {result.ok}"),
    )
    assert news == ["called work", "runs", "returned True"]


@pytest.mark.requirement("agent.wrong-call")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "text: Field required"),
        ({"text": 7}, "text: Input should be a valid string"),
        ({"text": "x", "times": "many"}, "times: Input should be a valid integer"),
        ({"text": "x", "colour": "red"}, "colour: Extra inputs are not permitted"),
        ("{broken", "Invalid JSON"),
        ("", "Invalid JSON"),
        ("[1]", "object"),
        ("[" * 5_000, "Invalid JSON"),
        ("null", "object"),
    ],
)
async def test_wrong_arguments_become_a_text_that_says_how_to_mend_them(
    arguments: Any, words: str
) -> None:
    result = await run_one(echo, arguments)
    assert not result.ok
    assert words in result.text
    assert "echo was not run" in result.text
    assert '"required":["text"]' in result.text, "the parameters are shown"


async def test_arguments_beyond_all_measure_are_not_even_read() -> None:
    result = await run_one(echo, "x" * (MAX_ARGUMENT_CHARS + 1))
    assert (result.ok, result.text) == (False, "echo: the arguments are too long.")


@pytest.mark.requirement("agent.wrong-call")
async def test_an_unknown_tool_is_answered_with_the_ones_there_are() -> None:
    result, other = await run(Toolset([echo]), ("ecko" * 100, {}), ("echo", {"text": "x"}))
    assert not result.ok
    assert "The tools: echo." in result.text
    assert len(result.text) < 200
    assert other.text == "x", "the other call of the turn is run all the same"


async def test_a_tool_that_refuses_is_a_text() -> None:
    @openswarm.tool
    async def refuse() -> str:
        """Refuses."""
        raise ToolError("no such page; there are 3")

    result = await run_one(refuse)
    assert (result.ok, result.text) == (False, "refuse failed: no such page; there are 3")


@pytest.mark.requirement("agent.broken-tool")
@pytest.mark.parametrize(
    "error",
    [RuntimeError("boom"), KeyError("k"), RecursionError(), ExceptionGroup("g", [OSError()])],
)
async def test_a_tool_that_breaks_is_a_text_and_its_siblings_never_notice(error: Exception) -> None:
    @openswarm.tool
    async def broken() -> str:
        """Breaks."""
        raise error

    first, second = await run(Toolset([broken, echo]), ("broken", {}), ("echo", {"text": "x"}))
    assert not first.ok
    assert f"broken broke with {type(error).__name__}" in first.text
    assert second.text == "x"


@pytest.mark.requirement("agent.broken-tool")
@pytest.mark.parametrize("is_async", [True, False])
async def test_a_tool_that_would_end_the_program_is_a_text_too(is_async: bool) -> None:
    @openswarm.tool
    async def leave() -> str:
        """Leaves."""
        sys.exit(3)

    @openswarm.tool
    def leave_thread() -> str:
        """Leaves."""
        sys.exit(3)

    result = await run_one(leave if is_async else leave_thread)
    assert not result.ok
    assert "SystemExit" in result.text


async def test_a_tool_that_returns_what_no_json_can_hold_is_a_text() -> None:
    @openswarm.tool
    async def circle() -> object:
        """Returns a circle."""
        value: list[object] = []
        value.append(value)
        return value

    result = await run_one(circle)
    assert not result.ok
    assert "ValueError" in result.text


async def test_text_that_is_not_unicode_is_made_so() -> None:
    @openswarm.tool
    async def names() -> str:
        """Lists names of files."""
        return "a\udc80b"

    result = await run_one(names)
    assert result.text == "a?b"


async def test_cancelling_is_the_one_thing_that_gets_out() -> None:
    @openswarm.tool
    async def hang() -> str:
        """Hangs."""
        await anyio.sleep_forever()
        return ""

    told: list[str] = []
    with anyio.fail_after(5), anyio.move_on_after(0.01) as scope:
        await Toolset([hang]).run(
            calls(("hang", {}), ("hang", {})),
            "root",
            lambda _: None,
            lambda call, _: told.append(call.id),
        )
    assert scope.cancelled_caught
    assert told == []


async def test_a_tool_knows_who_called_it() -> None:
    class Nothing(BaseModel):
        pass

    async def who(_: Nothing, context: ToolContext) -> ToolResult:
        return ToolResult(f"{context.agent} {context.call_id}")

    toolset = Toolset([Tool("who", "Who?", Nothing, who)])
    results = await toolset.run(calls(("who", {})), "root/7", lambda _: None, lambda *_: None)
    assert results[0].text == "root/7 0"


class Group:
    """A call group that keeps what it was given, and answers backwards."""

    tools = (echo,)

    def __init__(self) -> None:
        self.turns: list[list[str]] = []

    async def run(
        self, calls: Sequence[CheckedCall], on_returned: OnReturned, *, spoiled: bool
    ) -> None:
        self.turns.append([entry.call.arguments for entry in calls])
        for entry in reversed(calls):
            on_returned(entry.call, ToolResult(f"grouped {entry.call.id}"))


async def test_calls_that_belong_together_are_run_together_beside_the_others() -> None:
    @openswarm.tool
    async def single() -> str:
        """Alone."""
        return "alone"

    group = Group()
    results = await run(
        Toolset([single], group=group),
        ("echo", {"text": "a"}),
        ("single", {}),
        ("echo", {"wrong": "x"}),
        ("echo", {"text": "b"}),
    )
    # the call with wrong arguments has never reached the group
    assert group.turns == [['{"text": "a"}', '{"text": "b"}']]
    assert [result.text for result in results][:2] == ["grouped 0", "alone"]
    assert not results[2].ok
    assert results[3].text == "grouped 3"


def test_tools_can_be_taken_away_but_for_the_named_ones() -> None:
    toolset = Toolset([echo], group=None)
    assert [spec.name for spec in toolset.specs] == ["echo"]
    assert [spec.name for spec in toolset.only(["report", "echo"])] == ["echo"]
    assert toolset.only([]) == ()


@pytest.mark.parametrize(
    ("read_only", "repeatable", "expected"),
    [(False, False, False), (True, False, True), (False, True, True)],
)
def test_only_what_does_no_harm_may_be_run_again(
    read_only: bool, repeatable: bool, expected: bool
) -> None:
    class Nothing(BaseModel):
        pass

    async def nothing(_: Nothing, __: ToolContext) -> ToolResult:
        return ToolResult("")

    tool = Tool("t", "T.", Nothing, nothing, read_only=read_only, repeatable=repeatable)
    assert Toolset([tool]).is_repeatable("t") is expected
    assert Toolset([tool]).is_repeatable("unknown"), "it has done nothing"
    assert Toolset(group=Group()).is_repeatable("echo")
