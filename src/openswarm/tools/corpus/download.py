"""Web pages as files: downloaded into the cache folder, bounded, and kept for a day.

Only http and https, and only public addresses: a redirect must not lead into the network that
the program runs in. A host that the user named is the user's own decision.
"""

import hashlib
import ipaddress
import re
import socket
import time
import urllib.request
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit, urlunsplit

import anyio
import anyio.to_thread

from openswarm.tools.corpus.discovery import File, Found, Skipped

if TYPE_CHECKING:
    import aiohttp

MAX_BYTES = 10 * 1024 * 1024
TIMEOUT_S = 30.0
MAX_REDIRECTS = 5
MAX_AGE_S = 24 * 3600.0
AT_ONCE = 8

_SUFFIXES = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "application/json": ".json",
    "application/x-ndjson": ".jsonl",
    "application/pdf": ".pdf",
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "text/markdown": ".md",
}


class Undownloadable(Exception):
    """An address that gave nothing; the text says why."""


async def download(urls: Sequence[str], folder: Path) -> Found:
    """The pages as files under `folder`, each named by its address.

    A copy of less than a day is used again, an older one if the page cannot be had.
    """
    wanted = list(dict.fromkeys(map(plain_url, urls)))
    outcomes: dict[str, Path | str] = {}
    slots = anyio.CapacityLimiter(AT_ONCE)
    hosts = {urlsplit(url).hostname or "" for url in urls}

    async def get(url: str, session: aiohttp.ClientSession, resolver: PublicResolver) -> None:
        try:
            async with slots:
                with anyio.fail_after(TIMEOUT_S):
                    outcomes[url] = await _fetch(url, folder, session, resolver)
        except TimeoutError:
            outcomes[url] = f"it did not arrive within {TIMEOUT_S:g} s"
        except Undownloadable as error:
            outcomes[url] = str(error)
