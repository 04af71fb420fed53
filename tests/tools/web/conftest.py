"""The site that the tests of fetching ask."""

from collections.abc import AsyncIterator

import pytest
from fetched_site import Site, reply, serving


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """A server that runs, with one page."""
    async with serving() as site:
        site.pages["/a"] = reply("here", type_="text/plain")
        yield site
