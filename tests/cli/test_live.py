"""The live view: what is on the screen, and that it fits and is cheap."""

import io
from itertools import count

import anyio
import pytest
from rich.console import Console
from trio.testing import MockClock

from openswarm.cli.followed import Followed
from openswarm.cli.live import LiveView
from openswarm.cli.screen import screen
from openswarm.core.columns import parse_columns
from openswarm.core.events import (
    Admitted,
    ApprovalAsked,
    ApprovalGiven,
    CapacityChanged,
    Content,
    ModeChosen,
    ModelReplied,
    ReportReceived,
    Requeued,
    RunStarted,
    TaskAssigned,
    Tick,
    ToolCalled,
)
from openswarm.core.limits import Limits
from openswarm.core.messages import Usage
from openswarm.core.task import Task
from openswarm.journal.journal import MemoryJournal

pytestmark = pytest.mark.anyio
NONE = Content()


def followed_run(
    agents: int, *, text: str = "Facts on countries"
) -> tuple[MemoryJournal, Followed]:
    """A run with so many sub-agents: a fifth done, one of them failed, a fifth running, one
    suspended, the rest queued."""
    journal, followed = MemoryJournal("run-1", clock=lambda: 1_000.0), Followed()
    journal.observe(followed.take)
    limits = Limits(usd=5.0, tokens=1_000_000)
    task = Task(text=text, limits=limits, contract=parse_columns("country; capital"))
    journal.append(RunStarted(task=task, model="moonshot/k", subagent_model="m", openswarm="0"))
    journal.append(ModeChosen(mode="swarm", why="several items"))
    journal.append(TaskAssigned(system=NONE, brief=NONE))
    for number in range(1, agents + 1):
        journal.append(
            TaskAssigned(
                agent=f"root/{number}", item=f"Country {number}", stage=1, system=NONE, brief=NONE
            )
        )
    for number in range(1, 2 * agents // 5 + 1):
        path = f"root/{number}"
        journal.append(Admitted(agent=path))
        usage = Usage(input_tokens=1_400, output_tokens=100)
        journal.append(ModelReplied(agent=path, model="m", usage=usage, cost_usd=0.001))
        journal.append(ToolCalled(agent=path, call_id="c", name="open", brief="chile.md"))
    for number in range(1, agents // 5 + 1):
        outcome = "failed" if number == 1 else "completed"
        journal.append(ReportReceived(agent=f"root/{number}", outcome=outcome, why="it broke"))
    if agents >= 5:
        journal.append(Requeued(agent=f"root/{2 * agents // 5}", reason="the endpoint is full"))
        journal.append(CapacityChanged(resource="api.moonshot.ai", capacity=20, reason="429"))
    return journal, followed


def drawn(
    followed: Followed,
    width: int = 110,
    height: int = 40,
    now: float = 1_065.0,
    notice: str = "",
) -> list[str]:
    """The screen as lines of text."""
    file = io.StringIO()
    console = Console(file=file, width=width, height=height, force_terminal=True, color_system=None)
    console.print(screen(followed, console, now, notice))
    return file.getvalue().splitlines()


@pytest.mark.requirement("cli.live")
def test_the_header_tells_mode_budget_capacity_and_critical_steps() -> None:
    lines = drawn(followed_run(20)[1])
    assert lines[0].startswith("openswarm run-1  swarm  several items")
    assert lines[1] == "Facts on countries"
    budget = "1:05 of 1:00:00 · $0.0080 of $5.00 · 12.0k tokens of 1.0M · 8 steps · 1 critical"
    assert lines[2] == f"{budget} · moonshot/k"
    assert lines[3] == "api.moonshot.ai admits 20 at once"


def test_an_address_that_is_told_is_whole_on_a_narrow_terminal() -> None:
    address = f"watch it: http://127.0.0.1:8700/#/run/20260401-101500-a1b2c3?token={'t' * 32}"
    lines = drawn(followed_run(20)[1], width=80, height=24, notice=address)
    at = next(number for number, line in enumerate(lines) if line.startswith("watch it"))
    assert lines[at].rstrip() + lines[at + 1].rstrip() == address
    assert len(lines) <= 24


@pytest.mark.requirement("cli.live")
def test_states_outcomes_and_rows_are_counted() -> None:
    lines = drawn(followed_run(20)[1])
    counts = lines[5].split("  ")
    assert counts[0] == "20 sub-agents"
    assert {"3 running", "1 suspended", "12 queued", "3 completed", "1 failed"} <= set(counts)
    assert counts[-1] == "0 of 20 rows"
    assert len(lines[6]) == 110


def test_agents_that_work_come_first_then_those_that_are_done_then_the_queue() -> None:
    lines = drawn(followed_run(20)[1])
    paths = [line.split()[0] for line in lines if line.startswith("root")]
    assert paths[0] == "root"
    assert paths[1:5] == ["root/5", "root/6", "root/7", "root/8"]
    assert set(paths[5:9]) == {"root/1", "root/2", "root/3", "root/4"}
    assert paths[9:] == [f"root/{number}" for number in range(9, 21)]


@pytest.mark.requirement("cli.live")
def test_a_row_shows_item_state_outcome_steps_tokens_cost_and_last_action() -> None:
    lines = drawn(followed_run(20)[1])
    running = next(line for line in lines if line.startswith("root/5 "))
    failed = next(line for line in lines if line.startswith("root/1 "))
    suspended = next(line for line in lines if line.startswith("root/8 "))
    assert running.split() == [
        *("root/5", "Country", "5", "running", "1", "1.5k", "$0.0010", "open", "chile.md")
    ]
    assert failed.split() == [
        *("root/1", "Country", "1", "done", "failed", "1", "1.5k", "$0.0010", "it", "broke")
    ]
    assert suspended.rstrip().endswith("the endpoint is full")


@pytest.mark.requirement("cli.live")
@pytest.mark.parametrize("agents", [0, 1, 20, 300, 1_000])
@pytest.mark.parametrize(("width", "height"), [(120, 40), (80, 24), (40, 12)])
def test_it_fits_the_terminal(agents: int, width: int, height: int) -> None:
    lines = drawn(followed_run(agents)[1], width, height)
    assert len(lines) <= height
    assert max(map(len, lines)) <= width


def test_agents_that_do_not_fit_are_counted_by_state() -> None:
    lines = drawn(followed_run(300)[1], height=24)
    more = next(line for line in lines if line.startswith("… "))
    shown = len([line for line in lines if line.startswith("root")])
    assert more.startswith(f"… {301 - shown} more: ")
    assert "180 queued" in more


@pytest.mark.requirement("cli.untrusted-text")
def test_text_of_models_cannot_write_on_the_screen() -> None:
    journal, followed = followed_run(10, text="[red]task[/red] \x1b[2J\x1b]0;owned\x07end")
    journal.append(
        ToolCalled(agent="root/3", call_id="c", name="open", brief="<blink>\x1b[1mx\n\ny")
    )
    text = "\n".join(drawn(followed))
    assert "[red]task[/red] end" in text
    assert "<blink>x y" in text
    assert "\x1b" not in text


def test_the_answer_of_a_run_without_sub_agents_is_shown_as_it_streams() -> None:
    journal, followed = followed_run(0)
    for word in ("The ", "answer ", "is ", "42."):
        journal.tick(Tick(agent="root", kind="text", text=word))
    assert any(line.rstrip() == "The answer is 42." for line in drawn(followed))


def test_progress_of_long_work_is_shown() -> None:
    journal, followed = followed_run(0)
    journal.tick(Tick(agent="root", kind="progress", text="reading documents 3/9"))
    assert any("reading documents 3/9" in line for line in drawn(followed))


class Paper(io.StringIO):
    """A terminal's output; tells when a text was written to it."""

    def __init__(self, awaited: str = "") -> None:
        super().__init__()
        self.awaited = awaited
        self.seen = anyio.Event()
        self.drawings = 0

    def write(self, text: str) -> int:
        self.drawings += "openswarm" in text
        if self.awaited and self.awaited in text:
            self.seen.set()
        return super().write(text)


async def test_what_happens_is_drawn_and_nothing_is_left_behind() -> None:
    journal, _ = followed_run(20)
    paper = Paper(awaited="Stopping.")
    console = Console(file=paper, width=100, height=30, force_terminal=True)
    with LiveView(Followed(), console, clock=lambda: 1_065.0) as view:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(view.keep_fresh)
            for event in journal.events():
                view.take(event)
            view.say("Stopping.")
            with anyio.fail_after(5):
                await paper.seen.wait()
            tasks.cancel_scope.cancel()
    drawn_lines = paper.getvalue().rpartition("Stopping.")[2]
    lines_up = drawn_lines.count("\x1b[1A")
    assert lines_up == 29
    assert "\x1b[?25h" in drawn_lines


@pytest.mark.parametrize("anyio_backend", [("trio", {"clock": MockClock(autojump_threshold=0)})])
@pytest.mark.parametrize(("draws_for_s", "busy", "idle"), [(0.0, 8, 10), (0.1, 2, 1), (1.0, 1, 1)])
async def test_it_draws_eight_times_a_second_at_the_most_and_for_a_tenth_of_the_time(
    anyio_backend: object, draws_for_s: float, busy: int, idle: int
) -> None:
    journal, _ = followed_run(20)
    events = iter(journal.events())
    paper = Paper()
    console = Console(file=paper, width=100, height=30, force_terminal=True)
    times = count(step=draws_for_s)
    with LiveView(Followed(), console, stopwatch=lambda: next(times)) as view:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(view.keep_fresh)
            for _ in range(50):
                view.take(next(events))
                await anyio.sleep(0.02)
            while_busy = paper.drawings
            await anyio.sleep(10)
            while_idle = paper.drawings - while_busy
            tasks.cancel_scope.cancel()
    assert while_busy in (busy, busy + 1)
    assert abs(while_idle - idle) <= 1


@pytest.mark.requirement("policy.terminal")
def test_a_question_is_shown_with_its_whole_command_and_who_asks() -> None:
    journal, followed = followed_run(10)
    command = "POST https://api.example.com/v1/orders " + "item=battery&" * 12 + "end=yes"
    for number in (1, 2):
        journal.append(
            ApprovalAsked(
                agent=f"root/{number}", id=str(number), call_id="c", tool="http", command=command
            )
        )
    shown = " ".join("\n".join(drawn(followed, width=100, height=30)).split())
    assert "approval 1 root/1 http POST https://api.example.com" in shown
    assert "end=yes" in shown
    assert "1 more · y allow" in shown
    assert "openswarm approve run-1 1" in shown
    journal.append(
        ApprovalGiven(agent="root/1", id="1", call_id="c", tool="http", answer="deny", by="ann")
    )
    assert "approval 2 root/2" in " ".join("\n".join(drawn(followed, 100, 30)).split())


@pytest.mark.requirement("policy.terminal")
def test_of_an_endless_command_the_rest_is_elsewhere_and_the_screen_still_fits() -> None:
    journal, followed = followed_run(10)
    journal.append(ApprovalAsked(id="1", call_id="c", tool="shell", command="x " * 5000))
    lines = drawn(followed, width=80, height=24)
    assert len(lines) <= 24
    assert any("openswarm approvals run-1" in line for line in lines)
