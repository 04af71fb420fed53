"""The web sites that fetching is measured on, served on loopback by a process of its own.

`python -m bench.websites` prints its port and that of the same site behind a certificate that
nobody signed, or 0. A page is told by its path, `/KIND/NAME`: `page` is whole, after `LATENCY_S`;
every other kind breaks in its own way, or at first only. `/stats` says what was asked.
"""

import asyncio
import json
import shutil
import ssl
import subprocess
import sys
import tempfile
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

LATENCY_S = 0.15
BREAKS_AT_FIRST = 1
"""Requests for a page of a passing kind that fail before it comes."""
Writer = asyncio.StreamWriter
_WORDS = ("copper", "ore", "mines", "of", "the", "north", "yield", "a", "large", "part", "each",
          "year", "and", "ships", "carry", "it", "to", "ports", "in", "many",
          "countries")  # fmt: skip


class Sites:
    """All kinds of pages, and what was asked of them."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.busy = self.most_busy = 0
        self.hang = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        """One connection."""
        with suppress(OSError, asyncio.IncompleteReadError):
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
                path = head.split(" ", 2)[1]
                if path == "/stats":
                    stats = {"asked": self.asked, "most_busy": self.most_busy}
                    writer.write(answer(json.dumps(stats).encode(), "application/json"))
                    self.asked, self.most_busy = Counter(), 0
                else:
                    await self._page(path, writer)
                await writer.drain()
        writer.close()

    async def _page(self, path: str, writer: Writer) -> None:
        self.asked[path] += 1
        self.busy += 1
        self.most_busy = max(self.most_busy, self.busy)
        try:
            kind = path.split("/")[1]
            passing = kind.endswith("_at_first") and self.asked[path] > BREAKS_AT_FIRST
            make = whole if passing else KINDS.get(kind.removesuffix("_at_first"), missing)
            await make(path, writer)
        finally:
            self.busy -= 1


def answer(body: bytes, type_: str = "text/html", status: int = 200, more: str = "") -> bytes:
    """A whole answer."""
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {type_}\r\nContent-Length: {len(body)}\r\n{more}"
    return head.encode() + b"\r\n" + body


def html(name: str) -> bytes:
    """A page of about 30 kB, as pages are: furniture, text, links, a table."""
    sentences = [
        " ".join(_WORDS[(line * 7 + word * word) % len(_WORDS)] for word in range(14))
        for line in range(240)
    ]
    paragraphs = "".join(
        f'<p>{". ".join(sentences[n : n + 4])}, says <a href="/page/other-{n}">report {n}</a>.</p>'
        for n in range(0, 240, 4)
    )
    rows = "".join(f"<tr><td>Country {n}</td><td>{n * 37} t</td></tr>" for n in range(40))
    furniture = "".join(f'<li><a href="/page/menu-{n}">Menu {n}</a></li>' for n in range(40))
    return (
        f"<html><head><title>{name}</title></head><body><nav><ul>{furniture}</ul></nav><article>"
        f"<h1>All of {name}</h1>{paragraphs}<table>{rows}</table></article></body></html>"
    ).encode()


async def whole(path: str, writer: Writer) -> None:
    """What can be read."""
    await asyncio.sleep(LATENCY_S)
    writer.write(answer(html(path.rpartition("/")[2])))


async def missing(_: str, writer: Writer) -> None:
    """404, also for robots.txt."""
    writer.write(answer(b"", status=404))


async def reset(_: str, writer: Writer) -> None:
    """The connection breaks off before a word."""
    writer.transport.abort()


async def short(_: str, writer: Writer) -> None:
    """Less comes than was announced."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n<html><body><p>Only this.")
    await writer.drain()
    writer.close()


async def drip(_: str, writer: Writer) -> None:
    """A byte now and then, for ever."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.1)


def packed(megabytes: int) -> bytes:
    """Zeros, compressed."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = bytes(2**20)
    return b"".join([packer.compress(block) for _ in range(megabytes)]) + packer.flush()


BOMB = packed(300)


async def bomb(_: str, writer: Writer) -> None:
    """300 MB in 300 kB."""
    writer.write(answer(BOMB, more="Content-Encoding: gzip\r\n"))


async def spoiled(_: str, writer: Writer) -> None:
    """Compression that is none."""
    writer.write(answer(b"no gzip at all", more="Content-Encoding: gzip\r\n"))


async def circle(path: str, writer: Writer) -> None:
    """A redirect to itself."""
    writer.write(answer(b"", status=302, more=f"Location: {path}\r\n"))


async def throttled(_: str, writer: Writer) -> None:
    """429 that says when."""
    writer.write(answer(b"", status=429, more="Retry-After: 1\r\n"))


async def refused(_: str, writer: Writer) -> None:
    """429 that does not say when."""
    writer.write(answer(b"", status=429))


async def overloaded(_: str, writer: Writer) -> None:
    """503."""
    writer.write(answer(b"", status=503))


async def garbage(_: str, writer: Writer) -> None:
    """Not HTTP."""
    writer.write(b"SSH-2.0-OpenSSH_9.7\r\n\r\n")
    await writer.drain()
    writer.close()


KINDS: dict[str, Callable[[str, Writer], Awaitable[None]]] = {
    "page": whole, "reset": reset, "short": short, "drip": drip, "bomb": bomb, "spoiled": spoiled,
    "circle": circle, "throttled": throttled, "refused": refused, "overloaded": overloaded,
    "garbage": garbage,
}  # fmt: skip


def unsigned(folder: Path) -> ssl.SSLContext | None:
    """TLS with a certificate that nobody signed; None without openssl."""
    openssl = shutil.which("openssl")
    if openssl is None:
        return None
    pem, key = folder / "site.pem", folder / "site.key"
    made = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    name = ["-subj", "/CN=localhost", "-keyout", str(key), "-out", str(pem)]
    subprocess.run([openssl, "req", "-x509", *made, *name], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem, key)
    return context


async def main() -> None:
    """Serves until it is ended."""
    sites = Sites()
    with tempfile.TemporaryDirectory() as folder:
        tls = unsigned(Path(folder))
    servers = [await asyncio.start_server(sites.serve, "127.0.0.1", 0, backlog=1024)]
    if tls:
        servers.append(await asyncio.start_server(sites.serve, "127.0.0.1", 0, ssl=tls))
    ports = [server.sockets[0].getsockname()[1] for server in servers]
    print(*ports, *[0] * (2 - len(ports)), flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
