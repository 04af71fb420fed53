"""A run's file tools over a folder, for their tests."""

import json
import subprocess
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from openswarm.core.events import AnyEvent, ChangesMerged
from openswarm.core.tooling import Policy
from openswarm.journal.journal import MemoryJournal
from openswarm.tools.edit import edit_tool
from openswarm.tools.files.workspaces import Workspaces, open_workspaces
from openswarm.tools.glob import glob_tool
from openswarm.tools.grep import grep_tool
from openswarm.tools.read import read_tool
from openswarm.tools.setup import ToolSetup
from openswarm.tools.tool import ToolContext, ToolResult
from openswarm.tools.write import write_tool

MAKERS = {
    "read": read_tool,
    "write": write_tool,
    "edit": edit_tool,
    "glob": glob_tool,
    "grep": grep_tool,
}
ALLOW = Policy(rules={"merge": "allow"})


def fill(folder: Path, files: dict[str, str | bytes]) -> Path:
    """Makes files by their path inside a folder; returns the folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def names(folder: Path) -> list[str]:
    """The paths of all that is in a folder, sorted."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def apply_patch(folder: Path, patch: str) -> None:
    """What git makes of a patch."""
    subprocess.run(["git", "apply", "-"], cwd=folder, input=patch.encode(), check=True)


class Run:
    """The file tools of one process of a run."""

    def __init__(self, workspaces: Workspaces, setup: ToolSetup) -> None:
        self.workspaces = workspaces
        self.setup = setup

    @classmethod
    async def open(cls, tmp_path: Path, *roots: Path, **settings: Any) -> "Run":
        """A run over folders, its own ones in `tmp_path`."""
        setup = ToolSetup(
            scratch=tmp_path / "scratch",
            home=tmp_path / "openswarm-home",
            roots=tuple(map(str, roots)),
            **{"journal": MemoryJournal(), "policy": ALLOW, **settings},
        )
        return await cls.again(setup)

    @classmethod
    async def again(cls, setup: ToolSetup, **settings: Any) -> "Run":
        """The same run in another process."""
        setup = replace(setup, past=tuple(setup.journal.events()), **settings)
        return cls(await open_workspaces(setup, AsyncExitStack()), setup)

    async def call(self, tool: str, agent: str = "root/1", **arguments: object) -> ToolResult:
        """Calls a tool with arguments as a model would. Raises what the tool raises."""
        made = MAKERS[tool](self.workspaces)
        params = made.params.model_validate_json(json.dumps(arguments))
        return await made.run(params, ToolContext(agent=agent, call_id="1"))

    async def change(self, agent: str, path: str, old: str, new: str) -> None:
        """Reads and edits."""
        await self.call("read", agent, path=path)
        await self.call("edit", agent, path=path, old=old, new=new)

    async def finish(self, agent: str = "root/1", *, finished: bool = True) -> str:
        """The end of an agent; what its report is to add."""
        return await write_tool(self.workspaces).release(agent, finished)

    def merges(self) -> list[ChangesMerged]:
        """What the journal says of merges."""
        events: list[AnyEvent] = list(self.setup.journal.events())
        return [event for event in events if isinstance(event, ChangesMerged)]

    def patch(self, event: ChangesMerged) -> str:
        """The patch of a merge."""
        return self.setup.journal.read(event.patch)
