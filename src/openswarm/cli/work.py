"""Carrying out a run from the terminal: shows it, and hands on Ctrl-C the way another terminal
would."""

import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import anyio
import anyio.to_thread
from anyio import TASK_STATUS_IGNORED
from anyio.abc import TaskStatus

from openswarm.cli.display import Display
from openswarm.cli.exits import Interrupted, first_cause
from openswarm.cli.keys import answer_by_key, answers_by_key
from openswarm.core.errors import ContractError, OpenswarmError, UserError
from openswarm.core.events import ROOT, AnyEvent, Resumed, RunStarted, TaskAssigned, Tick
from openswarm.core.result import RunResult
from openswarm.journal.requests import send_request

Work = Callable[..., Awaitable[RunResult]]
"""`run` or `resume` with all its arguments but `observer`."""

_NAMES = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}
_ANSWERS = (
    ("cancel", "Stopping: every agent hands back what it has. Ctrl-C again to kill."),
    ("kill", "Killing the run; what is in its journal stays."),
)


@dataclass(slots=True)
class Carried:
    """A run that came to its end, and whether the user stopped it."""

    result: RunResult
    interrupted: bool


@dataclass(slots=True)
class _Stopper:
    """Answers signals: cancel, then kill, then no more waiting.

    Until the run reads its requests, while documents are read for example, there is nothing to
    hand back, and nobody to ask for it.
    """

    display: Display
    runs: Path
    folder: Path | None = None
    reads_requests: bool = False
    signals: int = 0

    def observe(self, event: AnyEvent | Tick) -> None:
        if isinstance(event, RunStarted):
            self.folder = self.runs / event.run
        elif isinstance(event, TaskAssigned | Resumed):
            self.reads_requests |= event.seq > self.display.followed.view.seq  # not of the past
        self.display.take(event)

    async def listen(
        self, scope: anyio.CancelScope, *, task_status: TaskStatus[None] = TASK_STATUS_IGNORED
    ) -> None:
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            task_status.started()
            async for number in signals:
                self.signals += 1
                if self.folder is None or not self.reads_requests or self.signals > 2:
                    scope.cancel()
                else:
                    verb, line = _ANSWERS[self.signals - 1]
                    ask = partial(send_request, self.folder, verb, ROOT, by=_NAMES[number])
                    await anyio.to_thread.run_sync(ask)
                    self.display.say(line)


def carry_out(work: Work, display: Display, runs: Path, folder: Path | None = None) -> Carried:
    """Runs `work` to its end. Raises `OpenswarmError`, with a note on how to go on, and
    `Interrupted` when it was stopped before it could hand anything back."""
    stopper = _Stopper(display, runs, folder)
    uvloop = find_spec("uvloop") is not None
    try:
        result = anyio.run(_carry_out, work, stopper, backend_options={"use_uvloop": uvloop})
    except (OpenswarmError, ExceptionGroup) as error:
        cause = first_cause(error)
        began = stopper.folder if stopper.reads_requests else None
        if began is not None and not isinstance(cause, UserError | ContractError):
            cause.add_note(f"What was done is kept. Go on: openswarm resume {began.name}")
        raise cause from None
    if result is None:
        run = stopper.folder
        raise Interrupted(f"go on: openswarm resume {run.name}" if run else "")
    return Carried(result, interrupted=stopper.signals > 0)


async def _carry_out(work: Work, stopper: _Stopper) -> RunResult | None:
    result: RunResult | None = None
    with stopper.display:
        async with anyio.create_task_group() as tasks:
            await tasks.start(stopper.listen, tasks.cancel_scope)
            tasks.start_soon(stopper.display.keep_fresh)
            if answers_by_key(stopper.display):
                tasks.start_soon(answer_by_key, stopper.display, lambda: stopper.folder)
            result = await work(observer=stopper.observe)
            tasks.cancel_scope.cancel()
    return result
