"""A sandbox that is opened for one test, confined in the way that the test asks for."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest

from openswarm.core.tooling import SandboxSettings, ToolSettings
from openswarm.journal.removal import remove
from openswarm.tools.python import python_tool
from openswarm.tools.sandbox.probe import Confinement, Kind, probe
from openswarm.tools.sandbox.sandbox import Sandbox, open_sandbox
from openswarm.tools.setup import ToolSetup
from openswarm.tools.shell import shell_tool
from openswarm.tools.tool import Tool, ToolContext, ToolResult


@cache
def found(kind: Kind) -> Confinement:
    """What a probe for one kind of confinement says here."""
    return probe([kind])


async def needed(kind: Kind) -> Confinement:
    """The confinement, or the test is skipped with the reason."""
    confinement = await anyio.to_thread.run_sync(found, "bubblewrap" if kind == "none" else kind)
    if kind == "none":
        return confinement
    if confinement.kind != kind:
        pytest.skip(f"no {kind} on this computer: {confinement.why_not}")
    return confinement


@dataclass
class Lab:
    """An open sandbox and its two tools."""

    sandbox: Sandbox
    python_tool: Tool
    shell_tool: Tool

    async def python(self, code: str, agent: str = "root/1") -> ToolResult:
        """A call of `python` by an agent."""
        params = self.python_tool.params(code=code)
        return await self.python_tool.run(params, ToolContext(agent, "call-1"))

    async def shell(self, command: str, agent: str = "root/1", **more: Any) -> ToolResult:
        """A call of `shell` by an agent."""
        params = self.shell_tool.params(command=command, **more)
        return await self.shell_tool.run(params, ToolContext(agent, "call-2"))

    @property
    def setup(self) -> ToolSetup:
        """What it was opened with."""
        return self.sandbox.setup

    def artifacts(self) -> dict[str, bytes]:
        """What was kept, by name."""
        events = [e for e in self.setup.journal.events() if e.type == "artifact_kept"]
        return {event.name: self.setup.journal.read_bytes(event.blob) for event in events}


OpenLab = Callable[..., AbstractAsyncContextManager[Lab]]


@pytest.fixture
def lab(tmp_path: Path) -> OpenLab:
    """Opens a sandbox: `async with lab(kind, limit=value, …) as opened`."""

    @asynccontextmanager
    async def opened(
        kind: Kind = "bubblewrap",
        *,
        setup: dict[str, Any] | None = None,
        fetcher: Any = None,
        groups: bool = True,
        **limits: Any,
    ) -> AsyncIterator[Lab]:
        confinement = await needed(kind)
        if not groups:
            confinement = replace(confinement, groups=None)
        settings = ToolSettings(sandbox=SandboxSettings(**{"wall_s": 30.0, **limits}))
        made = ToolSetup(
            tmp_path / "run" / "scratch",
            tmp_path / "home",
            settings=settings,
            unsafe_no_sandbox=kind == "none",
            **(setup or {}),
        )
        async with AsyncExitStack() as stack:
            # pytest cannot take away what code has made too deep
            stack.push_async_callback(anyio.to_thread.run_sync, remove, made.scratch)
            sandbox = await open_sandbox(made, stack, fetcher, confinement=confinement)
            yield Lab(sandbox, python_tool(sandbox), shell_tool(sandbox))

    return opened
