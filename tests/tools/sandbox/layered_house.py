"""Tools over working copies of folders, opened for one test, and what can be seen of folders."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import anyio.to_thread
import pytest

from openswarm.core.tooling import Policy, SandboxSettings, ToolSettings
from openswarm.tools.files.workspaces import Workspaces, open_workspaces
from openswarm.tools.python import python_tool
from openswarm.tools.read import read_tool
from openswarm.tools.sandbox.probe import Confinement, Kind, probe
from openswarm.tools.sandbox.sandbox import open_sandbox
from openswarm.tools.setup import ToolSetup
from openswarm.tools.shell import shell_tool
from openswarm.tools.tool import Tool, ToolContext, ToolResult
from openswarm.tools.write import write_tool


@cache
def found(kind: Kind) -> Confinement:
    """What a probe for one kind of confinement says here."""
    return probe([kind])


@dataclass
class House:
    """Open tools over folders, and what they share."""

    tools: dict[str, Tool]
    workspaces: Workspaces

    async def call(self, name: str, agent: str = "root/1", **arguments: Any) -> ToolResult:
        """A call as a model makes it."""
        tool = self.tools[name]
        return await tool.run(tool.params(**arguments), ToolContext(agent, "call"))

    async def shell(self, command: str, agent: str = "root/1") -> str:
        """The output of a command that succeeds."""
        result = await self.call("shell", agent, command=command)
        assert result.ok, result.text
        return result.data.output

    async def leftovers(self) -> list[str]:
        """What lies beside the upper of the first agent."""
        upper = await self.workspaces.upper("root/1", self.workspaces.roots[0])
        return sorted(path.name for path in upper.parent.iterdir())


OpenHouse = Callable[..., AbstractAsyncContextManager[House]]


def filled(folder: Path) -> Path:
    """The folder with a few files."""
    (folder / "d").mkdir(parents=True)
    (folder / "a.txt").write_text("one\n")
    (folder / "d" / "b.txt").write_text("two\n")
    return folder


@asynccontextmanager
async def open_house(
    place: Path, kind: Kind = "bubblewrap", *, roots: tuple[Path, ...] = (), **limits: Any
) -> AsyncIterator[House]:
    """Tools over `roots`, or over the folder `data` of a place that openswarm's own lie in too."""
    wanted: Kind = "bubblewrap" if kind == "none" else kind
    confinement = await anyio.to_thread.run_sync(found, wanted)
    if confinement.kind != kind != "none":
        pytest.skip(f"no {kind} on this computer: {confinement.why_not}")
    setup = ToolSetup(
        place / "run" / "scratch",
        place / "home",
        roots=tuple(map(str, roots or (place / "data",))),
        settings=ToolSettings(sandbox=SandboxSettings(**{"wall_s": 30.0, **limits})),
        policy=Policy(rules={"merge": "allow"}),
        unsafe_no_sandbox=kind == "none",
    )
    async with AsyncExitStack() as stack:
        workspaces = await open_workspaces(setup, stack)
        sandbox = await open_sandbox(setup, stack, confinement=confinement, workspaces=workspaces)
        code = (python_tool(sandbox), shell_tool(sandbox))
        made = (*code, read_tool(workspaces), write_tool(workspaces))
        yield House({tool.name: tool for tool in made}, workspaces)


def needs_layers(opened: House) -> None:
    """Skips where no overlay can be mounted, as the shell says."""
    said = opened.tools["shell"].description
    if "can change them" not in said:
        pytest.skip(said.splitlines()[-1])


def tree(folder: Path) -> dict[str, tuple[Any, ...]]:
    """All that can be seen of a folder from outside."""
    found: dict[str, tuple[Any, ...]] = {}
    for path in [folder, *sorted(folder.rglob("*"))]:
        status = path.lstat()
        content = path.read_bytes() if path.is_file() else b""
        attributes = tuple(os.listxattr(path, follow_symlinks=False))
        facts = (status.st_mode, status.st_uid, status.st_nlink, status.st_mtime_ns)
        found[str(path.relative_to(folder))] = (*facts, content, attributes)
    return found


def mounts() -> str:
    """What is mounted on the host."""
    return Path("/proc/self/mountinfo").read_text()
