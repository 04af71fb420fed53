"""The spans of a run that are not over: who is at work, on which call, in which run or edit.

Owns how spans lie in each other. What is missing is begun where it is first heard of; what has no
end of its own gets that of what it lies in, and is marked.
"""

import math
from collections.abc import Iterable

from openswarm.core.events import ROOT, AnyEvent, is_subagent
from openswarm.journal.span_draft import UNFINISHED, Draft, Role
from openswarm.journal.span_words import AGENT_ID, AGENT_NAME, CONVERSATION, OPERATION, Made
from openswarm.journal.spans import Span, span_id_of, trace_id_of, word

_LAST_MOMENT = 9e9
"""Later times, in seconds since the epoch, do not fit into nanoseconds."""


class SpanTree:
    """What is open, and what has just been closed."""

    def __init__(self) -> None:
        self.now = 0.0
        """The time of the last event; it never runs backwards."""
        self.works: list[Draft] = []
        """The run, then its edits. The last one is at work unless its `end` is set."""
        self.agents: dict[str, Draft] = {}
        self.calls: dict[tuple[str, str], Draft] = {}
        """By agent and id of the call."""
        self._run_id = self._trace = ""
        self._position = self._begun = 0
        self._beside: dict[str, Draft] = {}
        """Agents that work beside a finished run, by span id."""
        self._over: list[Span] = []

    def go_to(self, event: AnyEvent) -> None:
        """This event is next."""
        if not self._trace:
            self._run_id, self._trace = word(event.run), trace_id_of(event.run)
        if math.isfinite(event.at) and event.at < _LAST_MOMENT:
            self.now = max(self.now, event.at)
        self._position += 1
        self._begun = 0

    def take(self) -> list[Span]:
        """The spans that were closed since they were last taken."""
        over, self._over = self._over, []
        return over

    # beginning

    def begin(self, role: Role, name: str, parent: Draft | None, attributes: Made) -> Draft:
        """A span begins now."""
        span_id = span_id_of(self._trace, self._position, self._begun)
        self._begun += 1
        made = {CONVERSATION: self._run_id, OPERATION: name.partition(" ")[0]} | attributes
        draft = Draft(role, name, span_id, parent, self.now, made)
        if parent is not None:
            parent.children[span_id] = draft
        self.touch(draft)
        return draft

    def begin_work(self, name: str) -> Draft:
        """The run begins, or an edit of it."""
        work = self.begin("work", f"invoke_workflow {name}", None, {})
        work.links = self._first()
        self.works.append(work)
        return work

    def begin_agent(self, path: str, name: str, parent: Draft | None, attributes: Made) -> Draft:
        """An agent begins; without a parent it works beside the run."""
        who: Made = {AGENT_NAME: name, AGENT_ID: path}
        agent = self.begin("agent", f"invoke_agent {name}", parent, who | attributes)
        agent.path = path
        if parent is None:
            agent.links = self._first()
            self._beside[agent.span_id] = agent
        self.agents[path] = agent
        return agent

    def begin_in(self, agent: Draft, role: Role, name: str, attributes: Made) -> Draft:
        """A reply or a call of an agent begins."""
        who = {key: agent.attributes[key] for key in (AGENT_NAME, AGENT_ID)}
        draft = self.begin(role, name, agent, who | attributes)
        draft.path = agent.path
        return draft

    def _first(self) -> tuple[str, ...]:
        return (self.works[0].span_id,) if self.works else ()

    # finding

    @property
    def is_at_work(self) -> bool:
        """Whether there is a run or an edit that has not answered."""
        return bool(self.works) and self.works[-1].end is None

    def work(self) -> Draft:
        """The run or the edit that is at work; one that had answered goes on."""
        work = self.works[-1] if self.works else self.begin_work("run")
        for draft in self.answering(work):
            draft.end = None
        return work

    def answering(self, work: Draft) -> tuple[Draft, ...]:
        """A run or edit with its root agent, where it has one: they end with the answer, and may
        still go on after it."""
        root = self.agents.get(ROOT)
        return (work, root) if root is not None and root.parent is work else (work,)

    def touch(self, draft: Draft) -> None:
        """Something happens in this span now."""
        draft.touch(self.now, self._position)

    # closing

    def close(self, draft: Draft, at: float | None = None) -> None:
        """A span is over, by default now, and all that lies in it."""
        at = self.now if at is None else at
        self.close_children(draft.children.values(), at)
        siblings = draft.parent.children if draft.parent else self._beside
        siblings.pop(draft.span_id, None)
        if self.agents.get(draft.path) is draft:
            del self.agents[draft.path]
        if self.calls.get((draft.path, draft.call_id)) is draft:
            del self.calls[draft.path, draft.call_id]
        self._over.append(draft.finished(self._trace, at))

    def close_children(self, children: Iterable[Draft], at: float | None = None) -> None:
        """What these lie in is over: those that did not end themselves are marked."""
        at = self.now if at is None else at
        for child in tuple(children):
            end = child.end
            if end is None and _ends_with_its_last_reply(child):
                end = child.last
            elif end is None:
                child.attributes[UNFINISHED] = True
            self.close(child, at if end is None else min(at, end))

    def rest(self) -> None:
        """Nothing more comes of the run or edit at work: all that lies in it is over."""
        if not self.works:
            return
        work = self.works[-1]
        if work.end is None:
            work.attributes[UNFINISHED] = None if work.error else True
            work.end = work.last
        self.close_children(work.children.values(), work.end)

    def finish(self) -> None:
        """The journal is at its end."""
        self.rest()
        for draft in (*self.works, *self._beside.values()):
            self.close(draft, draft.last if draft.end is None else draft.end)


def _ends_with_its_last_reply(draft: Draft) -> bool:
    """Whether it is an agent that hands in no report, nor ends with the run's answer."""
    return draft.role == "agent" and draft.path != ROOT and not is_subagent(draft.path)
