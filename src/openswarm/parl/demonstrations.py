"""Demonstrations for the supervised start: runs led by a script, mostly one thing at a time.

A demonstrator decides turns where a policy would, through the same view and grammar, so its runs
are rollouts like any other. It knows the task; how wide it works is drawn for each run. Owns what
is demonstrated and in which proportions.
"""

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from openswarm.evals.task import CONTROLS, EvalTask
from openswarm.llm.policy.folder import policy_config
from openswarm.llm.policy.language import Call, TurnGuide, decide
from openswarm.llm.policy.sampler import Session
from openswarm.llm.policy.view import View
from openswarm.llm.policy.vocabulary import AGENTS, ASSIGN, CREATE, DEFAULT_AGENT, OPEN, tokenizer

_PAGE = re.compile(r"(\d+) page (\d+) of (\d+)")
_MISSING = re.compile(r" missing (\d+)")


@dataclass(frozen=True, slots=True)
class Manner:
    """How one demonstration works."""

    width: int = 0
    """Sub-agents at once; 0 reads everything itself."""
    creates: bool = False
    """Whether it registers a configuration of its own first."""
    retries: int = 1
    """How often it assigns again what failed."""
    reads: int = 1
    """Calls of one turn that read, where a turn may have several."""


def draw_manner(task: EvalTask, numbers: random.Random, *, spawn: bool, reads: int) -> Manner:
    """Mostly serial: of wide tasks half are read alone, a tenth is assigned in one turn."""
    reads = min(reads, numbers.choice((1, 2, 4, 12)))
    if not spawn or task.kind in CONTROLS:
        delegates = spawn and numbers.random() < 0.08
        return Manner(width=1 if delegates else 0, reads=reads)
    creates, retries = numbers.random() < 0.3, numbers.choice((0, 1, 1, 2))
    share = numbers.random()
    if share < 0.5:
        return Manner(0, reads=reads)
    if share < 0.9:
        return Manner(numbers.choice((1, 1, 2, 3, 5, 8)), creates, retries)
    return Manner(200, creates, 2)


@dataclass(slots=True)
class Demonstrator:
    """Decides the turns of one run. See `llm.policy.deciders.Decider`."""

    task: EvalTask
    manner: Manner
    tokens: int = field(default_factory=lambda: policy_config().text_config.max_position_embeddings)
    _todo: list[int] | None = None
    """Documents that are still to be assigned, or read."""
    _given: set[int] = field(default_factory=set)
    """Documents that were assigned."""
    _agent: str = DEFAULT_AGENT
    _tries: int = 0

    async def ready(self) -> None:
        """See `Decider.ready`; it always is."""

    def open(self, view: View) -> Session:
        """See `Decider.open`."""
        return Session(view)

    def close(self, session: Session) -> None:
        """See `Decider.close`."""

    async def decide(self, session: Session, read: Sequence[int], guide: TurnGuide) -> list[float]:
        """See `Decider.decide`. Its decisions count as sure."""
        if not guide.over:
            text = tokenizer().decode(read)
            if self._todo is None:
                self._todo = self._needed(session.view)
            decide(guide, self._turn(text, guide) if guide.facts.tools else [])
        return [0.0] * sum(guide.mask)

    def _needed(self, view: View) -> list[int]:
        numbers = {doc.name: view.first + place for place, doc in enumerate(view.documents)}
        if self.task.kind in CONTROLS:
            names = [name for part in self.task.parts for name in part.documents]
            return [numbers[name] for name in names[: 1 if self.manner.width else None]]
        return sorted({numbers[part.documents[0]] for part in self.task.parts if part.documents})

    def _turn(self, text: str, guide: TurnGuide) -> list[Call]:
        assert self._todo is not None
        if not self.manner.width or ASSIGN not in guide.facts.tools:
            return self._reading(text, guide)
        missing = [int(number) for number in _MISSING.findall(text)]
        failed = [number for number in missing if number in self._given]
        if failed and self._tries < self.manner.retries:
            self._tries += 1
            self._todo = [*failed, *self._todo]
        group, self._todo = self._todo[: self.manner.width], self._todo[self.manner.width :]
        self._given.update(group)
        calls = [Call(ASSIGN, self._agent, number) for number in group]
        if calls and self.manner.creates and self._agent == DEFAULT_AGENT:
            self._agent = AGENTS[0]
            calls = [Call(ASSIGN, self._agent, call.document) for call in calls]
            calls.insert(0, Call(CREATE, self._agent))
        return calls

    def _reading(self, text: str, guide: TurnGuide) -> list[Call]:
        """Every page of a document, then the next."""
        assert self._todo is not None
        for number, page, pages in _PAGE.findall(text):
            if int(page) >= int(pages):
                self._todo = [entry for entry in self._todo if entry != int(number)]
        if OPEN not in guide.facts.tools:
            return []
        alone = self.task.kind in CONTROLS
        several = 1 if alone else min(self.manner.reads, guide.facts.max_reads)
        return [Call(OPEN, document=number) for number in self._todo[:several]]
