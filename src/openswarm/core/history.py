"""A conversation as an append-only list that remembers how each entry is written on the wire."""

from collections.abc import Callable, Iterable, Iterator

from openswarm.core.messages import Message, ToolCall

Encode = Callable[[Message], bytes]


class History:
    """The messages of one agent, in order.

    Each entry is encoded once per wire format, so that the cost of a turn does not grow with the
    number of turns before it.
    """

    def __init__(self, messages: Iterable[Message] = ()) -> None:
        self._messages: list[Message] = list(messages)
        self._encoded: dict[str, list[bytes]] = {}

    def __iter__(self) -> Iterator[Message]:
        return iter(self._messages)

    def __len__(self) -> int:
        return len(self._messages)

    def __getitem__(self, index: int) -> Message:
        return self._messages[index]

    def append(self, message: Message) -> None:
        """Adds the next entry."""
        self._messages.append(message)

    def replace(self, messages: Iterable[Message]) -> None:
        """Puts a compacted conversation in the place of the whole one."""
        self._messages = list(messages)
        self._encoded.clear()

    def encoded(self, wire: str, encode: Encode) -> list[bytes]:
        """The entries in a wire format; only those added since the last call are encoded now."""
        done = self._encoded.setdefault(wire, [])
        # a copy is as large as its text; what an encoder gives may hold kilobytes of spare room
        done.extend(bytes(memoryview(encode(m))) for m in self._messages[len(done) :])
        return done

    def last_reply(self) -> Message | None:
        """The last assistant message, if there is one."""
        return next((m for m in reversed(self._messages) if m.role == "assistant"), None)

    def open_calls(self) -> tuple[ToolCall, ...]:
        """The calls of the last assistant message that have no result yet, in their order."""
        answered: set[str] = set()
        for message in reversed(self._messages):
            if message.role == "tool":
                answered.add(message.tool_call_id)
            elif message.role == "assistant":
                return tuple(call for call in message.tool_calls if call.id not in answered)
        return ()
