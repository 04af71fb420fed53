"""Which addresses `http_request` asks: the allow list, compared strictly, also after redirects."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from api_server import ApiServer, Asked, api_server, call, http_tool, ok

from openswarm.core.errors import SettingsError, ToolError
from openswarm.tools.http.allow import AllowList, host_matches, read_url
from openswarm.tools.http_request import open_http
from openswarm.tools.setup import ToolSetup

pytestmark = pytest.mark.anyio

API = "https://api.example.com/v1"


@pytest.fixture
async def server() -> AsyncIterator[ApiServer]:
    """An API that is well."""
    async with api_server() as server:
        yield server


# the allow list


@pytest.mark.requirement("http.allow")
@pytest.mark.parametrize(
    ("beginning", "url"),
    [
        (API, API),
        (API, f"{API}/"),
        (API, f"{API}?q=1"),
        (API, f"{API}/users/7?x=/../#part"),
        (API, "HTTPS://API.Example.COM:443/v1/x"),
        (API, "https://api.example.com./v1/x"),
        (API, f"{API}/group%2Fproject"),
        (API, f"{API}/a/../b"),
        (f"{API}/", f"{API}/x"),
        ("https://api.example.com", "https://api.example.com/any"),
        ("https://API.EXAMPLE.COM:443/", "https://api.example.com/any"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/x"),
        ("https://xn--bcher-kva.example/", "https://BÜCHER.example/x"),
        ("http://[::1]:8080/", "http://[::1]:8080/x"),
        (f"{API}/%7Ea", f"{API}/~a/b"),
    ],
)
def test_an_address_that_begins_as_an_entry_does_is_allowed(beginning: str, url: str) -> None:
    AllowList.of([beginning]).check(read_url(url))


@pytest.mark.requirement("http.allow")
@pytest.mark.parametrize(
    "url",
    [
        "https://api.example.com/v10",
        "https://api.example.com/v1x/",
        "https://api.example.com/V1/x",
        "https://api.example.com/",
        "https://api.example.com//v1/x",
        "https://api.example.com/x/v1/",
        f"{API}/../admin",
        f"{API}/a/../../admin",
        f"{API}/%2e%2e/admin",
        f"{API}/.%2E/admin",
        f"{API}/..%2fadmin",
        f"{API}/%2e%2e%2fadmin",
        f"{API}/%252e%252e/admin",
        f"{API}/%25252e%25252e/admin",
        f"{API}/..;/admin",
        f"{API}/..;x=1/admin",
        f"{API}/..%5cadmin",
        f"{API}/..\\admin",
        f"{API}/a%00/../b%2f..",
        "http://api.example.com/v1/x",
        "https://api.example.com:8443/v1/x",
        "https://api.example.com.evil.example/v1/x",
        "https://evil.example/v1/x",
        "https://api.example.com@evil.example/v1/x",
        "https://user:pass@api.example.com/v1/x",
        "https://api.example.com%40evil.example/v1/x",
        "https://evil.example\\@api.example.com/v1/x",
        "https://evil.example#@api.example.com/v1/x",
        "https://evil.example/?https://api.example.com/v1/x",
        "https://api.example.com:443@evil.example/v1/",
        "https://api.examp\u200ble.com/v1/x ",
        "https://аpi.example.com/v1/x",
        "https:///v1/x",
        "https:api.example.com/v1/x",
        "//api.example.com/v1/x",
        "/v1/x",
        "",
        "ftp://api.example.com/v1/x",
        "file:///v1/x",
        "javascript:alert(1)",
        "https://api.example.com:0/v1/x",
        "https://api.example.com:99999/v1/x",
        "https://[api.example.com]/v1/x",
        "https://[::1/v1/x",
        f"{API}/\nHost: evil.example",
        f"{API}/{'x' * 8000}",
        "https://127.0.0.1/v1/x",
        "http://169.254.169.254/latest/meta-data",
    ],
)
def test_every_other_address_is_refused(url: str) -> None:
    with pytest.raises(ToolError):
        AllowList.of([API]).check(read_url(url))


@pytest.mark.requirement("http.allow")
async def test_a_refusal_names_what_can_be_asked_and_nothing_is_sent(server: ApiServer) -> None:
    async with http_tool(API, f"{server.url}/v1") as tool:
        for path in ("/", "/v2", "/v1/%2e%2e/x"):
            with pytest.raises(ToolError):
                await call(tool, server.url + path)
        with pytest.raises(ToolError, match=r"not on the allow list.*https://api\.example\.com/v1"):
            await call(tool, f"{server.url}/v2?token=1")
        assert server.asked == []
        assert (await call(tool, f"{server.url}/v1/x")).ok  # loopback, because it is named


@pytest.mark.parametrize(
    "entry", ["", "api.example.com", "ftp://x", "https://u@x/", "https://x/?a=1", "https://x/#a",
              "https://x/%2e%2e/", "https://*.example.com/"]
)  # fmt: skip
async def test_an_entry_that_is_no_beginning_of_an_address_is_named(entry: str) -> None:
    with pytest.raises(SettingsError, match=r"tools\.http\.allow"):
        async with http_tool(API, entry):
            pass


@pytest.mark.requirement("http.allow")
async def test_without_an_allow_list_the_tool_says_how_to_write_one(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        with pytest.raises(SettingsError, match=r"allow = \[\"https://"):
            await open_http(ToolSetup(scratch=tmp_path, home=tmp_path), stack)


@pytest.mark.parametrize(
    ("url", "host", "matches"),
    [
        ("https://a.example/", "a.example", True),
        ("https://a.example:8443/", "a.example", True),
        ("https://a.example:8443/", "A.example:8443", True),
        ("https://a.example/", "a.example:8443", False),
        ("https://a.example/", "a.example:443", True),
        ("https://b.a.example/", "a.example", False),
        ("https://a.example.evil/", "a.example", False),
        ("http://[::1]:8080/", "[::1]:8080", True),
        ("http://[::1]:8080/", "::1", True),
        ("https://xn--bcher-kva.example/", "bücher.example", True),
        ("https://a.example/", "a.example:x", False),
        ("https://a.example/", "", False),
    ],
)
def test_hosts_of_secrets_are_names_with_or_without_a_port(
    url: str, host: str, matches: bool
) -> None:
    assert host_matches(read_url(url), [host]) is matches


# redirects


@pytest.mark.requirement("http.allow")
@pytest.mark.parametrize("target", ["/v2/x", "//evil.invalid/v1", "https://evil.invalid/v1",
                                    "http://u@127.0.0.1/v1", "/v1/..%2fv2", "file:///etc/passwd",
                                    "http://169.254.169.254/", "http://[bad"])  # fmt: skip
async def test_a_redirect_out_of_the_list_is_told_and_not_followed(target: str) -> None:
    def answer(_: Asked) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": target})

    async with api_server(answer) as server, http_tool(f"{server.url}/v1") as tool:
        result = await call(tool, f"{server.url}/v1/x")
        assert len(server.asked) == 1
    assert not result.ok and "It redirects to where it was not followed" in result.text


def moved(status: int, to: str = "/v1/new") -> Any:
    """Answers /v1/old with a redirect, and everything else well."""

    def answer(asked: Asked) -> web.StreamResponse:
        if asked.path == "/v1/old":
            return web.Response(status=status, headers={"Location": to})
        return ok(asked)

    return answer


@pytest.mark.requirement("http.allow")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_reading_follows_a_redirect_within_the_list(status: int, method: str) -> None:
    async with api_server(moved(status)) as server, http_tool(f"{server.url}/v1/") as tool:
        result = await call(tool, f"{server.url}/v1/old", method)
        assert result.ok and [asked.path for asked in server.asked] == ["/v1/old", "/v1/new"]
        assert {asked.method for asked in server.asked} == {method}


@pytest.mark.requirement("http.allow")
@pytest.mark.parametrize(
    ("method", "status", "follows"),
    [("POST", 301, True), ("POST", 302, True), ("POST", 303, True), ("PUT", 303, True),
     ("DELETE", 303, True), ("POST", 307, False), ("POST", 308, False), ("PUT", 302, False),
     ("PATCH", 301, False), ("DELETE", 307, False)],
)  # fmt: skip
async def test_a_redirect_never_repeats_an_effect(method: str, status: int, follows: bool) -> None:
    async with api_server(moved(status)) as server, http_tool(f"{server.url}/v1/") as tool:
        result = await call(tool, f"{server.url}/v1/old", method, json={"x": 1})
        methods = [asked.method for asked in server.asked]
        assert methods == ([method, "GET"] if follows else [method])
        assert server.asked[-1].body == (b"" if follows else b'{"x": 1}')
    assert follows == result.ok
    assert follows or f"asks to send the {method} to" in result.text


async def test_a_loop_of_redirects_ends() -> None:
    async with api_server(moved(302, "/v1/old")) as server, http_tool(server.url) as tool:
        with pytest.raises(ToolError, match="redirects more than 5 times"):
            await call(tool, f"{server.url}/v1/old")
        assert len(server.asked) == 6
