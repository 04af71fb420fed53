"""The sandbox of a run: one cell for each sub-agent that runs code.

Owns the cells, the run's folder of small files, and the refusal where nothing confines.
"""

import os
import re
import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup

from openswarm.core.errors import SettingsError, sole_error
from openswarm.core.events import ToolCalled
from openswarm.tools.files.roots import printable
from openswarm.tools.files.workspaces import Workspaces
from openswarm.tools.sandbox.cell import Cell
from openswarm.tools.sandbox.jail import ROOTS, Bind, Jail, write_facts
from openswarm.tools.sandbox.layers import Layers, open_layers, target
from openswarm.tools.sandbox.probe import Confinement, Kind, probe
from openswarm.tools.sandbox.proxy import Fetches, FetchProxy
from openswarm.tools.sandbox.veiled import veiled
from openswarm.tools.setup import ToolSetup
from openswarm.tools.tool import ToolContext

REFUSAL = (
    "code cannot be confined on this computer, so `python` and `shell` are refused. {why}."
    " `openswarm doctor` shows what was tried; --unsafe-no-sandbox runs code without a sandbox,"
    " with all rights of yours."
)
FACTS_PREFIX = "openswarm-code-"
SCRATCH = "code"
"""The folder for code within an agent's own."""

Name = Literal["python", "shell"]
"""A tool that runs code."""


@dataclass(frozen=True, slots=True)
class Shown:
    """The user's folders, as code sees them."""

    binds: tuple[Bind, ...]
    hidden: tuple[str, ...] = ()
    """openswarm's own folders in them, by their places in the jail."""
    veiled: tuple[Bind, ...] = ()
    """Files in them that usually hold secrets, unless the policy lets them be read."""
    layers: Layers | None = None
    """What shells change of them; None: nothing."""
    why_not: str = ""
    """Why what file tools change is not seen; '' where it is, and where there are none."""


@dataclass(slots=True)
class Sandbox:
    """Where all sub-agents of a run execute code. Made by `open_sandbox`."""

    setup: ToolSetup
    confinement: Confinement
    _facts: Path
    _tasks: TaskGroup
    _shown: Shown
    _fetcher: Fetches | None = None
    _cells: dict[str, Cell] = field(default_factory=dict)
    _count: int = 0
    _opening: anyio.Lock = field(default_factory=anyio.Lock)

    @property
    def kind(self) -> Kind:
        """What confines: bubblewrap, landlock, or none."""
        return self.confinement.kind

    def notes(self, name: Name) -> str:
        """What the model is to know of this sandbox beside the text of the tool `name`."""
        lines = list(self.confinement.notes)
        if self.confinement.kind == "bubblewrap" and self._fetcher is None:
            lines.append("There is no `fetch` in this run.")
        if self.setup.roots:
            lines += _notes_of_roots(self._shown, self.confinement.kind, name)
        return "\n".join(lines)

    async def cell_of(self, context: ToolContext) -> Cell:
        """The cell of the agent that calls. Its code fetches only if the agent itself can."""
        fetches = context.tools is None or "fetch" in context.tools
        return await self.cell(context.agent, fetches=fetches)

    async def cell(self, agent: str, *, fetches: bool = True) -> Cell:
        """The cell of an agent, made at its first use."""
        async with self._opening:
            if agent not in self._cells:
                self._count += 1
                scratch = self.setup.scratch / safe_name(agent) / SCRATCH
                socket = await self._listen(agent, self._count) if fetches else ""
                shown = self._shown
                jail = Jail(scratch, self._facts, shown.binds, socket, shown.hidden, shown.veiled)
                limits = self.setup.settings.sandbox
                self._cells[agent] = Cell(
                    jail, self.confinement, limits, str(self._count), agent, shown.layers
                )
                self._tasks.start_soon(self._cells[agent].watch)
            return self._cells[agent]

    async def release(self, agent: str, finished: bool) -> str:
        """Ends what an agent's code runs, then merges what its shells changed; see
        `Tool.release`."""
        await self._end(agent)
        layers = self._shown.layers
        return await layers.merge(agent, finished=finished) if layers is not None else ""

    async def close(self) -> None:
        """Ends all code."""
        for agent in tuple(self._cells):
            await self._end(agent)

    def lost(self, agent: str) -> bool:
        """Whether an earlier process of the run ran Python for this agent."""
        return any(
            isinstance(event, ToolCalled) and event.agent == agent and event.name == "python"
            for event in self.setup.past
        )

    async def _end(self, agent: str) -> None:
        cell = self._cells.pop(agent, None)
        if cell is not None:
            await cell.close()

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
    workspaces: Workspaces | None = None,
) -> Sandbox:
    """The sandbox of a run, closed with `stack`. Raises `SettingsError` where nothing confines.

    `confinement`: what an earlier `probe` found. `workspaces`: the working copies that shells see
    and change; without them the user's folders are read-only.
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
    shown = await _shown(setup, confinement, facts, workspaces)
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


async def _shown(
    setup: ToolSetup, confinement: Confinement, facts: Path, workspaces: Workspaces | None
) -> Shown:
    if workspaces is None:
        binds = root_binds(setup.roots)
    else:
        binds = tuple(Bind(root.path, target(root.name)) for root in workspaces.roots)
    hidden = await anyio.to_thread.run_sync(_hidden, binds, setup)
    secret: tuple[Bind, ...] = ()
    if setup.policy.verdict("read", "ask") != "allow":
        secret = await anyio.to_thread.run_sync(veiled, binds, (setup.scratch, setup.home))
    if workspaces is None:
        return Shown(binds, hidden, secret)
    try:
        layers = await open_layers(workspaces, confinement, facts)
    except SettingsError as error:
        return Shown(binds, hidden, secret, None, str(error))
    return Shown(binds, hidden, secret, layers)


def _hidden(binds: Sequence[Bind], setup: ToolSetup) -> tuple[str, ...]:
    """Where openswarm's own folders lie in the binds."""
    setup.scratch.mkdir(parents=True, exist_ok=True)
    own = (setup.scratch, setup.home)
    return tuple(
        f"{bind.target}/{folder.relative_to(source)}"
        for bind in binds
        for source in (bind.source.resolve(),)
        for folder in (path.resolve() for path in own if path.is_dir())
        if folder != source and folder.is_relative_to(source)
    )


def _notes_of_roots(shown: Shown, kind: Kind, name: Name) -> list[str]:
    """What the model is to know of the user's folders."""
    places = [bind.target if kind == "bubblewrap" else str(bind.source) for bind in shown.binds]
    lines = [f"The user's folders: {', '.join(map(printable, places))}."]
    if shown.layers is not None and name == "shell":
        lines.append(
            "You see them with your own changes, those of `write` and `edit` too, and can change"
            " them: nobody else sees that until it is merged when your work ends. What git keeps in"
            " .git is not merged."
        )
        return lines
    if kind != "none":
        lines.append("They can be read, but not changed.")
    if shown.layers is not None:
        lines.append("Your own changes are not seen here, but by `shell` where you have it.")
    elif shown.why_not:
        lines.append(f"Your own changes are not seen here: {shown.why_not}.")
    return lines


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
