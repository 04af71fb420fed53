"""The index of the runs of a home folder."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from openswarm.core.errors import JournalError
from openswarm.core.events import Answered, Content, ModelReplied, Resumed, RunStarted, TaskAssigned
from openswarm.core.messages import Usage
from openswarm.core.task import Task
from openswarm.journal import index
from openswarm.journal.folder import FolderJournal
from openswarm.journal.index import INDEX_FILE, list_runs, remove_run, resolve_run


def begin(home: Path, run_id: str, at: float = 1_000.0, text: str = "a task") -> FolderJournal:
    """A run that has begun and is alive until its journal is closed."""
    ticks: Iterator[float] = iter([at + step for step in range(100)])
    journal = FolderJournal.create(home / "runs" / run_id, clock=lambda: next(ticks))
    journal.append(
        RunStarted(task=Task(text=text), model="scripted", subagent_model="scripted", openswarm="0")
    )
    journal.append(TaskAssigned(agent="root/1", system=Content(), brief=Content()))
    journal.append(
        ModelReplied(
            agent="root/1", model="m", usage=Usage(input_tokens=90, output_tokens=10), cost_usd=0.5
        )
    )
    return journal


def finish(home: Path, run_id: str, at: float = 1_000.0) -> None:
    """A run that is over."""
    journal = begin(home, run_id, at)
    journal.append(Answered(outcome="completed", text=Content(text="Yes.")))
    journal.close()


def outcomes(home: Path) -> dict[str, str]:
    return {run.run_id: run.outcome for run in list_runs(home)}


@pytest.mark.requirement("journal.index")
def test_runs_are_listed_newest_first_with_their_figures(home: Path) -> None:
    finish(home, "b-old", at=1_000)
    finish(home, "a-new", at=2_000)
    newest, oldest = list_runs(home)
    assert (newest.run_id, oldest.run_id) == ("a-new", "b-old")
    assert (newest.task, newest.outcome, newest.sub_agents) == ("a task", "completed", 1)
    assert (newest.tokens, newest.cost_usd, newest.started_at) == (100, 0.5, 2_000.0)
    assert newest.bytes >= (home / "runs" / "a-new" / "events.jsonl").stat().st_size


def test_a_home_without_runs_has_none(home: Path) -> None:
    assert list_runs(home) == []


def test_a_run_without_an_answer_is_running_while_its_lock_is_held_and_then_interrupted(
    home: Path,
) -> None:
    journal = begin(home, "one")
    assert outcomes(home) == {"one": "running"}
    journal.close()
    assert outcomes(home) == {"one": "interrupted"}


def test_a_resumed_run_that_died_is_interrupted_again(home: Path) -> None:
    finish(home, "one")
    journal = FolderJournal.reopen(home / "runs" / "one")
    journal.append(Resumed())
    journal.close()
    assert outcomes(home) == {"one": "interrupted"}


@pytest.mark.requirement("journal.index")
def test_only_runs_that_changed_are_read_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    finish(home, "one")
    finish(home, "two")
    list_runs(home)
    read: list[str] = []
    real = index.read_events
    monkeypatch.setattr(
        index, "read_events", lambda file: read.append(file.parent.name) or real(file)
    )
    journal = FolderJournal.reopen(home / "runs" / "two")
    journal.append(Resumed())
    journal.close()
    list_runs(home)
    list_runs(home)
    assert read == ["two"]


@pytest.mark.requirement("journal.index")
def test_a_damaged_index_is_made_anew_without_a_word(home: Path) -> None:
    finish(home, "one")
    list_runs(home)
    (home / INDEX_FILE).write_bytes(b"this is no database at all" * 100)
    assert outcomes(home) == {"one": "completed"}
    with sqlite3.connect(home / INDEX_FILE) as database:
        assert database.execute("SELECT run_id FROM run").fetchall() == [("one",)]
    database.close()


def test_an_index_of_another_version_is_made_anew(home: Path) -> None:
    finish(home, "one")
    with sqlite3.connect(home / INDEX_FILE) as database:
        database.execute("CREATE TABLE run (something TEXT)")
        database.execute("PRAGMA user_version = 99")
    database.close()
    assert outcomes(home) == {"one": "completed"}


def test_an_index_that_another_process_holds_does_not_stop_the_listing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish(home, "one")
    monkeypatch.setattr(index, "PATIENCE_S", 0.05)
    database = sqlite3.connect(home / INDEX_FILE)
    database.execute("BEGIN EXCLUSIVE")
    assert outcomes(home) == {"one": "completed"}
    database.close()


def test_a_damaged_run_is_listed_with_the_reason(home: Path) -> None:
    finish(home, "good")
    finish(home, "bad")
    events = home / "runs" / "bad" / "events.jsonl"
    events.write_bytes(events.read_bytes().replace(b'"task_assigned"', b'"nonsense"'))
    (home / "runs" / "empty").mkdir()
    found = {run.run_id: run for run in list_runs(home)}
    assert found["good"].outcome == "completed"
    assert (found["bad"].outcome, found["empty"].outcome) == ("damaged", "damaged")
    assert "line 2" in found["bad"].why
    assert "events.jsonl" in found["empty"].why


def test_a_run_that_another_version_took_for_damaged_is_read_again(home: Path) -> None:
    finish(home, "one")
    (run,) = list_runs(home)
    unread = run.model_copy(update={"outcome": "damaged", "why": "a field that was new then"})
    with sqlite3.connect(home / INDEX_FILE) as database:
        database.execute("UPDATE run SET summary = ?", [unread.model_dump_json()])
    database.close()
    assert outcomes(home) == {"one": "completed"}


@pytest.mark.requirement("bad.newer-run")
def test_a_run_of_a_newer_version_is_damaged_and_names_the_upgrade(home: Path) -> None:
    finish(home, "newer")
    events = home / "runs" / "newer" / "events.jsonl"
    events.write_bytes(events.read_bytes().replace(b'"v":1', b'"v":9,"new":1'))
    (run,) = list_runs(home)
    assert run.outcome == "damaged"
    assert "pip install -U openswarm" in run.why


def test_a_removed_run_leaves_the_listing(home: Path) -> None:
    finish(home, "one")
    finish(home, "two")
    list_runs(home)
    remove_run(home, "one")
    assert outcomes(home) == {"two": "completed"}
    assert not (home / "runs" / "one").exists()


def test_a_live_run_is_not_removed(home: Path) -> None:
    journal = begin(home, "one")
    with pytest.raises(JournalError, match="openswarm kill one"):
        remove_run(home, "one")
    journal.close()
    assert (home / "runs" / "one" / "events.jsonl").exists()


@pytest.mark.parametrize("name", ["", ".", "..", "../kept", "/etc", "one/blobs", "link", "one\n"])
def test_nothing_but_a_run_is_removed(home: Path, name: str) -> None:
    finish(home, "one")
    (home / "kept").mkdir()
    (home / "runs" / "link").symlink_to(home / "kept")
    with pytest.raises(JournalError):
        remove_run(home, name)
    assert (home / "kept").is_dir()
    assert (home / "runs" / "one" / "blobs").is_dir()


def test_a_run_is_found_by_its_id_the_start_of_it_and_last(home: Path) -> None:
    finish(home, "20260101-1", at=1_000)
    finish(home, "20260102-2", at=2_000)
    runs = home / "runs"
    assert resolve_run(home, "20260101-1") == runs / "20260101-1"
    assert resolve_run(home, "20260102") == runs / "20260102-2"
    assert resolve_run(home, "last") == runs / "20260102-2"


def test_a_run_folder_that_lies_elsewhere_is_found_by_its_path(home: Path, tmp_path: Path) -> None:
    finish(tmp_path / "other", "one")
    assert resolve_run(home, str(tmp_path / "other" / "runs" / "one")).name == "one"


def test_a_start_that_fits_several_runs_names_them(home: Path) -> None:
    finish(home, "20260101-1")
    finish(home, "20260101-2")
    with pytest.raises(JournalError, match="20260101-2, 20260101-1"):
        resolve_run(home, "2026")


def test_an_unknown_run_names_what_comes_near(home: Path) -> None:
    with pytest.raises(JournalError, match="no runs yet"):
        resolve_run(home, "last")
    finish(home, "20260101-abc")
    with pytest.raises(JournalError, match="20260101-abc"):
        resolve_run(home, "20260101-abd")
    with pytest.raises(JournalError):
        resolve_run(home, "")
