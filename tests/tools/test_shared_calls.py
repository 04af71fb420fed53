"""Equal read-only calls of several agents: one flight, one result."""

import anyio
import pytest
from pydantic import BaseModel

from openswarm.core.messages import ToolCall
from openswarm.tools.dispatch import Dispatcher
from openswarm.tools.shared import KEPT_RESULTS
from openswarm.tools.tool import Tool, ToolContext, ToolResult
from openswarm.tools.toolset import Toolset

pytestmark = pytest.mark.anyio


class Query(BaseModel):
    q: str = ""
    page: int = 1


class Searching:
    """A read-only tool that counts its runs; it waits until it is let go."""

    def __init__(self, *results: ToolResult | Exception) -> None:
        self.results = results
        self.runs: list[str] = []
        self.begun, self.go = anyio.Event(), anyio.Event()
        self.tool = Tool("search", "Searches.", Query, self.run, read_only=True)

    async def run(self, params: Query, _: ToolContext) -> ToolResult:
        self.runs.append(params.q)
        self.begun.set()
        await self.go.wait()
        outcome = self.results[min(len(self.runs), len(self.results)) - 1]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


async def ask(dispatch: Dispatcher, tool: Tool, arguments: str, agent: str = "a") -> ToolResult:
    call = ToolCall(id="1", name=tool.name, arguments=arguments)
    toolset = Toolset([tool], dispatch=dispatch)
    return (await toolset.run([call], agent, lambda _: None, lambda *_: None))[0]


@pytest.mark.requirement("agent.shared-calls")
async def test_equal_calls_of_many_agents_at_once_are_one_flight() -> None:
    dispatch, searching = Dispatcher(), Searching(ToolResult("found"))
    results: list[str] = []

    async def agent(number: int) -> None:
        spelling = '{"q": "x"}' if number % 2 else '{"page": 1, "q":"x"}'
        results.append((await ask(dispatch, searching.tool, spelling)).text)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            for number in range(100):
                tasks.start_soon(agent, number)
            await searching.begun.wait()
            await anyio.wait_all_tasks_blocked()
            searching.go.set()
    assert searching.runs == ["x"]
    assert results == ["found"] * 100
    assert dispatch.shared.saved == 99


@pytest.mark.requirement("agent.shared-calls")
async def test_a_result_is_kept_for_later_calls() -> None:
    dispatch, searching = Dispatcher(), Searching(ToolResult("found"))
    searching.go.set()
    await ask(dispatch, searching.tool, '{"q": "x"}')
    await ask(dispatch, searching.tool, '{"q": "y"}')
    await ask(dispatch, searching.tool, '{"q": "x"}')
    assert searching.runs == ["x", "y"]


@pytest.mark.parametrize("failure", [ToolResult("no", ok=False), RuntimeError("boom")])
async def test_a_failure_is_not_kept(failure: ToolResult | Exception) -> None:
    dispatch, searching = Dispatcher(), Searching(failure, ToolResult("found"))
    searching.go.set()
    assert not (await ask(dispatch, searching.tool, "{}")).ok
    assert (await ask(dispatch, searching.tool, "{}")).text == "found"
    assert (await ask(dispatch, searching.tool, "{}")).text == "found"
    assert len(searching.runs) == 2


async def test_those_who_wait_for_a_flight_that_is_cancelled_fly_themselves() -> None:
    dispatch, searching = Dispatcher(), Searching(ToolResult("found"))
    results: list[str] = []
    first = anyio.CancelScope()

    async def cancelled() -> None:
        with first:
            await ask(dispatch, searching.tool, "{}")

    async def patient() -> None:
        results.append((await ask(dispatch, searching.tool, "{}")).text)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(cancelled)
            await searching.begun.wait()
            for _ in range(3):
                tasks.start_soon(patient)
            await anyio.wait_all_tasks_blocked()
            first.cancel()
            await anyio.wait_all_tasks_blocked()
            searching.go.set()
    assert results == ["found"] * 3
    assert len(searching.runs) == 2


async def test_a_tool_that_changes_things_is_run_for_each_call() -> None:
    searching = Searching(ToolResult("done"))
    searching.go.set()
    dispatch = Dispatcher()
    tool = Tool("write", "Writes.", Query, searching.run)
    await ask(dispatch, tool, "{}")
    await ask(dispatch, tool, "{}")
    assert len(searching.runs) == 2


async def test_no_more_results_are_kept_than_there_is_room_for() -> None:
    dispatch, searching = Dispatcher(), Searching(ToolResult("found"))
    searching.go.set()
    for number in range(KEPT_RESULTS + 1):
        await ask(dispatch, searching.tool, f'{{"q": "{number}"}}')
    await ask(dispatch, searching.tool, f'{{"q": "{KEPT_RESULTS}"}}')
    await ask(dispatch, searching.tool, '{"q": "0"}')
    assert len(searching.runs) == KEPT_RESULTS + 2
