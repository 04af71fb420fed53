"""Opens the tools of test servers, and calls them as agents do."""

import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio

from openswarm.core.messages import ToolCall
from openswarm.core.tooling import Policy, ToolSettings
from openswarm.tools.dispatch import Dispatcher
from openswarm.tools.mcp.tools import open_mcp
from openswarm.tools.setup import ToolSetup
from openswarm.tools.tool import Tool, ToolResult
from openswarm.tools.toolset import Toolset

HERE = Path(__file__).parent
ENVIRON = {"PATH": "/usr/bin:/bin", "HOME": "/nowhere", "SECRET_KEY": "hunter2hunter2"}


def plain(env: Mapping[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """The entry of a server in plain Python, which starts fast."""
    args = ["-I", "-S", str(HERE / "plain_server.py")]
    return {"command": sys.executable, "args": args, "env": dict(env or {}), **more}


def offering(*tools: dict[str, Any], **more: Any) -> dict[str, Any]:
    """The entry of a server that offers these tools."""
    return plain({"OFFERS": json.dumps({"": {"tools": tools}})}, **more)


def sdk(**more: Any) -> dict[str, Any]:
    """The entry of a server made with the SDK."""
    return {"command": sys.executable, "args": [str(HERE / "sdk_server.py")], **more}


class Swarm:
    """Agents that may call the tools of the servers."""

    def __init__(self, tools: list[Tool], setup: ToolSetup) -> None:
        self.tools = {tool.name: tool for tool in tools}
        self.setup = setup
        allowed = Dispatcher(policy=Policy(rules={"mcp__*": "allow"}))
        self._toolset = Toolset(tools, dispatch=allowed)

    async def call(self, name: str, agent: str = "root/1", **arguments: Any) -> ToolResult:
        """The result of a call that the policy allows."""
        call = ToolCall(id="1", name=f"mcp__{name}", arguments=json.dumps(arguments))
        return (await self._toolset.run([call], agent, lambda _: None, lambda *_: None))[0]

    async def many(self, name: str, agents: int, **arguments: Any) -> list[ToolResult]:
        """The results of equal calls by as many agents at once."""
        results: list[ToolResult] = []

        async def one(agent: str) -> None:
            results.append(await self.call(name, agent, **arguments))

        async with anyio.create_task_group() as tasks:
            for number in range(agents):
                tasks.start_soon(one, f"root/{number}")
        return results

    async def text(self, name: str, **arguments: Any) -> str:
        """What stands inside the fence of a result."""
        result = await self.call(name, **arguments)
        assert result.ok, result.text
        return result.text.split("\n", 1)[1].rsplit("\n", 1)[0]


@asynccontextmanager
async def opened(
    folder: Path, servers: Mapping[str, Any], *, images: bool = False
) -> AsyncIterator[Swarm]:
    """A swarm with these servers, which end with it."""
    home = folder / "home"
    home.mkdir(exist_ok=True, parents=True)
    config = folder / "servers.json"
    config.write_text(json.dumps({"mcpServers": servers}))
    setup = ToolSetup(
        scratch=folder,
        home=home,
        settings=ToolSettings(mcp_config=str(config)),
        environ=ENVIRON,
        images=images,
    )
    async with AsyncExitStack() as stack:
        yield Swarm(await open_mcp(setup, stack), setup)
