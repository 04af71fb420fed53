"""The built-in tools of a run: from the names that a user gives to tools that are open.

Owns the sets (`web`, `files`, …) and which opener makes what. What a run did not ask for is not
imported.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import partial
from typing import TYPE_CHECKING

from openswarm.core.errors import SettingsError, UserError
from openswarm.tools.setup import ToolSetup
from openswarm.tools.tool import Tool

if TYPE_CHECKING:
    from openswarm.tools.files.workspaces import Workspaces
    from openswarm.tools.sandbox.sandbox import Sandbox
    from openswarm.tools.web.fetcher import Fetcher

SETS: dict[str, tuple[str, ...]] = {
    "web": ("web_search", "fetch", "browser"),
    "python": ("python",),
    "shell": ("shell",),
    "files": ("read", "write", "edit", "glob", "grep"),
    "http": ("http_request",),
    "mcp": ("mcp",),
}
"""What `--tools` takes beside the names of single tools; `mcp` is every server that is set up."""
NAMES = tuple(dict.fromkeys(name for names in SETS.values() for name in names))
SPARE = {"web": ("web_search", "browser")}
"""Members of a set that are left out, with a word, where what they need is not there."""


def expand(wanted: Sequence[str]) -> tuple[str, ...]:
    """The names of single tools, each once. Raises `UserError` naming what comes near."""
    names: list[str] = []
    for entry in (part.strip() for text in wanted for part in text.split(",")):
        if not entry:
            continue
        if entry not in SETS and entry not in NAMES:
            known = [*SETS, *(name for name in NAMES if name not in SETS)]
            near = get_close_matches(entry, known, n=1)
            advice = f"do you mean {near[0]}? Else " if near else ""
            if entry.startswith("mcp__"):
                advice = "tools of MCP servers come with mcp; enabledTools in mcp.json picks some; "
            raise UserError(f"there is no tool {entry!r}; {advice}there are: {', '.join(known)}")
        names += SETS.get(entry, (entry,))
    return tuple(dict.fromkeys(names))


@dataclass(slots=True)
class Toolbox:
    """Opens the tools of a run, each thing that several of them share once."""

    setup: ToolSetup
    stack: AsyncExitStack
    corpus: bool = False
    """Whether the run has the tools of a corpus beside these."""
    notes: list[str] = field(default_factory=list)
    """What was left out, and what to do to have it."""
    _fetcher: "Fetcher | None" = None
    _sandbox: "Sandbox | None" = None
    _workspaces: "Workspaces | None" = None

    @property
    def sandbox(self) -> str:
        """How code is confined; '' where no tool runs code."""
        return self._sandbox.confinement.kind if self._sandbox is not None else ""

    async def open(self, wanted: Sequence[str]) -> list[Tool]:
        """The tools of these sets and names. Raises `SettingsError` for what cannot be had.

        A member of a set that lacks something is left out with a note; one that is named is not.
        """
        names = expand(wanted)
        named = {part.strip() for text in wanted for part in text.split(",")}
        spared = {name for of_set in named for name in SPARE.get(of_set, ())} - named
        tools: list[Tool] = []
        # what file tools changed is merged at their release, when an agent's code has ended
        for name in sorted(names, key=SETS["files"].__contains__):
            try:
                tools += await self._openers(names)[name]()
            except SettingsError as error:
                if name not in spared:
                    raise
                self.notes.append(f"without {name}: {error}")
        return tools

    def _openers(self, names: Sequence[str]) -> dict[str, Callable[[], Awaitable[list[Tool]]]]:
        # code fetches without being asked about, so only where each agent may
        web = "fetch" in names and self.setup.policy.verdict("fetch", "allow") == "allow"
        files = any(name in SETS["files"] for name in names)
        return {
            "web_search": self._web_search,
            "fetch": self._fetch,
            "browser": self._browser,
            "python": lambda: self._code("python", web=web, files=files),
            "shell": lambda: self._code("shell", web=web, files=files),
            **{name: partial(self._file, name) for name in SETS["files"]},
            "http_request": self._http_request,
            "mcp": self._mcp,
        }

    async def _web_search(self) -> list[Tool]:
        from openswarm.tools.web_search import open_search

        return [await open_search(self.setup, self.stack)]

    async def _fetch(self) -> list[Tool]:
        from openswarm.tools.fetch import fetch_tool

        return [fetch_tool(await self._shared_fetcher(), page_chars=self.setup.page_chars)]

    async def _browser(self) -> list[Tool]:
        from openswarm.tools.browser import open_browser

        return [await open_browser(self.setup, self.stack)]

    async def _code(self, name: str, *, web: bool, files: bool) -> list[Tool]:
        from openswarm.tools.python import python_tool
        from openswarm.tools.sandbox.sandbox import open_sandbox
        from openswarm.tools.shell import shell_tool

        if self._sandbox is None:
            fetcher = await self._shared_fetcher() if web else None
            copies = await self._shared_workspaces() if files and self.setup.roots else None
            self._sandbox = await open_sandbox(self.setup, self.stack, fetcher, workspaces=copies)
        make = python_tool if name == "python" else shell_tool
        return [make(self._sandbox)]

    async def _file(self, name: str) -> list[Tool]:
        from openswarm.tools.edit import edit_tool
        from openswarm.tools.glob import glob_tool
        from openswarm.tools.grep import grep_tool
        from openswarm.tools.read import read_tool
        from openswarm.tools.write import write_tool

        if not self.setup.roots:
            raise UserError(f"{name} needs a folder to work in; name it: --root FOLDER")
        makers: dict[str, Callable[[Workspaces], Tool]] = {
            "read": read_tool,
            "write": write_tool,
            "edit": edit_tool,
            "glob": glob_tool,
            "grep": partial(grep_tool, name="grep_files" if self.corpus else "grep"),
        }
        return [makers[name](await self._shared_workspaces())]

    async def _http_request(self) -> list[Tool]:
        from openswarm.tools.http_request import open_http

        return [await open_http(self.setup, self.stack)]

    async def _mcp(self) -> list[Tool]:
        from openswarm.tools.mcp.tools import CONFIG, open_mcp

        tools = await open_mcp(self.setup, self.stack)
        if not tools:
            raise SettingsError(
                f"no MCP server is set up; put the usual JSON with mcpServers into"
                f" {self.setup.home / CONFIG}"
            )
        return tools

    async def _shared_workspaces(self) -> "Workspaces":
        if self._workspaces is None:
            from openswarm.tools.files.workspaces import open_workspaces

            self._workspaces = await open_workspaces(self.setup, self.stack)
        return self._workspaces

    async def _shared_fetcher(self) -> "Fetcher":
        if self._fetcher is None:
            from openswarm.tools.web.fetcher import open_fetcher

            self._fetcher = await open_fetcher(self.setup, self.stack)
        return self._fetcher
