"""The tool `python`: a persistent interpreter of the sub-agent's own, in the sandbox."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from openswarm.tools.sandbox.alone import ALONE, alone
from openswarm.tools.sandbox.results import CodeResult, result
from openswarm.tools.sandbox.sandbox import Sandbox
from openswarm.tools.setup import PROCESSOR
from openswarm.tools.tool import Tool, ToolContext, ToolResult, prompt_text

LOST = (
    "The run was taken up again: variables of before are gone, files in the working directory are"
    " there."
)


class PythonParams(BaseModel):
    """What `python` is called with."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field(min_length=1, max_length=200_000, description="Python code to run.")


def python_tool(sandbox: Sandbox) -> Tool:
    """The tool over a sandbox. Each agent has an interpreter of its own."""
    told: set[str] = set()

    async def run(params: PythonParams, context: ToolContext) -> ToolResult:
        cell = await sandbox.cell_of(context)
        done = await cell.python(params.code)
        first = context.agent not in told and sandbox.lost(context.agent)
        told.add(context.agent)
        return result(done, "python", sandbox.setup, context, LOST if first else "")

    return Tool(
        "python",
        f"{prompt_text(__file__)}\n{sandbox.notes('python')}".strip(),
        PythonParams,
        run,
        resource=PROCESSOR,
        release=sandbox.release,
    )


async def python(code: str, *, roots: Sequence[str] = (), unsafe: bool = False) -> CodeResult:
    """Runs code in an interpreter of its own with a temporary scratch folder.

    `roots`: folders that it sees read-only below `/roots`. Raises `SettingsError` where nothing
    confines, unless `unsafe`.
    """
    async with alone(roots, unsafe=unsafe) as sandbox:
        cell = await sandbox.cell(ALONE.agent)
        done = await cell.python(code)
        data = result(done, "python", sandbox.setup, ALONE).data
        assert isinstance(data, CodeResult)
        return data
