"""What a model wrote, apart: its reasoning, its text, its tool calls.

Owns the reading of replies as they stream in. Forgiving about order, as models err: markers that
are missing, doubled or cut never show up in the text, and whatever can be read is kept. The same
reply gives the same result however it is cut into pieces. Knows no tokens.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, Literal

from openswarm.core.messages import ToolCall
from openswarm.k25.callids import Asked, numbered
from openswarm.k25.callsection import CallSection, Word
from openswarm.k25.tokens import (
    CALL_BEGIN,
    END_THINK,
    IM_ASSISTANT,
    IM_END,
    IM_SYSTEM,
    IM_USER,
    MARKERS,
    SECTION_BEGIN,
    SECTION_END,
    THINK,
)

MAX_CALLS: Final = 256
"""Calls of one reply; a model that writes more has lost its way, and the rest is not taken."""
SURE: Final = 4
"""From so many letters on, the beginning of `<think>` at the end is a marker that was cut."""
ENDS: Final = (IM_END, IM_USER, IM_ASSISTANT, IM_SYSTEM)
"""Markers after which nothing belongs to the reply."""
_MARKER = re.compile("|".join(map(re.escape, MARKERS)))


@dataclass(frozen=True, slots=True)
class ReplyDelta:
    """A piece of a reply that can be shown as it comes."""

    kind: Literal["reasoning", "text"]
    text: str


@dataclass(frozen=True, slots=True)
class ParsedReply:
    """A whole reply. Its calls are known at the end only, once all of it has been read."""

    text: str
    reasoning: str
    calls: tuple[ToolCall, ...]
    whole: bool
    """Whether nothing is missing: no marker, thought or call was cut, and no call had to go."""
    held: tuple[ReplyDelta, ...] = ()
    """What `feed` had held back, because it could have been the beginning of a marker."""


class ReplyParser:
    """Reads one reply. `feed` gives what can be shown, `finish` the whole."""

    def __init__(self, thinking: bool, *, calls_before: int = 0) -> None:
        """`thinking`: the prompt ended with `<think>`. `calls_before`: the calls of the chat so
        far, from which calls are numbered if their ids cannot be kept."""
        self._kind: Literal["reasoning", "text"] = "reasoning" if thinking else "text"
        self._calls_before = calls_before
        self._pending = ""
        self._shown: dict[str, list[str]] = {"reasoning": [], "text": []}
        self._section: CallSection | None = None
        self._sections: list[CallSection] = []
        self._ended = False

    def feed(self, text: str) -> list[ReplyDelta]:
        """Takes the next piece; returns what it adds to the reasoning and to the text."""
        words, self._pending = _words(self._pending + text)
        return self._show(words)

    def literal(self, text: str) -> list[ReplyDelta]:
        """Takes text whose letters are known to be no markers, whatever they spell."""
        return self._show(self._released() + ([Word(text)] if text else []))

    def marker(self, name: str) -> list[ReplyDelta]:
        """Takes a marker that is known to be one."""
        return self._show([*self._released(), Word(name, marker=True)])

    def finish(self) -> ParsedReply:
        """The whole reply, after the last piece."""
        cut = not self._ended and _is_cut(self._pending)
        rest = [] if cut or not self._pending else [Word(self._pending)]
        self._pending = ""
        held = self._show(rest)
        asked, sound = self._asked()
        calls = [call for call in numbered(asked[:MAX_CALLS], self._calls_before) if call]
        thought = self._kind == "text" or bool(calls)
        return ParsedReply(
            text="".join(self._shown["text"]),
            reasoning="".join(self._shown["reasoning"]),
            calls=tuple(calls),
            whole=thought and sound and not cut and len(calls) == len(asked),
            held=tuple(held),
        )

    def _released(self) -> list[Word]:
        """What was held back and is mere text now, as something else than its rest follows."""
        rest, self._pending = self._pending, ""
        return [Word(rest)] if rest else []

    def _show(self, words: list[Word]) -> list[ReplyDelta]:
        deltas: list[ReplyDelta] = []
        for word in words:
            if not self._takes(word):
                continue
            self._shown[self._kind].append(word.text)
            if deltas and deltas[-1].kind == self._kind:
                deltas[-1] = replace(deltas[-1], text=deltas[-1].text + word.text)
            else:
                deltas.append(ReplyDelta(self._kind, word.text))
        return deltas

    def _takes(self, word: Word) -> bool:
        """Goes on by a word; returns whether it is shown."""
        if self._ended or (self._section is not None and self._section.take(word)):
            return False
        if not word.marker:
            return True
        self._mark(word)
        return False

    def _mark(self, word: Word) -> None:
        """Goes on by a marker; one that means nothing here is passed over."""
        section, self._section = self._section, None
        if word.text == SECTION_END and section is not None:
            section.ended = True
        elif word.text in (SECTION_BEGIN, CALL_BEGIN):
            self._section = section or self._opened()
            if word.text == CALL_BEGIN:
                self._section.take(word)
        elif word.text == END_THINK:
            self._kind = "text"
            # A section inside of a thought that goes on was a draft of the model's.
            self._sections = [each for each in self._sections if not each.drafted]
        elif word.text == THINK:
            self._kind = "reasoning"
        elif word.text in ENDS:
            self._ended = True
        else:
            self._section = section

    def _opened(self) -> CallSection:
        section = CallSection(drafted=self._kind == "reasoning")
        self._sections.append(section)
        return section

    def _asked(self) -> tuple[list[Asked], bool]:
        """All calls in their order, and whether all sections are whole."""
        read = [section.calls() for section in self._sections]
        return [call for calls, _ in read for call in calls], all(whole for _, whole in read)


def _words(text: str) -> tuple[list[Word], str]:
    """The markers of a text and what is between them; and an end that could become a marker."""
    opening = text.rfind("<")
    tail = text[opening:] if opening >= 0 else ""
    open_end = bool(tail) and any(mark != tail and mark.startswith(tail) for mark in MARKERS)
    complete = text[:opening] if open_end else text
    return list(_cut(complete)), tail if open_end else ""


def _cut(text: str) -> Iterator[Word]:
    start = 0
    for found in _MARKER.finditer(text):
        if found.start() > start:
            yield Word(text[start : found.start()])
        yield Word(found[0], marker=True)
        start = found.end()
    if start < len(text):
        yield Word(text[start:])


def _is_cut(pending: str) -> bool:
    """Whether the end of a reply is the beginning of a marker rather than a mere `<`."""
    return pending.startswith("<|") or len(pending) >= SURE
