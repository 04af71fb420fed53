"""Web pages in a corpus: fetched once, bounded, and never from where nobody sent us."""

import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import anyio
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from openswarm.core.errors import UserError
from openswarm.tools.corpus import download as download_module
from openswarm.tools.corpus.corpus import Corpus
from openswarm.tools.web.addresses import is_public

pytestmark = pytest.mark.anyio

HTML = "<html><head><title>Copper</title></head><body><p>Chile mines copper.</p></body></html>"


class Site:
    """A web server on loopback whose pages a test sets."""

    def __init__(self) -> None:
        self.pages: dict[str, Callable[[], web.StreamResponse]] = {}
        self.asked: list[str] = []
        self.closing = anyio.Event()
        app = web.Application()
        app.router.add_get("/{path:.*}", self._answer)
        self.server = TestServer(app)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        if request.path == "/never":
            await self.closing.wait()
        return self.pages[request.path]()

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        """The address of a page, by any name of this computer."""
        return f"http://{host}:{self.server.port}{path}"

    def redirect(self, path: str, target: str) -> None:
        """Makes a page lead elsewhere."""
        self.pages[path] = lambda: web.Response(status=302, headers={"Location": target})


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """A server that runs."""
    site = Site()
    await site.server.start_server()
    yield site
    site.closing.set()
    await site.server.close()


async def opened(tmp_path: Path, *sources: str) -> Corpus:
    """A corpus of addresses and of one file, so that it is never empty."""
    (tmp_path / "own.txt").write_text("A file of our own.")
    return await Corpus.open([str(tmp_path / "own.txt"), *sources], tmp_path / "corpora")


def reason(corpus: Corpus) -> str:
    """Why the one thing that was left out was left out."""
    (skipped,) = corpus.skipped
    return skipped.reason


@pytest.mark.requirement("corpus.urls")
async def test_a_page_is_a_document_named_by_its_address(tmp_path: Path, site: Site) -> None:
    """Its format is told by its type."""
    site.pages["/copper"] = lambda: web.Response(text=HTML, content_type="text/html")
    site.pages["/facts"] = lambda: web.json_response({"Area": {"total": "756,102"}})
    corpus = await opened(tmp_path, site.url("/copper"), site.url("/facts"))
    page = await corpus.page(site.url("/copper"), 1)
    assert (page.title, "Chile mines copper." in page.text) == ("Copper", True)
    assert "Area > total: 756,102" in (await corpus.page(site.url("/facts"), 1)).text


async def test_a_page_is_fetched_once_a_day(tmp_path: Path, site: Site) -> None:
    """An old copy is renewed, or used when there is no new one."""
    site.pages["/a"] = lambda: web.Response(text="first")
    await opened(tmp_path, site.url("/a"))
    site.pages["/a"] = lambda: web.Response(text="second")
    corpus = await opened(tmp_path, site.url("/a"))
    assert (await corpus.page(site.url("/a"), 1)).text == "first"
    age(tmp_path)
    corpus = await opened(tmp_path, site.url("/a"))
    assert (await corpus.page(site.url("/a"), 1)).text == "second"
    age(tmp_path)
    site.pages["/a"] = lambda: web.Response(status=500)
    corpus = await opened(tmp_path, site.url("/a"))
    assert (await corpus.page(site.url("/a"), 1)).text == "second"
    assert site.asked == ["/a"] * 3


def age(tmp_path: Path) -> None:
    """Makes all copies more than a day old."""
    for path in (tmp_path / "corpora/pages").rglob("*.txt"):
        os.utime(path, (time.time() - 90_000,) * 2)


async def test_a_page_in_another_charset_is_read(tmp_path: Path, site: Site) -> None:
    """As its header says."""
    site.pages["/ja"] = lambda: web.Response(
        body="日本語".encode("shift_jis"), headers={"Content-Type": "text/plain; charset=shift_jis"}
    )
    corpus = await opened(tmp_path, site.url("/ja"))
    assert (await corpus.page(site.url("/ja"), 1)).text == "日本語"


