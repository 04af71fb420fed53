"""A site on loopback whose pages a test writes, and a hand that calls the browser tool."""

import itertools
import json
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from openswarm.core.tooling import ResourceLimit, ToolSettings, WebSettings
from openswarm.journal.journal import Journal, MemoryJournal
from openswarm.pacing.limiter import Pacing
from openswarm.tools.browser import open_browser
from openswarm.tools.browsing.chromium import NAMES
from openswarm.tools.browsing.look import View
from openswarm.tools.browsing.session import Timings
from openswarm.tools.setup import ToolSetup
from openswarm.tools.tool import Tool, ToolContext, ToolResult

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
QUICK = Timings(navigation_s=3.0, action_s=4.0, settle_s=1.0, quiet_s=0.3)
NO_CHROMIUM = not any(shutil.which(name) for name in NAMES)


class Site:
    """A web server whose pages are given by path; it remembers what was asked for."""

    def __init__(self) -> None:
        self.pages: dict[str, str | Answer] = {}
        self.hits: list[str] = []
        self.host = ""

    def url(self, path: str) -> str:
        """The address of a page."""
        return f"http://{self.host}{path}"

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """The page of the path, or 404."""
        if request.path != "/favicon.ico":
            self.hits.append(request.path_qs)
        page = self.pages.get(request.path)
        if callable(page):
            return await page(request)
        if page is None:
            return web.Response(status=404, text="no such page")
        return web.Response(text=page, content_type="text/html")


@asynccontextmanager
async def serving() -> AsyncIterator[Site]:
    """A site that answers on 127.0.0.1."""
    site = Site()
    runner = web.AppRunner(web.Application(), access_log=None, shutdown_timeout=0.1)
    runner.app.router.add_route("*", "/{path:.*}", site.answer)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    site.host = f"127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield site
    finally:
        await runner.cleanup()


class Hand:
    """One agent that uses the tool."""

    _names = itertools.count(1)

    def __init__(self, tool: Tool) -> None:
        self.tool = tool
        self.agent = f"root/{next(self._names)}"

    async def do(self, action: str, **arguments: Any) -> ToolResult:
        """Calls the tool with arguments as a model would write them."""
        params = self.tool.params.model_validate_json(json.dumps({"action": action, **arguments}))
        return await self.tool.run(params, ToolContext(agent=self.agent, call_id="c1"))

    async def view(self, action: str, **arguments: Any) -> View:
        """What is seen after an action that worked."""
        result = await self.do(action, **arguments)
        assert result.ok, result.text
        assert isinstance(result.data, View)
        return result.data


def named(view: View, name: str) -> int:
    """The number of the element of this name."""
    found = [element.id for element in view.elements if element.name == name]
    assert len(found) == 1, view.shown()
    return found[0]


@asynccontextmanager
async def browsing(
    *allow: str,
    journal: Journal | None = None,
    images: bool = False,
    contexts: int | None = None,
    timings: Timings = QUICK,
    pacing: Pacing | None = None,
) -> AsyncIterator[Tool]:
    """The tool as a run has it."""
    resources = {"browser": ResourceLimit(at_once=contexts)} if contexts else {}
    settings = ToolSettings(web=WebSettings(allow_hosts=allow), resources=resources)
    setup = ToolSetup(
        scratch=Path(),
        home=Path(),
        journal=journal or MemoryJournal(),
        settings=settings,
        images=images,
        pacing=pacing or Pacing(),
        page_chars=2_000,
    )
    async with AsyncExitStack() as stack:
        yield await open_browser(setup, stack, timings=timings)


def descendants(pid: int) -> dict[int, str]:
    """The processes below a process, with their command lines."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        try:
            parents[int(entry.name)] = int(
                (entry / "stat").read_text().rpartition(")")[2].split()[1]
            )
        except (ValueError, OSError):
            continue
    found, rest = {}, [pid]
    while rest:
        above = rest.pop()
        for child in [child for child, parent in parents.items() if parent == above]:
            rest.append(child)
            try:
                found[child] = Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ")
            except OSError:
                continue
    return found


def chromium_processes(kind: str) -> list[int]:
    """This process's Chromium processes: `renderer`, or `` for the browser itself."""
    wanted = f"--type={kind}" if kind else "--remote-debugging-pipe"
    return [
        pid
        for pid, command in descendants(os.getpid()).items()
        if wanted in command and (kind or "--type=" not in command) and "chrom" in command
    ]
