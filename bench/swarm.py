"""The measured side: openswarm through its public API, with the same tool as the floor.

Run as `python -m bench.swarm JOB`; prints its figures and what became of the run.
"""

import sys
from typing import Any

from bench.script import TASK
from bench.worker import Job, measured, run_loop
from openswarm import Limits, run, tool


def lookup_tool(raises: str) -> Any:
    """The tool `lookup`; it raises for the keys of one unit, if one is named."""

    @tool
    async def lookup(key: str) -> str:
        """Looks up an entry of the inventory by its key."""
        if raises and key.startswith(raises):
            raise RuntimeError("the inventory is closed for this unit")
        return f"{key}: 42"

    return lookup


async def main(job: Job) -> dict[str, Any]:
    """One swarm run, measured."""
    limits = Limits(**job.limits)
    tools = [lookup_tool(job.raises)]
    model = job.model or f"{job.url}/v1#swarm"
    with measured() as figures:
        result = await run(TASK, model=model, mode="swarm", tools=tools, limits=limits)
    return figures | {
        "outcome": result.outcome,
        "why": result.why,
        "answer": result.answer,
        "failures": [failure.model_dump() for failure in result.failures],
        "stats": result.stats.model_dump(mode="json"),
        "folder": result.folder,
    }


if __name__ == "__main__":
    run_loop(main, Job.of(sys.argv[1]))
