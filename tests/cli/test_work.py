"""What a signal does at each moment of a run, in this process."""

import os
import signal
from collections.abc import Iterable
from pathlib import Path

import anyio
import pytest

from openswarm.cli.exits import Exit, Interrupted, report_error
from openswarm.cli.followed import Followed
from openswarm.cli.plain import PlainLines
from openswarm.cli.work import carry_out
from openswarm.core.events import AnyEvent, Content, Resumed, RunStarted, TaskAssigned
from openswarm.core.result import RunResult
from openswarm.core.task import Task
from openswarm.journal.folder import FolderJournal
from openswarm.journal.journal import Observer
from openswarm.journal.requests import REQUESTS_FILE, ControlRequest

NONE = Content()
STARTED = RunStarted(task=Task(text="t"), model="m", subagent_model="m", openswarm="0")
ASSIGNED = TaskAssigned(system=NONE, brief=NONE)


def interrupt() -> None:
    """What Ctrl-C does."""
    os.kill(os.getpid(), signal.SIGINT)


class Run:
    """A run that has come so far, and then waits to be stopped."""

    def __init__(self, home: Path, events: Iterable[AnyEvent]) -> None:
        self.runs = home / "runs"
        self.journal = FolderJournal.create(self.runs / "run-1")
        self.events = events
        self.lines: list[str] = []
        self.display = PlainLines(Followed(), self.lines.append)
        self.requests: list[str] = []

    async def work(self, observer: Observer) -> RunResult:
        """Shows its events, is interrupted, and reads requests as a run does."""
        stop = self.journal.observe(observer)
        for event in self.events:
            self.journal.append(event)
        interrupt()
        file = anyio.Path(self.journal.folder / REQUESTS_FILE)
        with anyio.fail_after(5):
            while "kill" not in self.requests:
                await anyio.sleep(0.005)
                text = await file.read_text() if await file.exists() else ""
                found = [
                    ControlRequest.model_validate_json(line).verb for line in text.splitlines()
                ]
                if len(found) > len(self.requests):
                    self.requests = list(found)
                    if found[-1] == "cancel":
                        interrupt()
        stop()
        return RunResult(run_id="run-1", mode="agent", answer="", outcome="cancelled")


def test_the_first_signal_cancels_and_the_second_kills(home: Path) -> None:
    run = Run(home, [STARTED, ASSIGNED])
    carried = carry_out(run.work, run.display, run.runs)
    run.journal.close()
    assert carried.interrupted
    assert run.requests == ["cancel", "kill"]
    assert any("hands back what it has" in line for line in run.lines)


def test_before_a_run_reads_requests_a_signal_ends_it_and_names_the_way_on(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(home, [STARTED])
    with pytest.raises(Interrupted) as stopped:
        carry_out(run.work, run.display, run.runs)
    run.journal.close()
    assert report_error(stopped.value) is Exit.INTERRUPTED
    assert capsys.readouterr().err == "interrupted; go on: openswarm resume run-1\n"


def test_before_there_is_a_run_a_signal_ends_it(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = Run(home, [])
    with pytest.raises(Interrupted) as stopped:
        carry_out(run.work, run.display, run.runs)
    run.journal.close()
    assert report_error(stopped.value) is Exit.INTERRUPTED
    assert capsys.readouterr().err == "interrupted\n"


def test_what_a_resumed_run_did_before_does_not_count(home: Path) -> None:
    run = Run(home, [])
    for event in (STARTED, ASSIGNED, Resumed()):
        run.display.replay(run.journal.append(event))
    folder = run.journal.folder

    async def replayed(observer: Observer) -> RunResult:
        for event in run.journal.events():
            observer(event)
        interrupt()
        await anyio.sleep_forever()
        raise AssertionError

    with pytest.raises(Interrupted):
        carry_out(replayed, run.display, run.runs, folder)
    run.journal.close()
