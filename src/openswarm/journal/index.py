"""The index of the runs of a home folder: a cache in SQLite, rebuilt from the run folders at will.

A run is read again only when its events file has changed. Nothing depends on the index: where it
is damaged it is made anew, where it cannot be written the runs are read.
"""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from openswarm.core.errors import JournalError
from openswarm.core.events import is_over
from openswarm.core.frozen import Frozen
from openswarm.core.result import Outcome
from openswarm.journal.fold import RunView
from openswarm.journal.folder import is_alive
from openswarm.journal.lines import EVENTS_FILE, read_events
from openswarm.journal.removal import remove

INDEX_FILE = "index.db"
RUNS_FOLDER = "runs"
SCHEMA = 1
PATIENCE_S = 2.0
"""How long another process that writes to the index is waited for."""
TASK_CHARS = 200
LAST = "last"
PLAIN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")
"""What the id of a run looks like: the name of its folder, which leads nowhere else."""
_CREATE = "CREATE TABLE run (run_id TEXT PRIMARY KEY, stamp TEXT NOT NULL, summary TEXT NOT NULL)"

Standing = Outcome | Literal["running", "interrupted", "damaged"]
"""How a run ended, or why it has not."""


class RunSummary(Frozen):
    """One run in a line. A live run is `running`; one without an answer is `interrupted`."""

    run_id: str
    started_at: float
    """Seconds since the epoch."""
    task: str = ""
    """The start of the task's text."""
    mode: str = ""
    outcome: Standing
    why: str = ""
    """For every outcome but `completed`: the reason."""
    sub_agents: int = 0
    cost_usd: float | None = None
    tokens: int = 0
    bytes: int = 0
    """The size of the run's folder."""


def list_runs(home: Path) -> list[RunSummary]:
    """The runs of `home`, newest first."""
    folders = {folder.name: folder for folder in _run_folders(home)}
    with closing(_open(home)) as database:
        known = _read(database)
        entries = {name: _entry(folder, known.get(name)) for name, folder in folders.items()}
        fresh = {name: entry for name, entry in entries.items() if entry is not known.get(name)}
        _write(database, fresh, gone=known.keys() - folders.keys())
    summaries = [_as_it_stands(entries[name][1], folder) for name, folder in folders.items()]
    return sorted(summaries, key=lambda run: (run.started_at, run.run_id), reverse=True)


def remove_run(home: Path, run_id: str) -> None:
    """Removes a run's folder. Raises `JournalError` for a live run and for what is no run's id."""
    folder = home / RUNS_FOLDER / run_id
    if not PLAIN_ID.fullmatch(run_id) or folder.is_symlink() or not folder.is_dir():
        raise _no_run(home, run_id)
    if is_alive(folder):
        raise JournalError(
            f"run {run_id} is alive; end it first with: openswarm kill {run_id}", "locked"
        )
    if problem := remove(folder):
        raise JournalError(f"cannot remove {folder}: {problem}", "disk")


def resolve_run(home: Path, text: str) -> Path:
    """The folder of a run, from its id, the start of its id, or `last`.

    The path of a run folder that lies elsewhere is taken as well. Raises `JournalError`, which
    names the runs that come near.
    """
    if PLAIN_ID.fullmatch(text) and (home / RUNS_FOLDER / text).is_dir():
        return home / RUNS_FOLDER / text
    if "/" in text and (Path(text) / EVENTS_FILE).is_file():
        return Path(text)
    if text == LAST:
        runs = list_runs(home)
        if not runs:
            raise _no_run(home, text)
        return home / RUNS_FOLDER / runs[0].run_id
    found = [folder for folder in _run_folders(home) if text and folder.name.startswith(text)]
    if len(found) > 1:
        names = ", ".join(sorted((folder.name for folder in found), reverse=True)[:5])
        raise JournalError(f"{text!r} is the start of {len(found)} runs: {names}", "no_run")
    if not found:
        raise _no_run(home, text)
    return found[0]


