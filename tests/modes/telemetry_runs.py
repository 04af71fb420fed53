"""Runs to export: a small swarm with a table, and one to which everything happened."""

from collections.abc import Sequence
from typing import Any

from recorded import Recorded, record

import openswarm
from openswarm import Column, operations
from openswarm.core.errors import Fault, ModelError
from openswarm.llm.model import Request
from openswarm.llm.scripted import Say, ScriptedModel
from swarm_scripts import COLUMNS, batch, brief, calls, hand_in, scripted

RIVER = operations.AddColumn(column=Column(name="river", definition="its longest one"))


def tools(_: list[str]) -> Sequence[Any]:
    """A tool that reads."""

    @openswarm.tool(read_only=True)
    async def read(name: str) -> str:
        """Reads a document."""
        return f"All about {name}."

    return [read]


def country(request: Request) -> Say:
    """Reads and hands in; nothing is to be had on Laos."""
    said = brief(request)
    if "river" in said:
        return hand_in(river="Loa")
    name = "Chile" if "Chile" in said else "Laos"
    if len(request.history) == 2:
        return calls(("read", {"name": name}))
    if name == "Laos":
        return Say(error=ModelError(Fault.REFUSED, "not about Laos"))
    return hand_in(capital="Santiago", population="19")


def model() -> ScriptedModel:
    """A stage of two sub-agents, one of which fails."""
    steps = [calls(batch(["Chile", "Laos"])), Say("All but Laos.")]
    return scripted(steps, researcher=country)


async def swarm_run() -> Recorded:
    """A run with a table."""
    task = "The capital of each of these countries: Chile, Peru, Laos."
    return await record(model, tools, task=task, mode="swarm", columns=COLUMNS)


async def eventful_run() -> Recorded:
    """A run that was killed while Chile's sub-agent read, resumed, and then edited."""
    run = await swarm_run()
    begun = next(
        i for i, line in enumerate(run.lines) if b'"tool_called"' in line and b"root/1" in line
    )
    run.cut(b"".join(run.lines[: begun + 1]) + run.lines[begun + 1][:20])
    await run.resumed()
    await openswarm.edit(run.result.run_id, RIVER, model=model(), tools=tools([]))
    return run
