"""A process in the sandbox as the runtime sees it: its output, its messages, its end.

What it says is not trusted: lines are bounded and parsed strictly, and anything else is the end of
it. It is started from the event loop's own thread, since it dies with the thread that started it.
"""

import json
import os
import signal
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
from anyio.abc import Process

from openswarm.core.errors import ToolError
from openswarm.core.tooling import SandboxSettings
from openswarm.tools.sandbox.cgroups import Group
from openswarm.tools.sandbox.jail import Jail
from openswarm.tools.sandbox.launch import Launch, Part, launch
from openswarm.tools.sandbox.output import Output
from openswarm.tools.sandbox.probe import Confinement

START_S = 60.0
"""The most that a start may take, when a hundred start at once on a small computer."""
END_S = 3.0
LINE_BYTES = 4096
CHUNK = 1 << 16
DRAINED_CHUNKS = 256


@dataclass(slots=True)
class Confined:
    """One process with all that it starts. Made by `start`."""

    process: Process
    control: socket.socket
    output: int
    """Where what it prints is read."""
    lifeline: int
    """Kept open for as long as it may live."""
    kind: str
    lines: bytearray = field(default_factory=bytearray)
    ended: bool = False

    async def send(self, message: dict[str, Any]) -> None:
        """Hands in a message. Raises `OSError` if nobody is there."""
        rest = memoryview(json.dumps(message).encode() + b"\n")
        while rest:
            try:
                rest = rest[self.control.send(rest) :]
            except BlockingIOError:
                await anyio.wait_writable(self.control)

    async def receive(self) -> dict[str, Any] | None:
        """The next message; None at the end, {} for what is no message."""
        while b"\n" not in self.lines:
            if len(self.lines) > LINE_BYTES:
                return {}
            await anyio.wait_readable(self.control)
            try:
                data = self.control.recv(LINE_BYTES)
            except BlockingIOError:
                continue
            except OSError:
                return None
            if not data:
                return None
            self.lines += data
        line, _, rest = bytes(self.lines).partition(b"\n")
        self.lines[:] = rest
        return _message(line)

    async def pump(self, output: Output) -> None:
        """Takes what it prints, until it and all that it started have closed their ends."""
        while True:
            await anyio.wait_readable(self.output)
            if not self.drain(output, 1):
                return

    def drain(self, output: Output, chunks: int = DRAINED_CHUNKS) -> bool:
        """Takes what has been printed already; False at the end of it."""
        for _ in range(chunks):
            try:
                data = os.read(self.output, CHUNK)
            except BlockingIOError:
                return True
            if not data:
                return False
            output.add(data)
        return True

    async def wait(self) -> int:
        """Its exit code; -N or 128 + N if signal N ended it."""
        return await self.process.wait()

    async def end(self) -> None:
        """Kills all of it. It may be called again, and nothing of it is left afterwards."""
        if self.ended:
            return
        self.ended = True
        with anyio.CancelScope(shield=True):
            os.close(self.lifeline)
            with anyio.move_on_after(END_S):
                if self.kind == "bubblewrap":
                    await anyio.to_thread.run_sync(_kill_first, self.process.pid)
                await self.process.wait()
            if self.process.returncode is None:
                self.process.kill()
                await self.process.wait()
            self.control.close()
            os.close(self.output)


async def start(
    jail: Jail,
    part: Part,
    confinement: Confinement,
    settings: SandboxSettings,
    group: Group | None,
) -> Confined:
    """A process that is ready for its first message. Raises `ToolError` if it does not start."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    output, written = os.pipe()
    os.set_blocking(output, False)
    lifeline, alive = os.pipe()
    opened = [written, lifeline]
    try:
        plan = await anyio.to_thread.run_sync(
            launch, jail, part, (theirs.fileno(), lifeline), confinement, settings, group
        )
        opened += plan.files
        process = await _open(plan, written)
    except BaseException:
        ours.close()
        os.close(output)
        os.close(alive)
        raise
    finally:
        theirs.close()
        for descriptor in opened:
            os.close(descriptor)
    confined = Confined(process, ours, output, alive, confinement.kind)
    try:
        await _ready(confined)
    except BaseException:
        await confined.end()
        raise
    return confined


async def _open(plan: Launch, written: int) -> Process:
    return await anyio.open_process(
        plan.command,
        stdin=subprocess.DEVNULL,
        stdout=written,
        stderr=written,
        env=plan.environment,
        cwd=plan.folder,
        pass_fds=plan.passed,
        start_new_session=True,
    )


async def _ready(confined: Confined) -> None:
    said = Output()
    message: dict[str, Any] | None = None
    with anyio.move_on_after(START_S):
        message = await confined.receive()
    if message is None or message.get("state") != "ready":
        confined.drain(said)
        why = said.shown(1000)[0].strip() or "it said nothing"
        raise ToolError(f"the sandbox did not start: {why}. `openswarm doctor` says what it needs.")


def _kill_first(outer: int) -> None:
    """Kills the first process of bubblewrap's namespace, and so all of it; bubblewrap, `outer`,
    ends when they are gone. Before there is a first one, it is killed itself."""
    try:
        children = Path(f"/proc/{outer}/task/{outer}/children").read_text().split()
    except OSError:
        children = []
    for number in children or [str(outer)]:
        try:
            os.kill(int(number), signal.SIGKILL)
        except ProcessLookupError:
            continue


def _message(line: bytes) -> dict[str, Any]:
    try:
        message = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return message if isinstance(message, dict) else {}