def _no_run(home: Path, text: str) -> JournalError:
    names = [folder.name for folder in _run_folders(home)]
    if not names:
        return JournalError('there are no runs yet; begin one with: openswarm run "…"', "no_run")
    near = get_close_matches(text, names, n=3, cutoff=0.3) or sorted(names, reverse=True)[:3]
    return JournalError(
        f"there is no run {text[:80]!r}; near are {', '.join(near)}; all: openswarm runs", "no_run"
    )


def _run_folders(home: Path) -> Iterator[Path]:
    with suppress(FileNotFoundError):
        for folder in (home / RUNS_FOLDER).iterdir():
            if PLAIN_ID.fullmatch(folder.name) and folder.is_dir() and not folder.is_symlink():
                yield folder


_Entry = tuple[str, RunSummary]
"""The stamp of an events file, and what was read from it."""


def _entry(folder: Path, known: _Entry | None) -> _Entry:
    """The known entry where it still holds; otherwise the run is read.

    A damaged run is always read: what one version cannot read, the next one may.
    """
    try:
        found = (folder / EVENTS_FILE).stat()
        stamp = f"{found.st_mtime_ns} {found.st_size}"
    except OSError:
        stamp = ""
    if known and known[0] == stamp and known[1].outcome != "damaged":
        return known
    return stamp, _summarise(folder)


def _summarise(folder: Path) -> RunSummary:
    view, over = RunView(), False
    try:
        for event in read_events(folder / EVENTS_FILE):
            view.apply(event)
            over = is_over(event, over)
        if view.task is None:
            raise JournalError("it ended before it began", "empty")
    except (JournalError, OSError) as error:
        return RunSummary(
            run_id=folder.name,
            started_at=view.started_at or folder.stat().st_mtime,
            outcome="damaged",
            why=str(error),
            bytes=_size(folder),
        )
    return RunSummary(
        run_id=folder.name,
        started_at=view.started_at,
        task=" ".join(view.task.text.split())[:TASK_CHARS],
        mode=view.mode,
        outcome=view.outcome if over and view.outcome else "interrupted",
        why=view.why if over else "",
        sub_agents=len(view.sub_agents),
        cost_usd=view.cost_usd,
        tokens=view.usage.total_tokens,
        bytes=_size(folder),
    )


def _as_it_stands(summary: RunSummary, folder: Path) -> RunSummary:
    """Whether a run is alive is seen from its lock, never from the index."""
    unfinished = summary.outcome in ("interrupted", "damaged")
    if unfinished and is_alive(folder):
        return summary.model_copy(update={"outcome": "running", "why": ""})
    return summary


def _size(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.lstat().st_size if path.is_file() else 0
    return total


def _open(home: Path) -> sqlite3.Connection:
    """The index; a damaged one is replaced, and one that cannot be had stays in memory."""
    path = home / INDEX_FILE
    for _ in range(2):
        try:
            return _prepared(sqlite3.connect(path, timeout=PATIENCE_S))
        except sqlite3.OperationalError:
            break
        except sqlite3.DatabaseError:
            with suppress(OSError):
                path.unlink()
    return _prepared(sqlite3.connect(":memory:"))


def _prepared(database: sqlite3.Connection) -> sqlite3.Connection:
    try:
        if database.execute("PRAGMA user_version").fetchone()[0] != SCHEMA:
            with database:
                database.execute("DROP TABLE IF EXISTS run")
                database.execute(_CREATE)
                database.execute(f"PRAGMA user_version = {SCHEMA}")
    except sqlite3.Error:
        database.close()
        raise
    return database


def _read(database: sqlite3.Connection) -> dict[str, _Entry]:
    known: dict[str, _Entry] = {}
    with suppress(sqlite3.Error):
        for run_id, stamp, summary in database.execute("SELECT run_id, stamp, summary FROM run"):
            with suppress(ValidationError):
                known[run_id] = (stamp, RunSummary.model_validate_json(summary))
    return known


def _write(database: sqlite3.Connection, fresh: dict[str, _Entry], gone: set[str]) -> None:
    with suppress(sqlite3.Error), database:
        database.executemany("DELETE FROM run WHERE run_id = ?", [(run_id,) for run_id in gone])
        database.executemany(
            "INSERT OR REPLACE INTO run VALUES (?, ?, ?)",
            [(run_id, stamp, run.model_dump_json()) for run_id, (stamp, run) in fresh.items()],
        )
