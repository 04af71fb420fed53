"""A run as it was written, to be cut anywhere and resumed: what was paid and done is counted."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openswarm
from openswarm.core.events import (
    ROOT,
    AnyEvent,
    ContextCompacted,
    ModelReplied,
    ReportReceived,
    TaskAssigned,
    ToolCalled,
)
from openswarm.core.messages import Message
from openswarm.core.result import RunResult
from openswarm.core.settings import Settings
from openswarm.journal.lines import EVENTS_FILE, parse_line, whole_lines
from openswarm.llm.scripted import ScriptedModel
from swarm_scripts import of

MakeModel = Callable[[], ScriptedModel]
MakeTools = Callable[[list[str]], Sequence[Any]]


@dataclass(slots=True)
class Recorded:
    """A finished run that can be put back to any moment of its life."""

    result: RunResult
    make_model: MakeModel
    make_tools: MakeTools
    lines: list[bytes]
    asked: Counter[str]
    """How often the model was asked in all, by conversation."""
    settings: Settings | None = None

    @property
    def folder(self) -> Path:
        """Where the run lies."""
        return Path(self.result.folder)

    def cut(self, data: bytes) -> list[AnyEvent]:
        """Makes the journal end here; gives the events that are left."""
        (self.folder / EVENTS_FILE).write_bytes(data)
        return self.events()

    def events(self) -> list[AnyEvent]:
        """The journal as it stands."""
        data = (self.folder / EVENTS_FILE).read_bytes()
        return [parse_line(line, "here") for line in whole_lines(data)]

    def cuts(self, first: int = 1, *, torn: bool = False) -> Iterable[bytes]:
        """The journal after each event before its answer.

        `torn` leaves, at every second one, half of the next line too.
        """
        for count in range(first, len(self.lines)):
            whole = b"".join(self.lines[:count])
            yield whole
            if torn and count % 2:
                yield whole + self.lines[count][: len(self.lines[count]) // 2]

    async def resumed(self) -> "Resumed":
        """The run, taken up by what stands for another process."""
        done: list[str] = []
        model = self.make_model()
        tools = self.make_tools(done)
        result = await openswarm.resume(
            self.result.run_id, model=model, tools=tools, settings=self.settings
        )
        return Resumed(result, asked_of(model), done)


@dataclass(frozen=True, slots=True)
class Resumed:
    """What a resume came to, and what it took."""

    result: RunResult
    asked: Counter[str]
    """How often the model was asked, by conversation."""
    done: list[str]
    """Arguments of the tool calls that were carried out."""


async def record(
    make_model: MakeModel, make_tools: MakeTools, *, task: str = "Do it all.", **options: Any
) -> Recorded:
    """A run from its beginning to its end."""
    model = make_model()
    result = await openswarm.run(task, model=model, tools=make_tools([]), **options)
    asked, settings = asked_of(model), options.get("settings")
    return Recorded(result, make_model, make_tools, lines_of(result), asked, settings)


def lines_of(result: RunResult) -> list[bytes]:
    """The journal of a run, event by event."""
    return (Path(result.folder) / EVENTS_FILE).read_bytes().splitlines(keepends=True)


def asked_of(model: ScriptedModel) -> Counter[str]:
    """How often a model was asked, by the second message of the conversation: its brief."""
    requests = (history for each in model.requests.values() for history in each)
    return Counter(_name(history) for history in requests)


def _name(history: Sequence[Message]) -> str:
    return next(message.text for message in history if message.role == "user")


def replies_in(events: Sequence[AnyEvent]) -> tuple[Counter[str], set[str]]:
    """Paid replies by conversation, and the conversations whose report is there."""
    briefs = {event.agent: event.brief.text for event in of(events, TaskAssigned)}
    summaries = [event for event in of(events, ContextCompacted) if event.usage.total_tokens]
    paid = (*of(events, ModelReplied), *summaries)
    replies = Counter(briefs[event.agent] for event in paid)
    return replies, {briefs[event.agent] for event in of(events, ReportReceived)}


def calls_in(events: Sequence[AnyEvent], arguments: dict[tuple[str, str], str]) -> set[str]:
    """The arguments of the tool calls of sub-agents that had begun."""
    begun = [event for event in of(events, ToolCalled) if event.agent != ROOT]
    return {arguments[event.agent, event.call_id] for event in begun}


def arguments_in(events: Sequence[AnyEvent]) -> dict[tuple[str, str], str]:
    """What each call was about, by agent and call id: the `at` of its arguments."""
    return {
        (event.agent, call.id): str(json.loads(call.arguments).get("at", ""))
        for event in of(events, ModelReplied)
        for call in event.calls
    }
