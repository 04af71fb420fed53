"""The sessions of a run: one Chromium, started at its first use, and a context for each agent.

When there are as many contexts as there may be, the one that was idle longest makes room. What
crashed is made anew at the next call; its agent is told.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import anyio
from anyio.abc import TaskGroup

from openswarm.core.errors import ToolError
from openswarm.tools.background import open_background
from openswarm.tools.browsing.chromium import START_S, Chromium, playwright_error, start
from openswarm.tools.browsing.door import Door, Resolve
from openswarm.tools.browsing.look import NUMBERS_A_LOOK, View, look
from openswarm.tools.browsing.session import DEFAULT, Session, Timings, open_session
from openswarm.tools.setup import BROWSER_PAGES


@dataclass(slots=True)
class _Seat:
    """What an agent has here."""

    turn: anyio.Lock = field(default_factory=anyio.Lock)
    session: Session | None = None
    taken: bool = False
    why_lost: str = ""


@dataclass(frozen=True, slots=True)
class Launch:
    """How the browser of a run is started."""

    path: str
    environ: Mapping[str, str]
    resolve: Resolve
    user_agent: str = ""
    contexts: int = BROWSER_PAGES
    timings: Timings = DEFAULT


class Browsers:
    """The browser of a run."""

    def __init__(self, launch: Launch, tasks: TaskGroup) -> None:
        self._launch = launch
        self._tasks = tasks
        self._seats: dict[str, _Seat] = {}
        """By agent, the one that was idle longest first."""
        self._places = anyio.Semaphore(launch.contexts)
        self._starting = anyio.Lock()
        self._chromium: Chromium | None = None
        self._next_number = 1

    @asynccontextmanager
    async def session(self, agent: str, *, new: bool) -> AsyncIterator[Session]:
        """An agent's session, for one call at a time; `new` makes one where there is none.

        Raises `ToolError` where there is none, saying what became of the one before.
        """
        seat = self._seats.setdefault(agent, _Seat())
        async with seat.turn, self._places:
            self._seats.pop(agent, None)
            self._seats[agent] = seat
            await self._drop_lost(seat)
            if seat.session is None and not new:
                why = f": {seat.why_lost}" if seat.why_lost else ""
                raise ToolError(f"no page is open{why}. Use the action open with a url first")
            if seat.session is None:
                seat.session = await self._seated(seat)
            try:
                yield seat.session
            finally:
                with anyio.CancelScope(shield=True):
                    await self._drop_lost(seat)

    async def look(self, session: Session) -> View:
        """The page as it is now, at rest. A page that does not answer ends its session."""
        await session.settle()
        await session.close_spare()
        first = self._next_number
        self._next_number += NUMBERS_A_LOOK
        try:
            if session.lost:
                raise ToolError(f"the page is gone: {session.lost}. Open it again, or another one")
            view = await look(session, first)
        except (ToolError, playwright_error()) as error:
            session.lost = session.lost or "it did not answer"
            raise ToolError(
                f"the page is gone: {session.lost}. Open it again, or another one"
            ) from error
        if self._next_number == first + NUMBERS_A_LOOK:
            self._next_number = max([first - 1, *(element.id for element in view.elements)]) + 1
        return view

    def described(self, element: int) -> tuple[str, str]:
        """An element as its agent was shown it, and the address of its page; '' if unknown."""
        for seat in self._seats.values():
            if seat.session is not None and (line := seat.session.line(element)):
                return line, seat.session.page.url
        return f"[{element}]", ""

    async def release(self, agent: str) -> None:
        """Closes what an agent has open."""
        seat = self._seats.get(agent)
        if seat is None:
            return
        async with seat.turn:
            self._seats.pop(agent, None)
            await self._vacate(seat, "its agent is done")

    async def close(self) -> None:
        """Ends the browser with all that is open in it."""
        for seat in self._seats.values():
            if seat.session is not None:
                seat.session.door.close()
        self._seats.clear()
        if self._chromium is not None:
            await self._chromium.stop()
            self._chromium = None

    async def _drop_lost(self, seat: _Seat) -> None:
        if seat.session is None:
            return
        if self._chromium is None or not self._chromium.is_alive:
            seat.session.lost = "the browser crashed"
        if seat.session.lost:
            await self._vacate(seat, seat.session.lost)

    async def _vacate(self, seat: _Seat, why: str) -> None:
        session, seat.session, seat.taken = seat.session, None, False
        if session is not None:
            seat.why_lost = f"the last one is gone, {why}"
            await session.close()

    async def _seated(self, seat: _Seat) -> Session:
        """A new session; whoever is cancelled meanwhile leaves none behind."""
        seat.taken = True
        try:
            await self._make_room()
            with anyio.CancelScope(shield=True):
                session = await self._opened()
        finally:
            seat.taken = False
        return session

    async def _make_room(self) -> None:
        """Ends the session that was idle longest, if there are too many with the one to come."""
        held = [seat for seat in self._seats.values() if seat.session or seat.taken]
        idle = [seat for seat in held if seat.session and not seat.turn.statistics().locked]
        if len(held) > self._launch.contexts and idle:
            async with idle[0].turn:
                await self._vacate(idle[0], "other agents needed its place")

    async def _opened(self) -> Session:
        """A session in the browser that runs, or in the next one where that one crashed unseen."""
        chromium = await self._running()
        try:
            return await self._opened_in(chromium)
        except ToolError:
            if not await chromium.has_crashed():
                raise
        return await self._opened_in(await self._running())

    async def _opened_in(self, chromium: Chromium) -> Session:
        door = Door(self._launch.resolve)
        await self._tasks.start(door.serve)
        launch = self._launch
        try:
            with anyio.fail_after(START_S):
                return await open_session(chromium, door, launch.timings, launch.user_agent)
        except (playwright_error(), TimeoutError) as error:
            door.close()
            raise ToolError("the browser did not open a page; try again") from error

    async def _running(self) -> Chromium:
        async with self._starting:
            if self._chromium is not None and not self._chromium.is_alive:
                crashed, self._chromium = self._chromium, None
                await crashed.stop()
            if self._chromium is None:
                self._chromium = await start(self._launch.path, self._launch.environ)
            return self._chromium


async def open_browsers(launch: Launch, stack: AsyncExitStack) -> Browsers:
    """The browser of a run, not started yet; it ends with the stack."""
    browsers = Browsers(launch, await open_background(stack))
    stack.push_async_callback(browsers.close)
    return browsers
