"""Journals to make spans of: events in short, and their spans, checked."""

from collections.abc import Sequence
from itertools import count

from openswarm.core.events import (
    Answered,
    AnyEvent,
    Content,
    ModeChosen,
    ModelReplied,
    RunStarted,
    TaskAssigned,
    ToolCalled,
    ToolReturned,
)
from openswarm.core.messages import Usage
from openswarm.core.task import Task
from openswarm.journal.journal import MemoryJournal
from openswarm.journal.span_fold import fold_spans
from openswarm.journal.span_words import Words
from openswarm.journal.spans import Span
from span_trees import check_tree

SUB = "root/1"
START = RunStarted(
    task=Task(text="Do it."),
    model="moonshot/kimi-k2.5",
    subagent_model="local/small",
    openswarm="1",
)
SWARM = ModeChosen(mode="swarm", why="many items", width=3)
ROOT_BEGINS = TaskAssigned(system=Content(text="You lead."), brief=Content(text="Do it."))
ANSWER = Answered(outcome="completed", text=Content(text="Done."))
BEGUN = (START, SWARM, ROOT_BEGINS)


def assigned(path: str = SUB, **more: object) -> TaskAssigned:
    """A sub-agent begins, in the call `c1` of the orchestrator."""
    fields = {"name": "researcher", "stage": 1, "call_id": "c1"} | more
    return TaskAssigned(agent=path, system=Content(), brief=Content(), **fields)  # type: ignore[arg-type]


def reply(agent: str = "root", **more: object) -> ModelReplied:
    """A reply that costs a cent."""
    usage = Usage(input_tokens=100, output_tokens=10, cached_tokens=40)
    fields = {"model": "kimi-k2.5-0127", "usage": usage, "cost_usd": 0.01, "finish": "stop"} | more
    return ModelReplied(agent=agent, **fields)  # type: ignore[arg-type]


def call(agent: str = "root", call_id: str = "c1", name: str = "assign_batch") -> ToolCalled:
    """A call begins."""
    return ToolCalled(agent=agent, call_id=call_id, name=name)


def returned(
    agent: str = "root", call_id: str = "c1", name: str = "assign_batch", ok: bool = True
) -> ToolReturned:
    """A call returns."""
    return ToolReturned(agent=agent, call_id=call_id, name=name, ok=ok, text=Content(text="Here."))


def stamped(*events: AnyEvent, run_id: str = "run-1") -> Sequence[AnyEvent]:
    """A journal of these events, a second apart, from the first second on."""
    ticks = count(1)
    journal = MemoryJournal(run_id, clock=lambda: float(next(ticks)))
    for event in events:
        journal.append(event)
    return journal.events()


def spans(*events: AnyEvent, content: bool = False) -> list[Span]:
    """The spans of these events, which are a tree."""
    words = Words(lambda kept: kept.text) if content else Words()
    made = list(fold_spans(stamped(*events), words))
    check_tree(made, content=content)
    return made
