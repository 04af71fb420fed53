"""How a running agent is spoken to: steer, cancel, kill.

Controls form the tree of the agents they belong to. `cancel` reaches the leaves first, so that
what they have comes up; `kill` ends a scope, and with it everything inside.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import anyio

OUT_OF_TIME = "its time is up"
HAND_BACK_S = 60.0
"""What an agent that is told to stop gets for its last turn."""


@dataclass(frozen=True, slots=True)
class Steer:
    """Words for an agent, read at its next turn."""

    text: str
    by: str
    request: str = ""


@dataclass(slots=True, eq=False)
class Control:
    """The handle of one agent."""

    path: str
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    """All that the agent does; killing cancels it."""
    children: dict[str, "Control"] = field(default_factory=dict)
    mail: list[Steer] = field(default_factory=list)
    cancelled: str = ""
    """Why the agent is to hand back what it has; '' while it may go on."""
    killed: str = ""
    deadline: float = math.inf
    """When, on the event loop's clock, the agent is told to hand back."""
    _work: anyio.CancelScope | None = None

    def steer(self, steer: Steer) -> None:
        """Leaves words for the next turn."""
        self.mail.append(steer)

    def cancel(self, why: str) -> None:
        """Asks for what there is: ends the turn at work, or that of the children."""
        if self.cancelled or self.killed:
            return
        self.cancelled = why
        for child in tuple(self.children.values()):
            child.scope.deadline = min(child.scope.deadline, anyio.current_time() + HAND_BACK_S)
            child.cancel(why)
        if not self.children and self._work is not None:
            self._work.cancel()

    def kill(self, why: str) -> None:
        """Ends the agent and its subtree without waiting for anything."""
        self.killed = self.killed or why
        for child in tuple(self.children.values()):
            child.kill(why)
        self.scope.cancel()

    @contextmanager
    def work(self) -> Iterator[None]:
        """Work that `cancel` may end; what is under way in it is dropped."""
        with anyio.CancelScope(deadline=self.deadline) as self._work:
            if self.cancelled and not self.children:
                self._work.cancel()
            yield
        if self._work.cancelled_caught:
            self.cancelled = self.cancelled or OUT_OF_TIME
        self._work = None

    @contextmanager
    def child(self, path: str) -> Iterator["Control"]:
        """The control of a sub-agent, for as long as it lives."""
        child = Control(path)
        if self.cancelled:
            child.cancelled = self.cancelled
        self.children[path] = child
        try:
            yield child
        finally:
            del self.children[path]

    def find(self, path: str) -> "Control | None":
        """The control of an agent of this subtree that is alive."""
        if path == self.path:
            return self
        found = (child.find(path) for child in self.children.values())
        return next((control for control in found if control is not None), None)
