"""Answering approvals with a key in the live view: y allows, a always allows the tool, n denies.

A key answers the oldest question, and only when that has been on the screen for a moment, so that
no key that was meant for one question answers the next.
"""

import os
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread

from openswarm.cli.display import Display
from openswarm.cli.live import LiveView
from openswarm.core.events import ROOT
from openswarm.journal.requests import Verb, send_request

ANSWERS: dict[str, Verb] = {"y": "allow", "a": "always", "n": "deny"}
SETTLED_S = 0.4
"""How long a question has to be shown before a key answers it."""


def answers_by_key(display: Display) -> bool:
    """Whether keys reach the run: a live view, and a terminal that they come from."""
    return isinstance(display, LiveView) and sys.stdin.isatty()


@dataclass(slots=True)
class KeyAnswers:
    """Which answer a key is."""

    clock: Callable[[], float] = time.monotonic
    _shown: str = ""
    _since: float = 0.0

    def look(self, oldest: str) -> None:
        """Notes the id of the question that is shown now; '' for none."""
        if oldest != self._shown:
            self._shown, self._since = oldest, self.clock()

    def answer(self, key: str) -> tuple[Verb, str] | None:
        """The verb and the id of the question that a key answers, if it does."""
        verb = ANSWERS.get(key.lower())
        if verb is None or not self._shown or self.clock() - self._since < SETTLED_S:
            return None
        answered, self._shown = self._shown, ""
        return verb, answered


async def answer_by_key(display: Display, folder: Callable[[], Path | None]) -> None:
    """Hands keys on as answers, until it is cancelled; the terminal is as before afterwards."""
    keys, terminal = KeyAnswers(), sys.stdin.fileno()
    with _single_keys(terminal):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_watch, keys, display)
            while True:
                await anyio.wait_readable(terminal)
                # not through `sys.stdin`: its buffer would keep a second key for the next question
                key = await anyio.to_thread.run_sync(os.read, terminal, 1)
                if not key:  # the terminal is gone
                    tasks.cancel_scope.cancel()
                    return
                answer, run = keys.answer(key.decode("ascii", "replace")), folder()
                if answer is not None and run is not None:
                    send = partial(send_request, run, answer[0], ROOT, answer[1], by="the terminal")
                    await anyio.to_thread.run_sync(send)


async def _watch(keys: KeyAnswers, display: Display) -> None:
    while True:
        keys.look(next(iter(display.followed.view.approvals), ""))
        await anyio.sleep(SETTLED_S / 4)


@contextmanager
def _single_keys(descriptor: int) -> Iterator[None]:
    """Keys come one by one and are not shown; Ctrl-C stays a signal."""
    before = termios.tcgetattr(descriptor)
    tty.setcbreak(descriptor)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
