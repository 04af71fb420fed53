"""robots.txt: its rules by RFC 9309, read once a site, and what it means where it cannot be."""

import time

import pytest
from fetched_site import Site, fetching, reply

from openswarm.core.errors import WebError
from openswarm.pacing.limiter import Pacing
from openswarm.tools.web import fetcher, permission
from openswarm.tools.web.robots import group_for, matches

pytestmark = [pytest.mark.anyio, pytest.mark.requirement("web.robots")]


@pytest.mark.parametrize(
    ("rules", "path", "allowed"),
    [
        ("", "/a", True),
        ("User-agent: *\nDisallow: /", "/a", False),
        ("User-agent: *\nDisallow: /", "/robots.txt", True),
        ("User-agent: *\nDisallow:", "/a", True),
        ("user-agent:*\ndisallow:/a # why", "/ab", False),
        ("User-agent: *\nDisallow: /a", "/b", True),
        ("User-agent: *\nDisallow: /\nAllow: /a", "/ab", True),
        ("User-agent: *\nAllow: /a\nDisallow: /a", "/a", True),
        ("User-agent: *\nDisallow: /*.pdf$", "/x/y.pdf", False),
        ("User-agent: *\nDisallow: /*.pdf$", "/x/y.pdf?z", True),
        ("User-agent: *\nDisallow: /*?", "/a?b", False),
        ("User-agent: *\nDisallow: /a$", "/ab", True),
        ("User-agent: *\nDisallow: /a*c*e", "/abcde", False),
        ("User-agent: openswarm\nDisallow: /\n\nUser-agent: *\nAllow: /", "/a", False),
        ("User-agent: *\nDisallow: /\n\nUser-agent: OpenSwarm/2.0\nDisallow:", "/a", True),
        ("User-agent: openswarmer\nDisallow: /", "/a", True),
        ("User-agent: other\nUser-agent: openswarm\nDisallow: /", "/a", False),
        ("User-agent: openswarm\nDisallow: /a\nUser-agent: openswarm\nDisallow: /b", "/b", False),
        ("User-agent: other\nDisallow: /", "/a", True),
        ("Disallow: /", "/a", True),
        ("User-agent: *\nDisallow: /%61", "/a", False),
        ("User-agent: *\nDisallow: /ä", "/%C3%A4", False),
        ("User-agent: *\nDisallow: /a%2fb", "/a%2Fb", False),
        ("\ufeffUser-agent: *\nDisallow: /", "/a", False),
        ("User-agent: *\rDisallow: /", "/a", False),
        ("<html>not found</html>", "/a", True),
        ("User-agent: *\nSitemap: http://h/\nDisallow: /a", "/a", False),
    ],
)
def test_the_longest_rule_of_the_own_group_decides(rules: str, path: str, allowed: bool) -> None:
    """Or of the group for all."""
    assert group_for(rules, "openswarm/0.1").allows(path) is allowed


@pytest.mark.parametrize(
    ("text", "delay_s"),
    [("5", 5.0), ("0.5", 0.5), ("-1", 0.0), ("soon", 0.0), ("nan", 0.0), ("1e9", 0.0)],
)
def test_a_delay_is_a_number(text: str, delay_s: float) -> None:
    """Anything else is none."""
    assert group_for(f"User-agent: *\nCrawl-delay: {text}", "openswarm").delay_s == delay_s


def test_no_file_takes_long_to_match() -> None:
    """However many wildcards it has."""
    began = time.process_time()
    assert not matches("/" + "*a" * 2000 + "*b", "/" + "a" * 8000)
    group = group_for("User-agent: *\n" + "Disallow: /*a*a*a*b\n" * 50_000, "openswarm")
    assert group.allows("/" + "a" * 2000)
    assert time.process_time() - began < 2


async def test_what_is_forbidden_is_not_asked(site: Site) -> None:
    """And the refusal says why."""
    site.pages["/robots.txt"] = reply("User-agent: *\nDisallow: /a", type_="text/plain")
    async with fetching(site) as fetcher:
        with pytest.raises(WebError, match=r"its robots.txt does not allow it"):
            await fetcher.fetch(site.url("/a"))
    assert dict(site.asked) == {"/robots.txt": 1}


async def test_where_a_redirect_leads_is_asked_by_its_own_rules(site: Site) -> None:
    """The way to it may be free."""
    site.pages["/robots.txt"] = reply("User-agent: *\nDisallow: /a", type_="text/plain")
    site.pages["/b"] = reply(status=302, Location="/a")
    async with fetching(site) as fetcher:
        with pytest.raises(WebError, match=r"robots.txt does not allow"):
            await fetcher.fetch(site.url("/b"))
    assert site.asked["/a"] == 0


async def test_robots_can_be_switched_off(site: Site) -> None:
    """By a setting."""
    site.pages["/robots.txt"] = reply("User-agent: *\nDisallow: /", type_="text/plain")
    async with fetching(site, robots=False) as fetcher:
        assert (await fetcher.fetch(site.url("/a"))).text == "here"
    assert site.asked["/robots.txt"] == 0


async def test_the_group_is_chosen_by_the_name_of_the_settings(site: Site) -> None:
    """Not by openswarm's."""
    rules = "User-agent: librarian\nDisallow:\n\nUser-agent: *\nDisallow: /"
    site.pages["/robots.txt"] = reply(rules, type_="text/plain")
    async with fetching(site, user_agent="Librarian/2 (+http://h/)") as fetcher:
        assert (await fetcher.fetch(site.url("/a"))).text == "here"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
async def test_a_site_without_rules_allows_all(site: Site, status: int) -> None:
    """As the RFC says of every 4xx."""
    site.pages["/robots.txt"] = reply(status=status)
    async with fetching(site) as fetcher:
        assert (await fetcher.fetch(site.url("/a"))).text == "here"


async def test_rules_are_found_behind_redirects(site: Site) -> None:
    """A circle of them is no file."""
    site.pages["/robots.txt"] = reply(status=301, Location="/rules")
    site.pages["/rules"] = reply("User-agent: *\nDisallow: /a", type_="text/plain")
    async with fetching(site) as web:
        with pytest.raises(WebError, match=r"robots.txt does not allow"):
            await web.fetch(site.url("/a"))
    site.pages["/rules"] = reply(status=301, Location="/robots.txt")
    async with fetching(site) as web:
        assert (await web.fetch(site.url("/a"))).text == "here"


async def test_rules_that_cannot_be_read_forbid_all(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until they can."""
    monkeypatch.setattr(fetcher, "RETRY_S", 0.0)
    monkeypatch.setattr(fetcher, "FAILURE_KEPT_S", 0.0)
    site.pages["/robots.txt"] = reply(status=500)
    async with fetching(site) as web:
        with pytest.raises(WebError, match=r"robots.txt cannot be read now"):
            await web.fetch(site.url("/a"))
        site.pages["/robots.txt"] = reply("", type_="text/plain")
        assert (await web.fetch(site.url("/a"))).text == "here"


@pytest.mark.parametrize(("delay", "kept_s"), [("2", 2.0), ("9999", 10.0), ("0", 0.0)])
async def test_the_delay_that_a_site_asks_for_is_kept(
    site: Site, delay: str, kept_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within bounds."""
    site.pages["/robots.txt"] = reply(f"User-agent: *\nCrawl-delay: {delay}", type_="text/plain")
    pacing = Pacing()
    monkeypatch.setattr(permission, "FORBIDDEN", "no")
    async with fetching(site, pacing=pacing) as web:
        await web.fetch(site.url("/a"))
    assert pacing.limiter("host:127.0.0.1").interval_s == kept_s
