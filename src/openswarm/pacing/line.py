"""Who waits for a resource, and who is next: in turn between holders, each holder's own in order.

A sub-agent with a hundred calls in line keeps nobody waiting longer than one with a single call.
"""

from collections import deque
from dataclasses import dataclass, field

import anyio


@dataclass(slots=True, eq=False)
class Ticket:
    """A place in the line."""

    holder: str
    promised: bool = False
    """A place of the resource is its own now."""
    _called: anyio.Event = field(default_factory=anyio.Event)

    def call(self) -> None:
        """Wakes the waiter, which looks at how things stand."""
        self._called.set()

    async def wait(self, seconds: float) -> None:
        """Until it is called, or for so many seconds."""
        with anyio.move_on_after(seconds):
            await self._called.wait()
        self._called = anyio.Event()


class FairLine:
    """The tickets that wait."""

    def __init__(self) -> None:
        self._first: deque[Ticket] = deque()
        self._by_holder: dict[str, deque[Ticket]] = {}
        """The holder that is next stands first; one that was served goes to the end."""

    def __bool__(self) -> bool:
        return bool(self._first or self._by_holder)

    def join(self, holder: str, *, first: bool) -> Ticket:
        """A place in the line; `first` for those who had one before."""
        ticket = Ticket(holder)
        if first:
            self._first.appendleft(ticket)
        else:
            self._by_holder.setdefault(holder, deque()).append(ticket)
        return ticket

    @property
    def head(self) -> Ticket:
        """The one who is next."""
        return self._first[0] if self._first else next(iter(self._by_holder.values()))[0]

    def pop(self) -> Ticket:
        """Takes the one who is next out of the line."""
        if self._first:
            return self._first.popleft()
        holder = next(iter(self._by_holder))
        waiting = self._by_holder.pop(holder)
        ticket = waiting.popleft()
        if waiting:
            self._by_holder[holder] = waiting
        return ticket

    def leave(self, ticket: Ticket) -> None:
        """Takes somebody out who waits no more."""
        if ticket in self._first:
            self._first.remove(ticket)
            return
        waiting = self._by_holder[ticket.holder]
        waiting.remove(ticket)
        if not waiting:
            del self._by_holder[ticket.holder]
