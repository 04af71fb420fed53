"""What happens where the classifier is unsure: a model is asked once, and it may answer nonsense.

The model's reply is data: it is read strictly, and where it does not fit, or the call fails, the
classifier's choice stands. Knows no budget, journal or endpoint; the caller hands in how to ask.
"""

import json
import pkgutil
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import cache
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from openswarm.core.errors import OpenswarmError
from openswarm.core.history import History
from openswarm.core.messages import Message
from openswarm.core.task import Task
from openswarm.llm.model import Reply, Request
from openswarm.modes.routing.choice import MODES, Route
from openswarm.modes.routing.classifier import MAX_WIDTH, MIN_WIDTH, possible, weights

Ask = Callable[[Request], Awaitable[Reply]]
"""Sends one request to the run's model: paced, paid for and journalled by whoever makes it."""

ROUTER = "router"
"""The name by which scripted models know who is asked."""
SHOWN = 3000
"""Characters of the task that are shown, two thirds of them its beginning."""
MAX_REPLY = 2000
"""A longer reply is not read."""
REPLY_TOKENS = 120
SCHEMA = {
    "type": "object",
    "properties": {
        "reason": {"type": "string", "maxLength": 120},
        "mode": {"enum": list(MODES)},
        "width": {"type": "integer", "minimum": 0, "maximum": MAX_WIDTH},
    },
    "required": ["reason", "mode", "width"],
    "additionalProperties": False,
}

_LIMITS = {"max_subagents": "most_sub_agents", "usd": "most_dollars", "wall_s": "most_seconds"}
"""What a model is told of the limits, where the user set them."""


class _Answer(BaseModel):
    """What a model has to reply, and nothing beside it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    reason: Annotated[str, Field(max_length=400)]
    mode: Literal["instant", "thinking", "agent", "swarm"]
    width: Annotated[int, Field(ge=0, le=MAX_WIDTH)]


async def settle(chosen: Route, task: Task, num_tools: int, ask: Ask) -> Route:
    """The route of a run: `chosen`, or what a model says where the classifier was unsure.

    Makes at most one call, and none where the user or a rule chose. A call that fails and a reply
    that does not fit leave `chosen` as it is; whatever is no `OpenswarmError` is raised.
    """
    if not is_unsure(chosen):
        return chosen
    try:
        reply = await ask(question(task, num_tools))
    except OpenswarmError:
        return chosen
    return read_answer(reply.message.text, chosen, task, num_tools)


def is_unsure(chosen: Route) -> bool:
    """Whether asking a model is worth its cost."""
    sure = chosen.confidence is None or chosen.confidence >= weights().ask_below
    return chosen.by == "classifier" and not sure


def question(task: Task, num_tools: int) -> Request:
    """The one request: no tools, no reasoning, a reply that fits `SCHEMA`."""
    history = [
        Message(role="system", content=_prompt()),
        Message(role="user", content=_described(task, num_tools)),
    ]
    return Request(
        History(history), max_tokens=REPLY_TOKENS, thinking=False, schema=SCHEMA, agent=ROUTER
    )


def read_answer(text: str, chosen: Route, task: Task, num_tools: int) -> Route:
    """The route that a reply gives, or `chosen` where it gives none that can be taken."""
    answer = _parsed(text)
    if answer is None or answer.mode not in possible(task, num_tools):
        return chosen
    width = min(answer.width, task.limits.max_subagents) if answer.mode == "swarm" else 0
    if answer.mode == "swarm" and width < MIN_WIDTH:
        return chosen
    why = " ".join(answer.reason.split())[:160] or chosen.why
    return replace(chosen, mode=answer.mode, why=why, width=width, by="model")


def _parsed(text: str) -> _Answer | None:
    if len(text) > MAX_REPLY:
        return None
    begin, end = text.find("{"), text.rfind("}")  # endpoints without schemas add words or fences
    try:
        return _Answer.model_validate(json.loads(text[begin : end + 1]))
    except (ValueError, RecursionError, ValidationError):
        return None


@cache
def _prompt() -> str:
    data = pkgutil.get_data("openswarm.modes.routing", "router.md")
    assert data is not None, "router.md is part of the package"
    return data.decode().strip()


def _described(task: Task, num_tools: int) -> str:
    """The task as data, with what surrounds it."""
    text = task.text
    if len(text) > SHOWN:
        cut = SHOWN // 3
        text = f"{text[: 2 * cut]}\n[{len(text) - 3 * cut} characters]\n{text[-cut:]}"
    limits = task.limits.model_dump(include=set(_LIMITS), exclude_defaults=True)
    facts = {
        "task": text,
        "documents": f"{len(task.over)} folders or files to search" if task.over else "none",
        "attached_files": len(task.attachments),
        "tools": ", ".join(task.tools)
        or (f"{num_tools} of the user's own" if num_tools else "none"),
        **{_LIMITS[name]: value for name, value in limits.items()},
    }
    return json.dumps(facts, ensure_ascii=False, indent=0)
