"""The fetcher of a run: each page once, kept as it came, by the host's limits."""

from email.utils import formatdate
from pathlib import Path

import anyio
import pytest
from fetched_site import Exchange, Site, fetching, reply

from openswarm.core.errors import Fault, WebError
from openswarm.core.events import PageFetched
from openswarm.journal.folder import FolderJournal
from openswarm.journal.journal import MemoryJournal
from openswarm.tools.web import failures, fetcher, kept
from openswarm.tools.web.fetcher import Fetcher
from openswarm.tools.web.pages import Page

pytestmark = pytest.mark.anyio

HTML = (
    '<html><head><title>T</title></head><body><p>See <a href="/b">this one</a>.</p></body></html>'
)


async def fetch_all(fetcher: Fetcher, urls: list[str]) -> list[Page | WebError]:
    """All at once, each by an agent of its own."""
    results: dict[int, Page | WebError] = {}

    async def one(number: int, url: str) -> None:
        try:
            results[number] = await fetcher.fetch(url, f"root/{number}")
        except WebError as error:
            results[number] = error

    async with anyio.create_task_group() as tasks:
        for number, url in enumerate(urls):
            tasks.start_soon(one, number, url)
    return [results[number] for number in range(len(urls))]


@pytest.mark.requirement("web.once")
async def test_equal_fetches_are_one_request(site: Site) -> None:
    """At once and later; what stands behind # is no other page, and robots.txt is read once."""
    async with fetching(site) as fetcher:
        pages = await fetch_all(fetcher, [site.url(f"/a#{n}") for n in range(50)])
        pages.append(await fetcher.fetch(site.url("/a")))
    assert {str(page) for page in pages} == {"here"}
    assert dict(site.asked) == {"/robots.txt": 1, "/a": 1}


@pytest.mark.requirement("web.once")
async def test_where_a_redirect_led_is_not_fetched_again(site: Site) -> None:
    """Its page is the same."""
    site.pages["/old"] = reply(status=301, Location="/a")
    async with fetching(site) as fetcher:
        assert (await fetcher.fetch(site.url("/old"))).address == site.url("/a")
        assert (await fetcher.fetch(site.url("/a"))).text == "here"
    assert site.asked["/a"] == 1


