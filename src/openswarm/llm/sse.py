"""Server-sent events from bytes as they arrive: a pure parser, fed with any fragmentation."""

from typing import NamedTuple

MAX_EVENT_BYTES = 16 * 1024 * 1024


class ServerEvent(NamedTuple):
    """One event of a stream; `event` is '' where the server named none."""

    event: str
    data: bytes


class SseParser:
    """Collects bytes into events (WHATWG HTML, section 9.2); comments and ids are skipped."""

    def __init__(self) -> None:
        self._rest = b""
        self._event = ""
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[ServerEvent]:
        """The events that are complete with this chunk. Raises `ValueError` on an endless line."""
        buffer = self._rest + chunk
        if b"\r" in buffer:
            buffer = self._unify_line_ends(buffer)
        lines = buffer.split(b"\n")
        self._rest = lines.pop()
        if len(self._rest) > MAX_EVENT_BYTES:
            raise ValueError(f"a line of the stream is over {MAX_EVENT_BYTES} bytes")
        events: list[ServerEvent] = []
        for line in lines:
            if line:
                self._field(line)
            elif self._data:
                events.append(ServerEvent(self._event, b"\n".join(self._data)))
                self._event, self._data, self._size = "", [], 0
            else:
                self._event = ""
        return events

    def _unify_line_ends(self, buffer: bytes) -> bytes:
        """CR LF and lone CR become LF; a CR at the end waits for the LF that may follow."""
        held = b"\r" if buffer.endswith(b"\r") else b""
        body = buffer[: len(buffer) - len(held)]
        return body.replace(b"\r\n", b"\n").replace(b"\r", b"\n") + held

    def _field(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._size += len(value) + 1
            if self._size > MAX_EVENT_BYTES:
                raise ValueError(f"an event of the stream is over {MAX_EVENT_BYTES} bytes")
            self._data.append(value)
        elif name == b"event":
            self._event = value.decode("utf-8", "replace")
