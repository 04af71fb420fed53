"""The parameters of the orchestrator's tools; those of report E.8 are as published there."""

from pydantic import BaseModel, ConfigDict, Field

from openswarm.core.contract import ColumnType

PLACEHOLDER = "{{item}}"


class _Params(BaseModel):
    model_config = ConfigDict(extra="forbid")


class CreateSubagent(_Params):
    """`create_subagent`."""

    name: str = Field(min_length=1, max_length=64, description="Name of the configuration")
    system_prompt: str = Field(
        min_length=1, max_length=20_000, description="Role, capabilities and boundaries"
    )
    tools: list[str] | None = Field(None, description="A subset of your own tools; default all")
    model: str = Field("", max_length=200, description="A model of its own; default the usual one")


class AssignTask(_Params):
    """`assign_task`."""

    agent: str = Field(min_length=1, max_length=64, description="A registered configuration")
    prompt: str = Field(min_length=1, max_length=60_000, description="The task, complete")


class AssignBatch(_Params):
    """`assign_batch`."""

    agent: str = Field(min_length=1, max_length=64, description="A registered configuration")
    prompt_template: str = Field(
        min_length=1, max_length=60_000, description=f"The prompt, with {PLACEHOLDER} in it"
    )
    items: list[str] = Field(min_length=1, max_length=1000, description="One sub-agent for each")


class DeclaredColumn(_Params):
    """A column of `declare_table`."""

    name: str = Field(min_length=1, max_length=80)
    definition: str = Field(min_length=1, max_length=1000)
    type: ColumnType = "text"
    unit: str = Field("", max_length=80, description="of a number, such as km2")
    options: list[str] = Field([], max_length=100, description="of an enum: what it may be")
    example: str = Field("", max_length=200)
    nullable: bool = Field(True, description="false if a row is not whole without it")
    needs_source: bool = Field(False, description="true if it counts only with a quote")


class DeclareTable(_Params):
    """`declare_table`."""

    columns: list[DeclaredColumn] = Field(min_length=1, max_length=60)
    key: list[str] = Field(min_length=1, description="The columns that identify a row")
    notes: str = Field("", max_length=4000, description="What holds for all columns")
