"""A rollout as a fold over the journal of its run: tokens, decisions, stages, what it took.

The journal is the only source; nothing is noted down beside it. Traces are what a policy wrote with
its replies, and are read as strictly as any input. Knows no reward and no trainer.
"""

import json
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from openswarm.core.errors import JournalError
from openswarm.core.events import (
    ROOT,
    AgentCreated,
    Answered,
    AnyEvent,
    Content,
    LimitHit,
    ModelReplied,
    ReportReceived,
    TaskAssigned,
    ToolReturned,
    is_subagent,
)
from openswarm.core.messages import Usage
from openswarm.core.table import Row
from openswarm.parl.rollout import Segment, Stage
from openswarm.swarm.orchestrator import DEFAULT_AGENT
from openswarm.swarm.spawn import TOOL_NAMES
from openswarm.swarm.stages import Stages

Read = Callable[[Content], str]
Seconds = Callable[[str, int, ModelReplied], float]
"""How long a step took: of an agent's path, its number from 0, and its event."""


Wanted = Callable[[ReportReceived], bool]
"""Whether a report is about something that the task asks for."""


def as_measured(_: str, __: int, event: ModelReplied) -> float:
    """The seconds that the reply really took."""
    return event.latency_s


@dataclass(slots=True)
class _Work:
    """One assignment."""

    brief: str
    seconds: float = 0.0
    tokens: int = 0
    steps: int = 0
    outcome: str = ""
    useful: bool = False


@dataclass(slots=True)
class Trail:
    """What the events of a run say of its orchestrator and stages."""

    read: Read
    seconds: Seconds = as_measured
    wanted: Wanted = lambda _: True
    key: Sequence[str] = ()
    """The columns that identify a row; the first one where none is named."""
    stages: Stages = field(default_factory=Stages)
    work: dict[str, _Work] = field(default_factory=dict)
    turns: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """Traces by the path of the agent, of those that a policy decides for."""
    usage: Usage = Usage()
    created: int = 0
    refused: int = 0
    main_seconds: float = 0.0
    budget_hit: bool = False
    answer: str = ""
    """As the orchestrator wrote it."""
    _main_steps: int = 0
    _known: set[tuple[str, ...]] = field(default_factory=set)
    """Cells and texts that were brought before."""

    def apply(self, event: AnyEvent) -> None:
        """Takes one event. Raises `JournalError` for a trace that is none."""
        self.stages.apply(event)
        match event:
            case TaskAssigned() if is_subagent(event.agent):
                self.work[event.agent] = _Work(_folded(self.read(event.brief)))
            case ModelReplied():
                self._replied(event)
            case ReportReceived() if is_subagent(event.agent):
                work = self.work[event.agent]
                work.outcome = event.outcome
                is_new = event.outcome == "completed" and self._is_new(event)
                work.useful = is_new and self.wanted(event)
            case AgentCreated():
                self.created += event.name != DEFAULT_AGENT.name
            case ToolReturned() if event.agent == ROOT and event.name in TOOL_NAMES:
                self.refused += not event.ok
            case Answered():
                self.answer = self.read(event.text)
            case LimitHit() if event.agent == ROOT and event.limit == "stop":
                self.budget_hit = True
            case _:
                pass

    def _replied(self, event: ModelReplied) -> None:
        self.usage += event.usage
        if trace := self.read(event.trace):
            self.turns.setdefault(event.agent, []).append(parse_turn(trace))
        if event.agent in self.work:
            work = self.work[event.agent]
            work.seconds += self.seconds(event.agent, work.steps, event)
            work.steps += 1
            work.tokens += event.usage.total_tokens
        elif event.agent == ROOT:
            self.main_seconds += self.seconds(ROOT, self._main_steps, event)
            self._main_steps += 1

    def _is_new(self, event: ReportReceived) -> bool:
        """Whether a report brings a value or a text that no earlier one brought."""
        brought = {cell for row in event.rows for cell in self._values(row)}
        if not event.rows:
            brought = {(_folded(self.read(event.text)),)}
        new = brought - self._known
        self._known |= new
        return bool(new)

    def _values(self, row: Row) -> Iterator[tuple[str, ...]]:
        """Each value of a row, after what identifies the row and the name of its column."""
        key = self.key or list(row.cells)[:1]
        named = [_folded(row.cells[name].value) for name in key]
        for name, cell in row.cells.items():
            if name not in key and cell.value:
                yield (*named, name, _folded(cell.value))

    @property
    def wall_seconds(self) -> float:
        """On the longest path, a place for every sub-agent."""
        return self.main_seconds + sum(max(stage.seconds) for stage in self.all_stages())

    def all_stages(self) -> tuple[Stage, ...]:
        """The stages that assigned work."""
        groups = ([self.work[path] for path in paths] for paths in self.stages.stages.values())
        return tuple(
            Stage(
                steps=tuple(work.steps for work in group),
                briefs=tuple(work.brief for work in group),
                outcomes=tuple(work.outcome or "cancelled" for work in group),
                useful=tuple(work.useful for work in group),
                seconds=tuple(work.seconds for work in group),
                tokens=tuple(work.tokens for work in group),
            )
            for group in groups
        )

    def segments(self, *, workers: bool = False) -> tuple[Segment, ...]:
        """The orchestrator's tokens, in one piece unless its conversation was begun anew.

        With `workers` those of each sub-agent too.
        """
        paths = [ROOT, *(path for path in self.turns if path != ROOT and workers)]
        pieces = (piece for path in paths for piece in _pieces(self.turns.get(path, [])))
        return tuple(map(joined, pieces))


