"""Calls of a persistent interpreter and of shells: hand in the code, wait, interrupt, end.

Owns how a call ends. An interpreter that was interrupted goes on; one that does not heed it, that
breaks its protocol or that ended is gone with its variables.
"""

import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import anyio
import anyio.to_thread

from openswarm.tools.sandbox.cgroups import Group
from openswarm.tools.sandbox.files import is_fuller
from openswarm.tools.sandbox.output import Output
from openswarm.tools.sandbox.process import Confined

LOOK_S = 1.0
"""Between two looks at the size of a scratch folder, or more if a look takes long."""
GRACE_S = 2.0
"""How long an interrupted call may take to end by itself."""

State = Literal["done", "error", "interrupted", "exit", "ended", "killed", "forged", "full"]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one call may take."""

    wall_s: float
    folder: Path
    """The scratch folder."""
    disk_bytes: int
    group: Group | None = None
    """Whose open files count too."""

    def are_passed(self) -> bool:
        """Whether the folder takes more than it may, files without a name among it. Blocks."""
        held = self.group.unlinked_bytes(self.folder.stat().st_dev) if self.group else 0
        return held > self.disk_bytes or is_fuller(self.folder, self.disk_bytes - held)

    async def watch(self, scope: anyio.CancelScope, tripped: anyio.Event) -> None:
        """Ends a call whose folder grows beyond its bound."""
        pause = LOOK_S
        while True:
            await anyio.sleep(pause)
            began = time.monotonic()
            if await anyio.to_thread.run_sync(self.are_passed):
                tripped.set()
                scope.cancel()
                return
            pause = max(LOOK_S, 10 * (time.monotonic() - began))


@dataclass(frozen=True, slots=True)
class Ending:
    """How a call ended."""

    state: State
    output: Output
    seconds: float
    code: int | None = None
    """The exit code, where the process ended by itself."""

    @property
    def alive(self) -> bool:
        """Whether the interpreter can be called again."""
        return self.state in ("done", "error", "interrupted")


async def run_code(confined: Confined, code: str, bounds: Bounds) -> Ending:
    """One call of an interpreter; unless it is alive afterwards, nothing is left of it."""
    output, token, began = Output(), secrets.token_hex(16), time.monotonic()
    state: State = "full"
    full = anyio.Event()
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(confined.pump, output)
            with anyio.move_on_after(bounds.wall_s) as wall:
                tasks.start_soon(bounds.watch, wall, full)
                await _hand_in(confined, {"token": token, "code": code})
                state = await _answer(confined, token)
            if wall.cancelled_caught and not full.is_set():
                state = await _interrupt(confined, token)
            if state == "ended":
                await _wait_shortly(confined)
            tasks.cancel_scope.cancel()
        confined.drain(output)
    except BaseException:
        await confined.end()
        raise
    ended = confined.process.returncode
    ending = Ending(state, output, time.monotonic() - began, ended)
    if not ending.alive:
        await confined.end()
    return ending


async def run_command(confined: Confined, command: str, bounds: Bounds) -> Ending:
    """One command of a shell; nothing is left of it afterwards."""
    output, full, began = Output(), anyio.Event(), time.monotonic()
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(confined.pump, output)
            with anyio.move_on_after(bounds.wall_s) as wall:
                tasks.start_soon(bounds.watch, wall, full)
                await _hand_in(confined, {"command": command})
                await confined.wait()
            tasks.cancel_scope.cancel()
        confined.drain(output)
    finally:
        code = confined.process.returncode
        await confined.end()
    state: State = "full" if full.is_set() else "killed" if code is None else "ended"
    return Ending(state, output, time.monotonic() - began, code)


async def _hand_in(confined: Confined, message: dict[str, str]) -> None:
    try:
        await confined.send(message)
    except OSError:
        return  # it has ended, which the wait for its answer finds out


async def _answer(confined: Confined, token: str) -> State:
    """What the interpreter says of this call; a message without its token is not from it."""
    message = await confined.receive()
    if message is None:
        return "ended"
    state = message.get("state")
    if message.get("token") != token or message.keys() != {"token", "state"}:
        return "forged"
    if state == "done" or state == "error" or state == "interrupted" or state == "exit":
        return state
    return "forged"


async def _interrupt(confined: Confined, token: str) -> State:
    with anyio.move_on_after(GRACE_S):
        await _hand_in(confined, {"interrupt": token})
        state = await _answer(confined, token)
        return "interrupted" if state in ("done", "error") else state
    return "killed"


async def _wait_shortly(confined: Confined) -> None:
    """Lets a process that closed its end come to its exit code."""
    with anyio.move_on_after(GRACE_S):
        await confined.wait()
