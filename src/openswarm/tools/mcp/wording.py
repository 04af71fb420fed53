"""Words of servers, made fit to be read: no control or invisible characters, and bounded.

What a server says is data from outside. It may be shown to people, and to models inside a fence.
"""

import json
from collections import deque

LINE_CHARS = 400
LAST_LINES = 12


def readable(text: str, limit: int) -> str:
    """The text without characters that are not seen, cut to `limit` characters."""
    cut = text[:limit]
    kept = "".join(char for char in cut if char.isprintable() or char in "\n\t")
    return kept + (" …" if len(text) > limit else "")


def one_line(text: str, limit: int = LINE_CHARS) -> str:
    """The text on one line."""
    return " ".join(readable(text, limit).split())


def readable_json(value: object) -> str:
    """JSON in which characters that are not seen stand as escapes."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in text)


class LastWords:
    """The last lines that a server wrote where nobody reads them."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=LAST_LINES)
        self._rest = ""

    def add(self, data: bytes) -> None:
        """Takes a piece of output, which may begin and end inside a line."""
        lines = (self._rest + data.decode("utf-8", "replace")).split("\n")
        self._rest = lines.pop()[-LINE_CHARS:]
        self._lines.extend(line for text in lines if (line := one_line(text)))

    @property
    def text(self) -> str:
        """The lines, oldest first; '' if there are none."""
        return "\n".join(line for line in (*self._lines, one_line(self._rest)) if line)
