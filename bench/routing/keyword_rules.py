"""A router of four rules over a few words: what the trained one has to be better than."""

import re

from bench.routing.oracle import Mode
from openswarm.core.task import Task

_EACH = re.compile(
    r"\b(each|every|all (?:of )?the|for all|compare|list of|table of|respectively)\b", re.IGNORECASE
)
_LIST = re.compile(r"(?:[^,;\n]{2,60}[,;\n]\s*){3,}")


def mode_by_keywords(task: Task, num_tools: int) -> Mode:
    """A list to treat alike is a swarm's, documents and tools an agent's, the rest a reply."""
    if task.limits.max_subagents == 0:
        return "agent"
    if _EACH.search(task.text) and (_LIST.search(task.text) or task.over):
        return "swarm"
    return "agent" if task.over or num_tools else "instant"
