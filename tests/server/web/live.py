"""A real server, a real Chromium, and a page of the web view in it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
from modules_page import CHROMIUM, NO_BROWSER
from relay import Relay, relayed
from served import TOKEN, Served, serving
from world import COLUMNS, TASK, World, write_documents

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Page

__all__ = ["NO_BROWSER", "View", "expect", "watching"]
WIDTH, HEIGHT = 1280, 800
LIMIT_MS = 15_000


def expect(it: Any) -> Any:
    """Playwright's own assertions, which wait."""
    from playwright.async_api import expect as waiting

    return waiting(it)


@dataclass
class View:
    """The page, the server behind it, and what went wrong in the browser."""

    server: Served
    world: World
    documents: Path
    browser: "Browser"
    context: "BrowserContext"
    page: "Page"
    relay: Relay
    url: str
    """Of the relay, which leads to the server."""
    problems: list[str] = field(default_factory=list)

    async def start(self, **fields: Any) -> str:
        """Starts a run over the documents through the API; its id."""
        body = {
            "task": TASK, "mode": "swarm", "over": [str(self.documents)], "columns": COLUMNS,
            "limits": {"subagent_steps": 5_000}, **fields,
        }  # fmt: skip
        async with self.server.client.post("/api/runs", json=body) as answer:
            value = await answer.json()
            assert answer.status == 201, value
            return value["run_id"]

    async def snapshot(self, run: str) -> dict[str, Any]:
        """The run as the API has it."""
        async with self.server.client.get(f"/api/runs/{run}") as answer:
            return await answer.json()

    async def open(self, run: str, tab: str = "") -> None:
        """Opens a run, with the token in the fragment as `serve` prints it."""
        where = f"#/run/{run}{f'/{tab}' if tab else ''}"
        await self.page.goto(f"{self.url}/{where}?token={TOKEN}")

    async def go(self, name: str) -> None:
        """Opens a page of the application."""
        await self.page.goto(f"{self.url}/#/{name}?token={TOKEN}")

    async def until_over(self, run: str) -> None:
        """Waits until the API says that the run is over."""
        with anyio.fail_after(LIMIT_MS / 1000):
            async with self.server.client.get(f"/api/runs/{run}/events?ticks=0") as stream:
                async for line in stream.content:
                    if line.startswith(b"event: end"):
                        return

    def row(self, text: str) -> Any:
        """The row of the tree or the table in which a cell says exactly that."""
        return self.page.get_by_role("row").filter(has=self.page.get_by_text(text, exact=True))


@asynccontextmanager
async def watching(
    world: World, folder: Path, *, scheme: str = "light", **options: Any
) -> AsyncIterator[View]:
    """A server with this world behind it, and a page; nothing may have gone wrong at the end."""
    from playwright.async_api import async_playwright, expect

    expect.set_options(timeout=LIMIT_MS)
    documents = write_documents(folder / "documents")
    async with (
        serving({}, models={"scripted": world}, folders=(folder,), **options) as server,
        relayed(int(server.url.rpartition(":")[2])) as (relay, port),
        async_playwright() as driver,
    ):
        arguments = ["--no-sandbox", "--disable-gpu"]
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=arguments)
        try:
            context = await browser.new_context(
                viewport={"width": WIDTH, "height": HEIGHT},
                color_scheme=scheme,  # type: ignore[arg-type]
                reduced_motion="reduce",
                accept_downloads=True,
            )
            context.set_default_timeout(LIMIT_MS)
            page = await context.new_page()
            view = View(
                server, world, documents, browser, context, page, relay, f"http://127.0.0.1:{port}"
            )
            page.on("pageerror", lambda error: view.problems.append(str(error)))
            page.on("console", lambda said: _note(view, said))
            yield view
            assert view.problems == []
        finally:
            await browser.close()


def _note(view: View, said: Any) -> None:
    if said.type in ("error", "warning") and "net::ERR_" not in said.text:
        view.problems.append(f"{said.type}: {said.text}")
