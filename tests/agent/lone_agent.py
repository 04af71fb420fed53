"""One agent with a scripted model and a journal in memory, for the tests of this folder."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

import openswarm
from openswarm.agent.context import Context
from openswarm.agent.control import Control
from openswarm.agent.conversation import Conversation, replay
from openswarm.agent.loop import Agent, Ending
from openswarm.agent.turn import Turn
from openswarm.core.budget import Ledger
from openswarm.core.events import AnyEvent, Content, TaskAssigned
from openswarm.core.messages import Message
from openswarm.core.settings import Strategy
from openswarm.journal.journal import MemoryJournal
from openswarm.llm.model import Request
from openswarm.llm.paced import PacedModel
from openswarm.llm.scripted import Say, ScriptedModel, Step
from openswarm.pacing.gate import BudgetGate
from openswarm.pacing.limiter import Limiter
from openswarm.tools.tool import Tool, ToolContext, ToolResult
from openswarm.tools.toolset import Toolset

PATH = "root/1"
HAND_BACK = "Stop now"


@openswarm.tool(read_only=True)
async def echo(text: str, times: int = 1) -> str:
    """Echoes."""
    return text * times


class Words(BaseModel):
    words: str


async def _close(params: Words, _: ToolContext) -> ToolResult:
    return ToolResult(f"taken: {params.words}", closing=True, data=params.words)


report = Tool("report", "Hands in.", Words, _close, repeatable=True)


def calls(*wanted: tuple[str, Any], text: str = "") -> Say:
    """A reply that calls tools."""
    return Say(text, calls=wanted)


def is_told_to_stop(request: Request) -> bool:
    """Whether the last message tells the agent to hand back."""
    return request.history[-1].text.startswith(HAND_BACK)


@dataclass
class Lone:
    """An agent and all that was put into it."""

    script: Sequence[Step] | Callable[[Request], Say]
    tools: Sequence[Tool] = (echo,)
    past: Sequence[AnyEvent] = ()
    max_steps: int = 50
    window: int = 100_000
    strategy: Strategy = "hide_tool_results"
    ledger: Ledger = field(default_factory=Ledger)
    options: dict[str, Any] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    journal: MemoryJournal = field(default_factory=MemoryJournal)
    control: Control = field(default_factory=lambda: Control(PATH))

    def __post_init__(self) -> None:
        self.model = ScriptedModel({"lone": self.script})
        limiter = Limiter("scripted", jitter=lambda: 0.0)
        paced = PacedModel(Spy(self), limiter, BudgetGate(self.ledger), retry_s=45)  # type: ignore[arg-type]
        if self.past:
            self.talk = replay(PATH, self.journal, self.past)
        else:
            self.talk = Conversation(PATH, self.journal)
            system, brief = Content(text="Be brief."), Content(text="Do it.")
            self.talk.begin(TaskAssigned(agent=PATH, system=system, brief=brief))
        turn = Turn(
            name="lone",
            model=paced,
            journal=self.journal,
            conversation=self.talk,
            control=self.control,
            context=Context(self.window, self.strategy),
        )
        self.agent = Agent(
            conversation=self.talk,
            turn=turn,
            tools=Toolset(self.tools),
            control=self.control,
            max_steps=self.max_steps,
            **self.options,
        )

    async def run(self) -> Ending:
        """Works to the end."""
        return await self.agent.run()

    @property
    def messages(self) -> list[Message]:
        """The conversation as it stands."""
        return list(self.talk.history)

    @property
    def results(self) -> list[str]:
        """What the tools returned, as the model sees it."""
        return [message.text for message in self.messages if message.role == "tool"]

    def happened(self, kind: str) -> list[AnyEvent]:
        """The events of one type."""
        return [event for event in self.journal.events() if event.type == kind]

    def resumed(self, count: int) -> "Lone":
        """The same agent in a later process that found the first `count` events."""
        journal = MemoryJournal()
        for event in self.journal.events()[:count]:
            for _, value in event:
                if isinstance(value, Content) and value.blob:
                    journal.keep(self.journal.read(value))
            journal.append(event)
        return Lone(
            script=self.script,
            tools=self.tools,
            past=tuple(journal.events()),
            max_steps=self.max_steps,
            window=self.window,
            strategy=self.strategy,
            options=self.options,
            journal=journal,
        )


class Spy:
    """The scripted model, keeping every request that reached it."""

    def __init__(self, lone: Lone) -> None:
        self._lone = lone
        self.spec = self.resource = "scripted"
        self.info = lone.model.info
        self.input_bound = lone.model.input_bound

    async def reply(self, request: Request, on_delta: Any) -> Any:
        self._lone.requests.append(request)
        return await self._lone.model.reply(request, on_delta)
