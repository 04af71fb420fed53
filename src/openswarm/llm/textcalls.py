"""Tool calls that a model wrote as text: `<tool_call>` tags, fenced blocks or bare JSON.

Strict: a call is a JSON object with a known tool's name and an object of arguments; nothing is
mended or guessed. Bounded: the time that a text takes grows with its length alone.
"""

import json
import re
import secrets
from collections.abc import Collection, Iterator
from typing import Any

from openswarm.core.messages import ToolCall

MAX_TEXT = 1024 * 1024
"""Characters; a longer text is taken to hold no calls."""
MAX_CALLS = 256
READINGS = 4
"""A text is given up when attempts at JSON have read it so many times over."""
_COST = 256
"""Characters that even the shortest failed attempt costs: making the error counts lines."""

_NAMES = ("name", "tool", "function", "tool_name")
_ARGUMENTS = ("arguments", "parameters", "args", "input")
_LISTS = ("tool_calls", "calls")
_VALUE = re.compile(r"\{\s*\"|\[\s*\{")
_OPENING = re.compile(r"(?:<tool_call>|```\w*)\s*\Z")
_CLOSING = re.compile(r"\s*(?:</tool_call>|```)")
_LONGEST_OPENING = 64
_DECODER = json.JSONDecoder()


def parse_text_calls(text: str, names: Collection[str]) -> tuple[str, tuple[ToolCall, ...]]:
    """The text without its calls, and the calls. A text without calls comes back as it is."""
    if len(text) > MAX_TEXT:
        return text, ()
    calls: list[ToolCall] = []
    kept: list[str] = []
    position = 0
    for start, end, value in _values(text):
        found = _calls(value, names)
        if not found or len(calls) + len(found) > MAX_CALLS:
            continue
        calls += found
        before, after = _without_marks(text, start, end)
        kept.append(text[position:before])
        position = after
    if not calls:
        return text, ()
    kept.append(text[position:])
    return "\n".join(part.strip() for part in kept if part.strip()), tuple(calls)


def new_call(name: str, arguments: dict[str, Any]) -> ToolCall:
    """A call with an id of its own, for models that give none."""
    identity = f"functions.{name}:{secrets.token_hex(4)}"
    return ToolCall(id=identity, name=name, arguments=json.dumps(arguments, ensure_ascii=False))


def _values(text: str) -> Iterator[tuple[int, int, Any]]:
    """The outermost JSON objects and lists of a text, with where they begin and end."""
    position, patience = 0, READINGS * len(text)
    while patience > 0 and (opening := _VALUE.search(text, position)):
        start = opening.start()
        try:
            value, position = _DECODER.raw_decode(text, start)
        except (ValueError, RecursionError) as error:
            position = start + 1
            patience -= max(getattr(error, "pos", len(text)) - start, _COST)
        else:
            yield start, position, value


def _without_marks(text: str, start: int, end: int) -> tuple[int, int]:
    """Where the text before a call ends, and where the text after it goes on."""
    earliest = max(start - _LONGEST_OPENING, 0)
    mark = _OPENING.search(text[earliest:start])
    if mark is None:
        return start, end
    closing = _CLOSING.match(text, end)
    return earliest + mark.start(), closing.end() if closing else end


def _calls(value: Any, names: Collection[str]) -> list[ToolCall]:
    """The calls of a value, if all of it is calls; else nothing."""
    if isinstance(value, dict):
        value = next((value[key] for key in _LISTS if isinstance(value.get(key), list)), [value])
    calls = [_call(entry, names) for entry in value]
    return [call for call in calls if call] if all(calls) else []


def _call(value: Any, names: Collection[str]) -> ToolCall | None:
    if isinstance(value, dict) and isinstance(value.get("function"), dict):
        value = value["function"]
    if not isinstance(value, dict):
        return None
    name = next((value[key] for key in _NAMES if key in value), None)
    arguments = next((value[key] for key in _ARGUMENTS if key in value), None)
    if isinstance(arguments, str):
        arguments = _parsed(arguments)
    if not isinstance(name, str) or name not in names or not isinstance(arguments, dict):
        return None
    return new_call(name, arguments)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
