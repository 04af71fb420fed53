"""Web pages as files: downloaded into the cache folder, bounded, and kept for a day.

Only http and https. A redirect must not lead into the network that the program runs in; a host
that the user named is the user's own decision.
"""

import codecs
import hashlib
import os
import re
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urljoin, urlsplit, urlunsplit

import aiohttp
import anyio
import anyio.to_thread

from openswarm.tools.corpus.addresses import PrivateAddress, PublicResolver
from openswarm.tools.corpus.discovery import File, Found, Skipped

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
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


class Undownloadable(Exception):
    """An address that gave nothing; the text says why."""


async def download(urls: Sequence[str], folder: Path) -> Found:
    """The pages as files under `folder`, each named by its address.

    A copy of less than a day is used again, an older one if the page cannot be had.
    """
    outcomes: list[File | Skipped] = []
    slots = anyio.CapacityLimiter(AT_ONCE)

    async def get(url: str, session: aiohttp.ClientSession, resolver: PublicResolver) -> None:
        async with slots:
            outcomes.append(await _page(url, folder, session, resolver))

    resolver = PublicResolver({_host(url) for url in urls} | _proxy_hosts())
    connector = aiohttp.TCPConnector(resolver=resolver)
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
    async with (
        aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=True) as session,
        anyio.create_task_group() as tasks,
    ):
        for url in dict.fromkeys(urls):
            tasks.start_soon(get, url, session, resolver)
    files = [entry for entry in outcomes if isinstance(entry, File)]
    failed = [entry for entry in outcomes if isinstance(entry, Skipped)]
    return Found(tuple(sorted(files)), tuple(sorted(failed)))


def without_secrets(url: str) -> str:
    """The address without user, password and fragment: as it is shown to a model."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))


async def _page(
    url: str, folder: Path, session: aiohttp.ClientSession, resolver: PublicResolver
) -> File | Skipped:
    """The file that holds a page, or why there is none."""
    place = folder / hashlib.sha256(url.encode()).hexdigest()[:32]
    shown = without_secrets(url)
    kept = await anyio.to_thread.run_sync(_kept, place, shown)
    if kept and time.time() - kept.mtime_ns / 1e9 < MAX_AGE_S:
        return kept
    try:
        with anyio.fail_after(TIMEOUT_S):
            name, data = await _fetch(url, session, resolver)
        await anyio.to_thread.run_sync(_keep, place, name, data)
    except TimeoutError:
        return kept or Skipped(shown, f"it did not arrive within {TIMEOUT_S:g} s")
    except (Undownloadable, OSError, ValueError, aiohttp.ClientError) as error:
        return kept or Skipped(shown, str(error) or type(error).__name__)
    fresh = await anyio.to_thread.run_sync(_kept, place, shown)
    return fresh or Skipped(shown, "its copy vanished from the cache; try again")


async def _fetch(
    url: str, session: aiohttp.ClientSession, resolver: PublicResolver
) -> tuple[str, bytes]:
    """A file name and the content."""
    for _ in range(MAX_REDIRECTS + 1):
        await _refuse_private(url, resolver)
        async with session.get(url, allow_redirects=False) as response:
            if response.status in _REDIRECTS:
                url = urljoin(url, response.headers.get("Location", ""))
                if urlsplit(url).scheme not in ("http", "https"):
                    raise Undownloadable("it redirects to something else than http or https")
                continue
            if response.status != 200:
                raise Undownloadable(f"the server answered {response.status}")
            data = await _bounded(response)
            if response.charset and response.content_type.startswith("text/"):
                data = _as_utf8(data, response.charset)
            return _file_name(url, response.content_type), data
    raise Undownloadable(f"it redirects more than {MAX_REDIRECTS} times")


async def _refuse_private(url: str, resolver: PublicResolver) -> None:
    """Refuses by the address, also where a proxy connects in our place."""
    try:
        await resolver.resolve(_host(url))
    except PrivateAddress as error:
        raise Undownloadable(f"it redirects to a private network ({error})") from None
    except OSError:
        # a name that only the proxy can resolve; without a proxy connecting fails as well
        return


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    data = bytearray()
    async for part in response.content.iter_chunked(65536):
        data += part
        if len(data) > MAX_BYTES:
            raise Undownloadable(f"it is larger than {MAX_BYTES // 2**20} MB")
    return bytes(data)


def _as_utf8(data: bytes, charset: str) -> bytes:
    try:
        return data.decode(codecs.lookup(charset).name).encode("utf-8")
    except (LookupError, ValueError):
        return data


def _file_name(url: str, content_type: str) -> str:
    """A name that tells title and format: the address's last part, the suffix of its type."""
    path = PurePosixPath(unquote(urlsplit(url).path))
    stem = re.sub(r"[^\w-]+", "-", path.stem)[:80].strip("-") or _host(url) or "page"
    suffix = path.suffix if re.fullmatch(r"\.\w{1,8}", path.suffix) else ".txt"
    return stem + _SUFFIXES.get(content_type, suffix)


def _kept(place: Path, url: str) -> File | None:
    for path in place.glob("[!.]*"):
        state = path.stat()
        return File(url, url, path, state.st_size, state.st_mtime_ns)
    return None


def _keep(place: Path, name: str, data: bytes) -> None:
    place.mkdir(parents=True, exist_ok=True)
    part = place / f".{os.getpid()}.part"
    part.write_bytes(data)
    for old in place.glob("[!.]*"):
        old.unlink()
    part.replace(place / name)


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _proxy_hosts() -> set[str]:
    return {_host(proxy) for proxy in urllib.request.getproxies().values()}
