"""The tool `edit_table`: with it a model gives the operations that a wish comes to."""

from collections.abc import Callable, Sequence

from pydantic import BaseModel, ConfigDict, Field

from openswarm.core.errors import ContractError, UserError
from openswarm.core.operations import Operation
from openswarm.tools.tool import Tool, ToolContext, ToolResult, prompt_text

EDIT_TABLE = "edit_table"
Check = Callable[[Sequence[Operation]], object]
"""Raises `UserError` or `ContractError` for operations that cannot be carried out."""


class EditTable(BaseModel):
    """The parameters of `edit_table`."""

    model_config = ConfigDict(extra="forbid")

    operations: list[Operation] = Field(min_length=1, max_length=50)


def edit_table_tool(check: Check) -> Tool:
    """The tool; its result carries the operations as `data`. It changes nothing."""

    async def run(params: EditTable, _: ToolContext) -> ToolResult:
        operations = tuple(params.operations)
        try:
            check(operations)
        except (UserError, ContractError) as error:
            return ToolResult(f"Not possible: {error}. Nothing was done.", ok=False)
        return ToolResult("These operations are shown to the user.", closing=True, data=operations)

    return Tool(EDIT_TABLE, prompt_text(__file__), EditTable, run)
