"""From a conversation to the task of a run: the last thing asked, with what was said before."""

from collections.abc import Sequence

from openswarm.core.messages import Message
from openswarm.server.failures import bad_request

EARLIER_CHARS = 100_000
"""So much of the conversation before the task is kept, its end."""
_NAMES = {"system": "Instructions", "user": "User", "assistant": "Answer", "tool": "Tool"}


def task_text(messages: Sequence[Message]) -> str:
    """The text of the task. Raises `ApiError` where there is none."""
    last = next((m for m in reversed(messages) if m.role == "user" and m.text.strip()), None)
    if last is None:
        raise bad_request("there is no message of a user with a text in it", "messages")
    asked = len(messages) - 1 - [*reversed(messages)].index(last)
    earlier = [f"{_NAMES[m.role]}: {m.text}" for m in messages[:asked] if m.text.strip()]
    if not earlier:
        return last.text
    before = "\n\n".join(earlier)[-EARLIER_CHARS:]
    return f"{last.text}\n\nThis was said before, in the same conversation:\n\n{before}"
