"""What is known of a run while it is followed."""

from openswarm.cli.followed import Followed
from openswarm.core.columns import parse_columns
from openswarm.core.events import (
    Answered,
    Content,
    ModelReplied,
    ReportReceived,
    RowsMerged,
    RunStarted,
    TaskAssigned,
    Tick,
)
from openswarm.core.table import Cell, Row
from openswarm.core.task import Task
from openswarm.journal.journal import MemoryJournal

NONE = Content()


def started() -> RunStarted:
    task = Task(text="t", contract=parse_columns("country; capital"))
    return RunStarted(task=task, model="m", subagent_model="m", openswarm="0")


def test_an_event_that_comes_twice_counts_once() -> None:
    journal, followed = MemoryJournal(), Followed()
    journal.append(started())
    journal.append(ModelReplied(model="m"))
    for event in (*journal.events(), *journal.events()):
        followed.take(event)
    assert followed.stages.total_steps == 1


def test_what_an_agent_writes_is_kept_until_its_reply_and_bounded() -> None:
    journal, followed = MemoryJournal(), Followed()
    journal.observe(followed.take)
    for _ in range(100):
        journal.tick(Tick(agent="root/1", kind="text", text="x" * 100))
    journal.tick(Tick(agent="root/2", kind="text", text="half"))
    journal.tick(Tick(agent="root/2", kind="restart"))
    assert len(followed.writing["root/1"]) == 2_000
    assert "root/2" not in followed.writing
    journal.append(ModelReplied(agent="root/1", model="m"))
    assert not followed.writing


def test_progress_is_shown_until_something_happens() -> None:
    journal, followed = MemoryJournal(), Followed()
    journal.observe(followed.take)
    journal.tick(Tick(agent="root", kind="progress", text="reading documents 3/9"))
    assert followed.progress == "reading documents 3/9"
    journal.append(ModelReplied(model="m"))
    assert followed.progress == ""


def test_items_without_a_row_are_missing_and_those_with_one_are_not() -> None:
    journal, followed = MemoryJournal(), Followed()
    journal.observe(followed.take)
    journal.append(started())
    for number, item in enumerate(("Laos", "Peru", "Laos"), 1):
        journal.append(TaskAssigned(agent=f"root/{number}", item=item, system=NONE, brief=NONE))
    row = Row(cells={"country": Cell(value="PERU"), "capital": Cell(value="Lima")})
    journal.append(RowsMerged(rows=(row,), places=((2, 0),)))
    journal.append(ReportReceived(agent="root/1", outcome="failed", why="tool: error"))
    journal.append(ReportReceived(agent="root/2", outcome="partial", why="late"))
    journal.append(ReportReceived(agent="root/3", outcome="failed", why="model: refused"))
    assert [(agent.item, agent.path) for agent in followed.missing()] == [("Laos", "root/3")]
    assert followed.expected_rows() == 2


def test_the_clock_stops_with_the_answer() -> None:
    times = iter([100.0, 107.0])
    journal, followed = MemoryJournal(clock=lambda: next(times)), Followed()
    journal.observe(followed.take)
    journal.append(started())
    assert followed.elapsed(now=103.0) == 3.0
    journal.append(Answered(outcome="completed", text=NONE))
    assert followed.elapsed(now=500.0) == 7.0
