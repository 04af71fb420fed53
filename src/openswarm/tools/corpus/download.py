"""Web pages as files: downloaded into the cache folder, bounded, and kept for a day.

Only http and https. A redirect must not lead into the network that the program runs in; a host
that the user named is the user's own decision.
"""

import hashlib
import os
import re
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit, urlunsplit

import anyio
import anyio.to_thread

from openswarm.core.errors import WebError
from openswarm.tools.corpus.discovery import File, Found, Skipped
from openswarm.tools.web.charsets import decode
from openswarm.tools.web.client import Answer, WebClient, follow, open_client, parse_address
from openswarm.tools.web.readable import SUFFIXES

MAX_BYTES = 10 * 1024 * 1024
TIMEOUT_S = 30.0
MAX_AGE_S = 24 * 3600.0
AT_ONCE = 8


async def download(urls: Sequence[str], folder: Path) -> Found:
    """The pages as files under `folder`, each named by its address.

    A copy of less than a day is used again, an older one if the page cannot be had.
    """
    outcomes: list[File | Skipped] = []
    slots = anyio.CapacityLimiter(AT_ONCE)

    async def get(url: str, client: WebClient) -> None:
        async with slots:
            outcomes.append(await _page(url, folder, client))

    async with AsyncExitStack() as stack:
        named = {urlsplit(url).hostname or "" for url in urls}
        client = await open_client(stack, named, timeout_s=TIMEOUT_S, max_bytes=MAX_BYTES)
        async with anyio.create_task_group() as tasks:
            for url in dict.fromkeys(urls):
                tasks.start_soon(get, url, client)
    files = [entry for entry in outcomes if isinstance(entry, File)]
    failed = [entry for entry in outcomes if isinstance(entry, Skipped)]
    return Found(tuple(sorted(files)), tuple(sorted(failed)))


def without_secrets(url: str) -> str:
    """The address without user, password and fragment: as it is shown to a model."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))


async def _page(url: str, folder: Path, client: WebClient) -> File | Skipped:
    """The file that holds a page, or why there is none."""
    place = folder / hashlib.sha256(url.encode()).hexdigest()[:32]
    shown = without_secrets(url)
    kept = await anyio.to_thread.run_sync(_kept, place, shown)
    if kept and time.time() - kept.mtime_ns / 1e9 < MAX_AGE_S:
        return kept
    try:
        with anyio.fail_after(TIMEOUT_S):
            answer = await follow(parse_address(url), client.ask)
        await anyio.to_thread.run_sync(_keep, place, answer)
    except TimeoutError:
        return kept or Skipped(shown, f"it did not arrive within {TIMEOUT_S:g} s")
    except (WebError, OSError) as error:
        return kept or Skipped(shown, str(error))
    fresh = await anyio.to_thread.run_sync(_kept, place, shown)
    return fresh or Skipped(shown, "its copy vanished from the cache; try again")


def _file_name(answer: Answer) -> str:
    """A name that tells title and format: the address's last part, the suffix of its type."""
    path = PurePosixPath(answer.url.path)
    stem = re.sub(r"[^\w-]+", "-", path.stem)[:80].strip("-") or answer.url.host or "page"
    suffix = path.suffix if re.fullmatch(r"\.\w{1,8}", path.suffix) else ".txt"
    return stem + SUFFIXES.get(answer.media_type, suffix)


def _kept(place: Path, url: str) -> File | None:
    for path in place.glob("[!.]*"):
        state = path.stat()
        return File(url, url, path, state.st_size, state.st_mtime_ns)
    return None


def _keep(place: Path, answer: Answer) -> None:
    data = answer.body
    if answer.media_type.startswith("text/") and not data.startswith(b"%PDF-"):
        markup = answer.media_type == "text/html"
        data = decode(data, answer.charset, markup=markup).encode("utf-8", "replace")
    place.mkdir(parents=True, exist_ok=True)
    part = place / f".{os.getpid()}.part"
    part.write_bytes(data)
    for old in place.glob("[!.]*"):
        old.unlink()
    part.replace(place / _file_name(answer))
