"""The tool `grep`: lines of files that match a regular expression."""

from contextlib import closing
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from openswarm.tools.documents import Document, fence
from openswarm.tools.files.alone import ALONE, alone
from openswarm.tools.files.listing import texts
from openswarm.tools.files.roots import printable
from openswarm.tools.files.scanning import SCAN_S, Hit, scan
from openswarm.tools.files.telling import listed
from openswarm.tools.files.workspaces import Workspaces
from openswarm.tools.tool import Tool, ToolContext, ToolResult, prompt_text

LINES = 100
SHOWN = 5


class GrepParams(BaseModel):
    """What `grep` is called with."""

    model_config = ConfigDict(extra="forbid")

    pattern: str = Field(
        min_length=1,
        max_length=1000,
        description="A regular expression of Python; begin it with (?i) to ignore case.",
    )
    glob: str = Field(
        "**", min_length=1, max_length=1000, description="Only files whose path fits this pattern."
    )


def grep_tool(workspaces: Workspaces, *, name: str = "grep", seconds: float = SCAN_S) -> Tool:
    """The tool over the working copies of a run; `name` where another one is called `grep`, and
    the most seconds that a search may take."""

    async def run(params: GrepParams, context: ToolContext) -> ToolResult:
        passed: list[str] = []
        with closing(texts(workspaces, context.agent, params.glob, passed)) as found:
            hits = await scan(params.pattern, found, LINES, seconds=seconds)
        text = _result_text(hits, 2 * workspaces.setup.page_chars)
        return ToolResult(text + _passed(passed), display=f"{len(hits)} lines", data=hits)

    return Tool(name, prompt_text(__file__), GrepParams, run, repeatable=True)


def _result_text(hits: list[Hit], room: int) -> str:
    if not hits:
        return "No line matches. Try (?i), a shorter pattern, or another `glob`."
    by_file: dict[str, list[str]] = {}
    shown = 0
    for hit in hits:
        room -= len(hit.text) + 8 + (0 if hit.name in by_file else len(hit.name) + 40)
        if room < 0 and shown:
            break
        by_file.setdefault(hit.name, []).append(f"{hit.line}\t{printable(hit.text)}")
        shown += 1
    parts = [fence(Document(name, "\n".join(lines))) for name, lines in by_file.items()]
    if shown < len(hits) or len(hits) == LINES:
        parts.append(f"Only the first {shown} lines are shown; narrow the pattern or `glob`.")
    return "\n".join(parts)


def _passed(names: list[str]) -> str:
    if not names:
        return ""
    shown = fence(Document("names of files", listed(names, SHOWN)))
    return f"\nNot searched (secrets, or too large):\n{shown}"


async def grep(pattern: str, *, glob: str = "**", root: str | Path = ".") -> list[Hit]:
    """The lines of a folder's files that match a regular expression. Raises `ToolError`."""
    async with alone(root) as workspaces:
        params = GrepParams(pattern=pattern, glob=glob)
        return (await grep_tool(workspaces).run(params, ALONE)).data
