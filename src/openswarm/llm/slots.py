"""Which of an engine's slots a reply gets: the one that has read most of its prompt already.

A slot keeps what it read last. A pure rule; the engine's calls are `llama`'s.
"""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Slot:
    """One sequence of the engine."""

    number: int
    head: str = ""
    """The system prompt that it has read, or '' when that is not known."""
    conversation: int = 0
    """The conversation whose reply it made last."""
    used: int = 0
    """When it was last given out, in requests."""


@dataclass(slots=True)
class Slots:
    """The free slots. Whoever takes one has made sure that there is one."""

    free: list[Slot]
    _requests: int = field(default=0)

    @classmethod
    def of(cls, count: int) -> "Slots":
        """So many slots that have read nothing."""
        return cls([Slot(number) for number in range(count)])

    def take(self, conversation: int, head: str) -> Slot:
        """The slot of the same conversation, else of the same head, else the one longest unused."""
        self._requests += 1
        slot = max(
            self.free,
            key=lambda slot: (
                slot.head == head and slot.conversation == conversation,
                slot.head == head,
                -slot.used,
            ),
        )
        self.free.remove(slot)
        slot.used, slot.conversation = self._requests, conversation
        return slot

    def give_back(self, slot: Slot) -> None:
        """The reply is made, or given up."""
        self.free.append(slot)
