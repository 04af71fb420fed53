"""One agent's browser context with its one page, and what happened to it between two looks.

Owns what no page may decide: windows become the page, dialogs are dismissed, downloads do not
happen, a crash ends the session with a reason.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from openswarm.tools.browsing.chromium import ENGINE, Chromium, playwright_error
from openswarm.tools.browsing.door import Door

if TYPE_CHECKING:
    from playwright.async_api import (
        BrowserContext,
        Dialog,
        Download,
        Frame,
        Locator,
        Page,
        Request,
    )

WIDTH, HEIGHT = 1280, 800
"""Of the window, in CSS pixels; a screenshot has as many."""
MOST_NOTES = 8
MOST_WINDOWS = 4
CLOSE_S = 5.0
ENDLESS = frozenset({"eventsource", "media", "websocket", "ping"})
"""Requests that may last as long as the page does."""


@dataclass(frozen=True, slots=True)
class Timings:
    """How long a page is waited for, in seconds."""

    navigation_s: float = 20.0
    action_s: float = 5.0
    settle_s: float = 3.0
    """The most that a page gets to come to rest after an action."""
    quiet_s: float = 0.3
    """How long nothing is asked for or delivered in a page at rest."""


DEFAULT = Timings()


class Session:
    """A page that belongs to one agent."""

    def __init__(
        self, context: "BrowserContext", page: "Page", door: Door, timings: Timings
    ) -> None:
        self.page = page
        self.door = door
        self.timings = timings
        self._shown: dict[int, tuple[Frame, str]] = {}
        self.heading = ""
        """The last address that the page itself went for, as Chromium writes it."""
        self.lost = ""
        """Why the page cannot be used any more; '' while it can."""
        self._context = context
        self._notes: list[str] = []
        self._in_flight: set[Request] = set()
        self._stirred = anyio.Event()
        self._watch()

    def show(self, elements: "dict[int, tuple[Frame, str]]") -> None:
        """Takes what the last look showed: by number, the frame and the line of an element."""
        self._shown = elements

    def line(self, element: int) -> str:
        """An element as it was shown last; '' if it was not."""
        return self._shown[element][1] if element in self._shown else ""

    def locator(self, element: int) -> "Locator | None":
        """Where an element is, if it was shown last and its frame is still there."""
        frame, _ = self._shown.get(element, (None, ""))
        if frame is None or frame.is_detached():
            return None
        return frame.locator(f"{ENGINE}={element}")

    def note(self, text: str) -> None:
        """Keeps a word on what happened for the next look; it may quote the page."""
        if len(self._notes) < MOST_NOTES:
            self._notes.append(text[:300])

    def take_notes(self) -> list[str]:
        """What happened since the last look."""
        notes = [*self._notes, *(f"refused: {reason}" for reason in self.door.news()[:MOST_NOTES])]
        self._notes.clear()
        return notes

    async def settle(self) -> None:
        """Waits until the page is at rest, but no longer than it gets."""
        with anyio.move_on_after(self.timings.settle_s):
            while True:
                with anyio.move_on_after(self.timings.quiet_s) as pause:
                    await self._stirred.wait()
                if pause.cancelled_caught and not self._in_flight:
                    return
                if self._stirred.is_set():
                    self._stirred = anyio.Event()
        self._in_flight.clear()

    async def close_spare(self) -> None:
        """Leaves the agent few windows: its page, and the last ones that may be returned to."""
        others = [page for page in self._context.pages if page is not self.page]
        for page in others[: max(0, len(others) - MOST_WINDOWS + 1)]:
            with anyio.move_on_after(CLOSE_S):
                await page.close()

    async def close(self) -> None:
        """Ends the context, its connections first; a page that hangs is left to the browser."""
        self.lost = self.lost or "its agent is done"
        self.door.close()
        with anyio.move_on_after(CLOSE_S, shield=True):
            try:
                await self._context.close()
            except playwright_error():
                pass  # it went with its browser

    def _watch(self) -> None:
        self._context.on("page", self._windowed)
        self._context.on("dialog", self._spoken_to)
        self._context.on("request", self._asked)
        self._context.on("requestfinished", self._answered)
        self._context.on("requestfailed", self._answered)
        self._watch_page(self.page)

    def _watch_page(self, page: "Page") -> None:
        page.on("crash", lambda _: self._ended(page, "it crashed"))
        page.on("close", lambda _: self._ended(page, "it was closed"))
        page.on("download", self._offered)

    def _windowed(self, page: "Page") -> None:
        self.note("a window opened; it is the page now")
        self.page = page
        self._watch_page(page)
        self._stirred.set()

    def _ended(self, page: "Page", why: str) -> None:
        if page is not self.page:
            return
        others = [other for other in self._context.pages if other is not page]
        if others:
            self.page = others[-1]
            self.note(f"the page is the one before again, since {why}")
        else:
            self.lost = self.lost or why
        self._stirred.set()

    def _offered(self, download: "Download") -> None:
        self.note(
            f"the page offered a file, {download.suggested_filename}: nothing is downloaded here;"
            f" fetch {download.url}"
        )

    async def _spoken_to(self, dialog: "Dialog") -> None:
        leaves = dialog.type == "beforeunload"
        if not leaves:
            self.note(f"a dialog ({dialog.type}) was dismissed: {dialog.message}")
        try:
            await (dialog.accept() if leaves else dialog.dismiss())
        except playwright_error():
            pass  # its page is gone

    def _asked(self, request: "Request") -> None:
        if request.is_navigation_request() and self._is_own(request):
            self.heading = request.url
        if request.resource_type not in ENDLESS:
            self._in_flight.add(request)
        self._stirred.set()

    def _is_own(self, request: "Request") -> bool:
        try:
            return request.frame == self.page.main_frame
        except playwright_error():
            return False  # of a window that is not there yet

    def _answered(self, request: "Request") -> None:
        self._in_flight.discard(request)
        self._stirred.set()


async def open_session(
    chromium: Chromium, door: Door, timings: Timings, user_agent: str
) -> Session:
    """A context with one empty page: no permissions, no workers beside it, no downloads."""
    context = await chromium.browser.new_context(
        viewport={"width": WIDTH, "height": HEIGHT},
        locale="en-US",
        reduced_motion="reduce",
        accept_downloads=False,
        service_workers="block",
        permissions=[],
        proxy={"server": f"socks5://127.0.0.1:{door.port}", "bypass": "<-loopback>"},
        user_agent=user_agent or None,
    )
    context.set_default_timeout(timings.action_s * 1000)
    context.set_default_navigation_timeout(timings.navigation_s * 1000)
    return Session(context, await context.new_page(), door, timings)
