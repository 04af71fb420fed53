"""The tool `glob`: files by a pattern of their paths."""

from itertools import islice
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from openswarm.tools.documents import Document, fence
from openswarm.tools.files.alone import ALONE, alone
from openswarm.tools.files.listing import listed
from openswarm.tools.files.workspaces import Workspaces
from openswarm.tools.tool import Tool, ToolContext, ToolResult, prompt_text

MOST = 200


class GlobParams(BaseModel):
    """What `glob` is called with."""

    model_config = ConfigDict(extra="forbid")

    pattern: str = Field(
        min_length=1, max_length=1000, description="Such as `**/*.py` or `docs/*.md`."
    )


def glob_tool(workspaces: Workspaces) -> Tool:
    """The tool over the working copies of a run."""

    async def run(params: GlobParams, context: ToolContext) -> ToolResult:
        def names() -> list[str]:
            found = listed(workspaces, context.agent, params.pattern)
            return [file.name for file in islice(found, MOST + 1)]

        files = await workspaces.in_thread(names)
        if not files:
            return ToolResult(f"No file fits {params.pattern}.", data=files)
        text = fence(Document(params.pattern, "\n".join(files[:MOST])))
        if len(files) > MOST:
            files = files[:MOST]
            text += f"\nOnly the first {MOST} are shown; narrow the pattern."
        return ToolResult(text, display=f"{len(files)} files", data=files)

    return Tool("glob", prompt_text(__file__), GlobParams, run, repeatable=True)


async def glob(pattern: str, *, root: str | Path = ".") -> list[str]:
    """The files of a folder that fit a pattern, sorted by path. Raises `ToolError`."""
    async with alone(root) as workspaces:
        return (await glob_tool(workspaces).run(GlobParams(pattern=pattern), ALONE)).data
