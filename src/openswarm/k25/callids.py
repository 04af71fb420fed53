"""The ids of tool calls as K2.5 writes them: `functions.NAME:INDEX`, counted over a whole chat.

Other programs give ids of other forms; in a chat they are rewritten, a call and its result alike.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from openswarm.core.messages import Message, ToolCall

PREFIX: Final = "functions."
LONGEST_NAME: Final = 256
_ID = re.compile(r"(?:functions\.)?(?P<name>\S+?)(?::(?P<index>[0-9]{1,9}))?")


@dataclass(frozen=True, slots=True)
class Asked:
    """A call as a model wrote it: its id in whatever form, and the text of its arguments."""

    identity: str
    arguments: str


def call_id(name: str, index: int) -> str:
    """The id of the call number `index` (from 0) of a chat."""
    return f"{PREFIX}{name}:{index}"


def numbered(asked: Iterable[Asked], first: int) -> list[ToolCall | None]:
    """The calls of a reply. An id that is not of this form, or used twice, is numbered anew.

    New numbers begin at `first` and stay above all numbers before them. A call whose id names no
    tool is None.
    """
    used: set[str] = set()
    following = first
    calls: list[ToolCall | None] = []
    for call in asked:
        found = _ID.fullmatch(call.identity.strip())
        if found is None or len(found["name"]) > LONGEST_NAME:
            calls.append(None)
            continue
        name, index = found["name"], int(found["index"] or following)
        if call.identity.strip() != call_id(name, index) or call_id(name, index) in used:
            index = following
        following = max(following, index + 1)
        used.add(call_id(name, index))
        calls.append(ToolCall(id=call_id(name, index), name=name, arguments=call.arguments))
    return calls


def with_own_ids(messages: Sequence[Message]) -> list[Message]:
    """The messages with every id in this form: those that have it keep it, others are numbered.

    A new number is above all numbers before it. A result is matched with the latest call of its
    id; a result that no call asked for keeps the id that it has.
    """
    renamed: dict[str, str] = {}
    following = 0
    rewritten: list[Message] = []
    for message in messages:
        calls: list[ToolCall] = []
        for call in message.tool_calls:
            index = _own_index(call)
            index = following if index is None else index
            following = max(following, index + 1)
            renamed[call.id] = call_id(call.name, index)
            calls.append(call.model_copy(update={"id": renamed[call.id]}))
        result = renamed.get(message.tool_call_id, message.tool_call_id)
        changes = {"tool_calls": tuple(calls), "tool_call_id": result}
        rewritten.append(message.model_copy(update=changes))
    return rewritten


def _own_index(call: ToolCall) -> int | None:
    """The number in a call's id, if the id is of this form and names the call's tool."""
    found = _ID.fullmatch(call.id)
    if found is None or not found["index"]:
        return None
    index = int(found["index"])
    return index if call.id == call_id(call.name, index) else None
