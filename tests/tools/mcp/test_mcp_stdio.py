"""Servers that are started: their tools, their environment, their results, their end."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from mcp_swarm import HERE, offering, opened, plain, sdk

from openswarm.core.errors import SettingsError, UserError
from openswarm.core.messages import ToolCall
from openswarm.tools.dispatch import Dispatcher
from openswarm.tools.mcp import stdio
from openswarm.tools.mcp.config import parse_servers
from openswarm.tools.mcp.sdk import load_sdk
from openswarm.tools.mcp.tools import call
from openswarm.tools.tool import ToolContext
from openswarm.tools.toolset import Toolset

pytestmark = pytest.mark.anyio


@pytest.mark.requirement("mcp.stdio")
async def test_tools_of_a_server_are_named_after_it_and_called_with_their_own_schema(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, {"sdk": sdk()}) as swarm:
        tool = swarm.tools["mcp__sdk__add"]
        parameters = json.loads(tool.spec.parameters)
        assert tool.description == "Adds two numbers."
        assert parameters["required"] == ["a", "b"]
        assert (await swarm.call("sdk__add", a=2, b=3)).text == (
            '<document source="mcp:sdk/add">\n5\n</document>'
        )
        failed = await swarm.call("sdk__fails")
        assert not failed.ok
        assert failed.text.startswith("The tool reports that it failed.\n<document")
        wrong = await swarm.call("sdk__add", a="two", c=1)
        assert not wrong.ok
        assert "a: 'two' is not of type 'integer'" in wrong.text
        assert "'b' is a required property" in wrong.text
        assert (await swarm.call("sdk__counts")).data["calls"] == 1


@pytest.mark.requirement("mcp.stdio", "mcp.untrusted")
async def test_only_tools_that_are_said_to_read_run_unasked_and_are_shared(tmp_path: Path) -> None:
    names = ("look", "change", "heard")
    tools = [{"name": name, "inputSchema": {"type": "object"}} for name in names]
    tools[0]["annotations"] = {"readOnlyHint": True}
    async with opened(tmp_path, {"one": offering(*tools)}) as swarm:
        strict = Toolset(list(swarm.tools.values()), dispatch=Dispatcher())
        calls = [
            ToolCall(id="1", name="mcp__one__look", arguments='{"a": 1, "b": 2}'),
            ToolCall(id="2", name="mcp__one__look", arguments='{"b": 2, "a": 1}'),
            ToolCall(id="3", name="mcp__one__change", arguments="{}"),
        ]
        results = await strict.run(calls, "root/1", lambda _: None, lambda *_: None)
        assert [result.ok for result in results] == [True, True, False]
        assert "needs an approval" in results[2].text
        heard = json.loads(await swarm.text("one__heard"))
    called = [message["params"]["name"] for message in heard if message["method"] == "tools/call"]
    assert called == ["look", "heard"]


@pytest.mark.requirement("mcp.stdio")
async def test_a_server_gets_its_own_environment_and_none_of_our_secrets(tmp_path: Path) -> None:
    entry = plain({"TOKEN": "${env:SECRET_KEY}"}, cwd="here")
    entry["args"] += ["~/notes", "${NOBODY:-some}"]
    (tmp_path / "here").mkdir()
    async with opened(tmp_path, {"one": entry}) as swarm:
        seen = json.loads(await swarm.text("one__env"))
    assert seen["args"] == ["/nowhere/notes", "some"]
    assert seen["cwd"] == str(tmp_path / "here")
    assert seen["env"]["TOKEN"] == "hunter2hunter2"
    assert {"SECRET_KEY", "OPENSWARM_HOME"}.isdisjoint(seen["env"])


@pytest.mark.requirement("mcp.stdio")
async def test_a_server_that_greets_on_stdout_and_logs_to_stderr_disturbs_nobody(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    async with opened(tmp_path, {"one": plain({"AT_START": "talk"})}) as swarm:
        assert await swarm.text("one__echo", text="hello") == "hello"
        assert (await swarm.call("one__write", text="garbage\n{}\n[1]\n\n")).ok
        await swarm.call("one__die")
    assert capfd.readouterr() == ("", "")


@pytest.mark.requirement("mcp.stdio")
async def test_progress_is_a_sign_of_life_and_a_changed_list_breaks_nothing(tmp_path: Path) -> None:
    ticks: list[str] = []
    async with opened(tmp_path, {"one": plain()}) as swarm:
        tool = swarm.tools["mcp__one__report"]
        context = ToolContext("root/1", "1", tick=ticks.append)
        assert (await tool.run(tool.params.model_validate({}), context)).ok
        assert await swarm.text("one__echo", text="on") == "on"
    assert ticks == ["1 of 4 ab"]


@pytest.mark.requirement("mcp.stdio")
async def test_a_single_call_starts_a_server_and_ends_it() -> None:
    document = json.dumps({"servers": {"one": plain()}})
    config = parse_servers(document, Path("/x/mcp.json"), {})[0]
    result = await call(config, "children", {}, {})
    assert result.ok
    await gone(json.loads(result.data))
    assert not (await call(config, "error", {"message": "no"}, {})).ok


@pytest.mark.requirement("mcp.stdio")
async def test_a_server_that_speaks_only_the_protocol_without_a_handshake(tmp_path: Path) -> None:
    list_page = {
        "tools": [{"name": "raw", "inputSchema": {"type": "object"}}],
        "ttlMs": 0, "cacheScope": "private", "resultType": "complete",
    }  # fmt: skip
    entry = plain({"AT_START": "modern", "OFFERS": json.dumps({"": list_page})})
    async with opened(tmp_path, {"one": entry}) as swarm:
        parts = [{"type": "text", "text": "hello"}]
        answer = {"content": parts, "resultType": "complete"}
        assert await swarm.text("one__raw", result=answer) == "hello"


@pytest.mark.requirement("mcp.stdio", "mcp.restart")
async def test_a_process_that_left_its_server_and_holds_its_pipes_keeps_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stdio, "DRAIN_S", 0.1)
    with anyio.fail_after(8):
        async with opened(tmp_path, {"one": plain()}) as swarm:
            daemons = [int(await swarm.text("one__daemon"))]
            assert "ended with exit code 3" in (await swarm.call("one__die")).text
            daemons.append(int(await swarm.text("one__daemon")))
    for pid in daemons:
        os.kill(pid, signal.SIGKILL)


def test_without_the_extra_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    with pytest.raises(SettingsError, match=r"pip install 'openswarm\[mcp\]'"):
        load_sdk()


async def test_the_sdk_is_not_imported_before_a_server_is_configured(tmp_path: Path) -> None:
    script = (
        "import anyio, sys\nfrom pathlib import Path\nfrom contextlib import AsyncExitStack\n"
        "from openswarm.tools.mcp.tools import open_mcp\n"
        "from openswarm.tools.setup import ToolSetup\n"
        "setup = ToolSetup(scratch=Path(sys.argv[1]), home=Path(sys.argv[1]))\n"
        "assert anyio.run(open_mcp, setup, AsyncExitStack()) == []\n"
        "assert not {'mcp', 'jsonschema', 'httpx2'} & set(sys.modules)\n"
    )
    await anyio.run_process([sys.executable, "-c", script, str(tmp_path)])


@pytest.mark.slow
@pytest.mark.requirement("mcp.stdio")
async def test_stubborn_servers_and_what_they_started_are_ended_with_the_run(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path, {"one": plain({"AT_START": "stubborn"}), "two": plain()}) as swarm:
        pids = json.loads(await swarm.text("one__children"))
        pids += json.loads(await swarm.text("two__children"))
    await gone(pids)


@pytest.mark.requirement("mcp.stdio")
async def test_what_ends_a_run_comes_out_as_it_was_raised(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="enough"):
        async with opened(tmp_path, {"one": plain()}) as swarm:
            pids = json.loads(await swarm.text("one__children"))
            raise UserError("enough")
    with anyio.CancelScope() as scope:
        async with opened(tmp_path, {"one": plain()}) as swarm:
            pids += json.loads(await swarm.text("one__children"))
            scope.cancel()
            await anyio.sleep_forever()
    assert scope.cancelled_caught
    await gone(pids)


@pytest.mark.slow
@pytest.mark.requirement("mcp.stdio")
async def test_nothing_is_left_of_servers_when_the_runtime_is_killed(tmp_path: Path) -> None:
    script = (
        "import anyio, sys\nfrom pathlib import Path\nfrom mcp_swarm import opened, plain\n"
        "async def main():\n"
        "    async with opened(Path(sys.argv[1]), {'one': plain({'AT_START': 'stubborn'})}) as s:\n"
        "        print(await s.text('one__children'), flush=True)\n"
        "        await anyio.sleep_forever()\n"
        "anyio.run(main)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    async with await anyio.open_process(
        command, env={**os.environ, "PYTHONPATH": str(HERE)}, stderr=subprocess.DEVNULL
    ) as runtime:
        assert runtime.stdout is not None
        pids = json.loads(await runtime.stdout.receive())
        runtime.kill()
    await gone(pids)


async def gone(pids: list[int]) -> None:
    """Returns when none of the processes is there any more."""
    with anyio.fail_after(10):
        for pid in pids:
            try:
                number = os.pidfd_open(pid)
            except ProcessLookupError:
                continue
            try:
                await anyio.wait_readable(number)
            finally:
                os.close(number)