async def test_a_redirect_is_followed_a_few_times(tmp_path: Path, site: Site) -> None:
    """A circle is not."""
    site.redirect("/a", "/b")
    site.pages["/b"] = lambda: web.Response(text="here")
    site.redirect("/round", "/round")
    corpus = await opened(tmp_path, site.url("/a"), site.url("/round"))
    assert (await corpus.page(site.url("/a"), 1)).text == "here"
    assert reason(corpus) == "it redirects in a circle"
    assert site.asked.count("/round") == 1


@pytest.mark.requirement("corpus.urls")
@pytest.mark.parametrize("host", ["localhost", "[::1]", "0.0.0.0", "[::ffff:127.0.0.1]"])
async def test_a_redirect_into_the_own_network_is_refused(
    tmp_path: Path, site: Site, host: str
) -> None:
    """Although the host that the user named is on loopback too: that was the user's word."""
    site.pages["/secret"] = lambda: web.Response(text="secret")
    site.redirect("/a", site.url("/secret", host))
    corpus = await opened(tmp_path, site.url("/a"))
    assert "private network" in reason(corpus)
    assert site.asked == ["/a"]


async def test_a_redirect_to_another_scheme_is_refused(tmp_path: Path, site: Site) -> None:
    """Files of this computer are not pages."""
    site.redirect("/a", "file:///etc/passwd")
    assert "something else than http" in reason(await opened(tmp_path, site.url("/a")))


async def test_a_host_that_the_user_names_may_be_private(tmp_path: Path, site: Site) -> None:
    """Naming it is permission, also for a redirect to it."""
    site.pages["/b"] = lambda: web.Response(text="here")
    site.redirect("/a", site.url("/b", "localhost"))
    corpus = await opened(tmp_path, site.url("/a"), site.url("/b", "localhost"))
    assert corpus.documents == 3


@pytest.mark.requirement("corpus.urls")
async def test_a_page_that_is_too_large_is_given_up(
    tmp_path: Path, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it arrives, whatever length it announced; compressed pages count as what they hold."""
    monkeypatch.setattr(download_module, "MAX_BYTES", 50_000)

    def bomb() -> web.Response:
        response = web.Response(text="a" * 200_000)
        response.enable_compression()
        return response

    site.pages["/bomb"] = bomb
    assert "larger than" in reason(await opened(tmp_path, site.url("/bomb")))


async def test_a_page_that_does_not_arrive_is_given_up(
    tmp_path: Path, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a while."""
    monkeypatch.setattr(download_module, "TIMEOUT_S", 0.2)
    assert reason(await opened(tmp_path, site.url("/never"))) == "it did not arrive within 0.2 s"


@pytest.mark.parametrize("status", [404, 500])
async def test_what_is_not_there_is_reported_and_the_rest_is_read(
    tmp_path: Path, site: Site, status: int
) -> None:
    """With the status."""
    site.pages["/a"] = lambda: web.Response(status=status)
    corpus = await opened(tmp_path, site.url("/a"))
    assert reason(corpus) == f"the server answered {status}"
    assert corpus.documents == 1


async def test_a_host_that_cannot_be_reached_is_reported(tmp_path: Path, site: Site) -> None:
    """By name, and by a port that nobody listens on."""
    await site.server.close()
    corpus = await opened(tmp_path, site.url("/a"), "http://no-such-host.invalid/")
    assert len(corpus.skipped) == 2
    with pytest.raises(UserError, match="nothing to read"):
        await Corpus.open(["http://no-such-host.invalid/"], tmp_path / "corpora")


async def test_a_password_in_an_address_is_not_shown(tmp_path: Path, site: Site) -> None:
    """Neither in names nor in reports."""
    site.pages["/a"] = lambda: web.Response(text="here")
    secret = site.url("/a", "user:hunter2@127.0.0.1")
    corpus = await opened(tmp_path, secret, site.url("/none", "user:hunter2@localhost"))
    assert site.url("/a") in await corpus.names(5)
    assert "hunter2" not in f"{await corpus.names(5)}{corpus.skipped}"


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("10.0.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::ffff:127.0.0.1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
    ],
)
def test_only_addresses_of_the_open_internet_are_public(address: str, public: bool) -> None:
    """In both versions of the protocol."""
    assert is_public(address) is public
