"""What tests of policies share: a decider whose turns are given, and what it was asked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from openswarm.core.messages import Message
from openswarm.llm.policy.language import Call, Facts, TurnGuide, decide
from openswarm.llm.policy.sampler import Session
from openswarm.llm.policy.view import View

Choose = Callable[[View, Facts], Sequence[Call]]


def asked(question: str, *names: str) -> Message:
    """A question over some documents."""
    listed = f"\n\nDocuments: {'; '.join(names)}" if names else ""
    return Message(role="user", content=question + listed)


@dataclass
class Chosen:
    """Decides what a function says. See `Decider`."""

    choose: Choose
    tokens: int = 4096
    facts: list[Facts] = field(default_factory=list)
    """Of each turn."""
    views: list[View] = field(default_factory=list)
    """Of each conversation that was opened."""
    open_now: list[Session] = field(default_factory=list)
    error: Exception | None = None
    """What the next turn fails with."""

    async def ready(self) -> None:
        """See `Decider.ready`."""

    def open(self, view: View) -> Session:
        """See `Decider.open`."""
        self.views.append(view)
        self.open_now.append(Session(view))
        return self.open_now[-1]

    def close(self, session: Session) -> None:
        """See `Decider.close`. A session is closed once."""
        self.open_now.remove(session)

    async def decide(self, session: Session, read: Sequence[int], guide: TurnGuide) -> list[float]:
        """See `Decider.decide`."""
        error, self.error = self.error, None
        if error is not None:
            raise error
        self.facts.append(guide.facts)
        if not guide.over:
            decide(guide, self.choose(session.view, guide.facts))
        return [0.0] * sum(guide.mask)
