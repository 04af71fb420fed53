"""Runs `scan`, the search by regular expression, in a process that is killed if it is slow."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import anyio
from anyio.abc import ByteReceiveStream
from anyio.streams.text import TextReceiveStream

from openswarm.core.errors import ToolError

SCAN_S = 10.0
SCANS_AT_ONCE = 4
MAX_PATTERN_CHARS = 300

_PROGRAM = Path(__file__).with_name("scan.py")


class ScanRequest(NamedTuple):
    """What to search for: a pattern, in the documents whose name fits a glob."""

    index: str
    pattern: str
    documents: str
    limit: int


class FoundLine(NamedTuple):
    """A line that matches, and where its chunk begins, in bytes."""

    name: str
    title: str
    offset: int
    line: str


async def run_scan(request: ScanRequest) -> list[FoundLine]:
    """The matching lines. Raises `ToolError` for a pattern that is wrong, too long or too slow."""
    if len(request.pattern) > MAX_PATTERN_CHARS:
        raise ToolError(f"the pattern is longer than {MAX_PATTERN_CHARS} characters; shorten it")
    command = [sys.executable, "-I", "-S", str(_PROGRAM), json.dumps(request._asdict())]
    try:
        with anyio.fail_after(SCAN_S):
            # leaving it kills a process that still runs
            async with await anyio.open_process(command, stdin=subprocess.DEVNULL) as process:
                assert process.stdout is not None
                entries = [json.loads(line) async for line in _lines(process.stdout)]
                await process.wait()
    except TimeoutError:
        raise ToolError(
            f"the pattern took longer than {SCAN_S:g} s; write it without nested repetition, or"
            " search fewer documents"
        ) from None
    if entries and "error" in entries[0]:
        raise ToolError(f"the pattern is not a regular expression: {entries[0]['error']}")
    if process.returncode:
        raise ToolError("the search broke off; try another pattern")
    return [FoundLine(**entry) for entry in entries]


async def _lines(stream: ByteReceiveStream) -> AsyncIterator[str]:
    rest = ""
    async for text in TextReceiveStream(stream):
        *whole, rest = (rest + text).split("\n")
        for line in whole:
            yield line
