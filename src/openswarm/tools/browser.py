"""The tool `browser`: one real page for each agent, which it opens, reads and acts on."""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import anyio.to_thread
from pydantic import BaseModel, ConfigDict, Field, model_validator

from openswarm.core.errors import ToolError, UserError, WebError
from openswarm.core.tooling import ToolSettings, WebSettings
from openswarm.pacing.limiter import Pacing
from openswarm.tools.browsing import actions, look
from openswarm.tools.browsing.chromium import find_chromium
from openswarm.tools.browsing.pool import Browsers, Launch, open_browsers
from openswarm.tools.browsing.screenshot import Screenshots
from openswarm.tools.browsing.session import DEFAULT, Session, Timings
from openswarm.tools.documents import Document, fence
from openswarm.tools.setup import BROWSER, BROWSER_PAGES, ToolSetup
from openswarm.tools.tool import Effect, Tool, ToolContext, ToolResult, prompt_text
from openswarm.tools.web.addresses import AllowedHosts, PublicResolver
from openswarm.tools.web.pages import part

MOST_WORDS = 200
Action = Literal[
    "open", "click", "type", "press", "select", "scroll", "find", "back", "read", "screenshot"
]
NEEDS: dict[str, tuple[str, ...]] = {
    "open": ("url",),
    "click": ("element",),
    "type": ("element", "text"),
    "press": ("element", "text"),
    "select": ("element", "text"),
    "find": ("text",),
}
ACTING = ("click", "type", "press", "select")
"""What a page can answer by doing something: it sees every one of these."""


class BrowserParams(BaseModel):
    """What `browser` is called with."""

    model_config = ConfigDict(extra="forbid")

    action: Action
    url: str = Field("", max_length=4_000, description="open: the address, http or https.")
    element: int | None = Field(
        None, ge=1, description="The number in brackets: of what to click, type into, scroll to."
    )
    text: str | None = Field(
        None,
        max_length=20_000,
        description="type: what to write. press: the key, such as Enter. select: the option."
        " find: the words.",
    )
    submit: bool = Field(False, description="type: press Enter afterwards.")
    screens: float = Field(
        1.0, ge=-50, le=50, description="scroll: how many screens down; negative is up."
    )
    page: int = Field(1, ge=1, description="read: which page of the text, counted from 1.")

    @model_validator(mode="after")
    def _is_complete(self) -> "BrowserParams":
        missing = [name for name in NEEDS.get(self.action, ()) if getattr(self, name) in (None, "")
                   and not (self.action == "type" and self.text == "")]  # fmt: skip
        if missing:
            raise ValueError(f"{self.action} needs {' and '.join(missing)}")
        if self.action == "open":
            check_address(self.url)
        if self.action == "find" and len(self.text or "") > MOST_WORDS:
            raise ValueError(f"find takes at most {MOST_WORDS} characters")
        return self


def check_address(url: str) -> None:
    """Raises ValueError for what is no address of a web page."""
    place = urlsplit(url)
    if place.scheme.lower() not in actions.PORTS or not place.hostname:
        raise ValueError("only addresses that begin with http:// or https:// are opened")
    if place.username or place.password:
        raise ValueError("an address with a user name or password in it is not opened")
    _ = place.port  # raises for one that is none


async def open_browser(
    setup: ToolSetup, stack: AsyncExitStack, *, timings: Timings = DEFAULT
) -> Tool:
    """The tool; its Chromium starts at the first call and ends with the stack.

    Raises `SettingsError` naming what is to be installed.
    """
    browsers = await _browsers(setup, stack, timings)
    hand = _Hand(browsers, setup, Screenshots(setup.journal))

    async def release(agent: str, _: bool) -> str:
        await browsers.release(agent)
        return ""

    return Tool(
        "browser",
        prompt_text(__file__),
        BrowserParams,
        hand.run,
        effect=partial(_effect, browsers.described),
        resource=BROWSER,
        release=release,
    )


async def browse(url: str, *, allow_hosts: Sequence[str] = ()) -> look.View:
    """Opens a page in a browser of its own and returns what is seen of it.

    `allow_hosts` names hosts of private networks that may be reached, as `host` or `host:port`.
    Raises `UserError` for an address that is none, `ToolError` when it does not open, and
    `SettingsError` when playwright or Chromium are missing.
    """
    try:
        check_address(url)
    except ValueError as error:
        raise UserError(f"{url!r}: {error}") from None
    settings = ToolSettings(web=WebSettings(allow_hosts=tuple(allow_hosts)))
    setup = ToolSetup(scratch=Path(), home=Path(), settings=settings)
    async with AsyncExitStack() as stack:
        browsers = await _browsers(setup, stack, DEFAULT)
        async with browsers.session("root", new=True) as session:
            await _open_paced(session, url, setup.pacing, "root")
            return await browsers.look(session)


