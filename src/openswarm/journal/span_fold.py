"""The spans of a run, as a fold over its events: one trace, which can be read as it happened.

    invoke_workflow            the run; an edit of it is another one, linked to the first
      invoke_agent             the orchestrator
        chat                   a reply of its model
        execute_tool           a call; a sub-agent lies in the call that asked for it
          invoke_agent …

A span is given as soon as it is over, children before parents, so that only what is open is held.
Any sequence of events comes to a tree.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from openswarm.core.events import (
    ROOT,
    Admitted,
    AgentCreated,
    Answered,
    AnyEvent,
    ApprovalAsked,
    ApprovalGiven,
    CapacityChanged,
    ContextCompacted,
    ContractDeclared,
    Failed,
    GenerationStarted,
    ModeChosen,
    ModelReplied,
    ReportReceived,
    Resumed,
    RunStarted,
    TaskAssigned,
    ToolCalled,
    ToolReturned,
    Undone,
    is_subagent,
)
from openswarm.journal import span_words
from openswarm.journal.span_draft import Draft
from openswarm.journal.span_notes import note_of
from openswarm.journal.span_tree import SpanTree
from openswarm.journal.span_words import Made, Words
from openswarm.journal.spans import Span, word

NO_WORDS = Words()
MAX_DEPTH = 30
"""Spans lie in each other no deeper than about this, whatever a journal says."""
OF_THE_RUN = (Resumed, CapacityChanged, ContractDeclared)
"""Notes that belong to the run, whichever agent they name."""


class SpanFold:
    """Takes the events of a run one after another and gives its spans.

    `words` reads texts where content is exported. `figures` gives further attributes of the run or
    edit; it is asked when that answers, and where it has no answer.
    """

    def __init__(self, words: Words = NO_WORDS, figures: Callable[[], Made] = dict) -> None:
        self._tree = SpanTree()
        self._words = words
        self._figures = figures
        self._arguments: dict[str, dict[str, str]] = {}
        """By agent: of the calls of its last reply, where content is exported."""
        self._specs: dict[str, str] = {}
        """Models by configuration."""
        self._default_specs = ("", "")
        """The model of the root, and that of sub-agents."""
        self._in_table = False
        self._attempts: Counter[str] = Counter()
        """How often each row was worked on."""

    def apply(self, event: AnyEvent) -> list[Span]:
        """Takes an event; gives the spans that are over now."""
        self._tree.go_to(event)
        match event:
            case ModelReplied():
                self._replied(event)
            case ToolCalled():
                self._called(event)
            case ToolReturned():
                self._returned(event)
            case TaskAssigned():
                self._assigned(event)
            case ReportReceived():
                self._reported(event)
            case _:
                self._happened_to_run(event)
        return self._tree.take()

    def finish(self) -> list[Span]:
        """The journal is at its end: the spans that are left."""
        self._rest()
        self._tree.finish()
        return self._tree.take()

    def _happened_to_run(self, event: AnyEvent) -> None:
        match event:
            case RunStarted():
                self._begin_run(event)
            case GenerationStarted():
                self._begin_edit(event)
            case ModeChosen():
                self._choose_mode(event)
            case AgentCreated():
                self._specs[event.name] = event.model
            case Answered():
                self._answered(event)
            case Undone():
                self._undone(event)
            case Failed():
                self._failed(event)
            case _:
                self._note(event)

    # runs and edits

    def _begin_run(self, event: RunStarted) -> None:
        self._default_specs = (event.model, event.subagent_model)
        self._in_table = event.task.contract is not None
        self._tree.work().attributes |= {
            "swarm.version": word(event.openswarm),
            span_words.INPUT: self._words.message("user", event.task.text),
        }

    def _begin_edit(self, event: GenerationStarted) -> None:
        self._rest()
        self._tree.begin_work("edit").attributes |= {
            "swarm.generation": event.number,
            "swarm.by": word(event.by),
            "swarm.operations": tuple(operation.op for operation in event.operations),
            "swarm.wish": self._words.of(event.wish),
        }

    def _choose_mode(self, event: ModeChosen) -> None:
        work = self._tree.work()
        work.name = f"invoke_workflow {word(event.mode)}"
        work.attributes |= {
            "swarm.mode": word(event.mode),
            "swarm.mode_reason": word(event.why),
            "swarm.width": event.width or None,
        }
        self._tree.touch(work)

    def _answered(self, event: Answered) -> None:
        tree = self._tree
        work = tree.work()
        ending = tree.answering(work)
        for draft in ending:
            tree.close_children(child for child in draft.children.values() if child not in ending)
            draft.end = tree.now
            draft.attributes |= span_words.answered(event, self._words)
            tree.touch(draft)
        if event.outcome == "failed" and not work.error:
            work.fail("failed", self._words.of(event.why))
        work.attributes |= self._figures()

    def _rest(self) -> None:
        """Nothing more comes of the run or edit that was the last one."""
        if self._tree.is_at_work:
            self._tree.works[-1].attributes |= self._figures()
        self._tree.rest()

    def _undone(self, event: Undone) -> None:
        for work in self._tree.works:
            if work.attributes.get("swarm.generation") == event.generation:
                work.attributes["swarm.undone"] = True
                self._tree.touch(work)

    def _failed(self, event: Failed) -> None:
        tree = self._tree
        agent = tree.agents.get(event.agent)
        failed = (agent,) if agent and event.agent != ROOT else tree.answering(tree.work())
        for draft in failed:
            draft.fail(word(event.kind), self._words.of(event.message))
            draft.attributes["swarm.boundary"] = word(event.boundary)
            tree.touch(draft)

    # agents

    def _assigned(self, event: TaskAssigned) -> None:
        tree, path = self._tree, event.agent
        if path in tree.agents:
            return
        is_sub = is_subagent(path)
        spec = (self._specs.get(event.name) if is_sub else "") or self._default_specs[is_sub]
        attributes = span_words.assigned(event, spec, self._words)
        row = span_words.row_of(event, in_table=self._in_table) if is_sub else ""
        if row:
            self._attempts[row] += 1
            attributes |= {"swarm.row": row, "swarm.attempt": self._attempts[row]}
        name = word(event.name) or (self._name_of_root() if path == ROOT else path)
        parent = self._parent_of(event)
        if parent is not None and parent.role == "call":
            parent.attributes["swarm.stage"] = event.stage
        tree.begin_agent(path, name, parent, attributes).spec = spec

    def _name_of_root(self) -> str:
        mode = str(self._tree.work().attributes.get("swarm.mode") or "agent")
        return "orchestrator" if mode == "swarm" else mode

    def _parent_of(self, event: TaskAssigned) -> Draft | None:
        """The call that asked for a sub-agent, or the run or edit; None for who works beside."""
        if event.agent == ROOT or is_subagent(event.agent):
            call = self._tree.calls.get((event.parent, event.call_id))
            return call if call and call.depth < MAX_DEPTH else self._tree.work()
        return self._tree.work() if self._tree.is_at_work else None

    def _agent(self, event: AnyEvent) -> Draft:
        """The agent of an event; one that nobody assigned begins now."""
        if event.agent == ROOT or is_subagent(event.agent):
            self._tree.work()
        if event.agent not in self._tree.agents:
            self._assigned(span_words.unassigned(event))
        return self._tree.agents[event.agent]

    def _reported(self, event: ReportReceived) -> None:
        agent = self._agent(event)
        agent.attributes |= span_words.reported(event, self._words)
        if event.failure is not None:
            agent.fail(word(event.failure.kind), self._words.of(event.failure.message))
            agent.attributes["swarm.boundary"] = word(event.failure.boundary)
        elif event.outcome == "failed":
            agent.fail("failed", self._words.of(event.why))
        self._tree.touch(agent)
        if event.agent != ROOT:  # the run's answer is still to come
            self._tree.close(agent)

    # replies and calls

    def _replied(self, event: ModelReplied) -> None:
        tree, agent = self._tree, self._agent(event)
        tree.close_children(agent.children.values())  # calls that were given up
        agent.spend(event.usage, event.cost_usd, 1)
        attributes = span_words.replied(event, agent.spec, self._words)
        name = f"chat {attributes[span_words.MODEL]}".strip()
        chat = tree.begin_in(agent, "reply", name, attributes | {"swarm.step": agent.steps})
        latency = event.latency_s if math.isfinite(event.latency_s) else 0.0
        chat.start = min(max(agent.start, tree.now - latency), tree.now)
        tree.close(chat)
        if self._words:
            arguments = {call.id: self._words.of(call.arguments) for call in event.calls}
            self._arguments[event.agent] = arguments

    def _called(self, event: ToolCalled) -> None:
        call = self._tree.calls.get((event.agent, event.call_id))
        if call is None:
            self._begin_call(event)
            return
        attempt = call.attributes.get("swarm.attempt")  # an earlier process began it
        call.attributes["swarm.attempt"] = attempt + 1 if isinstance(attempt, int) else 2
        call.note("called_again", self._tree.now, {})
        self._tree.touch(call)

    def _begin_call(self, event: ToolCalled | ToolReturned) -> Draft:
        arguments = self._arguments.get(event.agent, {}).get(event.call_id, "")
        attributes = span_words.called(event, arguments)
        name = f"execute_tool {word(event.name)}"
        call = self._tree.begin_in(self._agent(event), "call", name, attributes)
        call.call_id = event.call_id
        self._tree.calls[event.agent, event.call_id] = call
        return call

    def _returned(self, event: ToolReturned) -> None:
        call = self._tree.calls.get((event.agent, event.call_id)) or self._begin_call(event)
        said = self._words.of(event.text)
        call.attributes |= {"gen_ai.tool.call.result": said, "swarm.closing": event.closing or None}
        if not event.ok:
            call.fail(call.error or "tool_error", said)
        self._tree.touch(call)
        self._tree.close(call)

    # what happens at one moment

    def _note(self, event: AnyEvent) -> None:
        note = note_of(event, self._words)
        if note is None:
            return
        draft = self._place_of(event)
        match event:
            case Resumed():
                for resumed in self._tree.answering(self._tree.work()):
                    resumed.succeed()
            case ContractDeclared():
                self._in_table = True
            case Admitted():
                queued = round(self._tree.now - draft.start, 6)
                draft.attributes.setdefault("swarm.queued_s", queued)
            case ApprovalGiven(answer="deny") if draft.role == "call":
                draft.fail("denied")
            case ContextCompacted():
                draft.spend(event.usage, event.cost_usd, 0)
        draft.note(event.type, self._tree.now, note)
        self._tree.touch(draft)

    def _place_of(self, event: AnyEvent) -> Draft:
        """The span that a note belongs to: a call, an agent, or the run."""
        tree = self._tree
        call = None
        if isinstance(event, ApprovalAsked | ApprovalGiven):
            call = tree.calls.get((event.agent, event.call_id))
        agent = None if isinstance(event, OF_THE_RUN) else tree.agents.get(event.agent)
        return call or agent or (tree.works[-1] if tree.works else tree.work())


def fold_spans(
    events: Iterable[AnyEvent], words: Words = NO_WORDS, figures: Callable[[], Made] = dict
) -> Iterator[Span]:
    """The spans of a run, each as soon as it is over."""
    fold = SpanFold(words, figures)
    for event in events:
        yield from fold.apply(event)
    yield from fold.finish()
