"""The fetcher of a run: each page is asked for once, politely, and kept in the journal.

Owns the order of things: the journal's copy, the flight under way, robots.txt, the host's limiter,
the question, the text, the event. One serves all sub-agents, and the sandbox's proxy.
"""

import time
from collections import OrderedDict
from collections.abc import Collection
from contextlib import AsyncExitStack

import anyio
import anyio.to_thread
from yarl import URL

from openswarm.core.errors import Fault, WebError
from openswarm.core.events import PageFetched
from openswarm.tools.corpus.readers import Unreadable
from openswarm.tools.setup import ToolSetup
from openswarm.tools.web.client import (
    Answer,
    WebClient,
    follow,
    open_client,
    parse_address,
    shown,
    without_user,
)
from openswarm.tools.web.flights import Flights, again
from openswarm.tools.web.kept import KeptPages
from openswarm.tools.web.pages import Page
from openswarm.tools.web.permission import Permission
from openswarm.tools.web.readable import Text, readable

RETRY_S = 15.0
"""How long a page that fails is tried again."""
THROTTLED_S = 60.0
THROTTLED_TRIES = 6
"""How long, and how often, a page that is refused with 429 is asked for again."""
READ_S = 30.0
"""The most that finding the text of a page may take."""
READERS = 2
"""Texts that are found at once, each in a thread: more would keep the event loop waiting."""
MOST_READERS = 16
FAILURE_KEPT_S = 60.0
"""For how long a page that is refused is not asked for again."""
KEPT_FAILURES = 2000


class Fetcher:
    """Fetches for all agents of a run. Made by `open_fetcher`."""

    def __init__(self, setup: ToolSetup, client: WebClient) -> None:
        web = setup.settings.web
        self._client = client
        self._pacing = setup.pacing
        self._permission = Permission(setup.pacing, client.user_agent)
        self._robots = web.robots
        self._flights: Flights[URL, Page] = Flights()
        self._failures: OrderedDict[URL, tuple[float, WebError]] = OrderedDict()
        self._kept = KeptPages(setup.journal)
        for event in setup.past:
            if isinstance(event, PageFetched):
                self._kept.restore(event)
        self._readers = anyio.CapacityLimiter(READERS)

    async def fetch(self, url: str, holder: str = "") -> Page:
        """A page with text, for the agent `holder`. Raises `WebError` that says why not."""
        page = await self.get(url, holder)
        if not page.text:
            raise WebError(Fault.REFUSED, f"{shown(page.address)} was not read: {page.problem}")
        return page

    async def get(self, url: str, holder: str = "") -> Page:
        """Any body, which the journal then holds as `blob`; its text is '' if it is not text.

        Equal addresses are one question, whoever asks and how often. Raises `WebError`.
        """
        try:
            address = without_user(parse_address(url))
            page = await self._kept.find(address)
            if page is None:
                self._refuse_known(address)
                page = await self._flights.share(address, lambda: self._load(address, holder))
        except WebError as error:
            text = f"{shown(url)} was not fetched: {error}"
            raise WebError(error.fault, text, status=error.status) from None
        return page

    def _refuse_known(self, address: URL) -> None:
        at, error = self._failures.get(address, (0.0, None))
        if error is not None and time.monotonic() - at < FAILURE_KEPT_S:
            raise again(error)

    async def _load(self, address: URL, holder: str) -> Page:
        try:
            answer = await follow(address, lambda url: self._step(url, holder))
            read, problem = await self._read(answer)
        except WebError as error:
            if not error.may_pass:
                self._failures[address] = (time.monotonic(), again(error))
            if len(self._failures) > KEPT_FAILURES:
                self._failures.popitem(last=False)
            raise
        return self._kept.add(address, answer, read, problem, holder)

    async def _step(self, url: URL, holder: str) -> Answer:
        """One question on the way, if robots.txt allows it."""
        if self._robots:
            await self._permission.check(
                url, lambda file: follow(file, lambda step: self._ask(step, holder))
            )
        return await self._ask(url, holder)

    async def _ask(self, url: URL, holder: str) -> Answer:
        """One question, by the limiter of its host, which tries it again where that may help."""
        refused_at: list[float] = []

        async def ask() -> Answer:
            try:
                return await self._client.ask(url)
            except WebError as error:
                if error.fault is not Fault.THROTTLED:
                    raise
                refused_at.append(time.monotonic())
                late = refused_at[-1] - refused_at[0] > THROTTLED_S
                if len(refused_at) < THROTTLED_TRIES and not late:
                    raise
                text = f"{error}, {len(refused_at)} times"
                raise WebError(Fault.REFUSED, text, status=error.status) from None

        limiter = self._pacing.limiter(f"host:{url.host}")
        return await limiter.call(ask, holder=holder, retry_s=RETRY_S)

    async def _read(self, answer: Answer) -> tuple[Text, str]:
        """The text of a body, or why there is none."""
        arguments = (answer.body, answer.media_type, answer.charset, str(answer.url))
        try:
            with anyio.fail_after(READ_S):
                text = await anyio.to_thread.run_sync(
                    readable, *arguments, abandon_on_cancel=True, limiter=self._readers
                )
        except TimeoutError:
            # its thread goes on to its end: the pages behind it get another one
            self._readers.total_tokens = min(self._readers.total_tokens + 1, MOST_READERS)
            return Text("", ""), f"its text was not found within {READ_S:g} s"
        except Unreadable as error:
            return Text("", ""), str(error)
        return text, ""


async def open_fetcher(
    setup: ToolSetup, stack: AsyncExitStack, allow_hosts: Collection[str] = ()
) -> Fetcher:
    """The fetcher of a run, closed with the stack. `allow_hosts` are hosts of private networks
    that may be asked beside those of the settings: `name` or `name:port`."""
    web = setup.settings.web
    client = await open_client(
        stack,
        [*web.allow_hosts, *allow_hosts],
        user_agent=web.user_agent,
        timeout_s=web.timeout_s,
        ca_bundle=web.ca_bundle,
    )
    return Fetcher(setup, client)
