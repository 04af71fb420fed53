"""Many agents and one server: shared sessions, time, cancellation, and servers that die."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp_swarm import opened, plain

from openswarm.core.errors import SettingsError
from openswarm.tools.tool import ToolResult

pytestmark = pytest.mark.anyio


@pytest.mark.requirement("mcp.shared")
async def test_a_hundred_agents_share_one_session(tmp_path: Path) -> None:
    async with opened(tmp_path, {"one": plain()}) as swarm:
        with anyio.fail_after(20):
            results = await swarm.many("one__together", 100, count=100)
    assert [result.ok for result in results] == [True] * 100


@pytest.mark.requirement("mcp.cancel")
async def test_the_server_is_told_which_call_was_cancelled(tmp_path: Path) -> None:
    async with opened(tmp_path, {"one": plain()}) as swarm:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(swarm.call, "one__never")
            await anyio.wait_all_tasks_blocked()
            tasks.cancel_scope.cancel()
        heard = json.loads(await swarm.text("one__heard"))
    assert cancelled(heard) == [id_of(heard, "never")]


def id_of(heard: list[dict[str, Any]], tool: str) -> Any:
    """The id of the first call of a tool."""
    return next(m["id"] for m in heard if m.get("params", {}).get("name") == tool)


def cancelled(heard: list[dict[str, Any]]) -> list[Any]:
    """The ids of the calls whose end was told."""
    return [
        message["params"]["requestId"]
        for message in heard
        if message["method"] == "notifications/cancelled"
    ]


@pytest.mark.requirement("mcp.timeout")
async def test_a_late_call_disturbs_no_other_one_and_the_server_is_told_which(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, {"one": plain(toolTimeoutMs=300)}) as swarm:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(swarm.call, "one__never")
            assert await swarm.text("one__echo", text="meanwhile") == "meanwhile"
        heard = json.loads(await swarm.text("one__heard"))
    assert cancelled(heard) == [id_of(heard, "never")]


@pytest.mark.requirement("mcp.timeout")
async def test_the_time_of_a_call_is_not_that_of_the_start(tmp_path: Path) -> None:
    async with opened(tmp_path, {"one": plain(toolTimeoutMs=1)}) as swarm:
        assert "did not answer within 0.001 s" in (await swarm.call("one__never")).text


@pytest.mark.slow
@pytest.mark.requirement("mcp.timeout")
async def test_a_server_that_does_not_read_keeps_nobody_waiting(tmp_path: Path) -> None:
    entry = plain({"AT_START": "deaf"}, startupTimeoutMs=300)
    with pytest.raises(SettingsError, match=r"'one' did not answer within 0\.3 s of its start"):
        async with opened(tmp_path, {"one": entry}):
            pass


@pytest.mark.requirement("mcp.restart")
async def test_a_server_that_dies_fails_its_open_calls_and_is_started_again(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, {"one": plain()}) as swarm:
        open_calls: list[ToolResult] = []

        async def wait() -> None:
            open_calls.append(await swarm.call("one__never"))

        with anyio.fail_after(10):
            async with anyio.create_task_group() as tasks:
                for _ in range(20):
                    tasks.start_soon(wait)
                await anyio.wait_all_tasks_blocked()
                died = await swarm.call("one__die")
        assert died.text == (
            "MCP server 'one' ended with exit code 3.\n"
            '<document source="mcp:one/die">\nout of [31mcheese\n</document>'
        )
        assert {result.text for result in open_calls} == {died.text.replace("/die", "/never")}
        assert len(open_calls) == 20
        assert await swarm.text("one__echo", text="again") == "again"


@pytest.mark.requirement("mcp.restart")
async def test_a_server_that_dies_again_and_again_stays_down_and_says_why(tmp_path: Path) -> None:
    async with opened(tmp_path, {"one": plain(), "two": plain()}) as swarm:
        assert await swarm.text("one__echo", text="a") == "a"
        texts = [(await swarm.call("one__die")).text for _ in range(6)]
        assert ["stays down" in text for text in texts] == [False] * 4 + [True] * 2
        assert "started 4 times in a row without answering" in texts[-1]
        assert "out of [31mcheese" in texts[-1]
        assert "stays down" in (await swarm.call("one__echo")).text
        assert await swarm.text("two__echo", text="b") == "b"


@pytest.mark.requirement("mcp.restart")
async def test_a_server_that_is_killed_is_started_again(tmp_path: Path) -> None:
    async with opened(tmp_path, {"one": plain()}) as swarm:
        first = json.loads(await swarm.text("one__env"))["pid"]
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(swarm.call, "one__never")
            await anyio.wait_all_tasks_blocked()
            os.kill(first, signal.SIGKILL)
        assert json.loads(await swarm.text("one__env"))["pid"] != first


@pytest.mark.requirement("mcp.restart")
async def test_a_server_that_cannot_be_started_a_second_time_says_so(tmp_path: Path) -> None:
    async with opened(tmp_path, {"one": plain({"ONCE": str(tmp_path / "once")})}) as swarm:
        await swarm.call("one__die")
        again = await swarm.call("one__echo", text="x")
        assert "ended with exit code 5" in again.text
        assert "only once" in again.text


@pytest.mark.requirement("mcp.restart", "mcp.config")
async def test_servers_that_do_not_start_are_all_named_with_their_last_words(
    tmp_path: Path,
) -> None:
    servers = {
        "good": plain(),
        "bad": plain({"AT_START": "fail"}),
        "none": {"command": "no-such-program-here"},
        "folder": plain(cwd="nowhere"),
        "directory": {"command": "./"},
    }
    with pytest.raises(SettingsError) as caught:
        async with opened(tmp_path, servers):
            pass
    told = str(caught.value)
    assert "MCP server 'bad' ended with exit code 4.\nthe [31mlicence has expired\n" in told
    assert (
        "'none' could not be started: its command 'no-such-program-here' was not found on the PATH"
        in told
    )
    assert "'folder' could not be started: its cwd is not a folder" in told
    assert "'directory'" in told
    assert "'good'" not in told
    assert 'write "enabled": false' in told
