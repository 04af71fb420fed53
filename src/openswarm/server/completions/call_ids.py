"""Ids of tool calls as Moonshot's models know them: `functions.NAME:IDX`.

The number goes on rising over a conversation, so that no id comes twice in it.
"""

import re
from collections.abc import Iterable, Sequence

from openswarm.core.messages import Message, ToolCall

_NUMBERED = re.compile(r"functions\.[^:]*:(\d{1,9})")


def next_number(messages: Iterable[Message]) -> int:
    """The number of the next call: as many as there were, but above all that were used."""
    calls = [call for message in messages for call in message.tool_calls]
    used = [int(match[1]) for call in calls if (match := _NUMBERED.fullmatch(call.id))]
    return max([len(calls), *(number + 1 for number in used)])


def numbered(calls: Sequence[ToolCall], first: int) -> tuple[ToolCall, ...]:
    """The calls with their ids, in order."""
    return tuple(
        call.model_copy(update={"id": f"functions.{call.name}:{number}"})
        for number, call in enumerate(calls, first)
    )
