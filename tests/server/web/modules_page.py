"""A page of real Chromium that imports the modules of the web view from the source tree."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openswarm
from openswarm.tools.browsing.chromium import NAMES

if TYPE_CHECKING:
    from playwright.async_api import Page, Route

WEB = Path(openswarm.__file__).parent / "server" / "web"
KIT = Path(__file__).parent
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), "")
NO_BROWSER = not CHROMIUM or find_spec("playwright") is None
ORIGIN = "http://web.invalid"
TYPES = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}


class ModulesPage:
    """Runs JavaScript that uses the modules."""

    def __init__(self, page: "Page") -> None:
        self.page = page

    async def run(self, module: str, body: str, *given: Any) -> Any:
        """What `body`, the body of an async function, returns.

        `it` is the module of that path, `given` the values. What goes in and out is JSON.
        """
        script = f"async ([path, given]) => {{ const it = await import(path); {body} }}"
        return await self.page.evaluate(script, [f"/{module}", list(given)])


@asynccontextmanager
async def opened() -> AsyncIterator[ModulesPage]:
    """A page of an origin of its own; every file comes from disk, nothing from a network."""
    from playwright.async_api import async_playwright

    async with async_playwright() as driver:
        options = ["--no-sandbox", "--disable-gpu"]
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=options)
        try:
            page = await browser.new_page()
            await page.route("**/*", _fulfil)
            await page.goto(f"{ORIGIN}/blank.html")
            yield ModulesPage(page)
        finally:
            await browser.close()


async def _fulfil(route: "Route") -> None:
    path = route.request.url.removeprefix(ORIGIN).lstrip("/")
    file = next((folder / path for folder in (WEB, KIT) if (folder / path).is_file()), None)
    if path == "blank.html":
        await route.fulfill(body="<!doctype html><p></p>", content_type="text/html")
    elif file is None:
        await route.fulfill(status=404)
    else:
        await route.fulfill(body=file.read_text("utf-8"), content_type=TYPES[file.suffix])
