"""The tool `write`: a whole file. It also hands what its agent changed back at the end."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from openswarm.tools.files.alone import ALONE, alone
from openswarm.tools.files.copy import Snapshot
from openswarm.tools.files.lines import lines_of
from openswarm.tools.files.texts import Text, decoded
from openswarm.tools.files.workspaces import Workspaces
from openswarm.tools.tool import Tool, ToolContext, ToolResult, prompt_text


class WriteParams(BaseModel):
    """What `write` is called with."""

    model_config = ConfigDict(extra="forbid")

    path: str = Field(min_length=1, max_length=4000, description="The file.")
    content: str = Field(description="All of its text.")


def write_tool(workspaces: Workspaces) -> Tool:
    """The tool over the working copies of a run; its release merges them."""

    async def run(params: WriteParams, context: ToolContext) -> ToolResult:
        shown = workspaces.shown(params.path)

        def content(snapshot: Snapshot) -> bytes:
            return _like(snapshot).encoded(params.content)

        before = await workspaces.change(context.agent, params.path, content)
        count = len(lines_of(params.content))
        size = f"{count} line" + ("s" if count != 1 else "")
        done = "Wrote" if before.data is None else "Replaced"
        return ToolResult(f"{done} {shown} ({size}).", display=f"{shown}: {size}")

    return Tool(
        "write", prompt_text(__file__), WriteParams, run, repeatable=True, release=workspaces.merge
    )


def _like(snapshot: Snapshot) -> Text:
    """How the file is written: as it was, or plain UTF-8 if it is new or was no text."""
    return (decoded(snapshot.data) if snapshot.data is not None else None) or Text("")


async def write(path: str, content: str, *, root: str | Path = ".") -> str:
    """Writes a whole file of a folder; what was done. Raises `ToolError`."""
    async with alone(root, path) as workspaces:
        params = WriteParams(path=path, content=content)
        return (await write_tool(workspaces).run(params, ALONE)).text
