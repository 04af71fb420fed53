"""Lets the tests of the web view use recorded runs and events of every type; a browser for all."""

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]
sys.path += [str(TESTS / "modes"), str(TESTS / "journal")]

from modules_page import ModulesPage, opened  # noqa: E402


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """One event loop for a module, since its browser lives there."""
    return "asyncio"


@pytest.fixture(scope="module")
async def modules(anyio_backend: str) -> AsyncIterator[ModulesPage]:
    """A page in Chromium that can import the modules of the web view."""
    async with opened() as page:
        yield page