@pytest.mark.requirement("web.once")
async def test_a_failure_is_shared_and_remembered_for_a_while(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A page that is not there is not asked for by each agent."""
    async with fetching(site) as web:
        errors = await fetch_all(web, [site.url("/none")] * 20)
        assert all("answered 404" in str(error) for error in errors)
        assert site.asked["/none"] == 1
        monkeypatch.setattr(fetcher, "FAILURE_KEPT_S", 0.0)
        site.pages["/none"] = reply("now", type_="text/plain")
        assert (await web.fetch(site.url("/none"))).text == "now"


async def test_who_waits_is_not_stopped_with_the_one_who_asked(site: Site) -> None:
    """The flight of an agent that is killed is taken up by the next one."""
    asked, go = anyio.Event(), anyio.Event()

    async def slowly(exchange: Exchange) -> None:
        asked.set()
        await go.wait()
        await exchange.send(reply("here", type_="text/plain"))

    site.pages["/slow"] = slowly
    pages: list[Page] = []
    async with fetching(site) as fetcher, anyio.create_task_group() as tasks:
        first = anyio.CancelScope()

        async def killed() -> None:
            with first:
                await fetcher.fetch(site.url("/slow"), "root/1")

        async def waiting() -> None:
            pages.append(await fetcher.fetch(site.url("/slow"), "root/2"))

        tasks.start_soon(killed)
        await asked.wait()
        tasks.start_soon(waiting)
        await anyio.wait_all_tasks_blocked()
        first.cancel()
        go.set()
    assert pages[0].text == "here"


@pytest.mark.requirement("web.kept")
async def test_a_page_is_kept_as_it_came_and_as_it_is_shown(site: Site) -> None:
    """The event says who asked, and from where it came."""
    body = HTML.encode()
    site.pages["/old"] = reply(status=302, Location="/page")
    site.pages["/page"] = reply(body, type_="text/html; charset=utf-8")
    journal = MemoryJournal()
    async with fetching(site, journal=journal) as fetcher:
        page = await fetcher.fetch(site.url("/old"), "root/7")
    (event,) = [event for event in journal.events() if isinstance(event, PageFetched)]
    assert (event.agent, event.url, event.address) == (
        "root/7", site.url("/old"), site.url("/page"))  # fmt: skip
    assert (event.status, event.media_type, event.title) == (200, "text/html", "T")
    assert journal.read_bytes(event.blob) == body
    assert event.size == len(body)
    assert journal.read(event.text).startswith(page.text)


@pytest.mark.requirement("web.kept")
async def test_a_resumed_run_reads_from_its_journal(site: Site, tmp_path: Path) -> None:
    """The same page, links and all, with the server gone."""
    site.pages["/page"] = reply(HTML)
    site.pages["/long"] = reply("word " * 5000, type_="text/plain")
    site.pages["/image"] = reply(b"\x89PNG\0", type_="image/png")
    journal = FolderJournal.create(tmp_path / "run")
    async with fetching(site, journal=journal) as fetcher:
        first = [await fetcher.get(site.url(path)) for path in ("/page", "/long", "/image")]
        await journal.commit()
    journal.close()
    asked = site.asked.total()
    journal = FolderJournal.reopen(tmp_path / "run")
    async with fetching(site, journal=journal, past=journal.events()) as fetcher:
        second = [await fetcher.get(site.url(path)) for path in ("/page", "/long", "/image")]
        with pytest.raises(WebError, match="image/png"):
            await fetcher.fetch(site.url("/image"))
    journal.close()
    assert second[:2] == first[:2]
    assert second[2].blob == first[2].blob
    assert site.asked.total() == asked


async def test_texts_are_read_back_where_memory_is_short(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And not fetched again."""
    monkeypatch.setattr(kept, "KEPT_CHARS", 10_000)
    for number in range(5):
        site.pages[f"/{number}"] = reply(f"{number} " * 3000, type_="text/plain")
    async with fetching(site) as fetcher:
        for number in [*range(5), *range(5)]:
            assert (await fetcher.fetch(site.url(f"/{number}"))).text.startswith(f"{number} ")
    assert set(site.asked.values()) == {1}


async def test_a_body_that_is_not_text_can_be_had_as_bytes(site: Site) -> None:
    """Its text is empty, with the reason."""
    site.pages["/image"] = reply(b"\x89PNG\0", type_="image/png")
    journal = MemoryJournal()
    async with fetching(site, journal=journal) as fetcher:
        page = await fetcher.get(site.url("/image"))
    assert (page.text, page.media_type, page.size) == ("", "image/png", 5)
    assert "not text" in page.problem
    assert journal.read_bytes(page.blob) == b"\x89PNG\0"


@pytest.mark.requirement("web.host-limit")
async def test_a_host_is_never_asked_more_at_once_than_its_limit(site: Site) -> None:
    """However many agents ask."""

    async def slowly(exchange: Exchange) -> None:
        await anyio.wait_all_tasks_blocked()
        await exchange.send(reply("here", type_="text/plain"))

    for number in range(40):
        site.pages[f"/{number}"] = slowly
    async with fetching(site, at_once=3) as fetcher:
        pages = await fetch_all(fetcher, [site.url(f"/{number}") for number in range(40)])
    assert all(isinstance(page, Page) for page in pages)
    assert site.most_busy == 3


@pytest.mark.requirement("web.host-limit")
@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("form", ["seconds", "date", "none"])
async def test_a_host_that_asks_to_wait_is_waited_for(
    site: Site, status: int, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As long as it says, in seconds or until a date."""
    monkeypatch.setattr(failures, "SOONEST_S", 0.0)
    monkeypatch.setattr("openswarm.pacing.limiter.FIRST_DELAY_S", 0.01)
    wait = {"seconds": {"Retry_After": "0"}, "date": {"Retry_After": formatdate(0)}, "none": {}}
    site.pages["/busy"] = [reply(status=status, **wait[form]), reply("now", type_="text/plain")]
    async with fetching(site) as web:
        assert (await web.fetch(site.url("/busy"))).text == "now"
    assert site.asked["/busy"] == 2


@pytest.mark.requirement("web.host-limit")
@pytest.mark.parametrize(
    ("value", "seconds"),
    [("7", 7.0), ("0", 0.0), ("-5", 0.0), ("soon", 1.0), ("nan", 1.0), (None, 1.0)],
)
def test_what_a_server_asks_to_wait_is_understood(value: str | None, seconds: float) -> None:
    """Nonsense is taken as nothing said."""
    headers = {} if value is None else {"retry-after": value}
    error = failures.refusal(429, headers)
    assert (error.fault, error.retry_after_s) == (Fault.THROTTLED, seconds)


async def test_nobody_waits_for_a_host_that_asks_for_an_hour(site: Site) -> None:
    """It is said instead."""
    site.pages["/busy"] = reply(status=429, Retry_After="500")
    async with fetching(site) as web:
        with pytest.raises(WebError, match="ask again in 500 s at the soonest"):
            await web.fetch(site.url("/busy"))


async def test_a_page_that_is_always_refused_is_given_up(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also if the host serves others."""
    monkeypatch.setattr(failures, "SOONEST_S", 0.0)
    monkeypatch.setattr("openswarm.pacing.limiter.FIRST_DELAY_S", 0.001)
    monkeypatch.setattr("openswarm.pacing.limiter.LONGEST_DELAY_S", 0.001)
    site.pages["/busy"] = reply(status=429)
    async with fetching(site) as web:
        with pytest.raises(WebError, match="answered 429, 6 times"):
            await web.fetch(site.url("/busy"))
    assert site.asked["/busy"] == 6


@pytest.mark.requirement("web.schemes")
@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "ftp://h/", "data:text/html,hi", "javascript:alert(1)", "//h/x", "h/x",
     "", " ", "http://", "http:///x", "http://h:99999/", "http://[::1", "about:blank", "\0",
     "http://a\\@b/", "blob:http://h/x", "view-source:http://h/", "http://\ud800/"],
)  # fmt: skip
async def test_only_the_web_is_fetched(site: Site, url: str) -> None:
    """Whoever asks."""
    async with fetching(site) as fetcher:
        with pytest.raises(WebError):
            await fetcher.get(url)


