"""Whether robots.txt lets us fetch: each site's file is read once a run, and its delay kept."""

from collections.abc import Awaitable, Callable

from yarl import URL

from openswarm.core.errors import Fault, WebError
from openswarm.pacing.limiter import Pacing
from openswarm.tools.web.charsets import decode
from openswarm.tools.web.client import Answer
from openswarm.tools.web.flights import Flights
from openswarm.tools.web.robots import MAX_CHARS, Group, group_for

LONGEST_DELAY_S = 10.0
"""The most of a `Crawl-delay` that is kept."""
SITES = 2000
"""How many sites' files are remembered."""
FORBIDDEN = "its robots.txt does not allow it; look for the same elsewhere"

Load = Callable[[URL], Awaitable[Answer]]


class Permission:
    """The rules of all sites of a run, by origin."""

    def __init__(self, pacing: Pacing, user_agent: str) -> None:
        self._pacing = pacing
        self._user_agent = user_agent
        self._flights: Flights[URL, Group | None] = Flights()
        self._known: dict[URL, Group] = {}

    async def check(self, url: URL, load: Load) -> None:
        """Raises `WebError` if the site forbids it. `load` brings a file, redirects followed."""
        site = url.origin()
        group = self._known.get(site)
        if group is None:
            group = await self._flights.share(site, lambda: self._read(site, load))
        if group is None:
            raise WebError(
                Fault.REFUSED, "its robots.txt cannot be read now, so nothing there may be fetched"
            )
        if not group.allows(url.raw_path_qs):
            raise WebError(Fault.REFUSED, FORBIDDEN)

    async def _read(self, site: URL, load: Load) -> Group | None:
        """The rules for us; none where there is no file, None where it is there but not now.

        An error of the connection is the page's own too, and is told as that.
        """
        try:
            answer = await load(site / "robots.txt")
        except WebError as error:
            if error.status == 429 or error.status >= 500:
                return None
            if not error.status and error.may_pass:
                raise
            return self._keep(site, Group())
        text = decode(answer.body[: MAX_CHARS * 4], "utf-8", markup=False)
        return self._keep(site, group_for(text, self._user_agent))

    def _keep(self, site: URL, group: Group) -> Group:
        self._known[site] = group
        if len(self._known) > SITES:
            del self._known[next(iter(self._known))]
        limiter = self._pacing.limiter(f"host:{site.host}")
        limiter.interval_s = max(limiter.interval_s, min(group.delay_s, LONGEST_DELAY_S))
        return group
