"""Which mode a task deserves, how wide, and why; decided in milliseconds, without a model.

What the user fixed stays: the mode, the rows of a table, its columns, sub-agents switched off.
The rest is the classifier's.
"""

from openswarm.core.task import Task
from openswarm.modes.routing.choice import Route
from openswarm.modes.routing.classifier import guess, weights, width_of
from openswarm.modes.routing.features import Features, features_of
from openswarm.modes.routing.reasons import items, reason


def route(task: Task, num_tools: int) -> Route:
    """The route of a task whose run has so many tools. Runs, loads and fetches no model."""
    if task.rows:
        return _for_rows(task)
    if task.mode != "auto":
        width = _width(task, features_of(task, num_tools)) if task.mode == "swarm" else 0
        return Route(task.mode, "chosen by the user", width, "user")
    if task.limits.max_subagents == 0 or task.limits.depth == 0:
        return Route("agent", "sub-agents are switched off")
    features = features_of(task, num_tools)
    if task.contract is not None:
        width = _width(task, features)
        return Route("swarm", f"a table is asked for: {_rows(features, width)}", width)
    guessed = guess(features, task, weights())
    why = reason(guessed.mode, guessed.width, features, task)
    return Route(guessed.mode, why, guessed.width, "classifier", guessed.confidence)


def _for_rows(task: Task) -> Route:
    """A sub-agent for each row that has an empty cell."""
    asked = [column.name for column in task.contract.asked] if task.contract else []
    empty = sum(
        any(name not in row.cells or not row.cells[name].value for name in asked)
        for row in task.rows
    )
    why = f"the table is given, {len(task.rows)} rows: its empty cells are work"
    return Route("swarm", why, min(empty, task.limits.max_subagents))


def _rows(features: Features, width: int) -> str:
    if features.count.number:
        return f"{items(features, width)}, each is work of its own"
    return "its rows are independent of each other"


def _width(task: Task, features: Features) -> int:
    """Of a swarm that was not the classifier's choice: every item that was counted has one."""
    if features.count.number:
        return min(features.count.number, task.limits.max_subagents)
    return width_of(features, task, weights())
