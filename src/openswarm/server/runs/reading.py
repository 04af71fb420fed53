"""Runs as they stand, folded once for all who look at them and carried on as they grow."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread

from openswarm.core.errors import JournalError
from openswarm.core.events import AnyEvent, Content, ModeChosen
from openswarm.core.result import RunResult
from openswarm.journal.fold import RunView
from openswarm.journal.folder import read_blob
from openswarm.journal.lines import EVENTS_FILE, parse_line
from openswarm.modes.result import result_of
from openswarm.server.failures import ApiError
from openswarm.server.runs.journal_file import read_lines
from openswarm.swarm.stages import Stages, stats_of

KEPT_RUNS = 12
T = TypeVar("T")


@dataclass(slots=True)
class Reading:
    """One run, folded up to a place in its file."""

    folder: Path
    view: RunView = field(default_factory=RunView)
    stages: Stages = field(default_factory=Stages)
    width: int = 0
    """How many sub-agents were expected."""
    place: int = 0
    inode: int = 0
    kept: dict[str, bytes] = field(default_factory=dict)
    """What was made of it as it stands."""

    def read_on(self) -> None:
        """Takes the events that are new. Blocks. Raises `JournalError` for damage."""
        while (lines := read_lines(self.folder, self.place)).end > self.place:
            self.kept.clear()
            for line in lines.entries:
                self._apply(parse_line(line.data, str(self.folder / EVENTS_FILE)))
            self.place = lines.end
        if self.view.task is None:
            raise JournalError(f"run {self.folder.name} ended before it began", "empty")

    def _apply(self, event: AnyEvent) -> None:
        self.view.apply(event)
        self.stages.apply(event)
        if isinstance(event, ModeChosen):
            self.width = event.width

    def text(self, content: Content) -> str:
        """Text that the run keeps. Blocks. Raises `JournalError`."""
        if not content.blob:
            return content.text
        return read_blob(self.folder, content.blob).decode("utf-8", "replace")

    def result(self) -> RunResult:
        """The run's result as it stands. Blocks. Raises `JournalError`."""
        view = self.view
        stats = stats_of(self.stages, view.usage, view.cost_usd, self.worked_s(view.last_at))
        return result_of(view, self.text, stats, str(self.folder))

    def worked_s(self, now: float) -> float:
        """Seconds of work, up to now where work is under way."""
        view = self.view
        since = view.working_since
        return view.worked_s + (max(0.0, now - since) if since is not None else 0.0)


@dataclass(slots=True)
class _Slot:
    lock: anyio.Lock = field(default_factory=anyio.Lock)
    reading: Reading | None = None


class Readings:
    """The runs that were looked at last."""

    def __init__(self) -> None:
        self._slots: OrderedDict[Path, _Slot] = OrderedDict()

    async def use(self, folder: Path, look: Callable[[Reading], T]) -> T:
        """What `look`, which may block, finds in a run as it stands now.

        Raises `ApiError` for a run that has no events, `JournalError` for one that is damaged.
        """
        slot = self._slots.setdefault(folder, _Slot())
        self._slots.move_to_end(folder)
        while len(self._slots) > KEPT_RUNS:
            self._slots.popitem(last=False)
        async with slot.lock:
            return await anyio.to_thread.run_sync(_use, slot, folder, look)

    async def outcome(self, folder: Path) -> str:
        """How a run that nobody works on ended."""
        try:
            return await self.use(folder, lambda run: run.view.outcome) or "interrupted"
        except (JournalError, ApiError):
            return "damaged"


def _use(slot: _Slot, folder: Path, look: Callable[[Reading], T]) -> T:
    reading, slot.reading = slot.reading, None
    try:
        found = (folder / EVENTS_FILE).stat()
    except FileNotFoundError:
        raise JournalError(f"{folder} is not a run: it has no {EVENTS_FILE}", "no_run") from None
    if reading is None or reading.inode != found.st_ino or reading.place > found.st_size:
        reading = Reading(folder, inode=found.st_ino)
    reading.read_on()
    slot.reading = reading  # not where it broke: what is damaged is read anew
    return look(reading)
