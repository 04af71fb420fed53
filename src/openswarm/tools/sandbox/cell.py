"""What one sub-agent holds in the sandbox: its scratch folder, its interpreter, its group.

Owns the order of its calls, one after the other, and that nothing is left when it lets go.
"""

from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

import anyio
import anyio.to_thread

from openswarm.core.errors import ToolError
from openswarm.core.tooling import SandboxSettings
from openswarm.tools.sandbox.cgroups import Group
from openswarm.tools.sandbox.files import Found, State, changed, state
from openswarm.tools.sandbox.interpreter import LOOK_S, Bounds, Ending, run_code, run_command
from openswarm.tools.sandbox.jail import Jail
from openswarm.tools.sandbox.launch import OWN_PROCESSES, Part
from openswarm.tools.sandbox.layers import Laid, Layers
from openswarm.tools.sandbox.probe import Confinement
from openswarm.tools.sandbox.process import Confined, start

DISK_FILES = 4
"""How many files of the largest size a scratch folder may hold."""
FULL = (
    "What your Python code has started may use up the limit of processes: os._exit(0) in `python`"
    " ends all of it."
)


@dataclass(frozen=True, slots=True)
class Done:
    """A call that is over."""

    ending: Ending
    files: tuple[Found, ...]
    """New or changed ones."""
    more_files: int
    out_of_memory: bool
    """A process was killed for want of memory."""
    note: str = ""
    """What is wrong with what it changed of the user's folders."""


@dataclass(frozen=True, slots=True)
class LaidBounds(Bounds):
    """Bounds of a call that writes to layers too: each may grow like the scratch folder."""

    uppers: tuple[Path, ...] = ()

    async def watch(self, scope: anyio.CancelScope, tripped: anyio.Event) -> None:
        """Ends a call one of whose folders grows beyond its bound."""
        async with anyio.create_task_group() as tasks:
            for folder in (self.folder, *self.uppers):
                bounds = Bounds(self.wall_s, folder, self.disk_bytes, self.group)
                tasks.start_soon(bounds.watch, scope, tripped)


@dataclass(slots=True)
class Cell:
    """The place of one sub-agent. Calls wait for each other."""

    jail: Jail
    confinement: Confinement
    settings: SandboxSettings
    name: str
    """Unique in this process."""
    agent: str = ""
    layers: Layers | None = None
    """What shells change of the user's folders; None: nothing."""
    _lock: anyio.Lock = field(default_factory=anyio.Lock)
    _interpreter: Confined | None = None
    _group: Group | None = None
    _closed: bool = False

    async def python(self, code: str) -> Done:
        """Runs code in the interpreter, which is started if there is none."""
        async with self._lock:
            await self._prepare()
            if self._interpreter is not None and self._interpreter.process.returncode is not None:
                await self._end_interpreter()  # it ended between two calls
            if self._interpreter is None:
                self._interpreter = await self._start("kernel", self.jail)
            before = await self._state()
            interpreter = self._interpreter
            kills = await self._memory_kills()
            try:
                ending = await run_code(interpreter, code, self._bounds(self.settings.wall_s))
            finally:
                if interpreter.ended:
                    self._interpreter = None
            return await self._done(ending, before, kills)

    async def shell(self, command: str, wall_s: float) -> Done:
        """Runs a command in a shell of its own."""
        async with self._lock:
            await self._prepare()
            before = await self._state()
            kills = await self._memory_kills()
            jail = self.jail
            layers = self.layers.laid(self.agent, jail) if self.layers else nullcontext(Laid(jail))
            async with layers as laid:
                ending = await self._run(command, wall_s, laid)
            return replace(await self._done(ending, before, kills), note=laid.note)

    async def watch(self) -> None:
        """Ends an interpreter whose code fills the folder between two calls, until it is closed."""
        while not self._closed:
            await anyio.sleep(LOOK_S)
            if self._interpreter is None or self._lock.statistics().locked:
                continue
            if await anyio.to_thread.run_sync(self._bounds(0).are_passed):
                async with self._lock:
                    await self._end_interpreter()

    async def close(self) -> None:
        """Ends what runs and removes the group; the scratch folder stays."""
        self._closed = True
        with anyio.CancelScope(shield=True):
            await self._end_interpreter()
            if self._group is not None:
                await self._group.end()
                self._group = None

    async def _prepare(self) -> None:
        if self._closed:
            raise ToolError("the sandbox is closed: this agent's work is over")
        if self._group is None:
            self._group = await anyio.to_thread.run_sync(self._make_places)

    def _make_places(self) -> Group | None:
        self.jail.scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.confinement.groups is None:
            return None
        memory, processes = self.settings.memory_mb << 20, self.settings.processes
        return self.confinement.groups.make(self.name, memory, processes + OWN_PROCESSES)

    async def _run(self, command: str, wall_s: float, laid: Laid) -> Ending:
        try:
            shell = await self._start("shell", laid.jail)
        except ToolError as error:
            raise ToolError(f"{error} {FULL}" if self._interpreter else str(error)) from None
        return await run_command(shell, command, self._bounds(wall_s, laid.uppers))

    def _bounds(self, wall_s: float, uppers: tuple[Path, ...] = ()) -> Bounds:
        disk_bytes = (self.settings.file_mb << 20) * DISK_FILES
        return LaidBounds(wall_s, self.jail.scratch, disk_bytes, self._group, uppers)

    async def _start(self, part: Part, jail: Jail) -> Confined:
        return await start(jail, part, self.confinement, self.settings, self._group)

    async def _state(self) -> State:
        return await anyio.to_thread.run_sync(state, self.jail.scratch)

    async def _memory_kills(self) -> int:
        group = self._group
        return await anyio.to_thread.run_sync(group.memory_kills) if group else 0

    async def _done(self, ending: Ending, before: State, kills: int) -> Done:
        files, more = await anyio.to_thread.run_sync(changed, self.jail.scratch, before)
        out_of_memory = await self._memory_kills() > kills
        return Done(ending, tuple(files), more, out_of_memory)

    async def _end_interpreter(self) -> None:
        interpreter, self._interpreter = self._interpreter, None
        if interpreter is not None:
            await interpreter.end()
