"""The sandbox of a run: one cell for each sub-agent that runs code.

Owns the cells, the run's folder of small files, and the refusal where nothing confines.
"""

import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from openswarm.core.errors import SettingsError, sole_error
from openswarm.core.events import ToolCalled
from openswarm.tools.sandbox.cell import Cell
from openswarm.tools.sandbox.jail import ROOTS, Bind, Jail, write_facts
from openswarm.tools.sandbox.probe import Confinement, Kind, probe
from openswarm.tools.sandbox.proxy import Fetches, FetchProxy
from openswarm.tools.setup import ToolSetup
from openswarm.tools.tool import Effect

REFUSAL = (
    "code cannot be confined on this computer, so `python` and `shell` are refused. {why}."
    " `openswarm doctor` shows what was tried; --unsafe-no-sandbox runs code without a sandbox,"
    " with all rights of yours."
)
FACTS_PREFIX = "openswarm-code-"
SCRATCH = "code"
"""The folder for code within an agent's own."""

Binds = Callable[[str], Sequence[Bind]]
"""The folders that an agent sees below `/roots`, by its path."""


@dataclass(slots=True)
class Sandbox:
    """Where all sub-agents of a run execute code. Made by `open_sandbox`."""

    setup: ToolSetup
    confinement: Confinement
    _facts: Path
    _tasks: TaskGroup
    _binds: Binds
    _fetcher: Fetches | None = None
    _cells: dict[str, Cell] = field(default_factory=dict)
    _count: int = 0
    _opening: anyio.Lock = field(default_factory=anyio.Lock)

    @property
    def kind(self) -> Kind:
        """What confines: bubblewrap, landlock, or none."""
        return self.confinement.kind

    @property
    def notes(self) -> str:
        """What the model is to know of this sandbox beside the tool's own text."""
        lines = list(self.confinement.notes)
        if self.confinement.kind == "bubblewrap":
            roots = ", ".join(bind.target for bind in root_binds(self.setup.roots))
            lines += [f"The user's folders: {roots}."] if roots else []
            lines += [] if self._fetcher is not None else ["There is no `fetch` in this run."]
        elif self.setup.roots:
            lines.append(f"The user's folders: {', '.join(self.setup.roots)}.")
        return "\n".join(lines)

    async def cell(self, agent: str) -> Cell:
        """The cell of an agent, made at its first use."""
        async with self._opening:
            if agent not in self._cells:
                self._count += 1
                scratch = self.setup.scratch / safe_name(agent) / SCRATCH
                socket = await self._listen(agent, self._count)
                jail = Jail(scratch, self._facts, tuple(self._binds(agent)), socket)
                self._cells[agent] = Cell(
                    jail, self.confinement, self.setup.settings.sandbox, str(self._count)
                )
            return self._cells[agent]

    async def release(self, agent: str, _: bool) -> str:
        """Ends what an agent's code runs; see `Tool.release`."""
        cell = self._cells.pop(agent, None)
        if cell is not None:
            await cell.close()
        return ""

    async def close(self) -> None:
        """Ends all code."""
        for agent in tuple(self._cells):
            await self.release(agent, False)

    def effect(self, command: str) -> Effect | None:
        """None where code is confined; else what a person is asked about."""
        if self.confinement.kind != "none":
            return None
        return Effect(command, str(self.setup.scratch))

    def lost(self, agent: str) -> bool:
        """Whether an earlier process of the run ran Python for this agent."""
        return any(
            isinstance(event, ToolCalled) and event.agent == agent and event.name == "python"
            for event in self.setup.past
        )

    async def _listen(self, agent: str, number: int) -> str:
        if self._fetcher is None or self.confinement.kind == "landlock":
            return ""
        path = self._facts / f"{number}.sock"
        proxy = FetchProxy(self._fetcher, self.setup.journal.read_bytes, agent)
        await proxy.listen(path, self._tasks)
        return str(path)


async def open_sandbox(
    setup: ToolSetup,
    stack: AsyncExitStack,
    fetcher: Fetches | None = None,
    *,
    confinement: Confinement | None = None,
    binds: Binds | None = None,
) -> Sandbox:
    """The sandbox of a run, closed with `stack`. Raises `SettingsError` where nothing confines.

    `confinement`: what an earlier `probe` found. `binds`: what each agent sees below `/roots`;
    else it is the setup's roots, read-only.
    """
    if confinement is None:
        confinement = await anyio.to_thread.run_sync(probe)
    if setup.unsafe_no_sandbox:
        confinement = replace(confinement, kind="none")
    elif confinement.kind == "none":
        raise SettingsError(REFUSAL.format(why=confinement.why_not or "No way of it works here"))
    if confinement.groups is not None:
        await anyio.to_thread.run_sync(confinement.groups.sweep)
    facts = await anyio.to_thread.run_sync(_make_facts)
    stack.push_async_callback(anyio.to_thread.run_sync, shutil.rmtree, facts, True)
    tasks = await stack.enter_async_context(_serving())
    shown = binds or (lambda _: root_binds(setup.roots))
    sandbox = Sandbox(setup, confinement, facts, tasks, shown, fetcher)
    stack.push_async_callback(sandbox.close)
    return sandbox


def root_binds(roots: Sequence[str]) -> tuple[Bind, ...]:
    """The user's folders by their names, read-only; equal names are numbered from the second on."""
    found: dict[str, Bind] = {}
    for root in roots:
        name = base = Path(root).name or "files"
        number = 1
        while name in found:
            number += 1
            name = f"{base}-{number}"
        found[name] = Bind(Path(root), f"{ROOTS}/{name}")
    return tuple(found.values())


def safe_name(agent: str) -> str:
    """An agent's path as the name of a folder; no two have the same."""
    if re.fullmatch(r"[a-z]+(/\d+)*", agent):
        return agent.replace("/", "-")
    return quote(agent, safe="").replace(".", "%2E")


@asynccontextmanager
async def _serving() -> AsyncIterator[TaskGroup]:
    """Tasks that end with the block; its own errors leave it as they are."""
    try:
        async with anyio.create_task_group() as tasks:
            yield tasks
            tasks.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        raise sole_error(group) from None


def _make_facts() -> Path:
    """A folder with a short path, as sockets need it; those of killed runtimes are removed."""
    for left in Path(tempfile.gettempdir()).glob(f"{FACTS_PREFIX}*"):
        match = re.match(rf"{FACTS_PREFIX}(\d+)-", left.name)
        if match and not Path(f"/proc/{match[1]}").exists():
            shutil.rmtree(left, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{FACTS_PREFIX}{os.getpid()}-"))
    write_facts(folder)
    return folder
