"""Plain lines: one for each thing worth knowing, never a flood."""

from collections.abc import Iterator

import pytest

from openswarm.cli.followed import Followed
from openswarm.cli.plain import PlainLines
from openswarm.core.events import (
    Answered,
    CapacityChanged,
    Content,
    Event,
    Failed,
    ModeChosen,
    ModelReplied,
    ReportReceived,
    RunStarted,
    TaskAssigned,
    Tick,
    ToolCalled,
)
from openswarm.core.task import Task
from openswarm.journal.journal import MemoryJournal

NONE = Content()


class Written:
    """A run of which the lines are kept; each event comes `step_s` after the one before."""

    def __init__(self, step_s: float = 1.0) -> None:
        times: Iterator[float] = iter(1_000 + step_s * number for number in range(1_000_000))
        self.lines: list[str] = []
        self.plain = PlainLines(Followed(), self.lines.append)
        self.journal = MemoryJournal("run-1", clock=lambda: next(times))
        self.journal.observe(self.plain.take)
        task = Task(text="a wide task")
        self.journal.append(RunStarted(task=task, model="m", subagent_model="m", openswarm="0"))

    def assign(self, number: int, stage: int = 1) -> None:
        self.journal.append(
            TaskAssigned(
                agent=f"root/{number}", item=f"item {number}", stage=stage, system=NONE, brief=NONE
            )
        )

    def append(self, event: Event) -> None:
        self.journal.append(event)


@pytest.mark.requirement("cli.plain")
def test_a_small_run_tells_its_story() -> None:
    written = Written()
    written.append(ModeChosen(mode="swarm", why="several items"))
    written.append(ToolCalled(call_id="c", name="assign_batch", brief='{"items": 2}'))
    written.assign(1)
    written.assign(2)
    written.append(ModelReplied(agent="root/1", model="m"))
    written.append(ReportReceived(agent="root/1", outcome="completed"))
    written.append(ReportReceived(agent="root/2", outcome="failed", why="model: refused"))
    written.append(Answered(outcome="partial", why="1 row is missing", text=NONE))
    assert written.lines == [
        "[ 0:00] run run-1, m: a wide task",
        "[ 0:01] mode swarm: several items",
        "[ 0:02] calls assign_batch items: 2",
        "[ 0:05] stage 1: 2 sub-agents: item 1, item 2",
        "[ 0:06] root/1 item 1: completed, 1 step",
        "[ 0:07] root/2 item 2: failed (model: refused), 0 steps",
        "[ 0:08] partial: 1 row is missing",
    ]


@pytest.mark.requirement("cli.plain")
@pytest.mark.parametrize("agents", [300, 1_000])
def test_hundreds_of_sub_agents_make_few_lines(agents: int) -> None:
    written = Written(step_s=0.01)
    for number in range(agents):
        written.assign(number)
    for number in range(agents):
        outcome = "failed" if number % 3 == 0 else "completed"
        written.append(CapacityChanged(resource="api", capacity=number + 1, reason="grew"))
        written.append(ReportReceived(agent=f"root/{number}", outcome=outcome, why="x"))
    assert len(written.lines) <= 30
    assert f"{agents:,} of {agents:,} sub-agents done" in written.lines[-1]


def test_failures_beyond_the_first_ten_are_left_to_the_figures() -> None:
    written = Written()
    for number in range(50):
        written.append(Failed(agent=f"root/{number}", boundary="tool", kind="error", message="no"))
    assert len([line for line in written.lines if "tool error: no" in line]) == 10


def test_progress_comes_every_ten_seconds_at_the_most() -> None:
    written = Written()
    for number in range(1_000):
        written.journal.tick(Tick(agent="root", kind="progress", text=f"document {number}"))
    assert written.lines[1:] == ["[ 0:00] document 0"]


@pytest.mark.requirement("cli.untrusted-text")
def test_text_of_models_is_cleaned_and_kept_to_a_line() -> None:
    written = Written()
    written.append(ToolCalled(call_id="c", name="search", brief="\x1b[2J" + "long\n" * 200))
    assert "\x1b" not in written.lines[-1]
    assert len(written.lines[-1]) < 320


def test_what_is_replayed_makes_no_lines() -> None:
    written = Written()
    past = MemoryJournal("run-1")
    past.append(ModeChosen(mode="swarm", why="x"))
    plain = PlainLines(Followed(), written.lines.append)
    plain.replay(past.events()[0])
    plain.take(past.events()[0])
    assert len(written.lines) == 1
    assert plain.followed.view.mode == "swarm"
