"""One browser and two sites for the tests of a module: one may be reached, the other may not."""

from collections.abc import AsyncIterator

import pytest
from browsing_site import Hand, Site, browsing, serving

from openswarm.tools.tool import Tool


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One event loop for a module, since its browser lives there."""
    return "asyncio"


@pytest.fixture(scope="module")
async def site(anyio_backend: str) -> AsyncIterator[Site]:
    """The site that is allowed by name and port."""
    async with serving() as site:
        yield site


@pytest.fixture(scope="module")
async def forbidden(anyio_backend: str) -> AsyncIterator[Site]:
    """A site of the same private network that nobody allowed."""
    async with serving() as site:
        yield site


@pytest.fixture(scope="module")
async def tool(site: Site) -> AsyncIterator[Tool]:
    """The tool with the site allowed."""
    async with browsing(site.host) as tool:
        yield tool


@pytest.fixture
async def hand(tool: Tool) -> AsyncIterator[Hand]:
    """An agent of the test's own."""
    hand = Hand(tool)
    yield hand
    await tool.release(hand.agent, True)
