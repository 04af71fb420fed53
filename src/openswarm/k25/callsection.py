"""The section of tool calls in a reply: from markers and text to calls.

Owns where a call's arguments end. A marker inside a string of the arguments is part of the string,
unless the arguments are no JSON that way: then the first marker ends them. Nothing is mended: the
arguments are the text as it was written.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from openswarm.k25.callids import Asked
from openswarm.k25.tokens import CALL_ARGUMENTS, CALL_BEGIN, CALL_END

_CALL_MARKERS = (CALL_BEGIN, CALL_ARGUMENTS, CALL_END)


@dataclass(frozen=True, slots=True)
class Word:
    """A stretch of a reply: a marker, or text between markers."""

    text: str
    marker: bool = False


@dataclass(slots=True)
class _Call:
    """A call that is being read: what names it, then its arguments once they have begun."""

    identity: str = ""
    arguments: str | None = None
    closed: bool = False

    def asked(self) -> Asked:
        """The call; if the marker between is missing, the arguments begin with the first brace."""
        if self.arguments is not None:
            return Asked(self.identity, self.arguments)
        identity, brace, rest = self.identity.partition("{")
        return Asked(identity, brace + rest)


@dataclass(slots=True)
class CallSection:
    """The section that is being read. `drafted`: it began inside the model's reasoning."""

    drafted: bool
    ended: bool = False
    """Whether its end was written."""
    _words: list[Word] = field(default_factory=list[Word])
    _reading: "_Reading" = field(default_factory=lambda: _Reading(strings=True))

    def take(self, word: Word) -> bool:
        """Takes a word in, if it belongs to the section: text, a call's markers, and whatever
        stands inside a string of the arguments. Otherwise returns False."""
        if word.marker and not self._reading.quoting and word.text not in _CALL_MARKERS:
            return False
        self._words.append(word)
        self._reading.take(word)
        return True

    def calls(self) -> tuple[list[Asked], bool]:
        """The calls, and whether the section is whole: ended, and every call in it closed.

        A call that is not closed counts only if its arguments are a JSON object all the same.
        """
        calls = self._reading.calls
        if any(_has_marker(call.arguments) and not _is_object(call.arguments) for call in calls):
            calls = _reread(self._words)
        kept = [call.asked() for call in calls if call.closed or _is_object(call.asked().arguments)]
        whole = self.ended and not self._reading.quoting and all(call.closed for call in calls)
        return kept, whole


class _Reading:
    """One way to read the words of a section: with an eye on the strings in arguments, or not."""

    def __init__(self, *, strings: bool) -> None:
        self.calls: list[_Call] = []
        self.quoting = False
        """Whether a string of the arguments is open."""
        self._strings = strings
        self._escaped = False

    def take(self, word: Word) -> None:
        """Goes on by a word. Text outside of a call is nothing."""
        call = self.calls[-1] if self.calls and not self.calls[-1].closed else None
        if word.marker and not self.quoting:
            self._mark(word.text, call)
        elif call is not None and call.arguments is None:
            call.identity += word.text
        elif call is not None and call.arguments is not None:
            call.arguments += word.text
            if self._strings:
                self._follow(word.text)

    def _mark(self, marker: str, call: _Call | None) -> None:
        if marker == CALL_BEGIN:
            self.calls.append(_Call())
        elif call is not None and marker == CALL_ARGUMENTS:
            call.arguments = call.arguments or ""
        elif call is not None:
            call.closed = True

    def _follow(self, text: str) -> None:
        """Whether a string is open after this text; a backslash hides what comes next."""
        for letter in text:
            if self._escaped:
                self._escaped = False
            elif letter == '"':
                self.quoting = not self.quoting
            elif letter == "\\":
                self._escaped = self.quoting


def _reread(words: Iterable[Word]) -> list[_Call]:
    """The calls if markers count everywhere; the first that is no call's ends the section."""
    reading = _Reading(strings=False)
    for word in words:
        if word.marker and word.text not in _CALL_MARKERS:
            break
        reading.take(word)
    return reading.calls


def _has_marker(arguments: str | None) -> bool:
    return arguments is not None and any(marker in arguments for marker in ("<|", "think>"))


def _is_object(arguments: str | None) -> bool:
    try:
        return isinstance(json.loads(arguments or ""), dict)
    except (ValueError, RecursionError):
        return False
