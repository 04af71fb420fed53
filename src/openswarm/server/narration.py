"""A run in words, line by line: what a client sees as reasoning while sub-agents work."""

from openswarm.core.events import (
    ROOT,
    AgentCreated,
    AnyEvent,
    ApprovalAsked,
    ContractDeclared,
    Failed,
    LimitHit,
    ModeChosen,
    ModelReplied,
    ReportReceived,
    TaskAssigned,
    Tick,
    ToolCalled,
    is_subagent,
)
from openswarm.llm.model import Delta
from openswarm.server.chat import Emit

LABEL_CHARS = 80


class Narrator:
    """An observer of a run that tells the client of it.

    The orchestrator's thoughts are told as they come, and its words when it goes on to call tools:
    those of its last reply are the answer.
    """

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._words: list[str] = []
        """Of the orchestrator's reply that is under way."""
        self._labels: dict[str, str] = {}
        self._speaking = False
        self._told: list[str] = []

    @property
    def told(self) -> str:
        """All that was told."""
        return "".join(self._told)

    def __call__(self, event: AnyEvent | Tick) -> None:
        """Takes the next event or tick."""
        if isinstance(event, Tick):
            self._hear(event)
            return
        self._emit(event)
        if isinstance(event, ModelReplied) and event.agent == ROOT:
            if event.calls:
                self._speak("".join(self._words))
            self._words.clear()
        if line := self._line(event):
            start = "\n" if self._speaking else ""
            self._speaking = False
            self._tell(f"{start}{line}\n")

    def _hear(self, tick: Tick) -> None:
        if tick.agent != ROOT:
            return
        match tick.kind:
            case "reasoning":
                self._speak(tick.text)
            case "text":
                self._words.append(tick.text)
            case "restart":
                self._words.clear()
            case _:
                pass

    def _speak(self, text: str) -> None:
        if text:
            self._speaking = True
            self._tell(text)

    def _tell(self, text: str) -> None:
        self._told.append(text)
        self._emit(Delta("reasoning", text))

    def _line(self, event: AnyEvent) -> str:
        match event:
            case ModeChosen():
                width = f", about {event.width} sub-agents" if event.width else ""
                return f"[{event.mode}{width}: {event.why}]"
            case ContractDeclared():
                return f"[table: {_short(', '.join(event.contract.names), 200)}]"
            case AgentCreated():
                return f"[sub-agent {event.name} is defined]"
            case TaskAssigned() if is_subagent(event.agent):
                self._labels[event.agent] = _short(event.label or event.item or event.name)
                return f"[{self._who(event.agent)}: assigned]"
            case ReportReceived():
                why = f" ({_short(event.why)})" if event.why else ""
                return f"[{self._who(event.agent)}: {event.outcome}{why}, {_steps(event.steps)}]"
            case _:
                return self._other_line(event)

    def _other_line(self, event: AnyEvent) -> str:
        match event:
            case ToolCalled() if event.agent == ROOT:
                return f"[{event.name} {_short(event.brief)}]"
            case ApprovalAsked():
                return f"[{self._who(event.agent)} asks to run {event.tool}: {event.command[:200]}]"
            case LimitHit():
                return f"[{self._who(event.agent)}: {_short(event.message, 200)}]"
            case Failed():
                return f"[{event.boundary} {event.kind}: {_short(event.message, 200)}]"
            case _:
                return ""

    def _who(self, path: str) -> str:
        return f"{path} {self._labels.get(path, '')}".strip()


def _steps(number: int) -> str:
    return f"{number} step" if number == 1 else f"{number} steps"


def _short(text: str, chars: int = LABEL_CHARS) -> str:
    line = " ".join(text.split())
    return line if len(line) <= chars else f"{line[: chars - 1]}…"
