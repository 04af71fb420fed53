"""The tool `shell`: a command in the sub-agent's scratch folder, in the sandbox."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from openswarm.tools.sandbox.alone import ALONE, alone
from openswarm.tools.sandbox.results import CodeResult, result
from openswarm.tools.sandbox.sandbox import Sandbox
from openswarm.tools.setup import PROCESSOR
from openswarm.tools.tool import Tool, ToolContext, ToolResult, prompt_text


class ShellParams(BaseModel):
    """What `shell` is called with."""

    model_config = ConfigDict(extra="forbid")

    command: str = Field(
        min_length=1, max_length=30_000, pattern=r"^[^\x00]*$", description="The command, for bash."
    )
    timeout_s: float | None = Field(
        None, gt=0, allow_inf_nan=False, description="Seconds after which it is killed."
    )


def shell_tool(sandbox: Sandbox) -> Tool:
    """The tool over a sandbox. Each call is a shell of its own."""
    most_s = sandbox.setup.settings.sandbox.wall_s

    async def run(params: ShellParams, context: ToolContext) -> ToolResult:
        cell = await sandbox.cell_of(context)
        done = await cell.shell(params.command, min(params.timeout_s or most_s, most_s))
        return result(done, "shell", sandbox.setup, context, done.note)

    return Tool(
        "shell",
        f"{prompt_text(__file__)}\n{sandbox.notes('shell')}".strip(),
        ShellParams,
        run,
        resource=PROCESSOR,
        release=sandbox.release,
    )


async def shell(command: str, *, roots: Sequence[str] = (), unsafe: bool = False) -> CodeResult:
    """Runs a command with a temporary scratch folder.

    `roots`: folders that it sees read-only below `/roots`. Raises `SettingsError` where nothing
    confines, unless `unsafe`.
    """
    async with alone(roots, unsafe=unsafe) as sandbox:
        cell = await sandbox.cell(ALONE.agent)
        done = await cell.shell(command, sandbox.setup.settings.sandbox.wall_s)
        data = result(done, "shell", sandbox.setup, ALONE).data
        assert isinstance(data, CodeResult)
        return data