async def test_user_and_password_of_an_address_are_neither_sent_nor_kept(site: Site) -> None:
    """Nor shown in an error."""
    journal = MemoryJournal()
    async with fetching(site, journal=journal) as fetcher:
        page = await fetcher.fetch(site.url("/a", "user:hunter2@127.0.0.1"))
        with pytest.raises(WebError) as raised:
            await fetcher.fetch(site.url("/none", "user:hunter2@127.0.0.1"))
        with pytest.raises(WebError) as other:
            await fetcher.fetch("http://user:hunter2@h:99999/")
    assert "hunter2" not in f"{page}{raised.value}{other.value}{journal.events()}{site.heads}"
    assert not any("authorization" in head.casefold() for head in site.heads)


async def test_a_server_is_told_who_asks(site: Site) -> None:
    """openswarm, or what the settings say; cookies are not kept."""
    site.pages["/a"] = reply("here", type_="text/plain", Set_Cookie="id=1")
    site.pages["/b"] = site.pages["/a"]
    async with fetching(site) as fetcher:
        await fetcher.fetch(site.url("/a"))
        await fetcher.get(site.url("/b"))
    async with fetching(site, user_agent="librarian/2") as fetcher:
        await fetcher.fetch(site.url("/a"))
    assert "User-Agent: openswarm/" in site.heads[0]
    assert "User-Agent: librarian/2" in site.heads[-1]
    assert not any("cookie:" in head.casefold() for head in site.heads)