async def _browsers(setup: ToolSetup, stack: AsyncExitStack, timings: Timings) -> Browsers:
    web = setup.settings.web
    path = await anyio.to_thread.run_sync(find_chromium, web.browser, setup.environ)
    resolver = PublicResolver(AllowedHosts(web.allow_hosts))
    stack.push_async_callback(resolver.close)

    async def resolve(host: str, port: int) -> list[str]:
        return [entry["host"] for entry in await resolver.resolve(host, port)]

    limit = setup.settings.resources.get(BROWSER)
    contexts = (limit.at_once if limit else None) or BROWSER_PAGES
    launch = Launch(path, setup.environ, resolve, web.user_agent, contexts, timings)
    return await open_browsers(launch, stack)


async def _open_paced(session: Session, url: str, pacing: Pacing, agent: str) -> str:
    """Goes to an address as its host's limiter admits. Raises `ToolError`."""
    limiter = pacing.limiter(f"host:{urlsplit(url).hostname}")
    try:
        return await limiter.call(
            lambda: actions.open_page(session, url),
            holder=agent,
            retry_s=session.timings.navigation_s,
        )
    except WebError as error:
        # what a host could not do says nothing of the browser, whose limiter would try again
        raise ToolError(f"{url} did not open: {error}") from error


def _effect(described: Callable[[int], tuple[str, str]], params: BrowserParams) -> Effect | None:
    """What a call does to a page, for the one who is to approve it."""
    if params.action not in ACTING or params.element is None:
        return None
    element, address = described(params.element)
    said = f" {(params.text or '')[:500]!r} in" if params.action != "click" else ""
    enter = ", then Enter" if params.action == "type" and params.submit else ""
    place = f" on {address[:500]}" if address else ""
    return Effect(f"browser {params.action}{said} {element}{enter}{place}")


class _Hand:
    """Carries out the calls of all agents."""

    def __init__(self, browsers: Browsers, setup: ToolSetup, screenshots: Screenshots) -> None:
        self._browsers = browsers
        self._setup = setup
        self._screenshots = screenshots

    async def run(self, params: BrowserParams, context: ToolContext) -> ToolResult:
        """One action, and what the page is like after it."""
        async with self._browsers.session(context.agent, new=params.action == "open") as session:
            match params.action:
                case "read":
                    return await self._read(session, params.page)
                case "screenshot":
                    return await self._screenshot(session, params.element, context)
                case "find":
                    return await self._find(session, params.text or "")
                case _:
                    return await self._act(session, params, context.agent)

    async def _act(self, session: Session, params: BrowserParams, agent: str) -> ToolResult:
        try:
            done, ok = await self._done(session, params, agent), True
        except ToolError as error:
            if params.action == "open":
                raise
            done, ok = str(error), False
        view = await self._browsers.look(session)
        return ToolResult(f"{done}\n{view.shown()}", ok=ok, display=done, data=view)

    async def _done(self, session: Session, params: BrowserParams, agent: str) -> str:
        element, text = params.element or 0, params.text or ""
        match params.action:
            case "open":
                return await _open_paced(session, params.url, self._setup.pacing, agent)
            case "back":
                return await actions.go_back(session)
            case "click":
                return await actions.click(session, element)
            case "type":
                return await actions.type_text(session, element, text, submit=params.submit)
            case "press":
                return await actions.press(session, element, text)
            case "select":
                return await actions.select(session, element, text)
        if params.element is not None:
            return await actions.scroll_to(session, params.element)
        return await actions.scroll_by(session, params.screens)

    async def _read(self, session: Session, number: int) -> ToolResult:
        text, count = part(await look.read(session), number, self._setup.page_chars)
        if number > count:
            raise ToolError(f"the text has {count} pages; ask for one of them")
        place = f"Page {number} of {count}{', the last' * (number == count)}."
        shown = fence(Document(session.page.url, text.strip() or "(no visible text)"))
        return ToolResult(f"{place}\n{shown}", display=place, data=text)

    async def _find(self, session: Session, words: str) -> ToolResult:
        found = await look.find(session, words)
        count = sum(entry.count for entry in found)
        if not count:
            return ToolResult("the words are not on the page; read it, or scroll for more")
        lines = "\n".join(f"- {line}" for entry in found for line in entry.found)
        shown = fence(Document(session.page.url, lines))
        view = await self._browsers.look(session)
        place = f"found in {count} places; the window is at the first"
        return ToolResult(f"{place}\n{shown}\n{view.shown()}", display=place, data=view)

    async def _screenshot(
        self, session: Session, element: int | None, context: ToolContext
    ) -> ToolResult:
        await session.settle()
        shot = await self._screenshots.take(session, element, context)
        kept = f"the screenshot is kept as the artifact {shot.name}"
        if self._setup.images:
            return ToolResult(kept, images=(shot.image,), display=kept)
        return ToolResult(f"{kept}; your model reads no images: use read or find", display=kept)
