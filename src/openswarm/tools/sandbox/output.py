"""What code prints, bounded while it is read: the beginning and the end are kept.

Owns how much of an output stays in memory, and how it is cut for a model.
"""

from collections import deque

HEAD_BYTES = 2 << 20
TAIL_BYTES = 256 << 10


class Output:
    """The output of one call; it never holds more than a few megabytes."""

    def __init__(self) -> None:
        self.size = 0
        """Bytes that were printed."""
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._tail_size = 0

    def add(self, data: bytes) -> None:
        """More of it."""
        self.size += len(data)
        room = HEAD_BYTES - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        if not data:
            return
        self._tail.append(data)
        self._tail_size += len(data)
        while self._tail_size - len(self._tail[0]) >= TAIL_BYTES:
            self._tail_size -= len(self._tail.popleft())

    @property
    def kept(self) -> bytes:
        """All of it, or both ends with a line in between that says how much is missing."""
        missing = self.size - len(self._head) - self._tail_size
        gap = f"\n[… {missing} bytes were not kept …]\n".encode() if missing else b""
        return bytes(self._head) + gap + b"".join(self._tail)

    def shown(self, chars: int) -> tuple[str, bool]:
        """At most about `chars` characters of both ends, and whether that is all."""
        text = self.kept.decode("utf-8", "replace")
        if len(text) <= chars:
            return text, True
        half = chars // 2
        cut = f"\n[… {len(text) - 2 * half} characters of {self.size} bytes left out …]\n"
        return text[:half] + cut + text[-half:], False
