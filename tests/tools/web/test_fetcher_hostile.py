"""Servers that break, stall, lie or bomb: each failure has words of its own, and nothing hangs."""

import asyncio
import gzip
import shutil
import subprocess
import tracemalloc
import zlib
from pathlib import Path

import anyio
import pytest
from fetched_site import Exchange, Site, fetching, reply, serving

from openswarm.core.errors import Fault, WebError
from openswarm.tools.web import fetcher

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("web.hostile")]


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails is given up at its first failure, so that no test waits."""
    monkeypatch.setattr(fetcher, "RETRY_S", 0.0)


async def failure(site: Site, path: str, **web: float | bool) -> WebError:
    """How a page fails."""
    async with fetching(site, robots=False, **web) as fetcher:
        with anyio.fail_after(10), pytest.raises(WebError) as raised:
            await fetcher.fetch(site.url(path))
    assert str(raised.value).startswith((site.url(path), site.url("/")))
    return raised.value


def bomb(megabytes: int) -> bytes:
    """Zeros, compressed."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = bytes(2**20)
    return b"".join([packer.compress(block) for _ in range(megabytes)]) + packer.flush()


async def test_bombs_are_given_up_while_they_are_unpacked(site: Site) -> None:
    """Each holds 100 MB; what is kept of it stays near the limit, and nothing of it stays."""
    data = bomb(100)
    tracemalloc.start()
    for number in range(5):
        site.pages[f"/{number}"] = reply(data, Content_Encoding="gzip")
        assert "it is larger than 10 MB" in str(await failure(site, f"/{number}"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 80 * 2**20


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
async def test_a_compressed_page_is_read(site: Site, encoding: str) -> None:
    """Of the usual kinds."""
    pack = gzip.compress if encoding == "gzip" else zlib.compress
    site.pages["/a"] = reply(pack(b"copper"), type_="text/plain", Content_Encoding=encoding)
    async with fetching(site) as fetcher:
        assert (await fetcher.fetch(site.url("/a"))).text == "copper"


async def test_damaged_compression_is_told(site: Site) -> None:
    """As what it is."""
    site.pages["/a"] = reply(b"no gzip at all", Content_Encoding="gzip")
    assert "compression is damaged" in str(await failure(site, "/a"))


async def test_an_announced_size_is_believed_at_once(site: Site) -> None:
    """Before a byte of the body is read."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"
    site.pages["/a"] = head
    assert "it is larger than 10 MB" in str(await failure(site, "/a"))


async def test_an_endless_page_is_given_up(site: Site) -> None:
    """One that announces nothing."""

    async def endless(exchange: Exchange) -> None:
        await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n")
        while not exchange.writer.is_closing():
            await exchange.send(b"a" * 65536)

    site.pages["/a"] = endless
    assert "it is larger than 10 MB" in str(await failure(site, "/a"))


async def test_a_short_page_is_not_taken_for_whole(site: Site) -> None:
    """Its length was announced as more."""

    async def short(exchange: Exchange) -> None:
        await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")
        exchange.writer.close()

    site.pages["/a"] = short
    error = await failure(site, "/a")
    assert error.fault is Fault.BROKEN
    assert "ended before the page was whole" in str(error)


async def test_a_connection_that_breaks_off_is_told(site: Site) -> None:
    """Before any word."""

    async def reset(exchange: Exchange) -> None:
        exchange.reset()

    site.pages["/a"] = reset
    error = await failure(site, "/a")
    assert (error.fault, "broke off" in str(error)) == (Fault.BROKEN, True)


async def test_a_page_that_drips_is_given_up(site: Site) -> None:
    """With how much of it came; each drip alone would have been in time."""
    done = anyio.Event()

    async def drip(exchange: Exchange) -> None:
        await exchange.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabcde")
        await done.wait()

    site.pages["/a"] = drip
    error = await failure(site, "/a", timeout_s=0.2)
    done.set()
    assert "it is too slow: 5 bytes came in 0.2 s" in str(error)


async def test_a_page_that_never_begins_is_given_up(site: Site) -> None:
    """After the time that one page may take."""
    done = anyio.Event()

    async def never(_: Exchange) -> None:
        await done.wait()

    site.pages["/a"] = never
    error = await failure(site, "/a", timeout_s=0.2)
    done.set()
    assert "did not arrive within 0.2 s" in str(error)


@pytest.mark.parametrize(
    "answer",
    [b"SSH-2.0-OpenSSH_9\r\n", b"HTTP/1.1 abc\r\n\r\n", b"\0\0\0\0\r\n\r\n",
     b"HTTP/1.1 200 OK\r\nX: " + b"a" * 200_000 + b"\r\n\r\n",
     b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 5000 + b"\r\n",
     b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n"],
)  # fmt: skip
async def test_what_is_not_http_is_told(site: Site, answer: bytes) -> None:
    """Also headers without end."""

    async def send(exchange: Exchange) -> None:
        await exchange.send(answer)
        exchange.writer.close()

    site.pages["/a"] = send
    error = await failure(site, "/a")
    assert error.fault in (Fault.PROTOCOL, Fault.BROKEN)


async def test_redirects_in_a_circle_and_without_end_are_told(site: Site) -> None:
    """A few are followed."""
    for number in range(10):
        site.pages[f"/{number}"] = reply(status=302, Location=f"/{number + 1}")
    site.pages["/a"] = reply(status=302, Location="/b")
    site.pages["/b"] = reply(status=302, Location="/a")
    site.pages["/8"] = reply("here", type_="text/plain")
    assert "it redirects in a circle" in str(await failure(site, "/a"))
    assert "it redirects more than 5 times" in str(await failure(site, "/0"))
    async with fetching(site) as fetcher:
        page = await fetcher.fetch(site.url("/3"))
    assert (page.url, page.address, page.text) == (site.url("/3"), site.url("/8"), "here")


@pytest.mark.requirement("web.schemes")
@pytest.mark.parametrize(
    ("location", "said"),
    [
        ("file:///etc/passwd", "something else than http"),
        ("gopher://h/", "something else than http"),
        ("data:text/html,hi", "something else than http"),
        ("http://[::1", "cannot be read"),
        ("http://a b/", "names no host"),
        ("http://h:99999/", "cannot be read"),
    ],
)
async def test_a_redirect_to_nowhere_is_told(site: Site, location: str, said: str) -> None:
    """And not followed."""
    site.pages["/a"] = reply(status=302, Location=location)
    assert said in str(await failure(site, "/a"))


@pytest.mark.parametrize(
    ("body", "type_", "said"),
    [
        (b"", "text/html", "it is empty"),
        (b"\x89PNG\r\n\x1a\n\0\0", "image/png", "it is image/png, 10 bytes, and not text; the br"),
        (b"PK\3\4\0\0", "application/zip", "it is application/zip"),
        (b"\x7fELF\0\0", "application/octet-stream", "it is binary"),
        (b"\x7fELF\0\0", "", "it is binary"),
        (b"\x7fELF\0\0", "text/plain", "it is binary"),
        (b"%PDF-1.4 broken", "application/pdf", "not a PDF that can be read"),
        (b"<html><body><script>x()</script></body></html>", "text/html", "it has no text"),
    ],
)
async def test_what_is_not_text_is_named(site: Site, body: bytes, type_: str, said: str) -> None:
    """What it is, and how it could be seen."""
    site.pages["/a"] = reply(body, type_=type_)
    assert said in str(await failure(site, "/a"))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 451, 500, 502, 503, 304, 999])
async def test_a_status_without_a_page_is_told(site: Site, status: int) -> None:
    """As the server gave it."""
    site.pages["/a"] = reply(status=status)
    error = await failure(site, "/a")
    assert f"the server answered {status}" in str(error)
    assert error.status == status


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for localhost that nobody signed; its key lies beside it."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl to make a certificate with")
    path = tmp_path_factory.mktemp("tls") / "site.pem"
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"]
    files = ["-keyout", str(path.with_suffix(".key")), "-out", str(path)]
    subprocess.run([openssl, "req", "-x509", *key, *name, *files], check=True, capture_output=True)
    return path


async def test_bad_tls_is_told(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown signer, another host's certificate, and no TLS at all are three things."""
    async with serving(certificate) as secure:
        secure.pages["/a"] = reply("secret", type_="text/plain")
        async with fetching(secure, robots=False) as fetcher:
            with pytest.raises(WebError, match="TLS certificate is not valid: self"):
                await fetcher.fetch(secure.url("/a", "localhost", "https"))
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        async with fetching(secure, robots=False) as fetcher:
            page = await fetcher.fetch(secure.url("/a", "localhost", "https"))
            assert page.text == "secret"
            with pytest.raises(WebError, match="TLS certificate is not valid: IP address mismatch"):
                await fetcher.fetch(secure.url("/a", scheme="https"))


async def test_a_server_without_tls_is_told(site: Site) -> None:
    """It answers the handshake in plain words."""

    async def plain(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    async with server:
        site.port = server.sockets[0].getsockname()[1]
        async with fetching(site, robots=False) as fetcher:
            with pytest.raises(WebError, match=r"no secure \(TLS\) connection"):
                await fetcher.fetch(site.url("/a", scheme="https"))


async def test_hosts_that_are_not_there_are_told(site: Site) -> None:
    """A name that does not exist, and a port that nobody listens on."""
    async with serving() as gone:
        pass
    async with fetching(gone, robots=False) as fetcher:
        with pytest.raises(WebError, match="cannot be reached"):
            await fetcher.fetch(gone.url("/a"))
        with pytest.raises(WebError, match="no host of this name"):
            await fetcher.fetch("http://no-such-host.invalid/")


async def test_what_may_pass_is_tried_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reset and a 500 are over when the page comes."""
    monkeypatch.setattr(fetcher, "RETRY_S", 15.0)
    monkeypatch.setattr("openswarm.pacing.limiter.FIRST_DELAY_S", 0.01)

    async def reset(exchange: Exchange) -> None:
        exchange.reset()

    site.pages["/a"] = [reset, reply(status=500), reply("here", type_="text/plain")]
    async with fetching(site, robots=False) as web:
        assert (await web.fetch(site.url("/a"))).text == "here"
    assert site.asked["/a"] == 3


async def test_a_page_that_is_hard_to_read_is_read_in_time(site: Site) -> None:
    """Deep nesting, unclosed elements, endless attributes: some text or an error."""
    pages = ["<div>" * 5_000 + "deep", "<a href=x>" * 2_000 + "text",
             "<p " + "a=b " * 100_000 + ">attributes", "<![CDATA[" * 5000, "<!--" * 100_000,
             "<table>" * 2000 + "cell", "[" * 100_000 + "](x)"]  # fmt: skip
    for number, page in enumerate(pages):
        site.pages[f"/{number}"] = reply(page)
    async with fetching(site, robots=False) as fetcher:
        for number in range(len(pages)):
            with anyio.fail_after(20):
                assert (await fetcher.get(site.url(f"/{number}"))).size
