"""The conversation of one agent, from the events of the journal."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import anyio.to_thread
import orjson

from openswarm.core.events import (
    ROOT,
    AnyEvent,
    ApprovalAsked,
    ApprovalGiven,
    Content,
    ContextCompacted,
    DocumentsOpened,
    ModelReplied,
    Nudged,
    Steered,
    TaskAssigned,
    ToolReturned,
)
from openswarm.journal.folder import read_blob
from openswarm.journal.lines import EVENTS_FILE, parse_line
from openswarm.server.failures import ApiError
from openswarm.server.runs.answers import Transcript, Turn
from openswarm.server.runs.calls import Asked
from openswarm.server.runs.journal_file import read_lines
from openswarm.server.runs.snapshot import tokens_of

SHOWN_CHARS = 20_000


async def transcript(asked: Asked) -> Transcript:
    """What was said to an agent and by it."""
    folder, agent = await asked.folder(), asked.query.agent
    found = await anyio.to_thread.run_sync(partial(transcript_of, folder, agent))
    if found is None:
        raise ApiError(404, f"there is no agent {agent[:80]!r}", kind="not_found")
    return found


def transcript_of(folder: Path, agent: str) -> Transcript | None:
    """The transcript of an agent; None where there is none. Blocks. Raises `JournalError`."""
    telling = _Telling(folder)
    system = brief = ""
    known = agent == ROOT
    for event in _events_of(folder, agent):
        known = True
        if isinstance(event, TaskAssigned):
            system, brief = telling.text(event.system), telling.text(event.brief)
        elif (turn := telling.turn(event)) is not None:
            telling.turns.append(turn)
    if not known:
        return None
    return Transcript(agent=agent, system=system, brief=brief, turns=telling.turns)


def _events_of(folder: Path, agent: str) -> Iterator[AnyEvent]:
    place, mark = 0, orjson.dumps(agent)
    while (lines := read_lines(folder, place)).end > place:
        for line in lines.entries:
            if mark in line.data:  # parsing costs much more than looking
                event = parse_line(line.data, str(folder / EVENTS_FILE))
                if event.agent == agent:
                    yield event
        place = lines.end


class _Telling:
    """Makes turns of events; long texts are cut."""

    def __init__(self, folder: Path) -> None:
        self.turns: list[Turn] = []
        self._folder = folder
        self._cut = False

    def text(self, content: Content) -> str:
        """Text that is kept, its beginning."""
        if not content.blob:
            return self._short(content.text)
        data = read_blob(self._folder, content.blob)
        return self._short(data[: 4 * SHOWN_CHARS + 4].decode("utf-8", "replace"))

    def _short(self, text: str) -> str:
        self._cut = self._cut or len(text) > SHOWN_CHARS
        return text[:SHOWN_CHARS]

    def turn(self, event: AnyEvent) -> Turn | None:
        """The turn that an event is; None for what is not said."""
        self._cut = False
        turn = self._turn(event)
        return turn.model_copy(update={"cut": self._cut}) if turn is not None else None

    def _turn(self, event: AnyEvent) -> Turn | None:
        at = {"seq": event.seq, "at": event.at}
        match event:
            case ModelReplied():
                return self._reply(event)
            case ToolReturned():
                return Turn(
                    **at, role="tool", text=self.text(event.text), call_id=event.call_id,
                    name=event.name, ok=event.ok, images=event.images,
                )  # fmt: skip
            case Steered():
                return Turn(**at, role="user", text=self._short(event.text), name=event.by)
            case _:
                said = self._own_words(event)
                return Turn(**at, role="openswarm", text=said) if said else None

    def _reply(self, event: ModelReplied) -> Turn:
        calls = tuple(
            call.model_copy(update={"arguments": self._short(call.arguments)})
            for call in event.calls
        )
        return Turn(
            seq=event.seq,
            at=event.at,
            role="assistant",
            text=self.text(event.text),
            reasoning=self.text(event.reasoning),
            calls=calls,
            tokens=tokens_of(event.usage),
            cost_usd=event.cost_usd,
        )

    def _own_words(self, event: AnyEvent) -> str:
        match event:
            case Nudged():
                return self._short(event.text)
            case DocumentsOpened():
                return self.text(event.text)
            case ContextCompacted():
                before, after = event.messages_before, event.messages_after
                return f"The conversation was shortened from {before} messages to {after}."
            case ApprovalAsked():
                return self._short(f"{event.tool} waits to be allowed: {event.command}")
            case ApprovalGiven():
                return self._short(f"{event.tool}: {event.answer}, by {event.by}")
            case _:
                return ""
