"""Lines of a byte stream, none longer than what a message may be."""

from collections.abc import AsyncIterator

from anyio import EndOfStream
from anyio.abc import ByteReceiveStream

MAX_LINE_BYTES = 16_000_000


class LineTooLong(Exception):
    """A line has no end."""


async def lines_of(stream: ByteReceiveStream, limit: int = MAX_LINE_BYTES) -> AsyncIterator[bytes]:
    """The lines without their ends; what follows the last end is no line.

    Raises `LineTooLong` at `limit` bytes without an end.
    """
    parts: list[bytes] = []
    size = 0
    while True:
        try:
            chunk = await stream.receive()
        except EndOfStream:
            return
        first, *more = chunk.split(b"\n")
        parts.append(first)
        size += len(first)
        if size > limit:
            raise LineTooLong(f"wrote a message of more than {limit:,} bytes")
        if more:
            yield b"".join(parts)
            for line in more[:-1]:
                yield line
            parts, size = [more[-1]], len(more[-1])
