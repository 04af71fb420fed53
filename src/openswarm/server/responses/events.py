"""The events of one response: their sequence numbers, and the items that they build."""

from typing import Any

import orjson

Item = dict[str, Any]
_OPENING = ("response.created", "response.in_progress")


class Events:
    """Writes events; `output` holds the items so far, the last of which may be unfinished."""

    def __init__(self) -> None:
        self.output: list[Item] = []
        self._number = len(_OPENING)

    def opening(self, response: Item) -> bytes:
        """The events that come first; they may be asked for after others were written."""
        frames = (_frame(kind, number, response=response) for number, kind in enumerate(_OPENING))
        return b"".join(frames)

    def event(self, kind: str, **fields: Any) -> bytes:
        """The next event."""
        self._number += 1
        return _frame(kind, self._number - 1, **fields)

    def start(self, item: Item) -> bytes:
        """The next item begins; the one before it has to be done."""
        self.output.append(item)
        return self.event("response.output_item.added", output_index=self._index, item=item)

    def inside(self, kind: str, **fields: Any) -> bytes:
        """An event of the last item."""
        item_id = self.output[-1]["id"]
        return self.event(kind, item_id=item_id, output_index=self._index, **fields)

    def done(self) -> bytes:
        """The last item is as it will stay."""
        return self.event(
            "response.output_item.done", output_index=self._index, item=self.output[-1]
        )

    @property
    def _index(self) -> int:
        return len(self.output) - 1


def _frame(kind: str, number: int, **fields: Any) -> bytes:
    data = orjson.dumps({"type": kind, "sequence_number": number, **fields})
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), data)
