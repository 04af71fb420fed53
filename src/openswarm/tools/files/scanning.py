"""Runs `scan`, the search by regular expression, in a process that is killed if it is slow."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import NamedTuple

import anyio
import anyio.to_thread
from anyio.abc import ByteReceiveStream, ByteSendStream
from anyio.streams.buffered import BufferedByteReceiveStream

from openswarm.core.errors import ToolError, sole_error

SCAN_S = 20.0
BATCH_BYTES = 1 << 20
MOST_LINE_BYTES = 1 << 18

_PROGRAM = Path(__file__).with_name("scan.py")


class Hit(NamedTuple):
    """A line that matches."""

    name: str
    line: int
    """Counted from 1."""
    text: str


async def scan(
    pattern: str, texts: Iterator[tuple[str, str]], limit: int, *, seconds: float
) -> list[Hit]:
    """The first lines that match. `texts`, by name, are drawn in a thread while it runs.

    Raises `ToolError` for a pattern that is wrong or too slow, and what `texts` raises.
    """
    request = json.dumps({"pattern": pattern, "limit": limit}).encode() + b"\n"
    try:
        with anyio.fail_after(seconds):
            return await _scan(request, texts)
    except TimeoutError:
        raise ToolError(
            f"the search took longer than {seconds:g} s; write the pattern without nested"
            " repetition, or search fewer files"
        ) from None
    except BaseExceptionGroup as group:
        raise sole_error(group) from None


async def _scan(request: bytes, texts: Iterator[tuple[str, str]]) -> list[Hit]:
    command = [sys.executable, "-I", "-S", str(_PROGRAM)]
    # leaving it kills a process that still runs
    async with await anyio.open_process(command, stderr=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_feed, process.stdin, request, texts)
            hits = [_hit(line) async for line in _lines(process.stdout)]
            tasks.cancel_scope.cancel()
        if await process.wait():
            raise ToolError("the search broke off; try another pattern")
    return hits


async def _feed(stdin: ByteSendStream, head: bytes, texts: Iterator[tuple[str, str]]) -> None:
    """Sends the texts, until all are sent or nobody reads any more."""
    batch: bytes | None = head
    try:
        while batch is not None:
            await stdin.send(batch)
            batch = await anyio.to_thread.run_sync(_batch, texts)
        await stdin.aclose()
    except (anyio.BrokenResourceError, anyio.ClosedResourceError, ConnectionError):
        return


def _batch(texts: Iterator[tuple[str, str]]) -> bytes | None:
    batch = bytearray()
    for name, text in texts:
        data = text.encode("utf-8", "replace")
        batch += json.dumps([name, len(data)]).encode() + b"\n" + data
        if len(batch) >= BATCH_BYTES:
            break
    return bytes(batch) or None


async def _lines(stream: ByteReceiveStream) -> AsyncIterator[bytes]:
    buffered = BufferedByteReceiveStream(stream)
    while True:
        try:
            yield await buffered.receive_until(b"\n", MOST_LINE_BYTES)
        except (anyio.EndOfStream, anyio.IncompleteRead):
            return


def _hit(line: bytes) -> Hit:
    entry = json.loads(line)
    if isinstance(entry, dict):
        raise ToolError(f"the pattern is not a regular expression: {entry['error']}")
    return Hit(*entry)
