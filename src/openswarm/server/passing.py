"""The text of an answer on its way to the client: without the prefix that the client has already,
and up to the first text at which it stops.

What may be the beginning of either is held back until it is known to be, or not to be.
"""

from openswarm.llm.model import Delta
from openswarm.server.chat import Emit


class Passing:
    """Takes deltas as they come and passes on what belongs to the answer."""

    def __init__(self, emit: Emit, *, stop: tuple[str, ...] = (), prefix: str = "") -> None:
        self.stopped_at = ""
        """The text that ended the answer, or ''."""
        self.has_sent = False
        """Whether the client has seen a part of the answer."""
        self._emit = emit
        self._stop = tuple(filter(None, stop))
        self._given_prefix = self._prefix = prefix
        self._held = ""
        self._sent: list[str] = []

    @property
    def text(self) -> str:
        """The answer that was passed on so far."""
        return "".join(self._sent)

    def take(self, delta: Delta) -> None:
        """Takes the next delta."""
        if delta.kind == "reasoning":
            self.has_sent = True
            self._emit(delta)
        elif not self.stopped_at:
            self._held += delta.text
            self._pass_on()

    def finish(self) -> None:
        """Passes on what was held back; nothing comes after it."""
        if not self.stopped_at:
            self._prefix = ""  # less than the whole of it is no prefix
            self._pass_on()
            self._send(self._held)

    def restart(self) -> None:
        """The reply begins anew; nothing of it was passed on."""
        self._held, self._prefix, self.stopped_at = "", self._given_prefix, ""

    def _pass_on(self) -> None:
        if self._prefix:
            if self._prefix.startswith(self._held) and self._held != self._prefix:
                return
            self._held = self._held.removeprefix(self._prefix)
            self._prefix = ""
        found = [
            (self._held.find(text) + len(text), -len(text), text)
            for text in self._stop
            if text in self._held
        ]
        if found:  # the one that was whole first, however the text was split
            end, _, self.stopped_at = min(found)
            self._send(self._held[: end - len(self.stopped_at)])
            self._held = ""
            return
        keep = max((_overlap(self._held, text) for text in self._stop), default=0)
        self._send(self._held[: len(self._held) - keep])
        self._held = self._held[len(self._held) - keep :]

    def _send(self, text: str) -> None:
        if text:
            self.has_sent = True
            self._sent.append(text)
            self._emit(Delta("text", text))


def _overlap(text: str, stop: str) -> int:
    """How many characters at the end of a text are the beginning of a stop."""
    longest = min(len(text), len(stop) - 1)
    return next((n for n in range(longest, 0, -1) if text.endswith(stop[:n])), 0)
