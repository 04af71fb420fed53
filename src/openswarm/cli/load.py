"""Reading a run of any kind, live, finished or interrupted, from its folder."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from openswarm.cli.followed import Followed
from openswarm.core.errors import JournalError
from openswarm.core.events import AnyEvent, Content
from openswarm.core.result import RunResult
from openswarm.journal.folder import is_alive, read_blob
from openswarm.journal.journal import Stamping
from openswarm.journal.lines import EVENTS_FILE, read_events
from openswarm.modes.process import collecting_rarely
from openswarm.modes.result import result_of as result_of_view
from openswarm.swarm.stages import stats_of


@dataclass(frozen=True, slots=True)
class LoadedRun:
    """A run's events and what they say."""

    folder: Path
    events: tuple[AnyEvent, ...]
    followed: Followed

    @property
    def result(self) -> RunResult:
        """The result as it stands."""
        return result_of(self.followed, self.folder)


def load_run(folder: Path) -> LoadedRun:
    """Reads a run. Raises `JournalError` where it is damaged or from a newer version."""
    followed = Followed()
    with collecting_rarely():
        events = tuple(read_events(folder / EVENTS_FILE))
        for event in events:
            followed.take(event)
    return LoadedRun(folder, events, followed)


def result_of(followed: Followed, folder: Path) -> RunResult:
    """The result of a run that was followed; one without an answer is partial and says so."""
    view = followed.view
    stats = stats_of(followed.stages, view.usage, view.cost_usd, followed.elapsed())
    result = result_of_view(view, lambda content: _text(folder, content), stats, str(folder))
    if view.outcome is not None:
        return result
    why = "it was interrupted"
    if is_alive(folder):
        why = f"it is still running; follow it with: openswarm watch {folder.name}"
    changes = {"run_id": view.run_id or folder.name, "outcome": "partial", "why": why}
    return result.model_copy(update=changes)


def _text(folder: Path, content: Content) -> str:
    return read_blob(folder, content.blob).decode() if content.blob else content.text


def journal_of(loaded: LoadedRun) -> "ReadOnlyJournal":
    """The journal of a run that is only looked at."""
    return ReadOnlyJournal(loaded)


class ReadOnlyJournal(Stamping):
    """Reads what a run folder keeps; it takes no lock and writes nothing."""

    def __init__(self, loaded: LoadedRun) -> None:
        super().__init__(loaded.folder.name, lambda: 0.0)
        self._loaded = loaded

    def _record(self, event: AnyEvent) -> None:
        raise JournalError(f"run {self.run_id} is only looked at", "read_only")

    def _keep_blob(self, name: str, data: bytes) -> None:
        raise JournalError(f"run {self.run_id} is only looked at", "read_only")

    def _read_blob(self, name: str) -> bytes:
        return read_blob(self._loaded.folder, name)

    async def commit(self) -> None:
        """See `Journal.commit`; there is nothing to write."""

    def events(self) -> Sequence[AnyEvent]:
        """See `Journal.events`."""
        return self._loaded.events
