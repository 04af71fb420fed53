"""The browser's door by itself: what it connects to, what it refuses, what it survives."""

import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream

from openswarm.tools.browsing.door import GRANTED, NOT_ALLOWED, UNREACHABLE, Door
from openswarm.tools.web.addresses import AllowedHosts, PublicResolver

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("browser.guard")]


@asynccontextmanager
async def opened(*allow: str, lies: dict[str, str] | None = None) -> AsyncIterator[Door]:
    """A door by the rules of fetching; `lies` says what some names resolve to."""
    resolver = PublicResolver(AllowedHosts(allow))

    async def resolve(host: str, port: int) -> list[str]:
        name = (lies or {}).get(host, host)
        return [entry["host"] for entry in await resolver.resolve(name, port)]

    door = Door(resolve)
    async with anyio.create_task_group() as tasks:
        await tasks.start(door.serve)
        yield door
        door.close()
    await resolver.close()


@asynccontextmanager
async def echoing() -> AsyncIterator[int]:
    """A server that sends back what it gets; its port."""
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")

    async def echo(stream: SocketStream) -> None:
        async with stream:
            async for chunk in stream:
                await stream.send(chunk)

    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, echo)
        yield listener.extra(SocketAttribute.local_port)
        tasks.cancel_scope.cancel()


def asking(host: str, port: int) -> bytes:
    """SOCKS5's question for a connection to a named host."""
    return struct.pack("!4BB", 5, 1, 0, 3, len(host)) + host.encode() + struct.pack("!H", port)


async def exactly(stream: SocketStream, count: int) -> bytes:
    """So many bytes."""
    data = b""
    while len(data) < count:
        data += await stream.receive(count - len(data))
    return data


async def asked(door: Door, question: bytes) -> tuple[SocketStream, int]:
    """A connection to the door that has asked, and the door's word."""
    stream = await anyio.connect_tcp("127.0.0.1", door.port)
    await stream.send(b"\x05\x01\x00")
    assert await exactly(stream, 2) == b"\x05\x00"
    await stream.send(question)
    return stream, (await exactly(stream, 10))[1]


async def test_what_is_allowed_is_carried_both_ways() -> None:
    """By name, by address of either family, until both sides have ended."""
    async with echoing() as port, opened(f"127.0.0.1:{port}") as door:
        for question in (
            asking("127.0.0.1", port),
            b"\x05\x01\x00\x01\x7f\x00\x00\x01" + struct.pack("!H", port),
        ):
            stream, word = await asked(door, question)
            assert word == GRANTED
            async with stream:
                await stream.send(b"x" * 300_000)
                assert await exactly(stream, 300_000) == b"x" * 300_000
                await stream.send_eof()
                with pytest.raises(anyio.EndOfStream):
                    await stream.receive()


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1", "2130706433", "169.254.169.254", "::1", "10.1.2.3"]
)
async def test_what_is_private_is_refused_with_the_reason(host: str) -> None:
    """Also when only another port of it is allowed."""
    async with echoing() as port, opened("127.0.0.1:1") as door:
        stream, word = await asked(door, asking(host, port))
        async with stream:
            assert word == NOT_ALLOWED
            with pytest.raises(anyio.EndOfStream):
                await stream.receive()
        assert door.why(host, port) == f"{host} is an address of a private network"
        assert len(door.news()) == 1
        assert door.news() == []


async def test_a_name_counts_for_what_it_resolves_to() -> None:
    """However public it looks."""
    async with echoing() as port, opened(lies={"site.example": "127.0.0.1"}) as door:
        stream, word = await asked(door, asking("site.example", port))
        await stream.aclose()
        assert word == NOT_ALLOWED


async def test_what_cannot_be_reached_is_told() -> None:
    """A closed port, and a host that does not exist."""
    async with opened("127.0.0.1") as door:
        stream, word = await asked(door, asking("127.0.0.1", 1))
        await stream.aclose()
        assert word == UNREACHABLE
        assert door.why("127.0.0.1", 1) == "127.0.0.1:1 cannot be reached: no connection came about"
        stream, word = await asked(door, asking("nowhere.invalid", 80))
        await stream.aclose()
        assert (word, door.why("nowhere.invalid", 80)) == (
            UNREACHABLE,
            "there is no host nowhere.invalid",
        )


@pytest.mark.parametrize(
    "garbage",
    [b"GET / HTTP/1.1\r\n\r\n", b"\x04\x01\x00\x50\x7f\x00\x00\x01\x00", b"", b"\x05",
     b"\x05\x01\x00\x05\x02\x00\x01\x7f\x00\x00\x01\x00\x50",
     b"\x05\x01\x00\x05\x01\x00\x09\x00\x00", b"\x05\x01\x00" + asking("", 80)],
)  # fmt: skip
async def test_what_is_no_question_is_hung_up_on(garbage: bytes) -> None:
    """And the next one is answered."""
    async with echoing() as port, opened("127.0.0.1") as door:
        async with await anyio.connect_tcp("127.0.0.1", door.port) as stream:
            await stream.send(garbage)
            await stream.send_eof()
            with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                while True:
                    await stream.receive()
        stream, word = await asked(door, asking("127.0.0.1", port))
        await stream.aclose()
        assert word == GRANTED


async def test_closing_cuts_what_is_open() -> None:
    """Whoever holds a connection sees its end."""
    async with echoing() as port:
        async with opened("127.0.0.1") as door:
            stream, _ = await asked(door, asking("127.0.0.1", port))
        with pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
            await stream.receive()
        await stream.aclose()
        with pytest.raises(OSError, match="connect"):
            await anyio.connect_tcp("127.0.0.1", door.port)


async def test_reasons_do_not_pile_up() -> None:
    """A page may try as many hosts as it likes."""
    async with opened() as door:
        for number in range(120):
            stream, _ = await asked(door, asking(f"10.0.0.{number}", 80))
            await stream.aclose()
        assert door.why("10.0.0.1", 80) == ""
        assert door.why("10.0.0.119", 80) != ""
        assert len(door.news()) == 50
