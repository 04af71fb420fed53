"""The tool `edit`: exact replacement in a file that was read. Like `write`, it hands what its agent
changed back at the end, since an agent may have only one of the two."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from openswarm.core.errors import ToolError
from openswarm.tools.documents import Document, fence
from openswarm.tools.files.alone import ALONE, alone
from openswarm.tools.files.closest import closest
from openswarm.tools.files.copy import Snapshot
from openswarm.tools.files.roots import printable
from openswarm.tools.files.telling import listed
from openswarm.tools.files.texts import decoded
from openswarm.tools.files.workspaces import Workspaces
from openswarm.tools.tool import Tool, ToolContext, ToolResult, prompt_text


class EditParams(BaseModel):
    """What `edit` is called with."""

    model_config = ConfigDict(extra="forbid")

    path: str = Field(min_length=1, max_length=4000, description="The file.")
    old: str = Field(min_length=1, description="The text to replace, exactly as it stands there.")
    new: str = Field(description="The text to put in its place.")
    all: bool = Field(False, description="Replace every occurrence.")


def edit_tool(workspaces: Workspaces) -> Tool:
    """The tool over the working copies of a run."""

    async def run(params: EditParams, context: ToolContext) -> ToolResult:
        shown = workspaces.shown(params.path)
        places: list[int] = []

        def change(snapshot: Snapshot) -> bytes:
            data, lines = replaced(snapshot, params, shown)
            places.extend(lines)
            return data

        await workspaces.change(context.agent, params.path, change)
        return ToolResult(f"Edited {shown} at line {listed(places)}.", display=shown)

    return Tool("edit", prompt_text(__file__), EditParams, run, release=workspaces.merge)


def replaced(snapshot: Snapshot, params: EditParams, shown: str) -> tuple[bytes, list[int]]:
    """The new content, and the lines where the old text stood. Raises `ToolError`."""
    if snapshot.data is None:
        raise ToolError(f"{shown}: there is no such file; `write` makes one")
    text = decoded(snapshot.data)
    if text is None:
        raise ToolError(f"{shown} is a binary file, which cannot be edited")
    old, new = params.old, params.new
    if text.crlf:
        old, new = old.replace("\r\n", "\n"), new.replace("\r\n", "\n")
    if old == new:
        raise ToolError("old and new are the same: nothing is to be changed")
    places = _places(text.text, old)
    if not places:
        raise ToolError(_not_found(text.text, old, shown))
    if len(places) > 1 and not params.all:
        raise ToolError(
            f"{shown} has this text {len(places)} times, at lines {listed(places)}; add lines"
            " around it to `old`, or set `all`"
        )
    return text.encoded(text.text.replace(old, new)), places


def _places(text: str, old: str) -> list[int]:
    """The numbers of the lines in which the text begins."""
    places, line, start = [], 1, 0
    at = text.find(old)
    while at >= 0:
        line += text.count("\n", start, at)
        places.append(line)
        start = at
        at = text.find(old, at + len(old))
    return places


def _not_found(text: str, old: str, shown: str) -> str:
    near = closest(text, old)
    if near is None:
        return f"{shown} has no such text, and nothing like it; read it again"
    why = "the same but for white space" if near.only_space else "the closest"
    passage = fence(Document(shown, printable(near.text)))
    return f"{shown} has no such text; {why} is at line {near.line}:\n{passage}"


async def edit(
    path: str, old: str, new: str, *, every: bool = False, root: str | Path = "."
) -> str:
    """Replaces text in a file of a folder; what was done. Raises `ToolError`."""
    async with alone(root, path) as workspaces:
        params = EditParams(path=path, old=old, new=new, all=every)
        return (await edit_tool(workspaces).run(params, ALONE)).text
