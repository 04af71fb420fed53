"""What tests of the swarm and of the modes share: replies of orchestrators and sub-agents, a run
in memory, and what the orchestrator and the sub-agents were told."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import anyio
import anyio.to_thread

import openswarm
from openswarm.core.events import AnyEvent, ReportReceived, TaskAssigned
from openswarm.core.messages import Message
from openswarm.core.result import RunResult
from openswarm.journal.journal import MemoryJournal
from openswarm.journal.lines import EVENTS_FILE, read_events
from openswarm.llm.model import ModelInfo, OnDelta, Price, Reply, Request, ignore
from openswarm.llm.scripted import Say, ScriptedModel

E = TypeVar("E")
Call = tuple[str, dict[str, Any] | str]

FULL = "Found it, with its source and all that belongs to it. " * 5
"""A report that is long enough not to be asked for again."""
PRICED = ModelInfo(price=Price(input=100.0, output=1000.0, cached=10.0))
"""Dollars for a million tokens; the usual reply of a script costs two cents."""
COLUMNS = "country; capital: the seat of government; population (number)"


def calls(*made: Call, text: str = "") -> Say:
    """A reply that makes these calls."""
    return Say(text, calls=made)


def batch(items: Iterable[str], agent: str = "researcher", template: str = "Do {{item}}.") -> Call:
    """A call of `assign_batch`."""
    arguments = {"agent": agent, "prompt_template": template, "items": list(items)}
    return "assign_batch", arguments


def assign(prompt: str, agent: str = "researcher") -> Call:
    """A call of `assign_task`."""
    return "assign_task", {"agent": agent, "prompt": prompt}


def create(name: str, system_prompt: str = "You check facts.", **more: Any) -> Call:
    """A call of `create_subagent`."""
    return "create_subagent", {"name": name, "system_prompt": system_prompt, **more}


def declare(*columns: str, key: str) -> Call:
    """A call of `declare_table`."""
    defined = [{"name": name, "definition": f"the {name}"} for name in columns]
    return "declare_table", {"columns": defined, "key": [key]}


def hand_in(**cells: Any) -> Say:
    """A reply that hands in one row with the report tool."""
    return calls(("report", cells))


def brief(request: Request) -> str:
    """The first message that an agent was given."""
    return next(message.text for message in request.history if message.role == "user")


def turn(request: Request) -> int:
    """How many replies the conversation has."""
    return sum(message.role == "assistant" for message in request.history)


def told(messages: Iterable[Message]) -> list[str]:
    """The results of calls in a conversation, in order."""
    return [message.text for message in messages if message.role == "tool"]


def last_told(model: ScriptedModel, agent: str = "orchestrator") -> list[str]:
    """The results of calls that stand in the last request of an agent."""
    return told(model.requests[agent][-1])


def of(events: Iterable[AnyEvent], kind: type[E]) -> list[E]:
    """The events of one type."""
    return [event for event in events if isinstance(event, kind)]


def assigned(events: Iterable[AnyEvent]) -> list[TaskAssigned]:
    """The assignments of sub-agents."""
    return [event for event in of(events, TaskAssigned) if event.agent != "root"]


def reports(events: Iterable[AnyEvent]) -> dict[str, ReportReceived]:
    """The report of each sub-agent, by the label of its assignment."""
    events = list(events)
    labels = {event.agent: event.label for event in assigned(events)}
    return {labels[event.agent]: event for event in of(events, ReportReceived)}


async def at_once(_: Request) -> None:
    """Waits for nothing."""


@dataclass(slots=True)
class WaitingModel(ScriptedModel):
    """A scripted model each reply of which comes when `wait` returns."""

    wait: Callable[[Request], Awaitable[None]] = at_once

    async def reply(self, request: Request, on_delta: OnDelta = ignore) -> Reply:
        """See `ChatModel.reply`."""
        await self.wait(request)
        return await ScriptedModel.reply(self, request, on_delta)


@dataclass(slots=True)
class Meeting:
    """Lets sub-agents go on as soon as so many are there at once; counts those inside."""

    parties: int
    inside: int = 0
    most: int = 0
    _met: anyio.Event = field(default_factory=anyio.Event)

    async def __call__(self, request: Request) -> None:
        """Waits for the others. The orchestrator is not one of them."""
        if request.agent == "orchestrator":
            return
        self.inside += 1
        self.most = max(self.most, self.inside)
        if self.inside == self.parties:
            self._met.set()
        with anyio.fail_after(5):
            await self._met.wait()
        self.inside -= 1


async def written(run: Path | str) -> list[AnyEvent]:
    """The events in the folder of a run."""
    path = Path(run) / EVENTS_FILE
    return await anyio.to_thread.run_sync(lambda: list(read_events(path)))


class Swarm:
    """A run of mode swarm in memory, with what is left of it to look at."""

    def __init__(self, model: ScriptedModel, **options: Any) -> None:
        self.model = model
        self.journal = MemoryJournal()
        self.options = {"mode": "swarm", "journal": self.journal} | options

    async def run(self, task: str = "Do it all.") -> RunResult:
        """The result; the scripts have to be used up."""
        result = await openswarm.run(task, model=self.model, **self.options)
        self.model.finish()
        return result

    def reports(self) -> dict[str, ReportReceived]:
        """The reports by label."""
        return reports(self.journal.events())

    def __iter__(self) -> Iterator[AnyEvent]:
        return iter(self.journal.events())


def scripted(
    orchestrator: Any,
    info: ModelInfo = ModelInfo(),
    wait: Callable[[Request], Awaitable[None]] = at_once,
    **scripts: Any,
) -> ScriptedModel:
    """A model with a script for the orchestrator and for each named configuration."""
    return WaitingModel({"orchestrator": orchestrator, **scripts}, info=info, wait=wait)