def fold_trail(
    events: Iterable[AnyEvent],
    read: Read,
    seconds: Seconds = as_measured,
    wanted: Wanted = lambda _: True,
    key: Sequence[str] = (),
) -> Trail:
    """The trail of a run's events, `key` being what identifies a row of its table.

    Raises `JournalError` for a trace that is none.
    """
    trail = Trail(read, seconds, wanted, key)
    for event in events:
        trail.apply(event)
    return trail


def _folded(text: str) -> str:
    """A text whose case and white space count nothing."""
    return " ".join(text.casefold().split())


def _pieces(turns: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Turns apart where a conversation was begun anew."""
    pieces: list[list[dict[str, Any]]] = [[]]
    for turn in turns:
        if turn["fresh"] and pieces[-1]:
            pieces.append([])
        pieces[-1].append(turn)
    return pieces


def joined(turns: Sequence[dict[str, Any]]) -> Segment:
    """Turns one after the other: what was read before each, and what was said."""
    ids, mask, logprobs, choices = [], [], [], []
    for turn in turns:
        ids += [*turn["read"], *turn["ids"]]
        mask += [False] * len(turn["read"]) + turn["mask"]
        logprobs += [0.0] * len(turn["read"]) + list(_spread(turn["mask"], turn["logprobs"]))
        choices += map(tuple, turn["choices"] or ())
    return Segment(tuple(ids), tuple(mask), tuple(logprobs), tuple(choices))


def _spread(mask: Sequence[bool], logprobs: Sequence[float]) -> Iterator[float]:
    values = iter(logprobs)
    return (next(values) if chosen else 0.0 for chosen in mask)


def parse_turn(text: str) -> dict[str, Any]:
    """A trace as policies write it. Raises `JournalError` for anything else.

    `choices` is null where all of the vocabulary was allowed; `fresh`, true where a conversation
    begins anew, may be missing.
    """
    try:
        value = json.loads(text)
        turn = {name: value[name] for name in ("read", "ids", "mask", "logprobs", "choices")}
        turn["fresh"] = value.get("fresh", False)
        is_sound = _is_sound(turn)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise JournalError(f"a trace cannot be read: {error}", "trace") from None
    if not is_sound:
        raise JournalError("a trace contradicts itself", "trace")
    return {**turn, "mask": [bool(chosen) for chosen in turn["mask"]]}


def _is_sound(turn: dict[str, Any]) -> bool:
    """Whether numbers are numbers, lengths fit, and each decision was among its choices."""
    chosen = [token for token, was in zip(turn["ids"], turn["mask"], strict=True) if was]
    rows = [[token] for token in chosen] if turn["choices"] is None else turn["choices"]
    numbers = [*turn["read"], *turn["ids"], *(n for row in rows for n in row)]
    return (
        type(turn["fresh"]) is bool
        and all(type(number) is int and 0 <= number < 1 << 24 for number in numbers)
        and all(type(was) in {bool, int} and was in {0, 1} for was in turn["mask"])
        and all(type(v) in {float, int} and -math.inf < v <= 1e-6 for v in turn["logprobs"])
        and len(chosen) == len(turn["logprobs"])
        and all(token in row for token, row in zip(chosen, rows, strict=True))
    )
