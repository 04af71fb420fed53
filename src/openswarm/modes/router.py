"""Which mode a task deserves, and why: a few rules over what the task itself says.

A table, or a list of items to treat alike, is work for a swarm; documents or tools to use are work
for one agent; anything else is one call.
"""

import re
from dataclasses import dataclass
from typing import Literal

from openswarm.core.task import Task

_EACH = re.compile(
    r"\b(each|every|all (?:of )?the|for all|compare|list of|table of|respectively)\b", re.IGNORECASE
)
_LIST = re.compile(r"(?:[^,;\n]{2,60}[,;\n]\s*){3,}")


@dataclass(frozen=True, slots=True)
class Route:
    """A mode and the reason for it."""

    mode: Literal["instant", "thinking", "agent", "swarm"]
    why: str


def route(task: Task, num_tools: int) -> Route:
    """The mode of a task; what the user chose is kept."""
    if task.rows:
        return Route(
            "swarm", f"the table is given, {len(task.rows)} rows: its empty cells are work"
        )
    if task.mode != "auto":
        return Route(task.mode, "chosen by the user")
    if task.limits.max_subagents == 0 or task.limits.depth == 0:
        return Route("agent", "sub-agents are switched off")
    if task.contract is not None:
        return Route("swarm", "a table is asked for: its rows are independent of each other")
    if _EACH.search(task.text) and (_LIST.search(task.text) or task.over):
        return Route("swarm", "the task names several items to be treated alike")
    if task.over or num_tools:
        return Route("agent", "there are documents or tools to use, but no list of items")
    return Route("instant", "one question that needs no tools")
